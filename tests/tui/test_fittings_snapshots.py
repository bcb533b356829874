from collections.abc import Callable

import msgspec
import pytest
from scene_parts import FACTS
from scenes_records import two_tasks
from snapshot_app import Clock, settled

from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.visible import use_ascii

Snap = Callable[..., bool]

SMALL, MIDDLE, LARGE = (60, 20), (80, 24), (120, 40)
EVERY = (SMALL, MIDDLE, LARGE)
CASES = [
    ("help", ("f1",), EVERY),
    ("help_found", ("f1", "slash", *"accept"), (MIDDLE,)),
    ("model", (*"/model", "enter"), EVERY),
    ("model_choosing", (*"/model", "enter", "down", "enter"), (MIDDLE,)),
    ("policy", (*"/policy", "enter"), EVERY),
    ("policy_explained", (*"/policy", "space", *"rm", "space", "x", "enter"), (SMALL, LARGE)),
    ("policy_asking", (*"/policy", "enter", "e", *"ls"), (SMALL, MIDDLE)),
    ("doctor", (*"/doctor", "enter"), EVERY),
]
EACH = [(name, keys, size) for name, keys, sizes in CASES for size in sizes]


@pytest.mark.parametrize(("name", "keys", "size"), EACH, ids=[f"{name}-{w}x{h}" for name, _, (w, h) in EACH])
def test_view(snap_compare: Snap, name: str, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    del name
    clock = Clock()
    app = HybridcodeApp(two_tasks(), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, *keys))


@pytest.mark.parametrize("name", ["help", "model", "policy", "doctor"])
def test_views_in_ascii(snap_compare: Snap, name: str) -> None:
    conversation = two_tasks()
    conversation.facts = msgspec.structs.replace(FACTS, is_ascii=True)
    clock = Clock()
    app = HybridcodeApp(conversation, clock=clock)
    try:
        assert snap_compare(app, terminal_size=MIDDLE, run_before=settled(app, clock, *f"/{name}", "enter"))
    finally:
        use_ascii(False)
