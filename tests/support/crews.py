"""A session whose steps wait for a person at a desk, over models that answer by rule."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hybridcode.domain.action import Approve, Decision, Proposal, Reject
from hybridcode.domain.events import Event
from hybridcode.domain.model import ModelRequest
from hybridcode.domain.plan import Plan, Step
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.session.state import SessionState
from tests.support.sessions import FRONTIER, LOCAL, Scene, edit, fence, planning

PERSON = "person:script"
NAMES = ("a", "b", "c", "d")
STEPS = tuple(edit(name, f"{name}.py#{name.upper()}") for name in NAMES)


def made(folder: Path) -> Path:
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"{name.upper()} = 1\n")
    return folder


def writes(request: ModelRequest) -> str:
    """A local model that sets each step's value to two."""
    return fence(f"{(request.step or '').upper()} = 2")


class Desk:
    """A person who answers a step when the test says so."""

    def __init__(self) -> None:
        self.asked: list[Proposal] = []
        self.answers: dict[str, asyncio.Future[Decision]] = {}
        self.changed = asyncio.Event()

    async def decide(self, proposal: Proposal) -> Decision:
        self.asked.append(proposal)
        self.changed.set()
        self.answers[proposal.step] = asyncio.get_running_loop().create_future()
        return await self.answers[proposal.step]

    async def sees(self, *steps: str) -> None:
        async with asyncio.timeout(5):
            while sorted(proposal.step for proposal in self.asked) != sorted(steps):
                self.changed.clear()
                await self.changed.wait()

    def yes(self, step: str) -> None:
        proposal = [one for one in self.asked if one.step == step][-1]
        self.answers[step].set_result(Approve(proposal.digest, PERSON))

    def no(self, step: str, reason: str = "") -> None:
        self.answers[step].set_result(Reject(reason, PERSON))


class Stage:
    """A session over models that answer by rule, and a person at a desk."""

    def __init__(
        self, workspace: Path, steps: Sequence[Step] = STEPS, *, capacity: int = 1, piece_s: float = 0.0, **more: object
    ) -> None:
        self.desk = Desk()
        local = ScriptedModel(msgspec.structs.replace(LOCAL, capacity=capacity), writes, piece_s=piece_s)
        frontier = ScriptedModel(FRONTIER, planning(Plan(tuple(steps))))
        self.scene = Scene(workspace, settings=more, models=Models(frontier, local))
        self.scene.make_approver = lambda approvals, sandbox: self.desk

    @property
    def state(self) -> SessionState:
        assert self.scene.session is not None
        return self.scene.session.state

    @property
    def events(self) -> list[Event]:
        return [envelope.event for envelope in self.state.envelopes]
