"""How tests drive the app: keys with the clock in their hands."""

import html
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from scripted_conversation import ScriptedConversation
from snapshot_app import Clock, workers_done
from textual import events
from textual.pilot import Pilot

from hybridcode.tui.app import DRAIN_S, HybridcodeApp
from hybridcode.tui.screens.pane import Pane

HANDED_ON = 6
"""Widgets that a key passes on its way to the app, and a message of a pane after it."""


@dataclass
class Drive:
    app: HybridcodeApp
    pilot: Pilot[str]
    talk: ScriptedConversation
    clock: Clock
    painted: int = 0
    """Events of the conversation that are known to be on the screen."""

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
        if self.painted != (told := len(self.talk.events)):
            await self.pilot.pause(2 * DRAIN_S)
            self.painted = told
        await self.pilot.pause()

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
