"""A real session behind the screens.

Invariant: a session is opened at the first task, not at start, so that looking around leaves no trace; nothing that a
session needs is imported before the first paint.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from hybridcode.config.load import Loaded, works_alike
from hybridcode.config.settings import Mode, Settings
from hybridcode.domain.action import ChangeSet, Decision, FileChange
from hybridcode.domain.asked import answer_of
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Envelope, NoticeGiven, SessionForked
from hybridcode.domain.own import is_own
from hybridcode.domain.plan import Plan
from hybridcode.models.pricing import Price
from hybridcode.repo.facts import GitFacts, git_facts
from hybridcode.repo.gitreader import GitReader
from hybridcode.repo.listing import list_files
from hybridcode.session.modes import checked_mode
from hybridcode.session.watchers import Piece, QueueWatcher
from hybridcode.tui.conversation import PERSON, Facts, Remember
from hybridcode.tui.plan_desk import PlanDesk
from hybridcode.tui.records import Library, Past
from hybridcode.tui.surroundings import advice_for, draws_ascii_only, further_roles, local_name, short_path, ui_here

if TYPE_CHECKING:
    from hybridcode.session.models import Models
    from hybridcode.session.session import Session
    from hybridcode.tui.archive import Archive
    from hybridcode.tui.backing import Backing
    from hybridcode.tui.choices import Choices
    from hybridcode.tui.fittings import Fittings

STOP_S = 3.0
"""Seconds that a task gets to end after an interruption, before it is cut off."""
OnEnvelope = Callable[[Envelope], None]
MakeModels = Callable[[Settings], "Models"]


class LiveConversation:
    """Opens and drives a Session for the screens."""

    def __init__(
        self,
        workspace: Path,
        loaded: Loaded,
        *,
        make_models: MakeModels | None = None,
        frontier_name: str | None = None,
        resume: str | None = None,
        plan: Plan | None = None,
    ) -> None:
        self._workspace, self._loaded = workspace, loaded
        self._make_models = make_models
        self._resume: str | None = resume
        self._plan: Plan | None = plan
        self._scripted = frontier_name
        self._ui = ui_here(loaded, os.environ)
        self._next: Loaded | None = None
        self._choices: Choices | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._watcher = QueueWatcher()
        self._desk = PlanDesk(lambda: self.mode)
        self._chosen: Mode | None = None
        self._git = GitFacts()
        self._callbacks: list[OnEnvelope] = []
        self._backing: Backing | None = None
        self._running: asyncio.Task[object] | None = None
        self._own: asyncio.Task[object] | None = None
        self._closing: asyncio.Task[None] | None = None
        if resume is not None:
            self._session()

    @property
    def session_id(self) -> str | None:
        """Id of the session, once there is one."""
        return self._backing.session.id if self._backing and self._backing.is_open else None

    @property
    def _names(self) -> tuple[str | None, str | None]:
        """Of the models: as configured, or as chosen since."""
        chosen = self._backing.chosen if self._backing else None
        settings = self._loaded.settings
        return chosen or (self._scripted or settings.models.frontier.model or None, local_name(settings))

    @property
    def mode(self) -> Mode:
        """The permission mode that holds now."""
        if self._backing and self._backing.is_open:
            return self._backing.session.mode
        return self._chosen or self._loaded.settings.approval.mode

    @property
    def facts(self) -> Facts:
        """What holds now."""
        settings = self._loaded.settings
        frontier, local = self._names
        session = self._backing.session if self._backing and self._backing.is_open else None
        task = session.state.task if session else None
        return Facts(
            workspace=short_path(self._workspace),
            branch=self._git.branch or "",
            dirty=len(self._git.dirty_paths),
            frontier=frontier,
            local=local,
            roles=further_roles(settings),
            mode=self.mode,
            is_offline=settings.egress.mode == "offline",
            is_resumable=bool(task and task.is_open and self._running is None),
            advice=advice_for(frontier, local),
            sandbox=session.sandbox.kind if session else "",
            unenforced=session.sandbox.unenforced if session else (),
            expires_s=settings.approval.expires_s,
            side_by_side=self._ui.side_by_side,
            is_ascii=draws_ascii_only(self._ui.glyphs, os.environ),
            has_unicode=not draws_ascii_only("auto", os.environ),
            theme=self._ui.theme,
            bell=self._ui.bell,
            notify=self._ui.notify,
            title=self._ui.title,
            price=Price.configured(settings.models.frontier),
            budget_usd=settings.limits.max_cost_usd,
        )

    @property
    def choices(self) -> "Choices":
        """The settings, with their origins."""
        if self._choices is None:
            # Deferred: writing settings needs tomlkit and the policy, which the first paint must not pay for.
            from hybridcode.tui.choices import Choices

            self._choices = Choices(self._loaded, self._take)
        return self._choices

    async def _take(self, loaded: Loaded) -> bool:
        """Show with other settings at once, and work with them from the next session on; False: one is open now."""
        self._ui = ui_here(loaded, os.environ)
        if works_alike(loaded, self._next or self._loaded):
            return self._next is None
        if self._backing is not None and self._backing.is_open:
            self._next = loaded
            return False
        await self._renew(loaded)
        return True

    async def _renew(self, loaded: Loaded, session: str | None = None, forked: SessionForked | None = None) -> None:
        """Go over to other settings, and with them to another session; if that one cannot be opened, all stays."""
        former = self._loaded, self._resume, self._plan, self._backing
        self._loaded, self._backing = loaded, None
        try:
            if former[3] is not None:
                if former[3].is_open:
                    self._resume, self._plan = session, None
                backing = self._behind(forked)
                if session is not None or forked is not None:
                    backing.open(lambda envelope: None, tells_past=False).subscribe(self._publish)
        except HybridcodeError:
            self._loaded, self._resume, self._plan, self._backing = former
            raise
        self._next = None
        if former[3] is not None:
            await former[3].close()
            self._restarting = asyncio.create_task(self._restart())

    async def _restart(self) -> None:
        await self._behind().start_models()

    @property
    def envelopes(self) -> Sequence[Envelope]:
        """Everything that happened so far."""
        return self._backing.session.state.envelopes if self._backing and self._backing.is_open else ()

    @property
    def live(self) -> "SimpleQueue[Piece]":
        """Text as it is being written."""
        return self._watcher.queue

    @property
    def is_running(self) -> bool:
        """True while a task is being done."""
        return self._running is not None and not self._running.done()

    @property
    def is_own_running(self) -> bool:
        """True while a command that the person typed runs, or waits to be looked at."""
        return self._own is not None and not self._own.done()

    @property
    def library(self) -> Library:
        """All sessions of this repository."""
        return self._behind().library

    @property
    def past(self) -> Past:
        """Going back in this session."""
        return self._behind().past

    async def open_session(self, session: str | None, *, forked: SessionForked | None = None) -> None:
        """Leave this session and go over to another; the models stay as they are."""
        if self.is_running:
            raise HybridcodeError("A task is running.", "Esc interrupts it.")
        if self.is_own_running:
            self._session().own.require_rest()
        if session is None or session != self.session_id:
            if self._next is not None:
                await self._renew(self._next, session, forked)
            else:
                await self._behind().leave(self._publish, session, forked)
            self._desk.forget()
            self._running = None

    def subscribe(self, on_envelope: OnEnvelope) -> Callable[[], None]:
        """Call back for each later envelope."""
        self._callbacks.append(on_envelope)
        return lambda: self._callbacks.remove(on_envelope)

    def blob(self, sha256: str) -> bytes:
        """The bytes behind a digest."""
        return self._session().log.get_blob(sha256)

    def seal(self, changes: Sequence[FileChange]) -> ChangeSet:
        """Store the bytes and return the change set that names them."""
        return self._session().gate.seal(changes)

    @property
    def archive(self) -> "Archive":
        """All sessions of this repository."""
        return self._behind().archive

    @property
    def fittings(self) -> "Fittings":
        """What this session works with."""
        return self._behind().fittings

    async def start(self, text: str) -> None:
        """Begin a task in the background."""
        self._behind().require_models()
        task = self._session().state.task
        if task is not None and task.waits_for_answer:
            answer_of(text)
        self._desk.forget()
        self._launch(self._session().run(text))

    async def resume(self) -> None:
        """Go on with the task that stopped before its end."""
        self._launch(self._session().resume())

    async def paths(self) -> Sequence[str]:
        """Files of the repository, listed off the event loop."""
        root = self._workspace
        return await asyncio.to_thread(lambda: list_files(root, GitReader.find(root)).paths)

    async def interrupt(self) -> None:
        """Stop what runs; pending approvals stay pending."""
        if self.is_running:
            self._session().interrupt("you")

    async def run_own(self, line: str) -> None:
        """Run a command line that the person typed, in the background; opens a session if there is none."""
        session = self._session()
        session.own.require_rest()
        self._own = asyncio.create_task(self._watched(session.own.run(line, by=PERSON)))

    async def stop_own(self) -> None:
        """End that command, or withdraw it."""
        if self.is_own_running:
            self._session().own.stop(PERSON)

    async def steer(self, text: str) -> None:
        """Say something to the task that runs."""
        if not self.is_running:
            raise HybridcodeError("No task is running.", "Enter sends it as a task.")
        self._session().note(text, by=PERSON)

    async def answer(self, proposal_id: str, decision: Decision, *, remember: Remember | None = None) -> None:
        """Hand in a person's decision."""
        session = self._session()
        if remember is not None:
            session.remember_rule(remember.rule, for_project=remember.scope == "project")
        if self._behind().inbox.answer(proposal_id, decision):
            return
        session.gate.approvals.answer(proposal_id, decision)
        if is_own(session.gate.approvals.get(proposal_id).proposal):
            self._own = asyncio.create_task(self._watched(session.own.take_up(proposal_id)))
        else:
            await self._go_on()

    async def switch_mode(self, name: str) -> None:
        """Work in another permission mode; before there is a session it is kept for the one that is opened."""
        if self._backing and self._backing.is_open:
            self._backing.session.switch_mode(name, by=PERSON)
        else:
            self._chosen = checked_mode(name, self._loaded)

    async def answer_plan(self, plan: Plan | None) -> None:
        """Approve the waiting plan, or say no with None."""
        self._desk.answer(plan)
        await self._go_on()

    async def answer_questions(self, answer: str) -> None:
        """Answer what the planner asked."""
        task = self._session().state.task
        if task is None or not task.waits_for_answer:
            raise HybridcodeError("The planner asks nothing now.", "What is written in the composer is a task.")
        await self.start(answer)

    async def _go_on(self) -> None:
        """An answer to what an interrupted task waited for takes that task up again."""
        task = self._session().state.task
        if not self.is_running and task is not None and task.is_open:
            await self.resume()

    async def look(self) -> None:
        """Ask git what `facts` shall say from now on: four processes, off the event loop."""
        self._git = await asyncio.to_thread(git_facts, self._workspace)

    async def load(self) -> None:
        """Import what a session needs, off the event loop."""
        for name in ("hybridcode.tui.backing", "hybridcode.agent.loop", "hybridcode.tui.panes"):
            await asyncio.to_thread(import_module, name)

    async def start_models(self) -> None:
        """Import what a session needs and start the model processes; failures are left for the first task to report."""
        await self.load()
        await self._behind().start_models()

    async def close(self, by: str = "you, leaving") -> None:
        """Stop what runs and give back processes and files, once; pending approvals stay pending."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(by))
        await asyncio.shield(self._closing)

    async def _close(self, by: str) -> None:
        if self._running is not None and not self._running.done():
            self._session().interrupt(by)
            await asyncio.wait((self._running,), timeout=STOP_S)
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if self._restarting is not None:
            self._restarting.cancel()
        if self._backing is not None:
            await self._backing.close()
        if self._own is not None:
            await asyncio.gather(self._own, return_exceptions=True)

    def _launch(self, work: Coroutine[object, object, object]) -> None:
        """Run a task in the background; what goes wrong beside the session's own endings becomes a notice."""
        if self.is_running:
            work.close()
            raise HybridcodeError("A task is running.", "Esc interrupts it.")
        self._running = asyncio.create_task(self._watched(self._behind().work(work)))

    async def _watched(self, work: Coroutine[object, object, object]) -> None:
        try:
            await work
        except HybridcodeError as error:
            self._session().log.append(NoticeGiven("error", error.message, error.hint))

    def _behind(self, forked: SessionForked | None = None) -> "Backing":
        if self._backing is None:
            # Deferred: the loop, the gate and the models cost 0.25 s, which the first paint must not pay.
            from hybridcode.tui.backing import Backing

            self._backing = Backing(
                self._workspace,
                self._loaded,
                make_models=self._make_models,
                plan_approver=self._desk,
                watcher=self._watcher,
                resume=self._resume,
                plan=self._plan,
                forked=forked,
            )
        return self._backing

    def _session(self) -> "Session":
        session = self._behind().open(self._publish, tells_past=bool(self._callbacks))
        if self._chosen is not None:
            chosen, self._chosen = self._chosen, None
            session.switch_mode(chosen, by=PERSON)
        return session

    def _publish(self, envelope: Envelope) -> None:
        for callback in tuple(self._callbacks):
            callback(envelope)
