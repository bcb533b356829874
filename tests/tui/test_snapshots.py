from collections.abc import Callable

import pytest
from scenes import SCENES
from snapshot_app import settled, snapshot_app

Snap = Callable[..., bool]

SIZES = ((80, 24), (120, 40), (60, 20))
EVERYWHERE = ("empty", "drafting", "plan_waiting", "review_diff", "review_command", "done")
CASES = [(scene, (80, 24)) for scene in SCENES] + [(scene, size) for scene in EVERYWHERE for size in SIZES[1:]]
PRESSED = [
    ("review_diff", "side_by_side", (120, 40), ("n", "t"), "hybridcode-light"),
    ("review_diff", "half_decided", (120, 40), ("y", "y"), "hybridcode-contrast"),
    ("review_diff", "editing", (80, 24), ("e",), "hybridcode-dark"),
    ("review_diff", "last_no", (80, 24), ("n", "n"), "hybridcode-dark"),
    ("review_diff", "full_screen", (120, 40), ("f",), "hybridcode-dark"),
    ("plan_waiting", "plan_left", (80, 24), ("escape",), "hybridcode-dark"),
    ("review_diff", "explained", (80, 24), ("w",), "hybridcode-dark"),
    ("review_diff", "rejecting", (60, 20), ("r",), "hybridcode-dark"),
    ("review_command", "remembering", (80, 24), ("s",), "hybridcode-dark"),
    ("review_destructive", "typing_the_word", (80, 24), ("y",), "hybridcode-dark"),
    ("empty", "help", (80, 24), ("question_mark",), "hybridcode-dark"),
]


@pytest.mark.parametrize(("scene", "size"), CASES, ids=[f"{scene}-{w}x{h}" for scene, (w, h) in CASES])
def test_scene(snap_compare: Snap, scene: str, size: tuple[int, int]) -> None:
    app, clock = snapshot_app(scene)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock))


@pytest.mark.parametrize(("scene", "name", "size", "keys", "theme"), PRESSED, ids=[case[1] for case in PRESSED])
def test_scene_after_keys(
    snap_compare: Snap, scene: str, name: str, size: tuple[int, int], keys: tuple[str, ...], theme: str
) -> None:
    app, clock = snapshot_app(scene)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, *keys, theme=theme))
