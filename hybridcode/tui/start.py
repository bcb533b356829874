"""Runs the app over a real session, from the first paint to the last process.

Invariant: model processes start after the first paint; whatever way the app ends, they and the journal are given back.
"""

import asyncio
import gc
from dataclasses import dataclass
from pathlib import Path

from hybridcode.config.load import Loaded
from hybridcode.config.paths import state_dir, user_config_dir
from hybridcode.domain.events import SessionOpened, TaskEnded, UndoMade
from hybridcode.domain.plan import Plan
from hybridcode.session.written import History
from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.ending import Ending
from hybridcode.tui.highlight import warm
from hybridcode.tui.live import LiveConversation, MakeModels

ELSEWHERE_S = 60.0
"""Seconds between two looks at what waits in other sessions."""
AFTER_PAINT_S = 0.1
"""Seconds between the app being ready and the first work that is not painting."""


@dataclass(frozen=True)
class Left:
    """What a person should be told after the screen is gone."""

    session: str | None
    """Id of the session, None if there was no task."""
    waiting: str
    """A sentence about what still waits; empty if nothing does."""
    signal: str = ""
    """The signal that ended the program, if one did."""


class Program(HybridcodeApp):
    """The app over a live conversation."""

    live: LiveConversation
    history: History

    def on_ready(self) -> None:
        """The first paint is on its way: shortly after it git may be asked and the models may start."""
        gc.freeze()
        gc.enable()
        self.set_timer(AFTER_PAINT_S, self._warm_up)

    def _warm_up(self) -> None:
        self.run_worker(self._look())
        self.run_worker(self.writing.load_history(self.history))
        self.run_worker(self._start_models(), exit_on_error=False)

    def on_hybridcode_app_arrived(self, message: HybridcodeApp.Arrived) -> None:
        """What git says changes with what a task or an undo does."""
        if isinstance(message.envelope.event, SessionOpened | TaskEnded | UndoMade):
            self.run_worker(self._look())
        if isinstance(message.envelope.event, SessionOpened):
            self.run_worker(asyncio.to_thread(warm))

    def abandon(self) -> None:
        """End without painting anything more."""
        self._begin_batch()
        self.exit()

    async def _start_models(self) -> None:
        self.set_interval(ELSEWHERE_S, lambda: self.run_worker(self._count_elsewhere(), exit_on_error=False))
        await self.live.load()
        await self._count_elsewhere()
        try:
            await self.live.start_models()
        finally:
            gc.freeze()  # what was imported by then stays for good, so no later collection needs to look at it

    async def _count_elsewhere(self) -> None:
        """Say how many approvals wait in other sessions; a journal that cannot be read is left for who opens it."""
        session = self.desk.state.session
        count = await self.live.archive.count_elsewhere(session)
        if count != self.desk.session.elsewhere:
            self.desk.session.elsewhere = count
            self.asking.refresh()

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
    history = History(state_dir(workspace, loaded.settings.audit.state_dir) / "written.jsonl")
    return asyncio.run(_run(conversation, prompt, history))


async def _run(conversation: LiveConversation, prompt: str | None, history: History) -> Left:
    config = user_config_dir()
    app = Program(conversation, prompt=prompt, theme_dirs=(config / "themes",), keys_file=config / "keys.toml")
    app.live, app.history = conversation, history
    ending = Ending(conversation.close, app.abandon)
    ending.obey()
    try:
        waiting = await app.run_async()
    finally:
        await conversation.close()
    return Left(conversation.session_id, waiting or "", ending.by)
