"""Real sessions over scripted models, for scenario tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from hybridcode.agent.run import Outcome, PlanApprover
from hybridcode.config.load import Loaded, load
from hybridcode.domain.events import ModelAsked
from hybridcode.domain.model import Message, ModelInfo
from hybridcode.domain.plan import Plan, Step
from hybridcode.domain.ports import Approver, Model
from hybridcode.gate.approvers import PolicyOnly
from hybridcode.gate.sandbox import Sandbox
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.store import Journal
from hybridcode.models.ledger import Ledger
from hybridcode.models.scripted import Script, ScriptedModel
from hybridcode.session.checked import Checked
from hybridcode.session.models import Models
from hybridcode.session.plan_following import FollowPlan
from hybridcode.session.replaying import replayed
from hybridcode.session.session import MakeApprover, Session, SessionOptions

FRONTIER = ModelInfo(name="scripted-frontier", backend="frontier")
LOCAL = ModelInfo(name="scripted-local", backend="local")


def fence(text: str, language: str = "python") -> str:
    """An answer of the region and whole formats."""
    return f"```{language}\n{text}\n```"


def as_json(plan: Plan) -> str:
    """A plan as the planner would answer it."""
    return msgspec.json.encode(plan).decode()


def edit(name: str, *touches: str, **more: Any) -> Step:
    """An edit step."""
    return Step(name, f"do {name}", touches=touches, **more)


def yes(approvals: Approvals, sandbox: Sandbox) -> Approver:
    """The approver of --yes."""
    return PolicyOnly(is_sandboxed=sandbox.kind != "none")


def loaded_for(workspace: Path, **settings: object) -> Loaded:
    """Settings of a test: nothing of this machine, state beside the workspace; `a__b` stands for `a.b`."""
    outside = workspace.parent / f"{workspace.name}-outside"
    flags = {name.replace("__", "."): value for name, value in settings.items()}
    return load(
        workspace,
        flags={"audit.state_dir": str(outside / "state"), **flags},
        env={},
        user_config=outside / "config.toml",
        managed_config=outside / "managed.toml",
        trust_store=outside / "trust",
    )


@dataclass
class Scene:
    """A workspace with models that answer from scripts."""

    workspace: Path
    frontier: Script | None = None
    local: Script | None = None
    make_approver: MakeApprover = yes
    plan_approver: PlanApprover = field(default_factory=FollowPlan)
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    models: Models | None = None
    """Models to use instead of scripted ones."""
    session: Session | None = None

    def open(self, resume: str | None = None) -> Session:
        """Open the session, or go on with one."""
        self.session = Session.open(
            SessionOptions(
                workspace=self.workspace,
                loaded=loaded_for(self.workspace, **self.settings),
                make_approver=self.make_approver,
                plan_approver=self.plan_approver,
                make_models=lambda _: self.models or self._scripted(),
                resume=resume,
            )
        )
        return self.session

    async def run(self, text: str = "do it") -> Outcome:
        """Open a session, do one task, close it."""
        session = self.open()
        try:
            return await session.run(text)
        finally:
            await session.close()
            proven(session)

    async def resume(self, session_id: str) -> Outcome:
        """Go on with a session where it stopped."""
        session = self.open(session_id)
        try:
            return await session.resume()
        finally:
            await session.close()
            proven(session)

    def read(self, path: str) -> str:
        """A file of the workspace."""
        return (self.workspace / path).read_text()

    def _scripted(self) -> Models:
        return Models(_model(FRONTIER, self.frontier), _model(LOCAL, self.local))


def _model(info: ModelInfo, script: Script | None) -> Model | None:
    return ScriptedModel(info, script) if script is not None else None


def proven(session: Session) -> list[Checked]:
    """Replay a closed session from its journal alone: everything that can be rebuilt is what was recorded."""
    with Journal.open(session.journal.path) as journal:
        lines = list(replayed(journal.session(session.id), None))
    assert [str(line) for line in lines if line.verdict == "differs"] == []
    ledger = Ledger.of(session.state.envelopes)
    asked = [one.event for one in session.state.envelopes if isinstance(one.event, ModelAsked)]
    assert sum(account.calls for account in ledger.accounts.values()) == len(asked)
    assert ledger.bytes_sent == sum(event.prompt_bytes for event in asked if event.is_remote)
    assert ledger.remote.input_bytes == ledger.bytes_sent
    return lines


def requests_of(session: Session, role: str) -> list[tuple[Message, ...]]:
    """The messages of each request of a role, as a closed session recorded them."""
    asked = [one.event for one in session.state.envelopes if isinstance(one.event, ModelAsked)]
    with Journal.open(session.journal.path) as journal:
        log = journal.session(session.id)
        return [
            msgspec.json.decode(log.get_blob(event.prompt_sha256), type=tuple[Message, ...])
            for event in asked
            if event.role == role
        ]


def planning(plan: Plan, *, judge: str = "good fine", **more: Sequence[str]) -> Script:
    """A frontier that plans and judges, with more roles if named."""
    return {"plan": [as_json(plan)], "judge": [judge], **more}
