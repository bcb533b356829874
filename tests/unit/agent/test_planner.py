from pathlib import Path

import pytest

from hybridcode.agent.new_names import with_files_of_new_names
from hybridcode.agent.planner import problems_of
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.repo.snapshot import Snapshot, take
from tests.support.sessions import Scene, fence


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
        (Step("1", "x", touches=("cart.py#L6-99",)), "99"),
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


@pytest.mark.parametrize(
    ("goal", "touches", "read"),
    [
        ("Add a function average.", ("cart.py#average",), ("cart.py",)),
        ("Write average and median.", ("cart.py#average", "cart.py#median"), ("cart.py",)),
        ("Add average.", ("cart.py#imports", "cart.py#average", "tax.py"), ("cart.py", "tax.py")),
        ("Add items to the total.", ("cart.py#total",), ("cart.py#total",)),
        ("Round the average.", ("cart.py#average",), ("cart.py#average",)),
        ("Add a file.", ("gone.py#average",), ("gone.py#average",)),
        ("Add an import.", ("cart.py#imports",), ("cart.py#imports",)),
    ],
)
def test_a_definition_that_is_to_be_added_goes_into_its_file(
    tree: Snapshot, goal: str, touches: tuple[str, ...], read: tuple[str, ...]
):
    plan = with_files_of_new_names(Plan((Step("1", goal, touches=touches),)), tree)
    assert plan.steps[0].touches == read


def test_where_a_place_is_taken_as_it_stands_it_is_told_where_a_new_definition_goes(tree: Snapshot):
    step = Step("1", "Add average.", touches=("cart.py#average",))
    (said,) = problems_of(Plan((step,)), tree)
    assert said.startswith("step 1: average is not there yet: a new definition goes to the end of cart.py (touch `cart")
    typo = Step("1", "Round it.", touches=("cart.py#totl",))
    assert problems_of(Plan((typo,)), tree) == ["step 1: cart.py does not define totl. Did you mean: total?"]


async def test_a_test_that_is_still_to_be_written_is_no_reason_to_ask_again(tmp_path: Path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "test_cart.py").write_text("def test_total():\n    assert True\n")
    whole = "def test_total():\n    assert True\n\n\ndef test_totals():\n    assert True"
    reply = '{"s":[{"t":"test_cart.py#test_totals","g":"add a test of totals"}]}'
    it = Scene(folder, {"plan": [reply], "judge": ["good"]}, {"draft": [fence(whole)]})
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("test_cart.py") == f"{whole}\n"


def test_everything_that_is_wrong_is_told_together(tree: Snapshot):
    plan = Plan((Step("1", "", touches=("gone.py",)), Step("2", "", touches=("cart.py#totl",), needs=("7",))))
    said = "; ".join(problems_of(plan, tree))
    assert [words in said for words in ("step 1: no goal", "step 1: there is no file", "step 2: no goal")] == [True] * 3
    assert [words in said for words in ("step 2 needs '7'", "totl")] == [True] * 2


def test_two_steps_with_one_id_are_refused(tree: Snapshot):
    twice = Plan((Step("1", "a", touches=("cart.py",)), Step("1", "b", touches=("cart.py",))))
    assert any("used twice" in text for text in problems_of(twice, tree))
