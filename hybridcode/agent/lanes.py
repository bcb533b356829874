"""What steps that are at work at the same time share: requests to models, the workspace, and a person's attention.

Invariant: no more requests go to a model at once than it answers at once; one step at a time changes the workspace and
checks it; proposals are made in the order of the plan, as far as earlier steps are not still being written.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, field
from typing import Literal

from hybridcode.domain.action import Decision, Proposal, ShellCommand
from hybridcode.domain.events import StepOutcome
from hybridcode.domain.plan import Writer
from hybridcode.domain.ports import Approver

Doing = Literal["writing", "asked", "working"]
"""A step is being written and tried out; a person is asked about it; it is carried out and checked."""


class Bell:
    """Wakes everybody who waits for something that only looking again can tell."""

    def __init__(self) -> None:
        self._sleepers: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Have everybody look again."""
        sleepers, self._sleepers = self._sleepers, []
        for sleeper in sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    async def wait(self) -> None:
        """Sleep until it rings."""
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append(sleeper)
        try:
            await sleeper
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once something is so; looked at whenever it rings."""
        while not holds():
            await self.wait()


def _one() -> int:
    return 1


@dataclass
class Lanes:
    """The lanes of one run: `gate.beside` while steps are at work. What belongs to none of them never waits here."""

    room: dict[Writer, Callable[[], int]] = field(default_factory=dict[Writer, Callable[[], int]])
    """Requests that each model answers at once; 1 where nothing is said."""
    order: tuple[str, ...] = ()
    """Ids of the plan's steps, in the order in which they would be done one after the other."""
    doing: dict[str, Doing] = field(default_factory=dict[str, Doing])
    """What each step at work is doing."""
    bell: Bell = field(default_factory=Bell)
    """Rings when anything of this changes."""
    ended: dict[str, StepOutcome] = field(default_factory=dict[str, StepOutcome])
    """How each step ended that was at work in this run."""
    effects: int = 0
    """How often a step began or ended to change the workspace: while it stays the same, nothing of ours changed it."""
    _busy: dict[Writer, int] = field(default_factory=dict[Writer, int])
    _owner: str = ""
    """The step that the workspace belongs to."""

    def width(self, writer: Writer) -> int:
        """How many requests a model answers at once."""
        return max(1, self.room.get(writer, _one)())

    @property
    def is_shared(self) -> bool:
        """More than one step is at work."""
        return len(self.doing) > 1

    @contextlib.asynccontextmanager
    async def request(self, writer: Writer) -> AsyncGenerator[None]:
        """Inside, one request may go to a model."""
        await self.bell.until(lambda: self._busy.get(writer, 0) < self.width(writer))
        self._busy[writer] = self._busy.get(writer, 0) + 1
        try:
            yield
        finally:
            self._busy[writer] -= 1
            self.bell.ring()

    @contextlib.contextmanager
    def at_work(self, step: str) -> Generator[None]:
        """Inside, a step is at work; the workspace does not belong to it afterwards."""
        self._set(step, "writing")
        try:
            yield
        finally:
            self.doing.pop(step, None)
            self.leave(step)
            self.bell.ring()

    def write(self, step: str) -> None:
        """A step is being written, for the first time or again; whoever changed the workspace before keeps it."""
        self._set(step, "writing")

    async def turn(self, step: str) -> None:
        """Wait until no earlier step is written, carried out or checked: then a proposal may be made.

        Whoever the workspace belongs to waits for nobody: others may be waiting for the workspace.
        """
        earlier = self.order[: self.order.index(step)] if step in self.order else ()
        await self.bell.until(
            lambda: self._owner == step or all(self.doing.get(name) in (None, "asked") for name in earlier)
        )
        self.propose(step)

    def owns(self, step: str) -> bool:
        """The workspace belongs to a step: others may be waiting for it."""
        return self._owner == step

    def propose(self, step: str) -> None:
        """A step's proposal is made, or was made before: nobody writes it now."""
        self._set(step, "working")

    async def ask(self, approver: Approver, proposal: Proposal) -> Decision:
        """Ask about a proposal; other steps may be written meanwhile."""
        step = proposal.step
        if step not in self.doing:
            return await approver.decide(proposal)
        self._set(step, "asked")
        try:
            return await approver.decide(proposal)
        finally:
            self._set(step, "working")

    async def enter(self, proposal: Proposal) -> None:
        """Wait until the workspace belongs to the step of an approved proposal, which keeps it until it leaves."""
        action, step = proposal.action, proposal.step
        if step not in self.doing or (isinstance(action, ShellCommand) and action.tree):
            return
        await self.bell.until(lambda: self._owner in ("", step))
        self._owner = step
        self.effects += 1

    def leave(self, step: str) -> None:
        """Let another step have the workspace."""
        if self._owner == step:
            self._owner = ""
            self.effects += 1
            self.bell.ring()

    def _set(self, step: str, doing: Doing) -> None:
        self.doing[step] = doing
        self.bell.ring()
