import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from hybridcode.agent.checks import said, without_command
from hybridcode.agent.narrowing import holds, left_over, pointed_to
from hybridcode.domain.action import Amend, Proposal
from hybridcode.domain.events import CheckRan, Envelope, RungTaken
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Region
from hybridcode.gate.approvers import Scripted, yes
from hybridcode.gate.sandbox import probe
from hybridcode.repo.snapshot import Snapshot, take
from tests.support.repos import git_repository
from tests.support.sessions import Scene, edit, fence, planning, proven, requests_of
from tests.unit.agent.test_scenarios import amended

CHECK = "python3 check.py"
FILES = {
    "shop.py": "def rate():\n    return 1\n\n\ndef tax():\n    return 1\n\n\ndef cost():\n    return 1\n",
    "cart.py": "def total():\n    return 1\n",
    "check.py": (
        "import cart\nimport shop\nassert shop.rate() == 2\nassert shop.tax() == 2\nassert shop.cost() == 2\n"
        "assert cart.total() == 2\nshop.rate(), cart.total()\n"
    ),
}
PLACES = ("shop.py#rate", "shop.py#tax", "shop.py#cost", "cart.py#total")
NONE: Mapping[str, object] = {}
sandboxed = pytest.mark.skipif(probe().kind == "none", reason="this machine has no sandbox")


def answer(name: str, *lines: str) -> str:
    return fence("\n".join((f"def {name}():", *(f"    {line}" for line in lines))))


def right(*names: str) -> list[str]:
    return [answer(name, "return 2") for name in names]


@pytest.fixture
def tree(tmp_path: Path) -> Snapshot:
    return take(git_repository(tmp_path / "shop", {**FILES, "tests/test_shop.py": "def test_rate():\n    assert 0\n"}))


def pointed(said: str, tree: Snapshot, *places: str) -> tuple[str, ...]:
    return tuple(map(str, pointed_to({one: one for one in map(Region.parse, places)}, said, tree)))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('File "/x/shop.py", line 6, in tax\nrate is wrong', ("shop.py#tax",)),
        ('File "shop.py", line 3\nSyntaxError: x', PLACES[:3]),
        ("AssertionError: tax() is 3", ("shop.py#tax",)),
        ("AssertionError: taxes", ()),
        ("shop.py:2: in rate\ncart.py:2: in total", ("shop.py#rate", "cart.py#total")),
        ("shop.py:3: x\ncart.py:1: y\nshop.py:6: z", ("shop.py#tax", "cart.py#total")),
        ("shop.py:3: x\ncheck.py:4: z", PLACES[:3]),
    ],
)
def test_a_failure_points_to_places_by_their_lines_else_their_file_else_their_name(
    said: str, found: tuple[str, ...], tree: Snapshot
):
    assert pointed(said, tree, *PLACES) == found


def test_a_failure_in_a_test_alone_points_to_what_it_names_or_to_nothing(tree: Snapshot):
    places = ("tests/test_shop.py#test_rate", "shop.py#rate", "cart.py#total")
    assert pointed("tests/test_shop.py:2: AssertionError", tree, *places) == ()
    assert pointed("tests/test_shop.py:2: rate() == 2", tree, *places) == ("shop.py#rate",)
    assert pointed("tests/test_shop.py:2: x\nshop.py:2: y", tree, *places) == places[:2]


class Stage:
    """A step of four places, its check, and what each draft was asked for."""

    def __init__(
        self,
        tmp_path: Path,
        *drafts: str,
        places: Sequence[str] = PLACES,
        check: str = "",
        settings: Mapping[str, object] = NONE,
    ) -> None:
        files = {**FILES, "base.py": "A = 1\nB = 1\n", **({"check.py": check} if check else {})}
        workspace = git_repository(tmp_path / "shop", files)
        frontier = planning(Plan((edit("all", *places, check=CHECK),)), hint=["Two."])
        fixed = {"approval.allow": (f"Bash(={CHECK})",), "limits.max_repairs": 0, **settings}
        self.scene = Scene(workspace, frontier, {"draft": list(drafts)}, settings=fixed)

    async def run(self) -> ExitCode:
        return (await self.scene.run()).code

    @property
    def asked(self) -> list[str]:
        assert self.scene.session is not None
        return [messages[-1].content for messages in requests_of(self.scene.session, "draft")]

    @property
    def names(self) -> list[str]:
        return [
            re.findall(r"^(?:def )?(\w+)(?:\(\):| =)", text.partition("LINES: ")[2], re.M)[0] for text in self.asked
        ]

    @property
    def rungs(self) -> list[tuple[str, str]]:
        assert self.scene.session is not None
        events = [one.event for one in self.scene.session.state.envelopes]
        return [(one.rung, one.why) for one in events if isinstance(one, RungTaken)]


ALL = ["rate", "tax", "cost", "total"]
DONE = [FILES["shop.py"].replace("1", "2"), FILES["cart.py"].replace("1", "2")]


@sandboxed
async def test_after_a_failed_check_only_the_place_that_it_points_to_is_asked_for(tmp_path: Path):
    wrong = answer("tax", "one = 1", "return one / 0")
    it = Stage(tmp_path, *right("rate"), wrong, *right("cost", "total", "tax"))
    assert await it.run() == ExitCode.DONE
    assert it.names == [*ALL, "tax"]
    assert [it.scene.read("shop.py"), it.scene.read("cart.py")] == DONE
    assert "as the failure points to shop.py#tax" in it.rungs[1][1]
    assert "# The failure points to shop.py#tax\n" in it.asked[-1]
    assert "ZeroDivisionError" in it.asked[-1]
    shown = it.asked[-1].partition("# Step")[0]
    assert "return 2" in shown
    assert "one / 0" not in shown
    assert it.scene.session is not None
    lines = proven(it.scene.session)
    assert {line.verdict for line in lines if line.kind in ("draft", "proposal", "window")} == {"ok"}


@sandboxed
async def test_a_retry_that_fails_the_same_way_is_followed_by_one_for_all_places(tmp_path: Path):
    wrong = [answer("tax", f"return {text} / 0") for text in ("1", "1", "2")]
    settings = {"routing.local_tries": 4}
    it = Stage(tmp_path, *right("rate"), wrong[0], *right("cost", "total"), wrong[1], *right(*ALL), settings=settings)
    assert await it.run() == ExitCode.DONE
    assert it.names == [*ALL, "tax", *ALL]
    assert [name for name, _ in it.rungs] == ["local", "local_retry", "local_retry"]


@sandboxed
async def test_where_a_failure_points_to_nothing_all_places_are_asked_for_again(tmp_path: Path):
    check = FILES["check.py"].replace("shop.tax()", "vars(shop)['t' 'ax']()")
    it = Stage(tmp_path, *right("rate"), answer("tax", "return 3"), *right("cost", "total", *ALL), check=check)
    assert await it.run() == ExitCode.DONE
    assert it.names == 2 * ALL


@sandboxed
async def test_a_draft_beside_lines_that_are_asked_for_again_is_asked_for_too(tmp_path: Path):
    answers = [fence(text) for text in ("A = 3", "B = 2", "A = 2", "B = 2")]
    places, check = ("base.py#A", "base.py#B"), "import base\nassert base.A == 2\nassert base.B == 2\n"
    it = Stage(tmp_path, *answers, places=places, check=check)
    assert await it.run() == ExitCode.DONE
    assert it.names == ["A", "B", "A", "B"]
    assert it.scene.read("base.py") == "A = 2\nB = 2\n"


async def test_what_was_applied_stays_but_for_the_place_that_the_failure_points_to(tmp_path: Path):
    settings = {"verify.scratch": "off"}
    it = Stage(
        tmp_path, *right("rate"), answer("tax", "return 1 / 0"), *right("cost", "total", "tax"), settings=settings
    )
    assert await it.run() == ExitCode.DONE
    assert it.names == [*ALL, "tax"]
    assert "return 1 / 0" in it.asked[-1].partition("LINES: ")[2]
    assert [it.scene.read("shop.py"), it.scene.read("cart.py")] == DONE


def test_the_command_of_a_check_points_to_nothing():
    event = CheckRan("1", "pytest -k total", passed=False, exit_code=1, tail="E   boom", seconds=0.1)
    assert without_command(said(event, ())) == "1\nE   boom"


async def test_who_took_a_part_and_said_why_not_the_rest_has_all_places_written_again(tmp_path: Path):
    places, settings = ("shop.py#rate", "shop.py#tax"), {"verify.scratch": "off"}
    it = Stage(
        tmp_path, *right("rate"), answer("tax", "return 3"), *right("rate", "tax"), places=places, settings=settings
    )

    def part(proposal: Proposal) -> Amend:
        assert it.scene.session is not None
        return Amend(amended(it.scene.session.log, proposal, "return 2", "return 1"), "person", "tax is not 3")

    it.scene.make_approver = lambda approvals, sandbox: Scripted([part, yes])
    await it.run()
    assert it.names[:4] == ["rate", "tax", "rate", "tax"]


async def test_a_place_that_is_to_stay_as_it_was_applied_fails_like_all_of_them(tmp_path: Path):
    settings = {"verify.scratch": "off", "routing.frontier_hints": 0, "routing.frontier_tries": 0}
    it = Stage(
        tmp_path, *right("rate"), answer("tax", "return 1 / 0"), *right("cost", "total"), "KEEP", settings=settings
    )
    assert await it.run() == ExitCode.VERIFICATION_FAILED
    assert it.names == [*ALL, "tax"]


def test_a_failure_for_a_name_that_is_gone_points_to_what_still_holds_it(tmp_path: Path):
    files = {
        "shop.py": "__all__ = ['rate', 'old_rate']\n\n\ndef rate():\n    return 1\n",
        "use.py": "def total():\n    return 1\n",
        "README.md": "old_rate\n",
    }
    tree = take(git_repository(tmp_path / "shop", files))
    said = "AttributeError: module 'shop' has no attribute 'old_rate'"
    places = ("shop.py#old_rate", "shop.py#__all__", "use.py#total", "README.md")
    assert pointed(said, tree, *places) == ("shop.py#__all__",)
    assert pointed("AttributeError: total", tree, *places) == ("use.py#total",)
    assert left_over(map(Region.parse, ("shop.py#rate", "shop.py#__all__")), said, tree) == ()


def test_a_failure_for_a_name_that_a_draft_took_away_points_there_too(tmp_path: Path):
    text = "class Cart:\n    def reset(self):\n        {}\n\n    def add(self):\n        return self.open_now\n"
    before = take(git_repository(tmp_path / "before", {"cart.py": text.format("self.open_now = 1")}))
    after = take(git_repository(tmp_path / "after", {"cart.py": text.format("pass")}))
    places = {one: one for one in map(Region.parse, ("cart.py#Cart.add", "cart.py#Cart.reset", "use.py"))}
    said = "cart.py:6: in add\nAttributeError: 'Cart' object has no attribute 'open_now'"
    assert [str(one) for one in pointed_to(places, said, after)] == ["cart.py#Cart.add"]
    found = [str(one) for one in pointed_to(places, said, after, before=before)]
    assert found == ["cart.py#Cart.add", "cart.py#Cart.reset"]


def test_a_failure_in_a_function_that_came_with_its_neighbour_points_to_that_place(tmp_path: Path):
    old = "def test_one():\n    assert rate() == 1\n\n\ndef test_last():\n    assert 1\n"
    new = old.replace("\n\n\n", "\n\n\ndef test_two():\n    assert rate() == 2\n\n\n", 1)
    code = "def rate():\n    return 1\n\n\ndef other():\n    return 2\n"
    before = take(git_repository(tmp_path / "before", {"test_shop.py": old, "shop.py": code}))
    after = take(git_repository(tmp_path / "after", {"test_shop.py": new, "shop.py": code}))
    places = {one: one for one in map(Region.parse, ("shop.py#rate", "shop.py#other", "test_shop.py#test_one"))}
    said = "test_shop.py:6: in test_two\nshop.py:2: in rate\nValueError"
    assert [str(one) for one in pointed_to(places, said, after, before=before)] == [
        "shop.py#rate",
        "test_shop.py#test_one",
    ]
    assert [str(one) for one in pointed_to(places, said, after)] == ["shop.py#rate"]
    assert not holds(after, Region.parse("test_shop.py#test_one"), "test_shop.py", 10, old=old.encode())


def test_where_only_tests_are_written_a_failure_points_to_the_one_that_fails(tree: Snapshot, tmp_path: Path):
    files = {"test_shop.py": "def test_a():\n    assert 0\n\n\ndef test_b():\n    assert 1\n"}
    tests = take(git_repository(tmp_path / "tests", files))
    assert pointed("test_shop.py:2: AssertionError", tests, "test_shop.py#test_a", "test_shop.py#test_b") == (
        "test_shop.py#test_a",
    )


@sandboxed
async def test_a_place_that_a_person_edits_while_the_check_runs_is_drafted_anew(tmp_path: Path):
    files = {
        "cart.py": "def total():\n    return 0\n",
        "shop.py": "def check(total):\n    assert total == 1\n",
        "check.py": "import cart\nimport shop\nshop.check(cart.total())\n",
    }
    drafts = [answer("total", "return 2"), "KEEP", answer("total", "return 1"), "KEEP"]
    plan = Plan((edit("1", "cart.py#total", "shop.py#check", check=CHECK),))
    settings = {"approval.allow": (f"Bash(={CHECK})",)}
    it = Scene(git_repository(tmp_path / "x", files), planning(plan), {"draft": drafts}, settings=settings)
    session = it.open()

    def edited(envelope: Envelope) -> None:
        if isinstance(envelope.event, CheckRan) and not envelope.event.passed:
            (it.workspace / "shop.py").write_text(f"# mine\n{files['shop.py']}")

    session.subscribe(edited)
    try:
        assert (await session.run("do it")).code == ExitCode.DONE
    finally:
        await session.close()
    proven(session)
    assert it.read("cart.py") == "def total():\n    return 1\n"
    assert it.read("shop.py") == f"# mine\n{files['shop.py']}"
