from pathlib import Path

import pytest

from hybridcode.agent.hint import Hint, read_hint
from hybridcode.agent.notes import AGAIN, Notes, declined, fact, refused
from hybridcode.cli.transcript import transcript
from hybridcode.domain.events import StepMoved
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from hybridcode.domain.refusal import Refusal
from hybridcode.gate.approvers import Scripted, no, yes
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.tui.story import entries
from tests.support.sessions import FRONTIER, LOCAL, Scene, edit, fence, planning, proven

IS_FIVE = "grep -q 5 shop.py"
NOT_USED = "# Your last answer was not used"
OTHERS = "# The last answer, by another model, was not used\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.py").write_text("RATE = 3\n")
    return folder


class Stage:
    """A step that fails in several ways, and what the models are told each time."""

    def __init__(self, workspace: Path, local: list[str], frontier: dict[str, list[str]], **more: object) -> None:
        plan = Plan((edit("rate", "shop.py#RATE", check=IS_FIVE),))
        self.frontier = ScriptedModel(FRONTIER, {**planning(plan), **frontier})
        self.local = ScriptedModel(LOCAL, {"draft": local})
        settings = {"approval.allow": (f"Bash(={IS_FIVE})",), "limits.max_repairs": 0, **more}
        self.scene = Scene(workspace, models=Models(self.frontier, self.local), settings=settings)

    def told(self, model: ScriptedModel, role: str) -> list[str]:
        return [request.messages[-1].content for request in model.requests if request.role == role]


async def test_what_the_check_said_and_the_hint_stay_beside_a_later_refusal(workspace: Path):
    answers = [fence("RATE = 4"), "", "I cannot do that.", fence("RATE = 5")]
    it = Stage(workspace, answers, {"hint": ["Write five.", "Really five."]}, **{"routing.frontier_hints": 2})
    assert (await it.scene.run()).code == ExitCode.DONE
    _, second, third, fourth = it.told(it.local, "draft")
    assert "# The check failed on your last answer, which was not applied\n$ grep -q 5 shop.py" in second
    assert third.index("# The check failed on your last answer") < third.index(f"{NOT_USED}\nthe answer is empty.")
    assert "# Hint" not in third
    assert fourth.index("# The check failed") < fourth.index(NOT_USED) < fourth.index("# Hint\nWrite five.")


async def test_another_writer_is_told_that_the_answer_was_another_models(workspace: Path):
    answers = [fence("RATE = 4"), "", ""]
    it = Stage(workspace, answers, {"hint": ["Write five."], "draft": [fence("RATE = 5")]})
    assert (await it.scene.run()).code == ExitCode.DONE
    (hint,) = it.told(it.frontier, "hint")
    assert f"{OTHERS}the answer is empty." in hint
    (told,) = it.told(it.frontier, "draft")
    assert "# The check failed on the last answer, by another model, which was not applied" in told
    assert f"{OTHERS}the answer is empty." in told
    assert "# Hint\nWrite five." in told
    assert "your last answer" not in told.lower()


async def test_a_persons_words_stay_too(workspace: Path):
    it = Stage(workspace, [fence("RATE = 50"), "", fence("RATE = 5")], {})
    it.scene.make_approver = lambda approvals, sandbox: Scripted([no("exactly five"), yes])
    assert (await it.scene.run()).code == ExitCode.DONE
    third = it.told(it.local, "draft")[2]
    assert third.index("# A person declined your last answer and said\n> exactly five") < third.index(NOT_USED)


def refusal(reason: str) -> tuple[Refusal, ...]:
    return (Refusal(reason),)


def test_a_newer_note_of_a_kind_takes_the_place_of_the_older():
    notes = Notes()
    notes.take(refused(refusal("first")), "local")
    notes.take(declined("not so"), "local")
    notes.take(refused(refusal("second")), "local")
    told = notes.told("local")
    assert "first" not in told
    assert told.index("> not so") < told.index("second.")


def test_an_answer_that_could_be_used_ends_what_was_said_of_one_before_it():
    notes = Notes()
    notes.take(refused(refusal("no place")), "local")
    notes.take(AGAIN, "local")
    assert "no place" in notes.told("local")
    notes.take(declined("not so"), "frontier")
    assert notes.told("frontier") == "# A person declined your last answer and said\n> not so"
    assert notes.told() == "# A person declined the last answer, by another model, and said\n> not so"


def test_older_notes_are_bounded_and_say_so_and_a_refusal_is_whole():
    notes = Notes()
    notes.take(fact("checked", "c" * 2_000), "local")
    notes.take(refused(refusal("r" * 1_900)), "local")
    notes.take(fact("hint", "h" * 3_000), "frontier")
    told = notes.told("local")
    assert "c" * 1_500 + "\n[500 more characters]" in told
    assert "r" * 1_900 in told
    assert told.endswith("h" * 3_000)


def test_nothing_is_told_before_the_first_try():
    assert Notes().told("local") == ""


def test_lines_that_were_returned_as_they_are_are_told_to_each_in_its_words():
    note = refused((Refusal("the same", is_already=True),))
    assert note.own.startswith("# You returned the lines as they are\n")
    assert note.other.startswith("# The last answer, by another model, returned the lines as they are\n")


def test_lines_of_a_hint_that_name_places_are_told_apart():
    assert read_hint("t: a.py#X\nUse it.") == Hint("# Hint\nUse it.", ("a.py#X",))
    assert read_hint("- `t: a.py, b.py#L3-4`\nat: no\nt: a.py") == Hint("# Hint\nat: no", ("a.py", "b.py#L3-4"))
    assert read_hint("t: a.py#X, #Y\nt: #Z").places == ("a.py#X", "a.py#Y", "a.py#Z")
    assert read_hint("Set t: to 5") == Hint("# Hint\nSet t: to 5")


async def test_a_step_that_a_hint_moves_is_moved_in_the_plan_and_on_every_screen(workspace: Path):
    (workspace / "tax.py").write_text("TAX = 1\n")
    plan = Plan((edit("rate", "tax.py#TAX", check=IS_FIVE),))
    frontier = {**planning(plan), "hint": ["t: shop.py#RATE\nt: gone.py"]}
    local = {"draft": [fence("TAX = 2"), fence("TAX = 3"), fence("RATE = 5")]}
    it = Scene(workspace, frontier, local, settings={"approval.allow": (f"Bash(={IS_FIVE})",)})
    assert (await it.run()).code == ExitCode.DONE
    assert it.session is not None
    state = it.session.state
    (event,) = (one for one in state.envelopes if isinstance(one.event, StepMoved))
    assert event.event == StepMoved("rate", ("shop.py#RATE",))
    assert state.tasks[0].plan is not None
    assert state.tasks[0].plan.steps[0].touches == ("shop.py#RATE",)
    assert state.tasks[0].steps["rate"].step.touches == ("shop.py#RATE",)
    assert any("gone.py is not followed: step rate: there is no file gone.py" in one.text for one in state.notices)
    assert {line.verdict for line in proven(it.session) if line.kind in ("window", "draft", "proposal")} == {"ok"}
    words = "rate is written at shop.py#RATE now, as the hint says"
    assert [entry.text for entry in entries(event.event, state)] == [words]
    assert words in "\n".join(transcript(event, lambda digest: b""))


async def test_a_hint_that_moves_what_failed_is_told_at_each_place_and_leaves_the_rest(workspace: Path):
    (workspace / "tax.py").write_text("TAX = 1\n")
    (workspace / "fee.py").write_text("FEE = 1\n")
    plan = Plan((edit("rate", "fee.py#FEE", "tax.py#TAX"),))
    local = ScriptedModel(LOCAL, {"draft": [fence("FEE = 5"), "", "", fence("RATE = 5"), fence("TAX = 5")]})
    hint = {"hint": ["t: shop.py#RATE\nt: tax.py#TAX\nBoth must be five."]}
    it = Scene(workspace, models=Models(ScriptedModel(FRONTIER, {**planning(plan), **hint}), local))
    assert (await it.run()).code == ExitCode.DONE
    drafts = [request.messages[-1].content for request in local.requests if request.role == "draft"]
    moved = [text for text in drafts if "# Hint" in text]
    assert len(moved) == 2
    assert all("# Hint\nBoth must be five." in text for text in moved)
    assert [it.read(name) for name in ("fee.py", "shop.py", "tax.py")] == ["FEE = 5\n", "RATE = 5\n", "TAX = 5\n"]


async def test_a_hint_that_moves_a_whole_step_leaves_nothing_of_the_old_places(workspace: Path):
    (workspace / "fee.py").write_text("FEE = 1\n")
    plan = Plan((edit("rate", "fee.py#FEE", check=IS_FIVE),))
    local = {"draft": [fence("FEE = 2"), fence("FEE = 3"), fence("RATE = 5")]}
    settings = {"approval.allow": (f"Bash(={IS_FIVE})",)}
    it = Scene(workspace, {**planning(plan), "hint": ["t: shop.py#RATE"]}, local, settings=settings)
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("fee.py") == "FEE = 1\n"


FUNCTION = "def total(items):\n" + "".join(f"    rate_{n} = lookup(items, {n}, default=None)\n" for n in range(18))


async def test_who_gives_a_hint_sees_the_place_that_failed_and_the_last_answer_and_little_else(workspace: Path):
    (workspace / "cart.py").write_text(f"{FUNCTION}    return 1\n\n\ndef size(items):\n    return 7_000\n")
    other = fence("def total(items):\n    # ... unchanged\n    return 3")
    plan = Plan((edit("both", "cart.py#size", "cart.py#total"),))
    good = "cart.py\n<<<<<<< SEARCH\n    return 1\n=======\n    return 2\n>>>>>>> REPLACE"
    frontier = ScriptedModel(FRONTIER, {**planning(plan), "hint": ["Write all of it."]})
    elided = fence("def total(items):\n    # ... unchanged\n    return 2")
    local = ScriptedModel(LOCAL, {"draft": [fence("def size(items):\n    return 8"), other, elided, good]})
    it = Scene(workspace, models=Models(frontier, local))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("cart.py").endswith("    return 2\n\n\ndef size(items):\n    return 8\n")
    (request,) = (one for one in frontier.requests if one.role == "hint")
    told = request.messages[-1].content
    assert "# Place\ncart.py#total\n" in told
    assert f"# cart.py#total as it is\n{FUNCTION}    return 1\n" in told
    assert f"{OTHERS}lines are left out at" in told
    assert f"\nIt was:\n{elided}" in told
    assert "7_000" not in told
    assert "Answer again" not in told
    assert sum(len(message.content.encode()) for message in request.messages) <= 2_800


async def test_who_gives_a_hint_sees_the_names_around_the_place(workspace: Path):
    it = Stage(workspace, ["", "", fence("RATE = 5")], {"hint": ["Five."]})
    assert (await it.scene.run()).code == ExitCode.DONE
    (hint,) = it.told(it.frontier, "hint")
    assert "# Place\nshop.py#RATE\n\n# Names there\nshop.py: RATE\n\n# shop.py#RATE as it is\nRATE = 3\n" in hint
