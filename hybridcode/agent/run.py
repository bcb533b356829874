"""What one task's run has at hand, and how it ended.

Invariant: a Run holds references only; everything that must survive a crash is in the journal.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hybridcode.agent.formats import FormatRecord
from hybridcode.agent.keeping import Keeper
from hybridcode.agent.lanes import Lanes
from hybridcode.config.routing import NO_TABLE, RoutingTable
from hybridcode.config.settings import Settings
from hybridcode.context.corpus import Corpus
from hybridcode.context.index import Index
from hybridcode.domain.action import Applied, Receipt
from hybridcode.domain.asked import Question
from hybridcode.domain.errors import ModelUnavailable, PlanOnly
from hybridcode.domain.events import StepOutcome
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import Chunk, ModelInfo, ReasoningDelta, TextDelta
from hybridcode.domain.plan import Plan, Task, Writer
from hybridcode.domain.planned import BaselineTaken
from hybridcode.domain.ports import Watcher
from hybridcode.gate.gate import Gate
from hybridcode.gate.protected import is_protected
from hybridcode.journal.store import SessionJournal
from hybridcode.models.egress import denied_files
from hybridcode.models.sender import Sender
from hybridcode.repo.snapshot import Snapshot


class PlanApprover(Protocol):
    """Whoever may look at a plan before its first step."""

    async def decide_plan(self, plan: Plan) -> Plan | None:
        """The plan to follow (as it is or edited), or None to stop here."""
        ...


@dataclass
class Senders:
    """The models of this run, each behind the one sender."""

    frontier: Sender | None
    local: Sender | None
    named: Mapping[str, Sender] = field(default_factory=dict[str, Sender])
    """Further ones by the NAME of their [models.NAME]."""
    drafter: str = "local"
    """Who writes what falls to the local model, as [roles] draft says."""

    def pick(self, wanted: str) -> Sender:
        """The wanted model, or another one where it is missing.

        Raises:
            ModelUnavailable: when there is none.
        """
        pair = (self.local, self.frontier) if wanted == "local" else (self.frontier, self.local)
        others = (one for one in (*pair, *self.named.values()) if one is not None)
        chosen = self.named.get(wanted) or next(others, None)
        if chosen is None:
            raise ModelUnavailable(
                "No model is configured.",
                "Set [models.frontier] model and its key, or [models.local] path or base_url; `hybridcode init` asks.",
            )
        return chosen

    def info(self, wanted: str) -> ModelInfo | None:
        """What is known of one model, None if it is missing."""
        pair = {"frontier": self.frontier, "local": self.local}
        sender = pair.get(wanted) or self.named.get(wanted)
        return sender.model.info if sender else None

    def part(self, writer: Writer) -> str:
        """Which model plays a writer of the ladder."""
        is_there = self.drafter in self.named or self.drafter == "frontier"
        return self.drafter if writer == "local" and is_there else writer

    @property
    def has_drafter(self) -> bool:
        """Somebody else than the frontier writes first."""
        part = self.part("local")
        if self.frontier is None:
            return self.local is not None or bool(self.named)
        return part != "frontier" and self.info(part) is not None


@dataclass
class Baselines:
    """What a session knows of its checks on trees before any change."""

    found: dict[tuple[str, str], BaselineTaken] = field(default_factory=dict[tuple[str, str], BaselineTaken])
    """By digest of the tree and text of the command."""
    too_long: set[str] = field(default_factory=set[str])
    """Texts of commands that are not tried again: they took too long, said nothing, or have no copy to run in."""


@dataclass
class Run:
    """Everything the loop needs for one task."""

    task: Task
    root: Path
    settings: Settings
    journal: SessionJournal
    gate: Gate
    senders: Senders
    watcher: Watcher
    plan_approver: PlanApprover
    index: Index
    keeper: Keeper
    """What windows are made from goes into the journal through it."""
    clean: Callable[[str], str] = str
    """Takes secrets out of a text, as it is done before anything is sent: for records of what was sent."""
    lanes: Lanes = field(default_factory=Lanes)
    """What steps that are at work at the same time share."""
    is_revised: bool = False
    """Steps that needed a declined one were asked for anew: once in a task."""
    repairs: int = 0
    """How often the frontier was asked for another plan after one failed."""
    is_ruled_again: bool = False
    """A plan was made by rule from what the judge objected to: once in a task."""
    failed_as: set[str] = field(default_factory=set[str])
    """What the plans came to that another one was asked for, by this run: the same again ends the task."""
    reworks: int = 0
    """How often a place of an earlier step was written again for the check of the whole task."""
    failures: dict[str, str] = field(default_factory=dict[str, str])
    """Step -> what its last try came to, of steps that failed in a way that another plan may help."""
    routes: RoutingTable = NO_TABLE
    """What routing.toml says, where it is followed."""
    history: str = ""
    """A bounded record of the session's earlier tasks."""
    notes: list[str] = field(default_factory=list[str])
    """What a person said to this task while it ran, oldest first; the next request to a model holds it."""
    baseline: BaselineTaken | None = None
    """How the check ended before any change; None where nobody knows."""
    baselines: Baselines = field(default_factory=Baselines)
    """Those of the session."""
    planner: str = "frontier"
    """Which model is asked for the plan."""
    plan: Plan | None = None
    """Set when the plan is already known (resumed, a file, a script)."""
    plan_source: str = ""
    plan_is_approved: bool = False
    done: set[str] = field(default_factory=set[str])
    """Ids of steps that a resumed run has behind it."""
    settled: Mapping[str, StepOutcome] = field(default_factory=dict[str, StepOutcome])
    """Steps that a person or policy said no to before the run was interrupted: they are not tried again."""
    pending: dict[str, str] = field(default_factory=dict[str, str])
    """Step id -> id of a proposal of an earlier run that waits, or was answered meanwhile."""
    pending_checks: dict[str, str] = field(default_factory=dict[str, str])
    """Text of a check command -> id of its proposal of an earlier run."""
    declined_checks: dict[str, Receipt] = field(default_factory=dict[str, Receipt])
    """Text of a check command -> a person's no to it; of a suggested one also why it could not run."""
    suggested: Mapping[str, str] = field(default_factory=dict[str, str])
    """Check commands that only the repository's files tell, each with the reason: without them it goes on unproven."""
    questions: tuple[Question, ...] = ()
    """What the planner asked back."""
    answer: str = ""
    """What the person wrote to that."""
    reproduces: str = ""
    """Id of the step whose test must fail before the fix; empty: none."""
    receipts: dict[str, Receipt] = field(default_factory=dict[str, Receipt])
    """Step id -> what became of its last proposal, for steps that an earlier run did not get done."""
    formats: FormatRecord = field(default_factory=FormatRecord)
    """How each model did with each format of answers in this session."""
    calls: int = 0
    """Model calls so far in this session: the source of call ids."""
    proven: dict[str, str] = field(default_factory=dict[str, str])
    """Texts of commands that passed since the last change of a file."""
    changed: set[str] = field(default_factory=set[str])
    """Paths that this task changed."""
    before: dict[str, bytes | None] = field(default_factory=dict[str, bytes | None])
    """Each changed path's bytes before the first change of this task."""

    @property
    def is_planning_only(self) -> bool:
        """True while the mode is `plan`: nothing is written and nothing runs. A person may switch it at any time."""
        return self.gate.policy.mode == "plan"

    @property
    def decider(self) -> str:
        """Who plans what is not for the local model."""
        role = self.settings.roles.plan
        return role if role in self.senders.named else "frontier"

    @property
    def may_repair(self) -> bool:
        """True while whoever decides may be asked for another plan if this one fails: not in place of a person's."""
        is_asked = self.settings.roles.plan != "local" and self.senders.info(self.decider) is not None
        return is_asked and self.plan_source != "file" and self.repairs < self.settings.limits.max_repairs

    def is_done(self, step: str) -> bool:
        """A step of the plan is done, by this run or by an earlier one of the task."""
        return step in self.done or self.lanes.ended.get(step) == "done"

    def require_effects(self) -> None:
        """Stop the task before its next effect if a person has switched to plan mode; it can be resumed.

        Raises:
            PlanOnly: nothing may be written or run now.
        """
        if self.is_planning_only:
            raise PlanOnly(
                "Stopped by plan mode: nothing more is written or run.", "Switch to another mode, then resume."
            )

    def next_call_id(self) -> str:
        """A session-wide unique id for a model call."""
        self.calls += 1
        return f"call-{self.calls}"

    def show(self, step: str | None, call_id: str) -> Callable[[Chunk], None]:
        """A callback that passes a call's pieces on to whoever watches."""

        def on_chunk(chunk: Chunk) -> None:
            match chunk:
                case TextDelta(text=text):
                    self.watcher.text(step=step, call_id=call_id, text=text, reasoning=False)
                case ReasoningDelta(text=text):
                    self.watcher.text(step=step, call_id=call_id, text=text, reasoning=True)
                case _:
                    pass

        return on_chunk

    def shown_to(self, wanted: str, snapshot: Snapshot, *, keep: str = "") -> Snapshot:
        """What of a tree a model may be shown: no credentials, and nothing of egress.deny_paths if it is remote.

        `keep` is the file that a step is about, which stays.
        """
        info = self.senders.pick(wanted).model.info
        denied = set(denied_files(snapshot.files, self.settings.egress.deny_paths)) if info.is_remote else set[str]()
        hidden = {path for path in snapshot.files if path in denied or holds_credentials(path)}
        return snapshot.without(hidden - {keep})

    def remember(self, receipt: Applied) -> None:
        """Note what was changed, with each file's bytes before this task's first change; nothing is proven any more."""
        self.proven.clear()
        for edit in receipt.edits:
            self.changed.add(edit.path)
            if edit.path not in self.before:
                before = edit.before_sha256
                self.before[edit.path] = self.journal.get_blob(before) if before else None

    async def snapshot(self) -> Snapshot:
        """The tree as it is now."""
        limit = self.settings.context.max_file_bytes
        return await asyncio.to_thread(self.index.take, self.root, max_file_bytes=limit)

    def corpus(self, snapshot: Snapshot) -> Corpus:
        """The ranked files of a tree; what is new in it is indexed first, which takes a while for a large one."""

        def on_progress(done: int, total: int) -> None:
            self.watcher.progress(what="indexing", fraction=done / total if total else None)

        return self.index.corpus(snapshot, progress=on_progress)


@functools.lru_cache(maxsize=65_536)
def holds_credentials(path: str) -> bool:
    """True for a file whose name says that it holds credentials: no model is shown it."""
    return is_protected(tuple(path.casefold().split("/"))) == "credentials"


@dataclass(frozen=True)
class Outcome:
    """How a task ended."""

    code: ExitCode
    message: str
    files: tuple[str, ...] = ()
