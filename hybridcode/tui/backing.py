"""The heavy half of a live conversation: session, gate and models, imported after the first paint.

Invariant: models are built once, whether they are started ahead of the first task or by it.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import msgspec

from hybridcode.agent.run import PlanApprover
from hybridcode.config.load import Loaded
from hybridcode.config.settings import ModelSettings, Settings
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Envelope, SessionForked
from hybridcode.domain.plan import Plan
from hybridcode.domain.ports import Approver, Watcher
from hybridcode.gate.approvers import Inbox
from hybridcode.gate.sandbox import Sandbox
from hybridcode.journal.approvals import Approvals
from hybridcode.session.calibration.shadow import Shadow
from hybridcode.session.missing import require_models
from hybridcode.session.models import Models, build_models, close_all, start_all
from hybridcode.session.session import Session, SessionOptions
from hybridcode.tui.archive_live import LiveArchive
from hybridcode.tui.fittings_live import LiveFittings, names_of
from hybridcode.tui.library import LiveLibrary
from hybridcode.tui.past import LivePast


class Backing:
    """A session that opens when it is first needed."""

    def __init__(
        self,
        workspace: Path,
        loaded: Loaded,
        *,
        make_models: Callable[[Settings], Models] | None,
        plan_approver: PlanApprover,
        watcher: Watcher,
        resume: str | None,
        plan: Plan | None,
        forked: SessionForked | None = None,
    ) -> None:
        self.library = LiveLibrary(workspace, loaded.settings)
        self.past = LivePast(lambda: self.session)
        self._settings = loaded.settings
        self._trouble: HybridcodeError | None = None
        try:
            self.models = (make_models or build_models)(loaded.settings)
        except HybridcodeError as error:  # looking around works without models
            self.models, self._trouble = Models(None, None), error
        self.archive = LiveArchive(workspace, loaded)
        self.chosen: tuple[str | None, str | None] | None = None
        """Names of the models, once a person chose one."""
        self._inbox: Inbox | None = None
        self._session: Session | None = None
        self._shadow: Shadow | None = None
        self._shadowing: asyncio.Task[object] | None = None
        self._options = SessionOptions(
            workspace=workspace,
            loaded=loaded,
            make_approver=self._make_approver,
            plan_approver=plan_approver,
            watcher=watcher,
            make_models=lambda _: self.models,
            resume=resume,
            plan=plan,
            forked=forked,
            is_attended=True,
        )
        self.fittings = LiveFittings(self, workspace)

    @property
    def is_open(self) -> bool:
        """True once there is a session."""
        return self._session is not None

    @property
    def session(self) -> Session:
        """The session; only after `open`."""
        assert self._session is not None
        return self._session

    @property
    def inbox(self) -> Inbox:
        """Where answers go; only after `open`."""
        assert self._inbox is not None
        return self._inbox

    def require_models(self) -> None:
        """Raise HybridcodeError where no task can be done, and say how to get a model."""
        if self._trouble is not None:
            raise self._trouble
        require_models(self.models, self._settings, os.environ)

    def open(self, publish: Callable[[Envelope], None], *, tells_past: bool) -> Session:
        """The session, opened now if it was not; `publish` gets every later envelope, and if wanted those so far.

        Raises:
            JournalError: the journal cannot be opened, or the session to resume does not exist.
        """
        if self._session is None:
            self._session = Session.open(self._options)
            self._shadow = Shadow(self._session)
            for envelope in self._session.state.envelopes if tells_past else ():
                publish(envelope)
            self._session.subscribe(publish)
        return self._session

    async def work(self, task: Coroutine[object, object, object]) -> None:
        """Do a task, and behind it, until the next one, what of it falls due for `hybridcode calibrate`."""
        await self._stop_shadow()
        try:
            await task
        finally:
            if self._shadow is not None:
                self._shadowing = asyncio.create_task(self._shadow.catch_up())

    async def _stop_shadow(self) -> None:
        if self._shadow is not None and self._shadowing is not None:
            self._shadow.stop()
            await asyncio.gather(self._shadowing, return_exceptions=True)

    async def leave(self, publish: Callable[[Envelope], None], go_to: str | None, forked: SessionForked | None) -> None:
        """Close the session, not the models, and open another one; None = a new one, later, or now if it is a fork.

        Raises:
            HybridcodeError: the other one cannot be opened; this one is as it was.
        """
        former = self._session, self._inbox, self._options
        self._options = replace(self._options, resume=go_to, forked=forked, plan=None)
        self._session = None
        try:
            if go_to is not None or forked is not None:
                self._session = Session.open(self._options)
        except HybridcodeError:
            self._session, self._inbox, self._options = former
            raise
        if former[0] is not None:
            await self._stop_shadow()
            await former[0].close(keeps_models=True)
        self._shadow = Shadow(self._session) if self._session is not None else None
        if self._session is not None:
            self._session.subscribe(publish)

    @property
    def loaded(self) -> Loaded:
        """The settings as they were read."""
        return self._options.loaded

    def use_models(self, models: Models, settings: ModelSettings) -> None:
        """Work with other models from the next task on, also in sessions that are opened later in this program."""
        loaded = self._options.loaded
        later = msgspec.structs.replace(loaded.settings, models=settings)
        self.models = models
        self.chosen = names_of(models)
        self._options = replace(self._options, loaded=msgspec.structs.replace(loaded, settings=later))
        if self._session is not None:
            self._session.use_models(models, settings)

    async def start_models(self) -> None:
        """Start the model processes."""
        await start_all(self.models)

    async def close(self) -> None:
        """Give back processes and files."""
        await self._stop_shadow()
        if self._session is not None:
            await self._session.close()
        else:
            await close_all(self.models)
        await self.fittings.close()

    def _make_approver(self, approvals: Approvals, sandbox: Sandbox) -> Approver:
        self._inbox = Inbox(approvals)
        return self._inbox
