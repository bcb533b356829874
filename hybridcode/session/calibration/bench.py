"""Cases and models brought together: is a case one that can tell, and how does each model do.

Invariant: every finding is on record before the next one is begun; nothing that is on record is done again.
"""

import asyncio
from dataclasses import dataclass, field

import msgspec

from hybridcode.agent.budget import window_budget
from hybridcode.agent.distil import distil
from hybridcode.agent.kinds import work_of
from hybridcode.agent.run import Senders
from hybridcode.agent.trial import Checked, PastRun, check_past, try_step
from hybridcode.config.settings import Settings
from hybridcode.domain.action import FileChange
from hybridcode.domain.canonical import digest_of
from hybridcode.domain.errors import GateError, RepoError
from hybridcode.domain.events import ModelAnswered
from hybridcode.domain.plan import Task, Writer
from hybridcode.domain.ports import Model
from hybridcode.domain.trials import CaseChecked, TrialEnded
from hybridcode.domain.work import Work
from hybridcode.models.egress import denied_files
from hybridcode.models.prompts import load
from hybridcode.repo.facts import git_facts
from hybridcode.repo.snapshot import Snapshot, TreeMoved
from hybridcode.session.calibration.cases import Case
from hybridcode.session.calibration.mined import one_line
from hybridcode.session.calibration.past import CannotRebuild, Past, Rebuilder
from hybridcode.session.calibration.records import TrialKey, checked_cases, key_of, trials
from hybridcode.session.session import Session

_PROMPTS = ("draft_blocks", "draft_region", "draft_whole", "retry")
_SAID_CHARS = 160
_TIMES = 3
"""How often a trial is begun again when somebody changes the workspace under it."""


@dataclass(frozen=True)
class Contender:
    """One model that is measured."""

    model: Model
    settings: Settings
    """The session's, with this model in them."""

    @property
    def name(self) -> str:
        """As it is known to its provider."""
        return self.model.info.name

    @property
    def writer(self) -> Writer:
        """Which of the two it stands for."""
        return self.model.info.backend


@dataclass
class Bench:
    """One session's work place."""

    session: Session
    contenders: tuple[Contender, ...]
    tries: int
    rebuilder: Rebuilder
    again: bool = False
    """Cases that proved nothing before are proven anew."""
    step_tokens: int = 0
    """Tokens of every window: what all models take. Set once they are loaded."""
    findings: dict[str, CaseChecked] = field(default_factory=dict[str, CaseChecked])
    done: dict[TrialKey, TrialEnded] = field(default_factory=dict[TrialKey, TrialEnded])

    def __post_init__(self) -> None:
        self.findings |= checked_cases(self.session.journal)
        self.done |= trials(self.session.journal)
        self.agree_on_window()

    def agree_on_window(self) -> None:
        """Give all models windows of the same size: that of the smallest."""
        run = self.session.new_run(Task("calibrate", ""))
        self.step_tokens = min(
            (window_budget(run, each.model.info) for each in self.contenders),
            default=self.session.settings.context.step_tokens,
        )

    @property
    def setup(self) -> str:
        """Digest of what an outcome depends on besides case and model."""
        prompts = [load(name) for name in _PROMPTS]
        return digest_of([self.step_tokens, self.session.settings.models.local.edit_format, prompts])[:16]

    def wanted(self, case: Case, contender: Contender, sample: int) -> bool:
        """True while a trial is not on record with as many tries."""
        found = self.done.get((case.key, self.setup, contender.name, sample))
        return found is None or not (found.passed_at or found.tries >= self.tries)

    async def prove(self, case: Case) -> CaseChecked:
        """Whether a case's check can tell; journalled, and known from then on.

        Raises:
            GateError: policy does not let the check run by itself.
        """
        known = self.findings.get(case.key)
        if known is not None and not (self.again and known.proof == "none"):
            return CaseChecked(case.id, case.key, "none", why) if (why := self._kept_from(case)) else known
        try:
            found = await self._prove(case)
        except CannotRebuild as error:  # this may be another time, or with other models
            return CaseChecked(case.id, case.key, "none", str(error))
        except GateError as error:
            if case.source == "mined":
                raise
            return CaseChecked(case.id, case.key, "none", error.advice)
        self.session.log.append(found)
        self.findings[case.key] = found
        return found

    async def _prove(self, case: Case) -> CaseChecked:
        def none(why: str) -> CaseChecked:
            return CaseChecked(case.id, case.key, "none", why)

        base = await self._run_on(case.base, case)
        if self._shape(case, base) is None:
            return none("no model writes such a step")
        before = await check_past(base, case.step)
        if not (before.passed or before.failed):
            return none(before.why)
        after = await check_past(await self._run_on(case.after, case), case.step)
        if not after.passed:
            return none(_unlike("fails after it too", after))
        if before.failed:
            return CaseChecked(case.id, case.key, "fails_before")
        present = (await base.snapshot()).files
        gone = tuple(
            FileChange(region.path, before=None, after=None) for region in case.step.regions if region.path in present
        )
        without = await check_past(base, case.step, gone)
        if gone and without.failed:
            return CaseChecked(case.id, case.key, "notices")
        return none("its check passes before it, and without the files that it touches: it cannot tell")

    async def measure(self, case: Case, contender: Contender, sample: int) -> TrialEnded:
        """One trial, journalled when it has ended.

        Raises:
            CannotRebuild: the tree is not to be had any more.
            ModelError, LimitReached, GateError: as `try_step`.
        """
        for attempt in range(1, _TIMES + 1):
            try:
                return await self._measure(case, contender, sample)
            except TreeMoved:
                if attempt == _TIMES:
                    raise
        raise RepoError("The workspace changes all the time.", "Run it again when it rests.")

    async def _measure(self, case: Case, contender: Contender, sample: int) -> TrialEnded:
        run = await self._run_on(case.base, case, contender, sample)
        work = self._shape(case, run)
        assert work is not None
        mark = len(self.session.state.envelopes)
        outcome = await try_step(
            run, case.step, writer=contender.writer, tries=self.tries, why=f"calibration of {contender.name}"
        )
        events = [envelope.event for envelope in self.session.state.envelopes[mark:]]
        answers = [event for event in events if isinstance(event, ModelAnswered)]
        ended = TrialEnded(
            case=case.id,
            key=case.key,
            setup=self.setup,
            source=case.source,
            kind=work.kind,
            language=work.language,
            model=contender.name,
            writer=contender.writer,
            sample=sample,
            tries=len(outcome.ends) if outcome.passed_at else self.tries,
            passed_at=outcome.passed_at,
            ends=tuple(outcome.ends),
            window_digest=outcome.window_digest,
            input_tokens=sum(answer.usage.input_tokens for answer in answers),
            output_tokens=sum(answer.usage.output_tokens for answer in answers),
            seconds=round(sum(answer.timing.total_s for answer in answers), 3),
            usd=_usd(answers, contender.writer),
        )
        self.session.log.append(ended)
        self.done[key_of(ended)] = ended
        return ended

    def _shape(self, case: Case, run: PastRun) -> Work | None:
        assert run.base is not None
        return work_of(case.step, run.base)

    async def _run_on(self, past: Past, case: Case, contender: Contender | None = None, sample: int = 1) -> PastRun:
        """A run on a tree of the past as the workspace is now. What one model may not see, none sees."""
        limit = self.session.settings.context.max_file_bytes
        root = self.session.options.workspace
        present = await asyncio.to_thread(self.session.index.take, root, max_file_bytes=limit)
        facts = await asyncio.to_thread(git_facts, root)
        laid = await asyncio.to_thread(self.rebuilder.lay, past, present, facts)
        base = self._seen(self.rebuilder.view(past, present, laid), case)
        run = PastRun(**vars(self.session.new_run(Task("calibrate", case.step.goal))), base=base, laid=laid)
        if contender is not None:
            run.settings = self._settings(contender.settings, sample)
            sender = self.session.sender(contender.model)
            is_local = contender.writer == "local"
            run.senders = Senders(None if is_local else sender, sender if is_local else None)
        return run

    def _seen(self, base: Snapshot, case: Case) -> Snapshot:
        if not any(each.model.info.is_remote for each in self.contenders):
            return base
        if why := self._kept_from(case):
            raise CannotRebuild(why)
        return base.without(set(denied_files(base.files, self.session.settings.egress.deny_paths)))

    def _kept_from(self, case: Case) -> str:
        """Why a case is not for these models; empty if it is."""
        if not any(each.model.info.is_remote for each in self.contenders):
            return ""
        paths = sorted({region.path for region in case.step.regions})
        hidden = denied_files(paths, self.session.settings.egress.deny_paths)
        return f"egress.deny_paths keeps {next(iter(hidden))} from remote models" if hidden else ""

    def _settings(self, settings: Settings, sample: int) -> Settings:
        replace = msgspec.structs.replace
        models = settings.models
        named = {name: replace(one, seed=one.seed + sample - 1) for name, one in models.named_local.items()}
        local = replace(models.local, seed=models.local.seed + sample - 1)
        return replace(
            settings,
            models=replace(models, local=local, named_local=named),
            context=replace(settings.context, step_tokens=self.step_tokens),
        )


def _unlike(what: str, checked: Checked) -> str:
    if checked.event is None or checked.why:
        return checked.why
    said = one_line(distil(checked.event.tail, (), most_chars=_SAID_CHARS), _SAID_CHARS)
    return f"its check {what}: exit code {checked.event.exit_code}{'; ' if said else ''}{said}"


def _usd(answers: list[ModelAnswered], writer: Writer) -> float | None:
    """Dollars of a trial; a model in the building costs none, a failed call counts as nothing."""
    prices = [0.0 if answer.error else answer.cost_usd for answer in answers]
    if writer == "local":
        return sum(price or 0.0 for price in prices)
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None
