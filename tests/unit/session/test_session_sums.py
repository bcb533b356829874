from collections import defaultdict
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.recorded_session import Story
from hybridcode.domain.action import Applied, Approve, Proposal, Ruling, ShellCommand, Unanswered
from hybridcode.domain.events import (
    EffectFinished,
    EffectStarted,
    Envelope,
    Event,
    ModelAnswered,
    ModelAsked,
    PlanMade,
    ProposalDecided,
    ProposalMade,
    SessionOpened,
    TaskGiven,
)
from hybridcode.domain.model import Timing, Usage
from hybridcode.domain.plan import Plan, Step, Task
from hybridcode.models.ledger import Ledger
from hybridcode.session.record import CHUNK, Record
from hybridcode.session.state import SessionState
from hybridcode.tui.accounts import Books, step_accounts
from hybridcode.tui.requests import Requests, requests_of


def enveloped(events: list[Event]) -> list[Envelope]:
    at = "2026-01-01T00:00:{:02}.000000Z"
    return [Envelope("s", n, at.format(n % 60), "0" * 64, f"{n:064}", event) for n, event in enumerate(events, 1)]


STEPS = ("1", "2", None)


@st.composite
def calls(draw: st.DrawFn) -> list[Event]:
    """Tasks with calls that overlap, fail, are tried again or never answered, in whatever order."""
    events: list[Event] = [SessionOpened("/w", "1", "default", True, False, "big", "small")]
    open_calls: list[str] = []
    made = 0
    for _ in range(draw(st.integers(0, 40))):
        match draw(st.sampled_from(("task", "ask", "ask", "answer", "answer"))):
            case "task":
                made += 1
                events.append(TaskGiven(Task(f"t{made}", "x"), "d"))
                events.append(PlanMade(Plan(tuple(Step(name, "g") for name in ("1", "2"))), "frontier"))
            case "ask":
                made += 1
                backend = draw(st.sampled_from(("frontier", "local")))
                role = draw(st.sampled_from(("plan", "draft", "judge")))
                is_remote = backend == "frontier"
                host = "api:443" if is_remote else None
                step = draw(st.sampled_from(STEPS))
                model = "big" if is_remote else "small"
                events.append(ModelAsked(f"c{made}", role, model, backend, host, is_remote, "a", 100 + made, step))
                open_calls.append(f"c{made}")
            case _ if open_calls:
                name = open_calls.pop(draw(st.integers(0, len(open_calls) - 1)))
                usage = Usage(draw(st.integers(0, 9_000)), draw(st.integers(0, 900)), 0, 10, draw(st.integers(0, 99)))
                error = draw(st.sampled_from(("", "", "gone")))
                usd = draw(st.sampled_from((None, 0.25, 0.5)))
                events.append(ModelAnswered(name, "b", "stop", usage, Timing(draw(st.integers(0, 9))), usd, error))
            case _:
                pass
    return events


@given(calls())
def test_sums_that_grow_are_the_sums_of_all(events: list[Event]) -> None:
    envelopes = enveloped(events)
    state = SessionState()
    for place, envelope in enumerate(envelopes, 1):
        state.apply(envelope)
        assert state.sums.ledger == Ledger.of(envelopes[:place])
    assert sum(isinstance(event, ModelAsked) for event in events) == state.sums.calls
    by_task: dict[str, dict[str, tuple[int, int, float]]] = defaultdict(dict)
    asked = {event.call_id: (place, event) for place, event in enumerate(events) if isinstance(event, ModelAsked)}
    for event in events:
        if not isinstance(event, ModelAnswered):
            continue
        place, question = asked[event.call_id]
        tasks = [one.task.id for one in events[:place] if isinstance(one, TaskGiven)]
        if tasks:
            step = question.step or ""
            had = by_task[tasks[-1]].get(step, (0, 0, 0.0))
            more = (event.usage.input_tokens, event.usage.output_tokens, event.timing.total_s)
            by_task[tasks[-1]][step] = (had[0] + more[0], had[1] + more[1], had[2] + more[2])
    found = {
        view.task.id: {
            name: (use.input_tokens, use.output_tokens, use.seconds)
            for name, use in view.use.items()
            if use.input_tokens or use.output_tokens or use.seconds
        }
        for view in state.tasks
    }
    wanted = {task: {name: sums for name, sums in steps.items() if any(sums)} for task, steps in by_task.items()}
    assert {task: steps for task, steps in found.items() if steps} == {
        task: steps for task, steps in wanted.items() if steps
    }


@given(calls(), st.integers(0, 80))
def test_views_that_fold_on_are_those_that_fold_anew(events: list[Event], cut: int) -> None:
    envelopes = enveloped(events)
    books, requests = Books(), Requests()
    for part in (envelopes[:cut], envelopes[cut:]):
        books.take(part)
        requests.take(part)
    assert list(books.steps.values()) == step_accounts(envelopes)
    assert books.ledger == Ledger.of(envelopes)
    assert books.growth == Books().take(envelopes).growth
    assert list(requests.found.values()) == requests_of(envelopes)


def test_a_price_that_nobody_knows_makes_the_step_unknown() -> None:
    usage = Usage(100, 10)
    state = SessionState.of(
        enveloped(
            [
                TaskGiven(Task("t", "x"), "d"),
                PlanMade(Plan((Step("1", "g"),)), "frontier"),
                ModelAsked("c1", "draft", "big", "frontier", "api:443", True, "a", 400, "1"),
                ModelAnswered("c1", "b", "stop", usage, Timing(1.0, 0.2, 40.0), 0.5),
                ModelAsked("c2", "draft", "big", "frontier", "api:443", True, "a", 400, "1"),
                ModelAnswered("c2", "b", "stop", usage, Timing(1.0, 0.2, 41.0), None),
            ]
        )
    )
    use = state.tasks[0].use["1"]
    assert (use.usd, use.decode_tps, use.calls, use.seconds) == (None, 41.0, 2, 2.0)


def test_a_retry_of_the_transport_is_the_same_call() -> None:
    first = ModelAsked("c1", "plan", "big", "frontier", "api:443", True, "a", 400)
    second = ModelAsked("c1", "plan", "big", "frontier", "api:443", True, "a", 400, attempt=2)
    gone = ModelAnswered("c1", "", "stop", Usage(), Timing(), None, "no answer")
    good = ModelAnswered("c1", "b", "stop", Usage(100, 10), Timing(), 0.5)
    state = SessionState.of(enveloped([first, gone, second, good]))
    assert (state.sums.calls, state.sums.ledger.frontier.calls, state.sums.ledger.frontier.usd) == (1, 2, 0.5)


PROPOSALS = ("a", "b", "c")


@given(st.lists(st.tuples(st.sampled_from(PROPOSALS), st.sampled_from(("made", "yes", "later", "begun", "done")))))
def test_what_waits_and_runs_is_what_a_look_at_all_would_find(moves: list[tuple[str, str]]) -> None:
    command = ShellCommand(argv=("ls",))
    events: list[Event] = []
    for name, move in moves:
        proposal = Proposal(name, "1", command, "d" * 64, Ruling("ask", "", ""))
        events.append(
            {
                "made": ProposalMade(proposal),
                "yes": ProposalDecided(name, Approve("d" * 64, "you")),
                "later": ProposalDecided(name, Unanswered("nobody")),
                "begun": EffectStarted(name, "d" * 64),
                "done": EffectFinished(name, Applied(())),
            }[move]
        )
    state = SessionState()
    for envelope in enveloped(events):
        state.apply(envelope)
        by_age = sorted(state.proposals.values(), key=lambda view: view.made_at)
        assert state.waiting == [view for view in by_age if view.status == "pending"]
        assert state.executing == next((view for view in by_age if view.status == "executing"), None)


@given(st.integers(0, 3 * CHUNK), st.integers(0, 2 * CHUNK))
def test_a_packed_record_reads_like_a_list(past: int, later: int) -> None:
    envelopes = enveloped(list(islice(Story().events(), past + later)))
    record = Record(envelopes[:past])
    for envelope in envelopes[past:]:
        record.append(envelope)
    assert len(record) == len(envelopes)
    assert list(record) == envelopes
    assert list(reversed(record)) == envelopes[::-1]
    assert record[-7:] == envelopes[-7:]
    assert record[3:700:50] == envelopes[3:700:50]
    for place in {0, past, past + later - 1, -1} & set(range(-len(envelopes), len(envelopes))):
        assert record[place] == envelopes[place]


def test_reading_a_record_while_it_grows_gives_what_was_there() -> None:
    envelopes = enveloped(list(islice(Story().events(), 3 * CHUNK)))
    record = Record(envelopes[: 2 * CHUNK])
    reading = iter(record)
    first = next(reading)
    for envelope in envelopes[2 * CHUNK :]:
        record.append(envelope)
    assert [first, *reading] == envelopes[: 2 * CHUNK]


def test_a_state_that_forgets_keeps_what_waits_and_all_sums() -> None:
    events = list(islice(Story().events(), 2_000))
    proposal = Proposal("waits", "1", ShellCommand(argv=("ls",)), "d" * 64, Ruling("ask", "", ""))
    envelopes = enveloped([*events[:100], ProposalMade(proposal), *events[100:]])
    whole, shown = SessionState.of(envelopes), SessionState(keeps_record=False, forgets_ended=True)
    for envelope in envelopes:
        shown.apply(envelope)
    assert shown.waiting == whole.waiting
    assert shown.sums.ledger == whole.sums.ledger
    assert shown.task == whole.task
    assert [view.use for view in shown.tasks] == [view.use for view in whole.tasks]
    assert len(shown.proposals) < 20 < len(whole.proposals)
    assert len(shown.envelopes) == 0
