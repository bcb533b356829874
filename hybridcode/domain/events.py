"""The facts of a session, in the order they become true.

Invariant: an event is written to the journal before its effect is visible anywhere; views are folds of these and of
nothing else. Names are past participles; each docstring states the order it keeps.
"""

from typing import Literal

import msgspec

from hybridcode.domain.action import Decision, Proposal, Receipt, TreeChange
from hybridcode.domain.asked import AskedEvent, Fact
from hybridcode.domain.drafted import DraftMade, DraftRefused, DraftRuled, ImportAdded, WindowAssembled
from hybridcode.domain.model import Backend, Role, Timing, Usage
from hybridcode.domain.plan import Task, Writer
from hybridcode.domain.planned import (
    BaselineTaken,
    PlanDecided,
    PlanMade,
    PlannerChosen,
    PlanRevised,
    RepairAsked,
    StepMoved,
)
from hybridcode.domain.replaced import ModelReplaced
from hybridcode.domain.sessions import SessionForked, SessionOpened, SessionResumed
from hybridcode.domain.trials import CalibrationBegun, CaseChecked, TrialEnded
from hybridcode.domain.window import Finish, WindowSource
from hybridcode.domain.worktree import WorktreeEvent

StepOutcome = Literal["done", "failed", "declined", "denied", "stale", "held", "interrupted"]


class TaskGiven(Fact, frozen=True):
    """After SessionOpened, before any model call for it."""

    task: Task
    tree_digest: str


class TaskResumed(Fact, frozen=True):
    """A task that had stopped goes on: after TaskEnded (or a crash), before anything else of it."""

    task: str


class NoticeGiven(Fact, frozen=True):
    """Something a person should know; any time."""

    level: Literal["info", "warning", "error"]
    text: str
    hint: str = ""


class NoteGiven(Fact, frozen=True):
    """A person said something to the task that runs: after its TaskGiven, before the first request that holds it."""

    task: str
    text: str
    by: str


class ModelAsked(Fact, frozen=True):
    """Before the request leaves: the receipt of what is about to be sent. `prompt_sha256` is a blob."""

    call_id: str
    role: Role
    model: str
    backend: Backend
    host: str | None
    is_remote: bool
    prompt_sha256: str
    prompt_bytes: int
    step: str | None = None
    attempt: int = 1
    """Grows with transport retries of the same call."""
    files: tuple[str, ...] = ()
    redactions: int = 0
    redacted: dict[str, int] = {}
    """Kind of secret -> how many of them were replaced."""
    withheld: int = 0
    """Pieces of denied files that were replaced."""
    via: str = ""
    """`host:port` of the proxy that the user's environment names for this host; empty: none."""


class ModelAnswered(Fact, frozen=True):
    """After ModelAsked of the same call and attempt, exactly once, also on failure (`error` set)."""

    call_id: str
    answer_sha256: str
    finish: Finish
    usage: Usage
    timing: Timing
    cost_usd: float | None = None
    error: str = ""


class StepStarted(Fact, frozen=True):
    """Before anything is done for a step."""

    step: str
    tree: str = ""
    """Digest of the tree that its first draft is made for, where it is drafted ahead."""
    ahead_of: tuple[str, ...] = ()
    """Earlier steps that are not settled yet: it is drafted ahead of them."""


class RungTaken(Fact, frozen=True):
    """Before each draft: who writes, which try, and why."""

    step: str
    rung: Literal["local", "local_retry", "local_sample", "frontier_hint", "frontier", "person"]
    writer: Writer
    attempt: int
    why: str
    is_last: bool = False
    """Nobody is left to try after it."""


class OutlineMade(Fact, frozen=True):
    """Before the plan requests that begin with it; once more where it had to be made smaller."""

    digest: str
    """Blob of the outline's text."""
    used: int
    budget: int
    source: WindowSource
    check: str = ""
    """The command whose tests it shows, with those that fail now."""
    places: tuple[str, ...] = ()
    """Region strings of a draft of the plan that it shows; without them, the task chose what it shows."""


class ProposalMade(Fact, frozen=True):
    """Before anybody is asked. All bytes it names are blobs by now."""

    proposal: Proposal
    supersedes: str = ""
    """The proposal this one stands in for (an amendment, a redraft), if any."""


class ProposalDecided(Fact, frozen=True):
    """After ProposalMade; the approval row changed in the same transaction."""

    proposal: str
    decision: Decision


class EffectStarted(Fact, frozen=True):
    """After an Approve of the same digest, before the first byte is written or the process starts."""

    proposal: str
    digest: str


class TreeKept(Fact, frozen=True):
    """After EffectStarted of a command, before its process starts: what an undo can go back to."""

    proposal: str
    manifest_sha256: str
    """Blob of the tree as it was; gone once CommandChanged tells the difference."""


class CommandChanged(Fact, frozen=True):
    """After TreeKept, before the command's EffectFinished: what is not as it was in the tree."""

    proposal: str
    changes: tuple[TreeChange, ...]
    """Sorted by path; the bytes before are blobs."""
    not_captured: tuple[str, ...] = ()
    """What changed too and cannot be put back, each with its reason."""
    is_certain: bool = True
    """False when the command was cut off with the program: some of it may be somebody else's work since."""


class EffectFinished(Fact, frozen=True):
    """After EffectStarted (or instead of it, for receipts of things not done)."""

    proposal: str
    receipt: Receipt


class RuleGranted(Fact, frozen=True):
    """A person's yes to exactly this from now on; before the first action that it lets pass."""

    rule: str
    scope: Literal["session", "project"]
    by: str


class RuleWithdrawn(Fact, frozen=True):
    """A person takes such a yes back; after its RuleGranted, before the first action that is judged without it."""

    rule: str
    by: str


class ModeChanged(Fact, frozen=True):
    """The permission mode is another one from here on; any time after SessionOpened, before the first action that is
    judged by it. What is already asked stays asked."""

    mode: Literal["default", "acceptEdits", "plan", "dontAsk", "bypass"]
    by: str
    """A person, or `start`: the session was opened again in another mode than it was left in."""


class CheckRan(Fact, frozen=True):
    """After a check command ended. `step` None = the check of the whole task."""

    step: str | None
    command: str
    passed: bool
    exit_code: int
    tail: str
    seconds: float
    where: Literal["tree", "scratch"] = "tree"
    failing: tuple[str, ...] = ()
    """Names of the failing tests, as far as the output tells them; () where they are too many to compare."""
    kept_from: str = ""
    """What the sandbox kept it from, where it failed for that."""


class StepEnded(Fact, frozen=True):
    """Last event of a step in this run; a resumed run may start it again unless it is `done`."""

    step: str
    outcome: StepOutcome
    why: str = ""


class TaskJudged(Fact, frozen=True):
    """After all steps and the task's check."""

    verdict: Literal["good", "bad", "unsure", "skipped"]
    reason: str
    model: str = ""


class TaskEnded(Fact, frozen=True):
    """Last event of a task in this run."""

    exit_code: int
    exit_reason: str
    files: tuple[str, ...]
    message: str = ""


class Interrupted(Fact, frozen=True):
    """A person or a signal stopped the run; what is pending stays pending."""

    by: str


class UndoMade(Fact, frozen=True):
    """After files were put back. `kept` were left alone."""

    session: str
    step: str | None
    restored: tuple[str, ...]
    kept: tuple[str, ...]
    why: dict[str, str] = {}
    """Why each file of `kept` was."""
    not_captured: tuple[str, ...] = ()
    """What commands changed besides, with the reason why it cannot be put back."""
    since: int = 0
    """Only effects whose envelope has this seq or a later one were meant."""
    until: int = 0
    """Only effects before this seq were meant; 0 = no end."""


class Rewound(Fact, frozen=True):
    """A person went back to before a task: after the UndoMade of its files, before the next TaskGiven."""

    task: str
    files: bool
    """Its changes, and later ones, were put back; the UndoMade before this says which."""
    conversation: bool
    """Later tasks are told nothing of it or of those after it, and it is not gone on with."""


Event = (
    SessionOpened
    | SessionForked
    | SessionResumed
    | TaskGiven
    | TaskResumed
    | NoticeGiven
    | NoteGiven
    | ModelAsked
    | ModelAnswered
    | BaselineTaken
    | ModelReplaced
    | PlannerChosen
    | PlanMade
    | PlanDecided
    | PlanRevised
    | RepairAsked
    | StepMoved
    | StepStarted
    | RungTaken
    | WindowAssembled
    | OutlineMade
    | DraftMade
    | DraftRefused
    | DraftRuled
    | ImportAdded
    | ProposalMade
    | ProposalDecided
    | EffectStarted
    | TreeKept
    | CommandChanged
    | EffectFinished
    | RuleGranted
    | RuleWithdrawn
    | ModeChanged
    | CheckRan
    | StepEnded
    | TaskJudged
    | TaskEnded
    | Interrupted
    | AskedEvent
    | WorktreeEvent
    | UndoMade
    | Rewound
    | CalibrationBegun
    | CaseChecked
    | TrialEnded
)


class Envelope(msgspec.Struct, frozen=True):
    """An event as it stands in the journal. `hash` = SHA-256 of canonical JSON [session, seq, at, prev_hash, event]."""

    session: str
    seq: int
    """1, 2, 3, ... within the session."""
    at: str
    """UTC, ISO 8601 with microseconds and `Z`."""
    prev_hash: str
    """Hash of the envelope before; 64 zeros for the first."""
    hash: str
    event: Event
