from collections.abc import Callable

import pytest
from scenes_review import SCENES
from snapshot_app import Clock, settled

from hybridcode.tui.app import HybridcodeApp

Snap = Callable[..., bool]

CASES = [
    ("many_files", (120, 40), ()),
    ("many_files", (300, 100), ("t",)),
    ("many_files", (60, 20), ("tab", "j")),
    ("warned", (100, 30), ()),
    ("warned", (60, 20), ("slash", *"line_6", "enter")),
    ("writing_command", (80, 24), ()),
    ("writing_command", (60, 20), ()),
    ("rearranged", (120, 40), ("t", "k", *["right"] * 24)),
    ("rearranged", (80, 24), ()),
    ("rearranged", (60, 20), ("j", "j")),
]


@pytest.mark.parametrize(("scene", "size", "keys"), CASES, ids=[f"{s}-{w}x{h}" for s, (w, h), _ in CASES])
def test_review(snap_compare: Snap, scene: str, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    clock = Clock()
    app = HybridcodeApp(SCENES[scene](), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, *keys))
