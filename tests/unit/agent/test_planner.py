from pathlib import Path

import pytest

from hybridcode.agent.planner import problems_of
from hybridcode.domain.plan import Plan, Step
from hybridcode.repo.snapshot import Snapshot, take


@pytest.fixture
def tree(tmp_path: Path) -> Snapshot:
    (tmp_path / "cart.py").write_text("RATE = 3\n\n\ndef total(items):\n    return sum(items)\n")
    return take(tmp_path, max_file_bytes=100_000)


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (Step("1", "x"), "without touches"),
        (Step("1", " ", touches=("cart.py",)), "no goal"),
        (Step("1", "x", touches=("gone.py#total",)), "there is no file gone.py"),
        (Step("1", "x", touches=("cart.py#totl",)), "totl"),
        (Step("1", "x", touches=("cart.py#L1-99",)), "99"),
        (Step("1", "x", kind="create", touches=("cart.py",)), "exists already"),
        (Step("1", "x", kind="create", touches=("../evil.py",)), "not a path inside"),
        (Step("1", "x", kind="create", touches=("/etc/passwd",)), "not a path inside"),
        (Step("1", "x", kind="delete", touches=("gone.py",)), "there is no file gone.py"),
        (Step("1", "x", kind="command"), "without a command"),
        (Step("1", "x", touches=("cart.py#total",), needs=("9",)), "no step"),
        (Step("1", "x", touches=("cart.py#total",), needs=("1",)), "wait for each other"),
    ],
)
def test_a_plan_that_cannot_be_followed_says_why(tree: Snapshot, step: Step, problem: str):
    assert any(problem in text for text in problems_of(Plan((step,)), tree))


def test_files_made_by_an_earlier_step_may_be_edited(tree: Snapshot):
    plan = Plan(
        (
            Step("1", "new", kind="create", touches=("tax.py",)),
            Step("2", "more", touches=("tax.py#rate", "cart.py#total"), needs=("1",)),
        )
    )
    assert problems_of(plan, tree) == []


def test_everything_that_is_wrong_is_told_together(tree: Snapshot):
    plan = Plan((Step("1", "", touches=("gone.py",)), Step("2", "", touches=("cart.py#totl",), needs=("7",))))
    said = "; ".join(problems_of(plan, tree))
    assert [words in said for words in ("step 1: no goal", "step 1: there is no file", "step 2: no goal")] == [True] * 3
    assert [words in said for words in ("step 2 needs '7'", "totl")] == [True] * 2


def test_two_steps_with_one_id_are_refused(tree: Snapshot):
    twice = Plan((Step("1", "a", touches=("cart.py",)), Step("1", "b", touches=("cart.py",))))
    assert any("used twice" in text for text in problems_of(twice, tree))
