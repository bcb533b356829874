"""Runs the app over a real session, from the first paint to the last process.

Invariant: model processes start after the first paint; whatever way the app ends, they and the journal are given back.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hybridcode.config.load import Loaded
from hybridcode.config.paths import user_config_dir
from hybridcode.config.settings import Settings
from hybridcode.domain.plan import Plan
from hybridcode.session.models import Models
from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.live import LiveConversation


@dataclass(frozen=True)
class Left:
    """What a person should be told after the screen is gone."""

    session: str | None
    """Id of the session, None if there was no task."""
    waiting: str
    """A sentence about what still waits; empty if nothing does."""


def run_app(
    workspace: Path,
    loaded: Loaded,
    *,
    make_models: Callable[[Settings], Models],
    prompt: str | None = None,
    resume: str | None = None,
    plan: Plan | None = None,
) -> Left:
    """Run the terminal program until a person leaves it.

    Raises:
        JournalError: the session to resume does not exist or cannot be read.
    """
    return asyncio.run(
        _run(LiveConversation(workspace, loaded, make_models=make_models, resume=resume, plan=plan), prompt)
    )


async def _run(conversation: LiveConversation, prompt: str | None) -> Left:
    app = HybridcodeApp(conversation, prompt=prompt, theme_dirs=(user_config_dir() / "themes",))
    try:
        waiting = await app.run_async()
    finally:
        await conversation.close()
    return Left(conversation.session_id, waiting or "")
