"""A real session behind the screens.

Invariant: a session is opened at the first task, not at start, so that looking around leaves no trace.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue

from hybridcode.agent.run import Outcome
from hybridcode.config.load import Loaded
from hybridcode.config.settings import Settings
from hybridcode.domain.action import ChangeSet, Decision, FileChange
from hybridcode.domain.events import Envelope
from hybridcode.domain.plan import Plan
from hybridcode.domain.ports import Approver
from hybridcode.gate.approvers import Inbox
from hybridcode.gate.sandbox import Sandbox
from hybridcode.journal.approvals import Approvals
from hybridcode.repo.facts import git_facts
from hybridcode.session.models import Models, close_all, start_all
from hybridcode.session.session import Session, SessionOptions
from hybridcode.session.watchers import Piece, QueueWatcher
from hybridcode.tui.conversation import Facts, Remember

OnEnvelope = Callable[[Envelope], None]


class PlanDesk:
    """Where a plan waits for a person."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[Plan | None] | None = None

    async def decide_plan(self, plan: Plan) -> Plan | None:
        """Wait for a person's answer."""
        self._answer = asyncio.get_running_loop().create_future()
        try:
            return await self._answer
        finally:
            self._answer = None

    def answer(self, plan: Plan | None) -> None:
        """Hand in the answer; without a waiting plan nothing happens."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(plan)


class LiveConversation:
    """Opens and drives a Session for the screens."""

    def __init__(
        self,
        workspace: Path,
        loaded: Loaded,
        *,
        make_models: Callable[[Settings], Models],
        resume: str | None = None,
        plan: Plan | None = None,
    ) -> None:
        self._watcher = QueueWatcher()
        self._desk = PlanDesk()
        self._inbox: Inbox | None = None
        self._callbacks: list[OnEnvelope] = []
        self._session: Session | None = None
        self._running: asyncio.Task[Outcome] | None = None
        self._models = make_models(loaded.settings)
        self._options = SessionOptions(
            workspace=workspace,
            loaded=loaded,
            make_approver=self._make_approver,
            plan_approver=self._desk,
            watcher=self._watcher,
            make_models=lambda _: self._models,
            resume=resume,
            plan=plan,
        )
        if resume is not None:
            self._open()

    @property
    def session_id(self) -> str | None:
        """Id of the session, once there is one."""
        return self._session.id if self._session else None

    @property
    def facts(self) -> Facts:
        """What holds now."""
        settings, workspace = self._options.loaded.settings, self._options.workspace
        git = git_facts(workspace)
        frontier, local = (model.info.name if model else None for model in (self._models.frontier, self._models.local))
        task = self._session.state.task if self._session else None
        return Facts(
            workspace=_short(workspace),
            branch=git.branch or "",
            dirty=len(git.dirty_paths),
            frontier=frontier,
            local=local,
            mode=settings.approval.mode,
            is_offline=settings.egress.mode == "offline",
            is_resumable=bool(task and task.is_open and self._running is None),
            advice=_advice(frontier, local),
            side_by_side=settings.ui.side_by_side,
            theme=settings.ui.theme,
        )

    @property
    def envelopes(self) -> Sequence[Envelope]:
        """Everything that happened so far."""
        return self._session.state.envelopes if self._session else ()

    @property
    def live(self) -> "SimpleQueue[Piece]":
        """Text as it is being written."""
        return self._watcher.queue

    def subscribe(self, on_envelope: OnEnvelope) -> Callable[[], None]:
        """Call back for each later envelope."""
        self._callbacks.append(on_envelope)
        return lambda: self._callbacks.remove(on_envelope)

    def blob(self, sha256: str) -> bytes:
        """The bytes behind a digest."""
        return self._open().log.get_blob(sha256)

    def seal(self, changes: Sequence[FileChange]) -> ChangeSet:
        """Store the bytes and return the change set that names them."""
        return self._open().gate.seal(changes)

    async def start(self, text: str) -> None:
        """Begin a task in the background."""
        session = self._open()
        self._running = asyncio.create_task(session.run(text))

    async def resume(self) -> None:
        """Go on with the task that stopped before its end."""
        session = self._open()
        self._running = asyncio.create_task(session.resume())

    async def interrupt(self) -> None:
        """Stop what runs; pending approvals stay pending."""
        if self._session is not None:
            self._session.interrupt("a key")

    async def answer(self, proposal_id: str, decision: Decision, *, remember: Remember | None = None) -> None:
        """Hand in a person's decision."""
        session = self._open()
        if remember is not None:
            session.remember_rule(remember.rule, for_project=remember.scope == "project")
        if self._inbox is not None:
            self._inbox.answer(proposal_id, decision)

    async def answer_plan(self, plan: Plan | None) -> None:
        """Approve the waiting plan, or say no with None."""
        self._desk.answer(plan)

    @property
    def is_running(self) -> bool:
        """True while a task is being done."""
        return self._running is not None and not self._running.done()

    async def start_models(self) -> None:
        """Start the model processes ahead of the first task; failures are left for that task to report."""
        await start_all(self._models)

    async def close(self) -> None:
        """Stop what runs and give back processes and files; pending approvals stay pending."""
        if self._session is None:
            await close_all(self._models)
            return
        if self._running is not None and not self._running.done():
            self._session.interrupt("leaving")
            await asyncio.gather(self._running, return_exceptions=True)
        await self._session.close()

    def _make_approver(self, approvals: Approvals, sandbox: Sandbox) -> Approver:
        self._inbox = Inbox(approvals)
        return self._inbox

    def _open(self) -> Session:
        if self._session is None:
            self._session = Session.open(self._options)
            for envelope in tuple(self._session.state.envelopes):
                self._publish(envelope)
            self._session.subscribe(self._publish)
        return self._session

    def _publish(self, envelope: Envelope) -> None:
        for callback in tuple(self._callbacks):
            callback(envelope)


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)


def _advice(frontier: str | None, local: str | None) -> tuple[str, ...]:
    lines: list[str] = []
    if frontier is None:
        lines.append("Frontier: hybridcode config set models.frontier.model=NAME  (its key from the environment)")
    if local is None:
        lines.append(
            "Local: hybridcode config set models.local.path=/path/to/model.gguf  (or models.local.base_url=...)"
        )
    return tuple(lines)
