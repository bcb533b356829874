from pathlib import Path

import pytest

from hybridcode.agent.going import goes_whole
from hybridcode.domain.events import WindowAssembled
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.repo.snapshot import Snapshot, take
from tests.support.repos import git_repository
from tests.support.sessions import Scene, fence, planning

CART = "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n\n\ndef other(items):\n    return total(items)\n"
USES = "".join(f"def use_{n}(items):\n    return total(other(items)) + {n}\n\n\n" for n in range(60))


@pytest.fixture
def tree(tmp_path: Path) -> Snapshot:
    (tmp_path / "cart.py").write_text(CART)
    return take(tmp_path)


@pytest.mark.parametrize(
    ("goal", "place", "goes"),
    [
        ("Delete `other`, and let `total` return 1.", "cart.py#other", True),
        ("Delete `other`, and let `total` return 1.", "cart.py#total", False),
        ("Drop `RATE`, `total()` and `cart.py#other`.", "cart.py#other", True),
        ("Delete other and the function total in cart.py.", "cart.py#total", True),
        ("Delete other and fix total.", "cart.py#total", False),
        ("Remove total's sum.", "cart.py#total", False),
        ("Remove the total cache.", "cart.py#total", False),
        ("Do not delete other: rename it.", "cart.py#other", False),
        ("Delete " + "and " * 300 + "it.", "cart.py#total", False),
        ("Remove the sum from total.", "cart.py#total", False),
        ("Remove lines 8-9.", "cart.py#L8-9", True),
        ("Delete cart.py.", "cart.py", False),
        ("Delete `gone`.", "cart.py#gone", False),
        ("Delete `gone`.", "gone.py#gone", False),
    ],
)
def test_a_place_goes_where_the_goal_says_so(tree: Snapshot, goal: str, place: str, goes: bool) -> None:
    step = Step("1", goal, touches=(place, "cart.py#RATE"))
    assert goes_whole(step, Region.parse(place), tree) is goes


async def test_who_deletes_a_place_is_not_shown_who_uses_it(tmp_path: Path) -> None:
    workspace = git_repository(tmp_path / "shop", {"cart.py": CART, "uses.py": USES})
    step = Step("1", "Delete `other`, and let `total` return 1.", touches=("cart.py#other", "cart.py#total"))
    total = fence("def total(items):\n    return 1")
    it = Scene(workspace, planning(Plan((step,))), {"draft": [fence("", ""), total]})
    assert (await it.run("Drop other.")).code == ExitCode.DONE
    assert it.session is not None
    windows = [one.event for one in it.session.state.envelopes if isinstance(one.event, WindowAssembled)]
    assert [{part.path for part in one.excerpts} for one in windows] == [{"cart.py"}, {"cart.py", "uses.py"}]
