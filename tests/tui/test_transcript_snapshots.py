from collections.abc import Callable

import pytest
from scenes_transcript import answered_question, long_paragraphs, thinking
from snapshot_app import Clock, settled

from hybridcode.tui.app import HybridcodeApp

Snap = Callable[..., bool]
SIZES = ((80, 24), (120, 40), (60, 20))
SCENES = {
    "answer": (answered_question, ()),
    "walking": (answered_question, ("ctrl+up", "home")),
    "folded": (long_paragraphs, ()),
    "unfolded": (long_paragraphs, ("ctrl+o",)),
    "found": (long_paragraphs, ("ctrl+f", *"test_3", "ctrl+f")),
    "thinking": (thinking, ()),
}
CASES = [(name, size) for name in SCENES for size in SIZES]


@pytest.mark.parametrize(("name", "size"), CASES, ids=[f"{name}-{w}x{h}" for name, (w, h) in CASES])
def test_scene(snap_compare: Snap, name: str, size: tuple[int, int]) -> None:
    scene, keys = SCENES[name]
    clock = Clock()
    app = HybridcodeApp(scene(), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, *keys))
