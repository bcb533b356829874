"""A long session as the program would have recorded it: tasks of six steps, each drafted, proposed, applied, checked.

Invariant: the same number of events is the same session, byte for byte, but for the times of its envelopes.
"""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

from hybridcode.config.paths import state_dir
from hybridcode.domain.action import (
    Applied,
    Approve,
    ChangeSet,
    FileEdit,
    Proposal,
    Ran,
    Ruling,
    ShellCommand,
    action_digest,
)
from hybridcode.domain.events import (
    CheckRan,
    DraftMade,
    DraftRefused,
    EffectFinished,
    EffectStarted,
    Event,
    ModelAnswered,
    ModelAsked,
    PlanDecided,
    PlanMade,
    ProposalDecided,
    ProposalMade,
    RungTaken,
    SessionOpened,
    StepEnded,
    StepStarted,
    TaskEnded,
    TaskGiven,
    TaskJudged,
    WindowAssembled,
)
from hybridcode.domain.model import Backend, Role, Timing, Usage
from hybridcode.domain.plan import Plan, Step, Task
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Excerpt
from hybridcode.journal.store import Journal, new_session_id

FRONTIER, LOCAL = "anthropic/claude-sonnet-4-5", "qwen2.5-coder-7b-q5_k_m"
STEPS = 6
_WORDS = (
    "cart",
    "money",
    "rounding",
    "discount",
    "total",
    "invoice",
    "tax",
    "price",
    "order",
    "stock",
    "report",
    "rule",
)
_RULING = Ruling("allow", "the mode accepts edits", "mode.accept-edits")
_ALLOWED = Ruling("allow", "a check you named", "user:check")


class Story:
    """Makes events, one task after the other, without end."""

    def __init__(self) -> None:
        self._chance = random.Random(1)
        self._number = 0

    def events(self) -> Iterator[Event]:
        """From the opening on."""
        yield SessionOpened("/home/me/src/shop", "1.0.0", "default", True, False, FRONTIER, LOCAL, sandbox="bwrap")
        while True:
            yield from self._task()

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _digest(self) -> str:
        return hashlib.sha256(str(self._next()).encode()).hexdigest()

    def _text(self, words: int) -> str:
        return " ".join(self._chance.choice(_WORDS) for _ in range(words))

    def _path(self) -> str:
        return f"shop/{self._chance.choice(_WORDS)}/{self._chance.choice(_WORDS)}_{self._chance.randint(1, 99)}.py"

    def _task(self) -> Iterator[Event]:
        task = f"task-{self._next()}"
        yield TaskGiven(Task(task, self._text(25), self._digest()[:40]), self._digest())
        yield from self._call("plan", "frontier", None)
        steps = tuple(
            Step(str(n), self._text(12), touches=(f"{self._path()}#{self._text(1)}",), check="pytest -q tests")
            for n in range(1, STEPS + 1)
        )
        yield PlanMade(Plan(steps, self._text(20), check="pytest -q"), "frontier")
        yield PlanDecided(True, "person:tui")
        for step in steps:
            yield from self._step(step)
        yield from self._call("judge", "frontier", None)
        yield TaskJudged("good", self._text(8), FRONTIER)
        yield TaskEnded(0, "done", tuple(step.touches[0].partition("#")[0] for step in steps), "done and verified")

    def _call(self, role: Role, backend: Backend, step: str | None, files: tuple[str, ...] = ()) -> Iterator[Event]:
        call, is_remote = f"call-{self._next()}", backend == "frontier"
        host = "api.example:443" if is_remote else None
        model = FRONTIER if is_remote else LOCAL
        size = self._chance.randint(4_000, 16_000)
        yield ModelAsked(call, role, model, backend, host, is_remote, self._digest(), size, step, files=files)
        usage = Usage(size // 4, self._chance.randint(40, 600), size // 6, size, 1_800)
        yield ModelAnswered(call, self._digest(), "stop", usage, Timing(6.3, 0.42, 41.7), 0.0123 if is_remote else None)

    def _step(self, step: Step) -> Iterator[Event]:
        name, path = step.id, step.touches[0].partition("#")[0]
        yield StepStarted(name)
        tries = 2 if self._chance.random() < 0.3 else 1
        for attempt in range(1, tries + 1):
            rung = "local" if attempt == 1 else "local_retry"
            yield RungTaken(name, rung, "local", attempt, "the check failed" if attempt > 1 else "default")
            excerpts = tuple(Excerpt(self._path(), 1 + n, 40 + n, "named in the task", 420_000 - n) for n in range(12))
            digest = self._digest()
            yield WindowAssembled(name, attempt, digest, excerpts, 3_100, 4_000)
            yield from self._call("draft", "local", name, tuple(f"{one.path}#L1-40" for one in excerpts))
            yield DraftMade(name, attempt, LOCAL, digest, self._digest(), "stop")
            if attempt < tries:
                yield DraftRefused(name, attempt, (Refusal("the region is not unique", path, None, "", "name it"),))
        edit = FileEdit(path, self._digest(), self._digest())
        yield from self._carried_out(name, ChangeSet((edit,)), _RULING, f"{path} +12 -4", Applied((edit,)))
        command = ShellCommand(argv=("pytest", "-q", "tests"), env_names=("HOME", "PATH"), purpose="check")
        tail = "\n".join(f"tests/test_{self._text(1)}.py {'.' * 40} [{n * 10:3} %]" for n in range(8)) + "\n88 passed"
        ran = Ran(0, self._digest(), tail, 1.2, "bwrap", command="pytest -q tests")
        yield from self._carried_out(name, command, _ALLOWED, "pytest -q tests", ran)
        yield CheckRan(name, "pytest -q tests", True, 0, tail, 1.2)
        yield StepEnded(name, "done")

    def _carried_out(
        self, step: str, action: ChangeSet | ShellCommand, ruling: Ruling, title: str, receipt: Applied | Ran
    ) -> Iterator[Event]:
        name, digest = self._digest()[:8], action_digest(action)
        says = self._text(25) if isinstance(action, ChangeSet) else ""
        yield ProposalMade(Proposal(name, step, action, digest, ruling, title, says, f"local {LOCAL}, try 1"))
        yield ProposalDecided(name, Approve(digest, "person:tui"))
        yield EffectStarted(name, digest)
        yield EffectFinished(name, receipt)


def record(workspace: Path, *, events: int = 0, size: int = 0) -> str:
    """Write a session of so many events, or of so many bytes of them, into the workspace's journal; gives its id."""
    session = new_session_id()
    with Journal.open(state_dir(workspace, "") / "journal.db") as journal, journal.transaction() as writes:
        for number, event in enumerate(Story().events(), 1):
            writes.append(session, event)
            if number == events:
                break
            if size and number % 100 == 0 and _bytes_of(writes.execute(_SIZE, (session,)).fetchone()) >= size:
                break
        for event in last_task():
            writes.append(session, event)
    return session


_SIZE = "SELECT sum(length(event)) FROM event WHERE session = ?"


def _bytes_of(row: tuple[int]) -> int:
    return row[0]


LAST = "this is the very last line"
"""Stands at the end of a recorded session, and nowhere else."""


def last_task() -> tuple[Event, ...]:
    """A task that only says that it is the last one."""
    return TaskGiven(Task("task-last", "Say when you are done."), "d" * 64), TaskEnded(0, "done", (), LAST)
