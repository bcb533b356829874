"""The one app behind every picture: a scene by name, with a clock that stands still until it is moved.

Invariant: the same scene paints the same screen: no time, path or version of this machine reaches it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, cast

from scenes import SCENES
from textual.pilot import Pilot
from textual.widget import Widget

from hybridcode.tui.app import DRAIN_S, HybridcodeApp


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def snapshot_app(scene: str) -> tuple[HybridcodeApp, Clock]:
    clock = Clock()
    return HybridcodeApp(SCENES[scene](), clock=clock), clock


class Waits(Protocol):
    async def wait_for_complete(self) -> None: ...


async def workers_done(app: HybridcodeApp) -> None:
    await cast(Waits, app.workers).wait_for_complete()


def settled(
    app: HybridcodeApp, clock: Clock, *keys: str, theme: str = "hybridcode-dark", pace: float = 1.0
) -> Callable[[Pilot[str]], Awaitable[None]]:
    async def run(pilot: Pilot[str]) -> None:
        app.theme = theme
        await workers_done(app)
        await pilot.pause(DRAIN_S)
        for key in keys:
            clock.now += pace
            await pilot.press(key)
            await pilot.pause(DRAIN_S)
        await workers_done(app)
        for widget in app.screen.walk_children(
            Widget
        ):  # what shows seconds is painted again with the clock as it is now
            widget.refresh()
        await pilot.pause(2 * DRAIN_S)

    return run
