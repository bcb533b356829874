"""A session: opens the journal, the models and the gate, runs tasks one after the other, closes everything.

Invariant: every way out of `run` and `resume`, cancellation included, leaves a TaskEnded in the journal.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import msgspec

from hybridcode.agent.keeping import Keeper
from hybridcode.agent.run import Baselines, Outcome, PlanApprover, Run
from hybridcode.agent.steering import bounded
from hybridcode.config.edit import add_project_rule
from hybridcode.config.load import Loaded
from hybridcode.config.paths import state_dir
from hybridcode.config.settings import Mode, ModelSettings, Settings
from hybridcode.context.index import Index
from hybridcode.domain.asked import QuestionAnswered, answer_of
from hybridcode.domain.errors import ConfigError, HybridcodeError, JournalError, LimitReached
from hybridcode.domain.events import (
    Envelope,
    Event,
    Interrupted,
    ModeChanged,
    NoteGiven,
    NoticeGiven,
    PlanMade,
    SessionForked,
    SessionResumed,
    TaskEnded,
    TaskGiven,
    TaskResumed,
)
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Task
from hybridcode.domain.ports import Approver, Model, Watcher
from hybridcode.domain.scrub import scrubbed
from hybridcode.gate.approvers import Refuse
from hybridcode.gate.grants import grant
from hybridcode.gate.outcomes import PERSON
from hybridcode.gate.sandbox import Sandbox
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.store import Journal, SessionJournal, new_session_id
from hybridcode.models.sender import Sender
from hybridcode.repo.facts import git_facts
from hybridcode.session.consent import agree, named_now, without_checks
from hybridcode.session.gates import open_gate
from hybridcode.session.history import history_of
from hybridcode.session.models import Models, build_models, close_all, start_all
from hybridcode.session.modes import checked_mode, mode_at_start
from hybridcode.session.opening import opened, opening_notices
from hybridcode.session.own import OwnCommands
from hybridcode.session.plan_following import FollowPlan
from hybridcode.session.private import Private
from hybridcode.session.resuming import take_up
from hybridcode.session.routing import routes_for
from hybridcode.session.send_policy import send_policy
from hybridcode.session.senders import senders_for
from hybridcode.session.state import SessionState
from hybridcode.session.task_view import TaskView
from hybridcode.session.watchers import NullWatcher
from hybridcode.session.worktrees import Workplace, lacking, leave, taken_back, workplace
from hybridcode.version import __version__

MakeApprover = Callable[[Approvals, Sandbox], Approver]
"""Builds the approver once the journal and the sandbox are known."""


@dataclass(frozen=True)
class SessionOptions:
    """How to open a session."""

    workspace: Path
    loaded: Loaded
    make_approver: MakeApprover = field(default=lambda approvals, sandbox: Refuse())
    plan_approver: PlanApprover = field(default_factory=FollowPlan)
    watcher: Watcher = field(default_factory=NullWatcher)
    make_models: Callable[[Settings], Models] = build_models
    resume: str | None = None
    """Id of the session to go on with."""
    forked: SessionForked | None = None
    """What a new session begins with, if it begins where another one stood."""
    plan: Plan | None = None
    """A plan to follow instead of asking for one."""
    is_attended: bool = False
    """True when a person can be asked while the run goes on."""


class Session:
    """One conversation in one workspace."""

    def __init__(self, options: SessionOptions, journal: Journal, session: SessionJournal, place: Workplace) -> None:
        self.options = options
        self.journal = journal
        self.log = session
        self.place: Workplace | None = place
        """None once its worktree was given back."""
        self.root = place.root
        """The folder that it reads, writes and runs in."""
        self.state = SessionState.of(session.envelopes(), forgets_ended=True)
        named = self.state.named_checks
        self.agreed = agree(options.loaded, options.workspace, is_attended=options.is_attended, named=named)
        self.settings = place.settings(self.agreed.settings)
        self.id = session.id
        session.subscribe(self.state.apply)
        self.models = options.make_models(self.settings)
        self.gate = open_gate(
            self.root, session, settings=self.settings, rules=self.agreed.rules, watcher=options.watcher
        )
        self.gate.policy = self.gate.policy.in_mode(mode_at_start(options.loaded, self.state))
        self.sandbox = self.gate.effects.sandbox
        self.private = Private(options.workspace, self.settings.egress)
        if self.settings.egress.redact:
            self.journal.scrub = lambda event: scrubbed(event, self._clean)
            self.gate.effects.clean = self._clean
        self.gate.approver = options.make_approver(self.gate.approvals, self.sandbox)
        self.gate.effects.clear_leftovers()
        self.index = Index.open(options.workspace)
        redactor = self.private.redactor if self.settings.egress.redact else None
        self.keeper = Keeper(session, room=self.settings.audit.keep_trees_mb * 1_000_000, redactor=redactor)
        self.baselines = Baselines()
        self.own = OwnCommands(self.gate, self.state, on_ran=self._distrust)
        """What a person runs themselves."""
        self._run: Run | None = None
        self._running: asyncio.Task[Outcome] | None = None
        self._stopped_by = ""
        self._changed = set[str]()

    @classmethod
    def open(cls, options: SessionOptions) -> Self:
        """Open or resume; journals what a person should know about the workspace and the models.

        Raises:
            JournalError: when the state directory cannot be written, there is no such session to resume, or another
                process is running it.
        """
        folder = state_dir(options.workspace, options.loaded.settings.audit.state_dir)
        journal = Journal.open(folder / "journal.db")
        try:
            session_id = options.resume or new_session_id()
            if options.resume is not None:
                journal.session(session_id).require()
            journal.claim(session_id)
            log, git = journal.session(session_id), options.loaded.settings.git
            place = workplace(options.workspace, log, git, is_new=options.resume is None)
            with taken_back(place, is_new=options.resume is None):
                session = cls(options, journal, log, place)
        except HybridcodeError:
            journal.close()
            raise
        if options.resume is None:
            session._record_opening(place)
        else:
            session.log.append(SessionResumed(__version__))
            session._record_mode(by="start")
            session._record_checks()
            for event in place.news:
                session.log.append(event)
            session.gate.recover()
        return session

    def subscribe(self, callback: Callable[[Envelope], None]) -> Callable[[], None]:
        """Call back after each envelope is on disk and folded into `state`; returns the way to stop it."""
        return self.log.subscribe(callback)

    async def start_models(self) -> None:
        """Start the model processes ahead of the first request."""
        await start_all(self.models)

    async def run(self, text: str) -> Outcome:
        """Do a new task, or answer what the planner of the last one asked, and go on with that.

        Raises:
            HybridcodeError: a task is running already, or the answer is too long.
        """
        if (view := self.state.task) is not None and view.waits_for_answer and not self.is_running:
            self.log.append(QuestionAnswered(view.task.id, answer_of(text), PERSON))
            return await self.resume()
        return await self._guarded(lambda: self._begin(text))

    async def resume(self) -> Outcome:
        """Go on with the last task where it stopped; steps that are done stay done.

        Raises:
            HybridcodeError: a task is running already.
        """
        view = self.state.task
        if view is None:
            raise ConfigError("There is no task to resume.", "Give a prompt.")
        if view.ended is not None and not view.is_open:
            message = f"nothing to resume, the task has ended: {view.ended.message}"
            self.log.append(NoticeGiven("info", message))
            return Outcome(ExitCode(view.ended.exit_code), message, view.ended.files)
        return await self._guarded(lambda: self._take_up(view))

    async def _begin(self, text: str) -> Run:
        run = self.new_run(Task(f"task-{len(self.state.tasks) + 1}", text), history=history_of(self.state))
        snapshot = await run.snapshot()
        run.task = Task(run.task.id, text, snapshot.git.head)
        self.log.append(TaskGiven(run.task, snapshot.digest))
        if self.options.plan is not None:
            run.plan, run.plan_source = self.options.plan, "file"
            self.log.append(PlanMade(run.plan, run.plan_source))
        return run

    async def _take_up(self, view: TaskView) -> Run:
        run = self.new_run(view.task)
        take_up(run, view, self.state)
        self.log.append(TaskResumed(view.task.id))
        return run

    def interrupt(self, by: str) -> None:
        """Stop the running task as soon as possible; what is pending stays pending."""
        if self._running is not None and not self._running.done():
            self._stopped_by = by
            self._running.cancel()

    def note(self, text: str, *, by: str) -> None:
        """Say something to the running task: the next request to a model holds it, what waits goes on waiting.

        Raises:
            HybridcodeError: no task runs, or the note is empty or too long.
        """
        if self._run is None:
            raise HybridcodeError("No task is running.", "Enter sends it as a task.")
        words = bounded(text)
        self.log.append(NoteGiven(self._run.task.id, words, by))
        self._run.notes.append(words)
        if self.models.local is not None and self.models.local.info.profile == "tiny":
            self.log.append(
                NoticeGiven("info", "the shipped fixture writes from the step's goal alone: it reads no notes")
            )

    def _distrust(self) -> None:
        """A command beside the task may have changed what its checks have proven."""
        if self._run is not None:
            self._run.proven.clear()

    @property
    def mode(self) -> Mode:
        """The permission mode that the next action is judged by."""
        return self.gate.policy.mode

    def switch_mode(self, name: str, *, by: str) -> None:
        """Work in another permission mode from the next judgement on; what is already asked stays asked.

        Raises:
            ConfigError: a person may not switch to that here.
        """
        self.gate.policy = self.gate.policy.in_mode(checked_mode(name, self.options.loaded))
        self._record_mode(by=by)

    def use_models(self, models: Models, settings: ModelSettings) -> None:
        """Work with other models from the next task on; a task that runs keeps its own. Nothing is closed here."""
        self.models = models
        self.settings = msgspec.structs.replace(self.settings, models=settings)

    async def until_idle(self) -> None:
        """Wait for the end of the task that runs, if one does."""
        if self._running is not None:
            await asyncio.wait((self._running,))

    def _record_mode(self, *, by: str) -> None:
        if self.mode != self.state.mode:
            self.log.append(ModeChanged(self.mode, by))

    def remember_rule(self, rule: str, *, for_project: bool) -> None:
        """Take in a person's yes to exactly one command: for this session, and for later ones here if asked.

        Raises:
            GateError: a rule that says more than one command's very text.
            ConfigError: a rule that cannot be read, or a file of the user's that cannot be written.
        """
        scope = "project" if for_project else "session"
        self.gate.policy = grant(self.log, self.gate.policy, rule, scope=scope, by=PERSON)
        if for_project:
            add_project_rule(self.options.workspace, rule)

    @property
    def is_running(self) -> bool:
        """True while a task is being done."""
        return self._running is not None

    async def close(self, *, keeps_models: bool = False) -> None:
        """Give back processes and files; models that another session goes on with may stay."""
        await self.own.close()
        await self.keeper.close()
        await self.leave_worktree()
        if not keeps_models:
            await close_all(self.models)
        self.gate.effects.close()
        self.index.close()
        self.journal.close()

    def new_run(self, task: Task, *, history: str = "") -> Run:
        """What a task of this session has at hand."""
        return Run(
            task=task,
            root=self.root,
            settings=without_checks(self.settings, self.state.declined_checks & self.agreed.suggested.keys()),
            suggested=self.agreed.suggested,
            journal=self.log,
            gate=self.gate,
            senders=senders_for(self.models, self.settings, self.sender),
            watcher=self.options.watcher,
            plan_approver=self.options.plan_approver,
            index=self.index,
            keeper=self.keeper,
            baselines=self.baselines,
            clean=self._clean if self.settings.egress.redact else str,
            routes=routes_for(self.options.loaded, self.models)[0],
            history=history,
            calls=self.state.sums.calls,
        )

    def _clean(self, text: str) -> str:
        return self.private.redactor().clean(text)

    def sender(self, model: Model) -> Sender:
        """A model behind this session's policy."""
        policy = send_policy(model, self.settings, self.private, gate=self.gate, record=self.state)
        return Sender(model, self.log, policy=policy)

    def _record_opening(self, place: Workplace) -> None:
        facts, loaded, roles = git_facts(self.options.workspace), self.options.loaded, self.settings.roles
        first: list[Event] = [opened(self.root, self.mode, facts, self.models, self.sandbox.kind)]
        first += [] if self.options.forked is None else [self.options.forked]
        warnings, checks = [*loaded.warnings, *routes_for(loaded, self.models)[1]], self.agreed.notices
        told = facts if place.made is None else replace(facts, dirty_paths=())  # what is left out is among its news
        notices = opening_notices(told, self.models, warnings, checks, roles=roles, profile=loaded.profile)
        for event in (*first, *place.news, *notices):
            self.log.append(event)
        self._record_checks()

    async def leave_worktree(self) -> None:
        """Give back the worktree of a session that has one: it is removed if all in it is committed, else kept."""
        place, self.place = self.place, None
        if place is not None and place.made is not None:
            self.log.append(await leave(self.log, place.made))

    def _record_checks(self) -> None:
        if (now := named_now(self.options.loaded)) not in (None, self.state.named_checks):
            self.log.append(now)

    async def _guarded(self, prepare: Callable[[], Awaitable[Run]]) -> Outcome:
        """Run to an outcome; every error becomes an exit code with its advice."""
        if self._running is not None:
            raise HybridcodeError("A task is running.", "Interrupt it first, or wait for its end.")
        self._changed = set[str]()
        self._running = asyncio.ensure_future(self._within_limits(prepare))
        try:
            return await self._running
        except asyncio.CancelledError:
            if not self._stopped_by:
                self._end(ExitCode.TERMINATED, "stopped", before=Interrupted("cancelled"))
                raise
            by, self._stopped_by = self._stopped_by, ""
            code = ExitCode.TERMINATED if by == "SIGTERM" else ExitCode.INTERRUPTED
            return self._end(code, f"interrupted by {by}", before=Interrupted(by))
        except HybridcodeError as error:
            return self._end(error.exit_code, error.advice)
        except Exception as error:
            place = "".join(traceback.format_exception(error)[-3:])
            return self._end(ExitCode.INTERNAL, f"internal error: {error!r}", before=NoticeGiven("error", place))
        finally:
            self._running, self._run, self._stopped_by = None, None, ""

    async def _within_limits(self, prepare: Callable[[], Awaitable[Run]]) -> Outcome:
        seconds = self.settings.limits.timeout_s
        limit = asyncio.timeout(seconds or None)
        try:
            async with limit:
                run = await prepare()
                self._run, self._changed = run, run.changed
                # Deferred: a session that is only opened again, to be read, does without the loop.
                from hybridcode.agent.loop import run_task

                outcome = await run_task(run)
                if (lacks := lacking(self.place, self.state)) is not None:
                    self.log.append(lacks)
                return outcome
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise LimitReached(f"The run took longer than {seconds:g} s.", "Raise --timeout or resume.") from error

    def _end(self, code: ExitCode, message: str, *, before: Event | None = None) -> Outcome:
        files = tuple(sorted(self._changed))
        try:
            if before is not None:
                self.log.append(before)
            self.log.append(TaskEnded(int(code), code.reason, files, message))
        except JournalError as error:
            message = f"{message} (and the journal could not be written: {error.message})"
        return Outcome(code, message, files)
