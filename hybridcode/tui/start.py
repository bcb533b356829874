"""Runs the app over a real session, from the first paint to the last process.

Invariant: model processes start after the first paint; whatever way the app ends, they and the journal are given back.
"""

import asyncio
import gc
from dataclasses import dataclass
from pathlib import Path

from hybridcode.config.load import Loaded
from hybridcode.config.paths import user_config_dir
from hybridcode.domain.events import SessionOpened, TaskEnded
from hybridcode.domain.plan import Plan
from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.highlight import warm
from hybridcode.tui.live import LiveConversation, MakeModels

AFTER_PAINT_S = 0.1
"""Seconds between the app being ready and the first work that is not painting."""


@dataclass(frozen=True)
class Left:
    """What a person should be told after the screen is gone."""

    session: str | None
    """Id of the session, None if there was no task."""
    waiting: str
    """A sentence about what still waits; empty if nothing does."""


class Program(HybridcodeApp):
    """The app over a live conversation."""

    live: LiveConversation

    def on_ready(self) -> None:
        """The first paint is on its way: shortly after it git may be asked and the models may start."""
        gc.freeze()
        self.set_timer(AFTER_PAINT_S, self._warm_up)

    def _warm_up(self) -> None:
        self.run_worker(self._look())
        self.run_worker(self._start_models(), exit_on_error=False)

    async def _start_models(self) -> None:
        """Start them; what was imported by then stays for good, so no later collection needs to look at it."""
        try:
            await self.live.start_models()
        finally:
            gc.freeze()

    def on_hybridcode_app_arrived(self, message: HybridcodeApp.Arrived) -> None:
        """What git says changes with what a task does."""
        if isinstance(message.envelope.event, SessionOpened | TaskEnded):
            self.run_worker(self._look())
        if isinstance(message.envelope.event, SessionOpened):
            self.run_worker(asyncio.to_thread(warm))

    async def _look(self) -> None:
        await self.live.look()
        self.desk.take_facts()


def run_app(
    workspace: Path,
    loaded: Loaded,
    *,
    make_models: MakeModels | None = None,
    frontier_name: str | None = None,
    prompt: str | None = None,
    resume: str | None = None,
    plan: Plan | None = None,
) -> Left:
    """Run the terminal program until a person leaves it. `frontier_name` is shown where it is not a setting.

    Raises:
        JournalError: the session to resume does not exist or cannot be read.
    """
    conversation = LiveConversation(
        workspace, loaded, make_models=make_models, frontier_name=frontier_name, resume=resume, plan=plan
    )
    return asyncio.run(_run(conversation, prompt))


async def _run(conversation: LiveConversation, prompt: str | None) -> Left:
    config = user_config_dir()
    app = Program(conversation, prompt=prompt, theme_dirs=(config / "themes",), keys_file=config / "keys.toml")
    app.live = conversation
    try:
        waiting = await app.run_async()
    finally:
        await conversation.close()
    return Left(conversation.session_id, waiting or "")
