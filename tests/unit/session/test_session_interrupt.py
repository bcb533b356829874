import asyncio
import time
from pathlib import Path

from hybridcode.domain.events import EffectStarted, Interrupted, ModelAsked, TaskEnded
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.session.session import Session
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, Scene, planning

WITHIN_S = 0.2


async def until(session: Session, kind: type) -> None:
    seen = asyncio.Event()
    unsubscribe = session.subscribe(lambda envelope: seen.set() if isinstance(envelope.event, kind) else None)
    await asyncio.wait_for(seen.wait(), 20)
    unsubscribe()
    await asyncio.sleep(0.1)


async def interrupted_after(session: Session, kind: type) -> float:
    """Seconds that a task took to end once a person interrupted it, some time after an event of this kind."""
    task = asyncio.create_task(session.run("do it"))
    await until(session, kind)
    began = time.monotonic()
    session.interrupt("you")
    outcome = await task
    took = time.monotonic() - began
    assert outcome.code == ExitCode.INTERRUPTED
    last = [envelope.event for envelope in session.state.envelopes][-2:]
    assert [type(event) for event in last] == [Interrupted, TaskEnded]
    assert session.state.task is not None
    assert session.state.task.is_open
    return took


async def test_a_model_request_ends_at_once(tmp_path: Path):
    workspace = git_repository(tmp_path / "ws", {"a.py": "X = 1\n"})
    model = ScriptedModel(FRONTIER, {"plan": ["word " * 20_000]}, piece_s=0.01)
    session = Scene(workspace, models=Models(model, None)).open()
    try:
        assert await interrupted_after(session, ModelAsked) < WITHIN_S
    finally:
        await session.close()


async def test_a_command_ends_at_once(tmp_path: Path):
    workspace = git_repository(tmp_path / "ws", {"a.py": "X = 1\n"})
    plan = Plan((Step("1", "wait", "command", command="sleep 30"),))
    scene = Scene(workspace, planning(plan), settings={"approval.allow": ("Bash(sleep 30)",)})
    session = scene.open()
    try:
        assert await interrupted_after(session, EffectStarted) < WITHIN_S
    finally:
        await session.close()
