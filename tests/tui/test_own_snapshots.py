from collections.abc import Callable

import pytest
from scenes_own import SCENES_OWN
from snapshot_app import Clock, settled

from hybridcode.tui.app import HybridcodeApp

Snap = Callable[..., bool]
SIZES = ((80, 24), (120, 40), (60, 20))
UNKNOWN_PATH = (*"fix ", "@", *"shop/cat.py", "escape", "enter")
CASES = [
    *(("own_ran", size, (), "hybridcode-dark") for size in SIZES),
    *(("own_beside_a_task", size, (), "hybridcode-light") for size in SIZES),
    *(("own_to_look_at", size, (), "hybridcode-contrast") for size in SIZES),
    *(("not_sent", size, UNKNOWN_PATH, "hybridcode-dark") for size in SIZES),
]


@pytest.mark.parametrize(("scene", "size", "keys", "theme"), CASES, ids=[f"{case[0]}-{case[1][0]}" for case in CASES])
def test_own(snap_compare: Snap, scene: str, size: tuple[int, int], keys: tuple[str, ...], theme: str) -> None:
    clock = Clock()
    app = HybridcodeApp(SCENES_OWN[scene](), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, *keys, theme=theme))
