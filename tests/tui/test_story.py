import msgspec
import pytest
from scene_parts import ASKS_EDIT, CHANGES, drafted, given, opened, planned, propose, talk

from hybridcode.domain.action import (
    Applied,
    Approve,
    Declined,
    Denied,
    Failed,
    Proposal,
    Ran,
    Ruling,
    ShellCommand,
    ToolCall,
    Unknown,
)
from hybridcode.domain.events import (
    CheckRan,
    EffectFinished,
    EffectStarted,
    Event,
    Interrupted,
    PlanMade,
    ProposalDecided,
    RungTaken,
    SessionResumed,
    StepEnded,
    StepStarted,
    TaskEnded,
    TaskGiven,
    TaskResumed,
    WindowAssembled,
)
from hybridcode.domain.plan import Plan, Step, Task
from hybridcode.domain.window import Excerpt
from hybridcode.session.state import SessionState
from hybridcode.tui.command_text import reason_of
from hybridcode.tui.doing import Doing, doing_now, step_words
from hybridcode.tui.entry import Entry
from hybridcode.tui.folding import lay_out
from hybridcode.tui.meter import meter_items, meter_of
from hybridcode.tui.plan_text import plan_rows
from hybridcode.tui.story import entries

ALLOWED = Ruling("allow", "a rule of yours", "user:suite")


def _told(*events: Event) -> list[Entry]:
    """The entries of the last event."""
    conversation = talk()
    conversation.events = list(events)
    state = SessionState.of(conversation.envelopes)
    return entries(events[-1], state)


def _texts(*events: Event) -> list[str]:
    return [f"{entry.label} {entry.text}".strip() for entry in _told(*events)]


def _changes(*, receipt: Applied | Declined | Denied) -> list[Event]:
    conversation = talk()
    made = propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="two files", name="p")
    return [*drafted(), made, EffectFinished("p", receipt)]


def _command(purpose: str, *, step: str = "4") -> list[Event]:
    command = ShellCommand(argv=("pytest", "-q"), purpose=purpose)
    made = propose(talk(), command, ruling=ALLOWED, title="pytest -q", name="c", step=step)
    return [*drafted()[:-1], StepStarted(step), made, ProposalDecided("c", Approve(made.proposal.digest, "policy:x"))]


def test_a_task_that_goes_on_says_so() -> None:
    assert _texts(opened(), given(), TaskEnded(130, "interrupted", ()), TaskResumed("t1")) == ["▸ the task goes on"]


def test_a_session_opened_again_offers_to_go_on_only_with_a_stopped_task() -> None:
    stopped = _texts(opened(), given(), TaskEnded(130, "interrupted", ()), SessionResumed("0.1.0"))
    assert stopped == ["opened again", "! this task stopped: /resume goes on"]
    assert _texts(opened(), given(), TaskEnded(0, "done", ()), SessionResumed("0.1.0")) == ["opened again"]


def test_an_end_with_files_says_how_to_undo_it() -> None:
    told = _texts(opened(), given(), TaskEnded(0, "done", ("a.py",)))
    assert "undo /undo shows what can be put back, and puts it back" in told
    assert not [text for text in _texts(opened(), given(), TaskEnded(0, "done", ())) if text.startswith("undo")]


def test_no_reason_gives_the_step_up_and_a_reason_goes_to_the_next_draft() -> None:
    silent = _texts(*_changes(receipt=Declined("", "person:tui")))
    assert silent == ["✗ declined by you: two files · no reason: the step is given up"]
    said = _texts(*_changes(receipt=Declined("keep float", "person:tui")))
    assert said == ["✗ declined by you: two files · keep float", "the next draft sees it"]


def test_a_reason_that_no_draft_will_see_is_not_promised_to_one() -> None:
    *before, made, ended = _changes(receipt=Declined("x", "person"))
    last = RungTaken("2", "frontier", "frontier", 4, "the last", is_last=True)
    assert _texts(*before, last, made, ended)[-1] == "it is recorded; no draft follows"


def test_what_was_said_to_the_rest_of_a_change_is_told_with_what_follows() -> None:
    told = _texts(*_changes(receipt=Applied((), reason="hunk at a.py:3: keep float")))
    assert told == ["✓ wrote:", "✗ the rest declined · hunk at a.py:3: keep float", "the next draft sees it"]


def test_a_declined_command_has_no_next_draft() -> None:
    told = _texts(*_command("step"), EffectFinished("c", Declined("too slow", "person:tui")))
    assert told == ["✗ declined by you: pytest -q · too slow", "the step is given up"]


def test_a_denied_step_is_told_once() -> None:
    why = "destroys history (rule commands.git). Only a rule can allow it"
    events = _changes(receipt=Denied("destroys history", "commands.git", "Only a rule can allow it"))
    ended = StepEnded("2", "denied", why)
    assert _texts(*events, ended) == ["✗ 2 denied"]
    rest = "; not tried because of it: 3, 4"
    told = _texts(*events, ended, TaskEnded(5, "denied", (), f"step 2: {why}{rest}"))
    assert told[0] == f"ended step 2 was denied{rest}"


def test_a_declined_step_names_the_person_as_you() -> None:
    events = [
        *_changes(receipt=Declined("", "person:tui")),
        StepEnded("2", "declined", "declined by person:tui"),
    ]
    assert _texts(*events) == ["✗ 2 declined by you"]
    ended = TaskEnded(5, "denied", (), "step 2: declined by person:tui")
    assert _texts(*events, ended)[0] == "ended step 2 was declined by you"


def test_a_step_that_failed_after_a_refusal_says_why_it_failed() -> None:
    events = _changes(receipt=Declined("keep float", "person:tui"))
    assert _texts(*events, StepEnded("2", "failed", "cut off")) == ["✗ 2 failed: cut off"]


@pytest.mark.parametrize(("by", "who"), [("you", "you"), ("a key", "you"), ("SIGTERM", "SIGTERM")])
def test_who_interrupted(by: str, who: str) -> None:
    assert _texts(opened(), given(), Interrupted(by)) == [f"‖ interrupted by {who}"]


def test_an_interruption_says_what_is_kept() -> None:
    conversation = talk()
    made = propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="two files")
    kept = ["‖ interrupted by you; what waits is kept · Ctrl+Y"]
    assert _texts(*drafted(), made, Interrupted("you")) == kept
    assert _texts(*planned(), Interrupted("you")) == kept


@pytest.mark.parametrize("code", [0, 1])
def test_the_last_lines_of_a_steps_command_are_shown_with_a_count(code: int) -> None:
    tail = "\n".join(f"line {number}" for number in range(20)) + "\n"
    told = _texts(*_command("step"), EffectFinished("c", Ran(code, "e" * 64, tail, 1.2)))
    assert told == [f"$ pytest -q · exit {code} · 1.2 s · sandbox none", tail.rstrip()]
    output = _told(*_command("step"), EffectFinished("c", Ran(code, "e" * 64, tail, 1.2)))[1]
    shown = [row.text for row in lay_out(output, 60).rows]
    assert shown == ["⋯ 14 lines · Ctrl+O", *(f"line {number}" for number in range(14, 20))]
    assert [row.text for row in lay_out(output, 60, is_open=True).rows] == tail.rstrip().split("\n")


def test_a_tail_that_was_cut_counts_at_least() -> None:
    tail = "x" * 493 + ("\n" + "y" * 500) * 7
    output = _told(*_command("step"), EffectFinished("c", Ran(0, "e" * 64, tail, 1.2)))[1]
    assert lay_out(output, 600).rows[0].text == "⋯ at least 2 lines · Ctrl+O"
    assert "not in the receipt" in lay_out(output, 600, is_open=True).rows[0].text


def test_the_output_of_a_command_is_told_once() -> None:
    ran = [*_command("step"), EffectFinished("c", Ran(1, "e" * 64, "boom", 1.2))]
    assert _texts(*ran)[1:] == ["boom"]
    assert _texts(*ran, CheckRan("4", "pytest -q", False, 1, "boom", 1.2)) == []
    checked = [*_command("check", step="2"), EffectFinished("c", Ran(1, "e" * 64, "boom", 1.2))]
    assert _texts(*checked) == ["$ pytest -q · exit 1 · 1.2 s · sandbox none"]
    assert _texts(*checked, CheckRan("2", "pytest -q", False, 1, "boom", 1.2))[1:] == ["boom"]


def test_an_amended_command_is_shown_as_it_ran() -> None:
    told = _texts(*_command("step"), EffectFinished("c", Ran(0, "e" * 64, "", 1.2, command="pytest -x")))
    assert told[0].startswith("$ pytest -x")


def test_touches_are_listed_when_the_step_starts_and_never_again() -> None:
    assert _texts(*planned(), StepStarted("2")) == ["● 2 Let Cart.total return Money.", "shop/cart.py#Cart.total"]
    window = WindowAssembled("2", 1, "51ab09" + "0" * 58, (), 3_112, 4_000)
    assert _texts(*planned(), StepStarted("2"), window) == ["window 3.1k tok of 4,000 · 0 excerpts · sha 51ab0900"]
    chosen = msgspec.structs.replace(window, excerpts=(Excerpt("shop/cart.py", 1, 30, "the region"),))
    (told,) = _told(*planned(), StepStarted("2"), chosen)
    facts = "window 3.1k tok of 4,000 · 1 excerpt · sha 51ab0900"
    assert [row.text for row in lay_out(told, 60).rows] == [facts]
    assert [row.text for row in lay_out(told, 60, is_open=True).rows] == [facts, "  shop/cart.py 1-30 · the region"]


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("local model writes", "local, try 1"),
        ("local model with a hint", "local, try 1 · why: local model with a hint"),
    ],
)
def test_a_reason_that_repeats_the_writer_is_left_out(why: str, told: str) -> None:
    assert _texts(*planned(), RungTaken("2", "local", "local", 1, why)) == [told]


def test_a_long_task_is_folded_with_a_count() -> None:
    lines = [f"line {number}" for number in range(30)]
    long, short = (TaskGiven(Task("t", "\n".join(lines[:count])), "d" * 64) for count in (30, 12))
    (shown,), (whole,) = _told(opened(), long), _told(opened(), short)
    assert [row.text for row in lay_out(shown, 60).rows] == [*lines[:12], "⋯ 18 lines · Ctrl+O"]
    assert [row.text for row in lay_out(shown, 60, is_open=True).rows] == lines
    assert [row.text for row in lay_out(whole, 60).rows] == lines[:12]


@pytest.mark.parametrize(
    ("reason", "code", "said"),
    [
        ("verification_failed", 3, "/undo"),
        ("denied", 5, "policy explain"),
        ("limit", 6, "config show"),
        ("model_unavailable", 7, "doctor"),
        ("integrity", 9, "audit verify"),
        ("internal", 1, "/export"),
        ("interrupted", 130, "/resume"),
        ("transient", 75, "/resume"),
        ("stale", 8, "/resume"),
        ("approval_pending", 4, "/resume"),
        ("terminated", 143, "/resume"),
    ],
)
def test_every_bad_end_says_what_to_do(reason: str, code: int, said: str) -> None:
    assert [text for text in _texts(opened(), given(), TaskEnded(code, reason, (), "no")) if said in text]


def test_what_failed_or_is_unknown_says_where_to_look() -> None:
    for receipt, said in ((Failed("disk full"), "F5"), (Unknown("cut off"), "hybridcode approvals show c")):
        told = _texts(*_command("step"), EffectFinished("c", receipt))
        assert [text for text in told if said in text]


def test_words_of_models_are_markdown_and_others_are_not() -> None:
    answer = _told(opened(), given(), PlanMade(Plan(answer="**a**"), "frontier"))[0]
    task = _told(opened(), TaskGiven(Task("t", "**a**"), "d" * 64))[0]
    assert (answer.form, task.form) == ("markdown", "plain")


def test_a_running_command_runs_and_is_not_applied() -> None:
    conversation = talk()
    conversation.events = [*_command("step"), EffectStarted("c", "d" * 64)]
    state = SessionState.of(conversation.envelopes)
    assert state.task is not None
    assert doing_now(state) == Doing("step 4 · running · pytest -q", "c", is_command=True)
    shown = "".join(text for row in plan_rows(state.task, 60, words=step_words(state)) for text, _ in row.parts)
    assert "running" in shown
    assert "applying" not in shown


def test_a_running_check_checks() -> None:
    conversation = talk()
    conversation.events = [*_command("check", step="2"), EffectStarted("c", "d" * 64)]
    assert step_words(SessionState.of(conversation.envelopes)) == {"2": "checking"}


def test_changes_are_applied() -> None:
    conversation = talk()
    made = propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, name="p")
    conversation.events = [*drafted()[:-1], made, EffectStarted("p", made.proposal.digest)]
    state = SessionState.of(conversation.envelopes)
    assert doing_now(state) == Doing("step 2 · applying", "p", is_between=True)
    assert step_words(state) == {}


def test_a_session_without_a_frontier_counts_none() -> None:
    def shown(**fields: object) -> str:
        conversation = talk()
        conversation.events = [msgspec.structs.replace(opened(), **fields), *drafted()[1:]]
        return " · ".join(text for _, text in meter_items(meter_of(SessionState.of(conversation.envelopes))))

    assert "frontier" not in shown(frontier=None)
    assert "frontier" in shown()
    assert "local 0 tok" not in shown(local=None)


def test_several_ordinary_files_are_counted_and_one_protected_among_them_is_named() -> None:
    conversation = talk()
    inside = Ruling("ask", "shop/cart.py is an ordinary file", "files.inside")
    made = propose(conversation, conversation.seal(CHANGES), ruling=inside)
    assert reason_of(made.proposal) == "2 ordinary paths"
    one = propose(conversation, conversation.seal(CHANGES[:1]), ruling=inside)
    assert reason_of(one.proposal) == inside.reason
    protected = msgspec.structs.replace(inside, person_only=True)
    assert reason_of(propose(conversation, conversation.seal(CHANGES), ruling=protected).proposal) == inside.reason


def test_a_plan_by_a_person_is_by_you() -> None:
    told = _texts(opened(), given(), PlanMade(Plan(steps=(Step("1", "a"),)), "person"))
    assert told[0].endswith("by you")


def test_a_tool_call_that_was_declined_is_no_draft() -> None:
    call = ToolCall("files", "read", msgspec.Raw(b"{}"))
    proposal = Proposal("t", "2", call, "d" * 64, ASKS_EDIT, "read of files")
    made = propose(talk(), call, ruling=ASKS_EDIT, title=proposal.title, name="t")
    told = _texts(*drafted(), made, EffectFinished("t", Declined("no", "person:tui")))
    assert told[-1] == "the step is given up"


def test_what_was_written_is_listed() -> None:
    conversation = talk()
    changes = conversation.seal(CHANGES)
    made = propose(conversation, changes, ruling=ASKS_EDIT, name="p")
    assert _texts(*drafted(), made, EffectFinished("p", Applied(changes.edits))) == [
        "✓ wrote: shop/cart.py, shop/money.py"
    ]
