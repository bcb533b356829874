from collections.abc import Callable

import pytest
from scenes_records import two_tasks
from snapshot_app import Clock, settled

from hybridcode.tui.app import HybridcodeApp

Snap = Callable[..., bool]

SMALL, MIDDLE, LARGE = (60, 20), (80, 24), (120, 40)
CASES = [
    ("sessions", ("f6",), (SMALL, MIDDLE, LARGE)),
    ("sessions_deleting", ("f6", "down", "down", "down", "D"), (MIDDLE,)),
    ("fork", ("f6", "end", "f"), (MIDDLE,)),
    ("history", ("f5",), (SMALL, MIDDLE, LARGE)),
    ("undo", ("f5", "u"), (SMALL, LARGE)),
    ("rewind", ("escape", "escape"), (MIDDLE,)),
    ("rewind_choice", ("escape", "escape", "up", "enter"), (SMALL, MIDDLE)),
    ("diff", (*"/diff", "enter"), (SMALL, LARGE)),
    ("export", (*"/export", "enter"), (MIDDLE,)),
]
EACH = [(name, keys, size) for name, keys, sizes in CASES for size in sizes]


@pytest.mark.parametrize(("name", "keys", "size"), EACH, ids=[f"{name}-{w}x{h}" for name, _, (w, h) in EACH])
def test_view(snap_compare: Snap, name: str, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    del name
    clock = Clock()
    app = HybridcodeApp(two_tasks(), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, *keys, pace=0.6))
