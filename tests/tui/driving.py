"""How tests drive the app: keys with the clock in their hands."""

import asyncio
import html
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from quiet import LOOK_S
from scripted_conversation import ScriptedConversation
from snapshot_app import Clock, workers_done
from textual import events
from textual.pilot import Pilot

from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.screens.pane import Pane

LOOKS = 500
"""So often it is looked whether the app has shown what it was told."""
HANDED_ON = 6
"""Widgets that a key passes on its way to the app, and a message of a pane after it."""


@dataclass
class Drive:
    app: HybridcodeApp
    pilot: Pilot[str]
    talk: ScriptedConversation
    clock: Clock

    async def press(self, *keys: str, after: float = 1.0) -> None:
        for key in keys:
            self.clock.now += after
            await self.pilot.press(key)
            await self.pilot.pause()
        await self.settle()

    async def write_at_once(self, *keys: str) -> None:
        """Keys in one write: each waits behind the one before, none for what that one leads to."""
        self.clock.now += 1.0
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await self.settle()

    async def settle(self) -> None:
        """Let every message reach who takes it. That the process uses no time means nothing where others use it all, so
        each widget takes what came to it as often as a message may be handed on."""
        for _ in range(HANDED_ON):
            await self.pilot.pause(0)
        await self.pilot.pause()
        await workers_done(self.app)
        await self.pilot.pause()
        for _ in range(LOOKS):
            if not self._owes_the_screen():
                break
            await asyncio.sleep(LOOK_S)
        await self.pilot.pause()

    def _owes_the_screen(self) -> bool:
        """Something was told that the app takes to the screen with the next tick of a timer of its own."""
        return vars(self.app)["_is_stale"] or not self.talk.live.empty()

    @property
    def pane(self) -> Pane | None:
        return next((screen for screen in self.app.screen_stack if isinstance(screen, Pane)), None)

    @property
    def told(self) -> str:
        shown = re.findall(r"<text[^>]*>([^<]*)</text>", self.app.export_screenshot())
        return html.unescape("".join(shown)).replace("\xa0", " ")


@asynccontextmanager
async def driving(
    talk: ScriptedConversation, size: tuple[int, int] = (100, 30), *, program: type[HybridcodeApp] = HybridcodeApp
) -> AsyncGenerator[Drive]:
    clock = Clock()
    app = program(talk, clock=clock)
    async with app.run_test(size=size) as pilot:
        drive = Drive(app, pilot, talk, clock)
        await drive.settle()
        yield drive
