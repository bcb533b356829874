"""Shadow sampling: one in N steps that are done is also written by the other model, as a trial for `calibrate`.

Invariant: which steps are taken follows from the journal alone; a trial is a session of its own beside the task's, is
never applied, and begins once no task runs. What it may cost is what the task has left of its cap.
"""

import asyncio
from pathlib import Path

import msgspec

from hybridcode.config.load import Loaded
from hybridcode.domain.errors import GateError, HybridcodeError, LimitReached, ModelUnavailable
from hybridcode.domain.events import Envelope, NoticeGiven, RungTaken, StepEnded
from hybridcode.domain.trials import CalibrationBegun, TrialEnded
from hybridcode.models.ledger import Ledger
from hybridcode.repo.facts import git_facts
from hybridcode.repo.snapshot import take
from hybridcode.session.calibration.bench import Bench, Contender
from hybridcode.session.calibration.cases import Case
from hybridcode.session.calibration.contenders import contenders_of
from hybridcode.session.calibration.past import CannotRebuild, Rebuilder
from hybridcode.session.calibration.recorded import Recorded
from hybridcode.session.session import Session, SessionOptions

_DONE = "SELECT count(*) FROM event WHERE type = 'StepEnded' AND json_extract(event, '$.outcome') = 'done'"
"""Steps that were done in this repository's sessions."""


class Shadow:
    """Watches one session, and tries again what falls due once its task has ended."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._every = session.settings.routing.shadow
        self._due: list[str] = []
        self._running: asyncio.Task[tuple[TrialEnded, ...]] | None = None
        self._usd = 0.0
        if self._every:
            session.subscribe(self._count)

    async def catch_up(self) -> tuple[TrialEnded, ...]:
        """Try what has fallen due; why a step could not be tried is told and ends nothing. Stopped by `stop`."""
        if not self._due:
            return ()
        self._running = asyncio.ensure_future(self._all())
        try:
            await asyncio.wait((self._running,))
            return () if self._running.cancelled() else self._running.result()
        finally:
            self._running.cancel()
            self._running = None

    def stop(self) -> None:
        """Leave out what is not done yet: somebody has something better to do."""
        self._due.clear()
        if self._running is not None:
            self._running.cancel()

    def _count(self, envelope: Envelope) -> None:
        match envelope.event:
            case StepEnded(step=step, outcome="done") if self._is_written(step):
                ((count,),) = self._session.journal.rows(_DONE, ())
                if count % self._every == 0:
                    self._due.append(step)
            case _:
                pass

    def _is_written(self, step: str) -> bool:
        view = self._session.state.task
        return view is not None and step in view.steps and view.steps[step].step.kind in ("edit", "create")

    async def _all(self) -> tuple[TrialEnded, ...]:
        ended: list[TrialEnded] = []
        while self._due:
            step = self._due.pop(0)
            try:
                trial = await self._try(step)
            except (HybridcodeError, CannotRebuild) as error:
                self._tell(f"step {step} was not tried by the other model: {error}")
                continue
            ended.append(trial)
            self._usd += trial.usd or 0.0
            how = ", ".join(trial.ends)
            self._tell(f"step {step} was also written by {trial.model}, for `hybridcode calibrate` alone: {how}")
        return tuple(ended)

    async def _try(self, step: str) -> TrialEnded:
        """One trial in a session of its own.

        Raises:
            HybridcodeError, CannotRebuild: why there is none.
        """
        session, rebuilder = self._session, Rebuilder(self._session.options.workspace)
        contenders = self._contenders()
        other = self._other(step, contenders)
        loaded = self._loaded(other)
        case = await self._case(step, rebuilder)
        options = SessionOptions(session.options.workspace, loaded, make_models=lambda _: session.models)
        beside = Session.open(options)
        try:
            if beside.gate.effects.scratch is None:
                raise GateError("There is no sandbox for checks here.", "`hybridcode doctor` says what is missing.")
            beside.log.append(CalibrationBegun(case.step.check or "", (other.name,)))
            bench = Bench(beside, contenders, 1, rebuilder)
            found = await bench.prove(case)
            if found.proof == "none":
                raise CannotRebuild(found.why)
            return await bench.measure(case, other, 1)
        finally:
            await beside.close(keeps_models=True)

    def _contenders(self) -> tuple[Contender, ...]:
        settings, models = self._session.settings, self._session.models
        drafter = settings.roles.draft if settings.roles.draft in models.named else "local"
        return contenders_of(settings, models, (drafter, "frontier"))

    def _other(self, step: str, contenders: tuple[Contender, ...]) -> Contender:
        """Whoever did not write the step."""
        events = (envelope.event for envelope in reversed(self._session.state.envelopes))
        wrote = next((one.writer for one in events if isinstance(one, RungTaken) and one.step == step), None)
        if wrote is None:
            raise ModelUnavailable("no model wrote it")
        other = contenders[1 if wrote == "local" else 0]
        if other.model.info.is_remote and self._session.settings.egress.mode != "allow":
            raise ModelUnavailable(f"{other.name} is a remote model, and egress.mode is not allow")
        return other

    def _loaded(self, other: Contender) -> Loaded:
        """The session's settings, with what is left of its cap of dollars."""
        settings, loaded = self._session.settings, self._session.options.loaded
        limits = settings.limits
        if limits.max_cost_usd and other.writer == "frontier":
            spent = Ledger.of(self._session.state.envelopes).frontier.usd
            left = limits.max_cost_usd - (spent or 0.0) - self._usd
            if spent is None or left <= 0:
                raise LimitReached("nothing is left of max_cost_usd")
            limits = msgspec.structs.replace(limits, max_cost_usd=left)
        routing = msgspec.structs.replace(settings.routing, shadow=0)
        return msgspec.structs.replace(
            loaded, settings=msgspec.structs.replace(settings, limits=limits, routing=routing)
        )

    async def _case(self, step: str, rebuilder: Rebuilder) -> Case:
        session = self._session
        root: Path = session.options.workspace
        limit = session.settings.context.max_file_bytes
        present = await asyncio.to_thread(take, root, max_file_bytes=limit)
        facts = await asyncio.to_thread(git_facts, root)
        if facts.head is None:
            raise CannotRebuild("its tree is rebuilt from git, and there is no commit")
        recorded = Recorded(session.journal, rebuilder, present, facts, session.settings.verify.test_cmd)
        recorded.look_at(session.id)
        name = f"{session.id} step {step}"
        if (case := next((case for case in recorded.cases if case.id == name), None)) is not None:
            return case
        raise CannotRebuild(next((one.why for one in recorded.left_out if one.id == name), "no check proves it"))

    def _tell(self, text: str) -> None:
        self._session.log.append(NoticeGiven("info", text))
