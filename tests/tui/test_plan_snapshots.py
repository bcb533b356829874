from collections.abc import Callable

import pytest
from snapshot_app import settled, snapshot_app

Snap = Callable[..., bool]

SIZES = ((80, 24), (120, 40), (60, 20))
CASES = [
    ("drafting", "plan_focused", ("ctrl+t",), "hybridcode-dark"),
    ("done", "every_figure", ("ctrl+t", "f"), "hybridcode-contrast"),
    ("denied", "step_failed", ("ctrl+t", "enter"), "hybridcode-dark"),
    ("drafting", "step_at_work", ("ctrl+t", "enter", "down"), "hybridcode-light"),
]


@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
@pytest.mark.parametrize(("scene", "name", "keys", "theme"), CASES, ids=[case[1] for case in CASES])
def test_plan(
    snap_compare: Snap, scene: str, name: str, keys: tuple[str, ...], theme: str, size: tuple[int, int]
) -> None:
    app, clock = snapshot_app(scene)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, *keys, theme=theme))
