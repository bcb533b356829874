from collections.abc import Awaitable, Callable

import pytest
from driving import workers_done
from scenes import SCENES
from snapshot_app import Clock, snapshot_app
from textual.pilot import Pilot

from hybridcode.tui.app import DRAIN_S, HybridcodeApp

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


def _settled(
    app: HybridcodeApp, clock: Clock, *keys: str, theme: str = "hybridcode-dark"
) -> Callable[[Pilot[str]], Awaitable[None]]:
    async def run(pilot: Pilot[str]) -> None:
        app.theme = theme
        await workers_done(app)
        for key in keys:
            clock.now += 1.0
            await pilot.press(key)
        await workers_done(app)
        await pilot.pause(2 * DRAIN_S)

    return run


@pytest.mark.parametrize(("scene", "size"), CASES, ids=[f"{scene}-{w}x{h}" for scene, (w, h) in CASES])
def test_scene(snap_compare: Snap, scene: str, size: tuple[int, int]) -> None:
    app, clock = snapshot_app(scene)
    assert snap_compare(app, terminal_size=size, run_before=_settled(app, clock))


@pytest.mark.parametrize(("scene", "name", "size", "keys", "theme"), PRESSED, ids=[case[1] for case in PRESSED])
def test_scene_after_keys(
    snap_compare: Snap, scene: str, name: str, size: tuple[int, int], keys: tuple[str, ...], theme: str
) -> None:
    app, clock = snapshot_app(scene)
    assert snap_compare(app, terminal_size=size, run_before=_settled(app, clock, *keys, theme=theme))
