from pathlib import Path

import pytest

from hybridcode.agent.reproducing import problems_of_reproducing, reproducing_step, with_reproduction_first
from hybridcode.domain.asked import FailureReproduced
from hybridcode.domain.events import RungTaken
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.models.scripted import Script
from tests.support.repos import git_repository
from tests.support.sessions import Scene, edit, fence, planning

FILES = {
    "shop.py": "def total(items):\n    return sum(items) - 1\n",
    "tests/test_old.py": "import shop\n\n\ndef test_old():\n    assert shop.total([1]) == 0\n",
}
CHECK = "python3 tests/test_new.py"
TEST = """import sys
sys.path.insert(0, '.')
import shop
print('FAILED tests/test_new.py::test_total')
assert shop.total([1]) == 1
"""
SHOW = Step("show", "show it", kind="create", touches=("tests/test_new.py",), check=CHECK)
FIX = edit("fix", "shop.py#total")
FIXED = fence("def total(items):\n    return sum(items)")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def scene(workspace: Path, *drafts: str, plan: Plan | None = None) -> Scene:
    local: Script = {"draft": list(drafts)}
    allow = (f"Bash({CHECK})", "Edit(**)")
    settings = {"verify.reproduce": True, "approval.allow": allow, "approval.sandbox": "off"}
    return Scene(
        workspace, planning(plan or Plan((SHOW, FIX))), local, settings={**settings, "approval.sandbox": "off"}
    )


def reproduced(it: Scene) -> list[FailureReproduced]:
    assert it.session is not None
    return [e.event for e in it.session.state.envelopes if isinstance(e.event, FailureReproduced)]


async def test_a_bug_is_shown_by_a_failing_test_before_it_is_fixed(workspace: Path):
    it = scene(workspace, fence(TEST), FIXED)
    outcome = await it.run("total is one too low")
    assert outcome.code == ExitCode.DONE, outcome.message
    (event,) = reproduced(it)
    assert (event.step, event.command, event.tests) == ("show", CHECK, ("tests/test_new.py::test_total",))
    assert it.session is not None
    assert it.session.state.task is not None
    assert [(check.command, check.passed) for check in it.session.state.task.checks] == [(CHECK, True)]


async def test_a_test_that_passes_already_is_written_again_with_the_reason(workspace: Path):
    it = scene(workspace, fence("import sys"), fence(TEST), FIXED)
    outcome = await it.run("total is one too low")
    assert outcome.code in (ExitCode.DONE, ExitCode.VERIFICATION_FAILED), outcome.message
    assert it.session is not None
    rungs = [e.event for e in it.session.state.envelopes if isinstance(e.event, RungTaken) and e.event.step == "show"]
    assert len(rungs) >= 2


async def test_without_a_failing_test_nothing_is_fixed(workspace: Path):
    it = scene(workspace, *[fence("import sys\n")] * 4)
    it.settings = {**it.settings, "routing.local_tries": 1, "routing.frontier_hints": 0, "routing.frontier_tries": 0}
    outcome = await it.run("total is one too low")
    assert outcome.code == ExitCode.VERIFICATION_FAILED
    assert "passes before the fix" in outcome.message
    assert it.read("shop.py") == FILES["shop.py"]
    assert reproduced(it) == []


@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        (Plan((FIX, SHOW)), "changes tests only, not shop.py"),
        (Plan((SHOW,)), "no step for the fix"),
        (Plan((Step("show", "x", kind="create", touches=("tests/test_new.py",)), FIX)), "needs the command"),
    ],
)
def test_a_plan_that_does_not_begin_with_the_test_is_sent_back(plan: Plan, problem: str):
    assert any(problem in found for found in problems_of_reproducing(plan))
    assert reproducing_step(plan, is_asked=True) == ""


def test_all_other_steps_wait_for_the_test():
    plan = with_reproduction_first(Plan((SHOW, FIX, edit("more", "shop.py#total", needs=("fix",)))))
    assert [step.needs for step in plan.steps] == [(), ("show",), ("fix", "show")]
    assert reproducing_step(plan, is_asked=True) == "show"
    assert reproducing_step(plan, is_asked=False) == ""
