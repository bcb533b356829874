"""The one app behind every picture: a scene by name, with a clock that stands still until it is moved.

Invariant: the same scene paints the same screen: no time, path or version of this machine reaches it.
"""

from dataclasses import dataclass

from scenes import SCENES

from hybridcode.tui.app import HybridcodeApp


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def snapshot_app(scene: str) -> tuple[HybridcodeApp, Clock]:
    clock = Clock()
    return HybridcodeApp(SCENES[scene](), clock=clock), clock
