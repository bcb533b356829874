from pathlib import Path

import pytest

from hybridcode.agent.objecting import places_named, plan_from
from hybridcode.domain.plan import Region
from hybridcode.repo.snapshot import Snapshot, take

SHOP = "RATE = 3\n\n\nclass Cart:\n    def total(self):\n        return 1\n\n\ndef fee():\n    return 2\n"


@pytest.fixture
def tree(tmp_path: Path) -> Snapshot:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "tax.py").write_text("A = 1\nB = 2\nC = 3\nD = 4\n")
    (tmp_path / "Makefile").write_text("all:\n\ttrue\n")
    return take(tmp_path)


def touches(objection: str, tree: Snapshot, *, changed: tuple[str, ...] = ("shop.py",)) -> tuple[str, ...]:
    plan = plan_from(objection, tree, shown=tree, changed=changed)
    if plan is None:
        return ()
    (step,) = plan.steps
    assert (step.goal, step.writer, step.kind) == (objection, "local", "edit")
    return step.touches


def test_one_step_is_written_at_the_places_that_are_named(tree: Snapshot):
    said = "`shop.py#Cart.total()` returns 1, it must return RATE; **./src/tax.py#L2-3** must be 5. See Makefile."
    assert touches(said, tree) == ("shop.py#Cart.total", "src/tax.py#L2-3", "Makefile")
    assert touches("shop.py#RATE is 3; it must be 5.", tree) == ("shop.py#RATE",)


@pytest.mark.parametrize(
    "said",
    [
        "The rate is still 3.",
        "shop.py#RATE is 3, but shop.py#discount is missing.",
        "shop.py#RATE is 3, and new.py must hold it.",
        "shop.py#RATE is 3, and lib/new.py#RATE must hold it.",
        "shop.py#RATE is 3, as shop.py:9 says.",
        "shop.py#RATE is 3, as shop.py::fee says.",
        "src/tax.py#L1-2 and src/tax.py#L2-3 overlap.",
        "shop.py#L90 is wrong.",
        "src/tax.py must be removed.",
        "shop.py#RATE is 3; it must be ...",
    ],
)
def test_a_sentence_that_does_not_tell_all_gives_no_step(said: str, tree: Snapshot):
    assert touches(said, tree) == ()


def test_a_place_in_another_one_is_not_written_twice(tree: Snapshot):
    assert touches("shop.py#Cart.total is wrong, so is shop.py#Cart.", tree) == ("shop.py#Cart",)


def test_many_places_are_named_in_changed_files_only(tree: Snapshot):
    said = "src/tax.py#A, src/tax.py#B, src/tax.py#C and src/tax.py#D must be 5."
    assert touches(said, tree) == ()
    assert len(touches(said, tree, changed=("src/tax.py",))) == 4


def test_what_may_not_be_shown_gives_no_step(tree: Snapshot):
    hidden = tree.without({"shop.py"})
    assert plan_from("shop.py#RATE is 3; it must be 5.", tree, shown=hidden, changed=("shop.py",)) is None


def test_places_are_named_in_the_order_of_the_sentence(tree: Snapshot):
    found = places_named("src/tax.py is wrong, shop.py#fee too, gone.py as well.", tree)
    assert found == ((Region("src/tax.py"), Region("shop.py", symbol="fee")), False)
