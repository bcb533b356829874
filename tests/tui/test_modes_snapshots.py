from collections.abc import Callable

import pytest
from scenes_modes import SCENES_MODES
from snapshot_app import Clock, settled

from hybridcode.tui.app import HybridcodeApp

Snap = Callable[..., bool]
CASES = [
    ("accepting", (120, 40), (), "hybridcode-dark"),
    ("accepting", (60, 20), (), "hybridcode-light"),
    ("bypassing", (80, 24), (), "hybridcode-dark"),
    ("planning_only", (80, 24), (), "hybridcode-dark"),
    ("planning_only", (60, 20), (), "hybridcode-contrast"),
    ("asked_before_plan_mode", (80, 24), ("y",), "hybridcode-dark"),
    ("at_work", (80, 24), ("ctrl+q",), "hybridcode-dark"),
]


@pytest.mark.parametrize(("scene", "size", "keys", "theme"), CASES, ids=[f"{case[0]}-{case[1][0]}" for case in CASES])
def test_modes(snap_compare: Snap, scene: str, size: tuple[int, int], keys: tuple[str, ...], theme: str) -> None:
    clock = Clock()
    app = HybridcodeApp(SCENES_MODES[scene](), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, *keys, theme=theme))
