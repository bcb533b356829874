from pathlib import Path

import pytest

from hybridcode.agent.ruled import RULED, ruled
from hybridcode.domain.action import ChangeSet
from hybridcode.domain.events import DraftMade, DraftRuled, ModelAsked, ProposalMade
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.repo.snapshot import take
from tests.support.repos import git_repository
from tests.support.sessions import Scene, fence, planning

CART = """LIMIT = 3


class Cart:
    def total(self):
        return 1

    def size(self):
        return 2

    def rate(self):
        return 3


class Basket:
    def size(self):
        return 4


def main():
    print(Cart().rate())
"""
FILES = {
    "shop/cart.py": CART,
    "data.json": '{"a": 1,\n "b": 2}\n',
    "one.py": "class A:\n    def f(self):\n        pass\n",
    "shared.py": "a = 1; start()\nb = c = 2\nd = 3\n",
    "shared.js": "const a = 1; start();\nfunction b() {} start();\nconst c = 3;\n",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def step(goal: str, *touches: str) -> Step:
    return Step("cut", goal, touches=touches or ("shop/cart.py#Cart.total",))


@pytest.mark.parametrize(
    ("goal", "touches"),
    [
        ("Delete Cart.total.", ()),
        ("Remove the method `total`", ()),
        ("please drop shop/cart.py#Cart.total", ()),
        ("Remove Cart.total()", ()),
        ("Remove Cart.total and main.", ("shop/cart.py#Cart.total", "shop/cart.py#main")),
        (
            "Delete Cart.total, Cart.size, and Basket.",
            ("shop/cart.py#Cart.total", "shop/cart.py#Cart.size", "shop/cart.py#Basket"),
        ),
    ],
)
def test_a_plain_deletion_needs_no_writer(workspace: Path, goal: str, touches: tuple[str, ...]):
    (change,) = ruled(step(goal, *touches), take(workspace))
    after = (change.after or b"").decode()
    assert "total" not in after
    assert "\n\n\n\n" not in after
    assert "def rate" in after


@pytest.mark.parametrize(
    ("before", "path", "name", "after"),
    [
        (FILES["shared.py"], "a.py", "d", "a = 1; start()\nb = c = 2\n"),
        (FILES["shared.js"], "a.js", "c", "const a = 1; start();\nfunction b() {} start();\n"),
        ("#[inline]\nfn f() {} // once\n\nfn g() {}\n", "a.rs", "f", "fn g() {}\n"),
        ("@cached(\n  1)\ndef f():\n    pass\n\n\nx = 1\n", "a.py", "f", "x = 1\n"),
        ("class A:\n    def f(self):\n        pass\n\n    def g(self):\n        pass\n", "a.py", "A.f", None),
        ("const a = {\n  f() { return 1; },\n  g() {},\n};\n", "a.js", "f", "const a = {\n  g() {},\n};\n"),
        ("class A {\n  @Input()\n  f = 1;\n  g = 2;\n}\n", "a.ts", "A.f", "class A {\n  g = 2;\n}\n"),
        ("int f(void)\n{ return 1; }\n#define X 1\nint g;\n", "a.c", "f", "#define X 1\nint g;\n"),
    ],
)
def test_lines_of_a_definition_alone_go(tmp_path: Path, before: str, path: str, name: str, after: str | None):
    (change,) = ruled(step(f"Delete {name}.", f"{path}#{name}"), take(git_repository(tmp_path / "x", {path: before})))
    assert change.after == (after or "class A:\n    def g(self):\n        pass\n").encode()


@pytest.mark.parametrize(
    ("goal", "touches"),
    [
        ("Delete Cart.total and update main.", ()),
        ("Delete Cart.total. Let size return 3.", ()),
        ("Delete the print in Cart.total.", ()),
        ("Remove Cart.total if nothing uses it.", ()),
        ("Delete total and size.", ()),
        ("Delete it.", ()),
        ("Replace Cart.total.", ()),
        ("Delete Cart.total.", ("shop/cart.py#Cart.total", "shop/cart.py#main")),
        ("Delete size and total.", ("shop/cart.py#Cart.size", "shop/cart.py#Basket.size", "shop/cart.py#Cart.total")),
        ("Delete Cart.total.", ("shop/cart.py#L5-6",)),
        ("Delete Cart.total.", ("shop/cart.py",)),
        ("Delete Cart and total.", ("shop/cart.py#Cart", "shop/cart.py#Cart.total")),
        ("Delete a.", ("data.json#a",)),
        ("Delete A.f.", ("one.py#A.f",)),
        ("Delete gone.", ("shop/cart.py#gone",)),
        ("Delete a.", ("shared.py#a",)),
        ("Delete b.", ("shared.py#b",)),
        ("Delete a.", ("shared.js#a",)),
        ("Delete b.", ("shared.js#b",)),
        ("Do not delete Cart.total.", ()),
    ],
)
def test_what_is_not_plain_is_left_to_a_writer(workspace: Path, goal: str, touches: tuple[str, ...]):
    assert ruled(step(goal, *touches), take(workspace)) == ()


def scene(workspace: Path, *answers: str, check: str) -> Scene:
    plan = Plan((Step("cut", "Delete Cart.total.", touches=("shop/cart.py#Cart.total",), check=check),))
    return Scene(workspace, {**planning(plan), "judge": ["good"]}, {"draft": list(answers)})


async def test_it_is_on_record_and_shown_like_any_change(workspace: Path):
    it = scene(workspace, check="true")
    assert (await it.run("take out the total")).code == ExitCode.DONE
    assert "total" not in it.read("shop/cart.py")
    assert it.session is not None
    events = [one.event for one in it.session.state.envelopes]
    assert not [event for event in events if isinstance(event, DraftMade)]
    assert len([event for event in events if isinstance(event, DraftRuled)]) == 1
    assert not [event for event in events if isinstance(event, ModelAsked) and event.role == "draft"]
    made = [event.proposal for event in events if isinstance(event, ProposalMade)]
    (proposal,) = [one for one in made if isinstance(one.action, ChangeSet)]
    assert RULED in proposal.notes


async def test_where_its_check_fails_a_writer_goes_on(workspace: Path):
    it = scene(workspace, fence("    def total(self):\n        return 0"), check="grep -q 'def total' shop/cart.py")
    await it.run("take out the total")
    assert "return 0" in it.read("shop/cart.py")
