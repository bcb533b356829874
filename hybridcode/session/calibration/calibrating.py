"""A calibration from end to end: collect, prove, price, try.

Invariant: no check runs unless a person named it, no model is asked before a person agreed to the worst price, and
whatever ends it early, what was found out is on record.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from hybridcode.config.load import Loaded
from hybridcode.config.rules import WrittenRule
from hybridcode.domain.errors import ConfigError, GateError
from hybridcode.domain.trials import CalibrationBegun, TrialEnded
from hybridcode.gate.rules import exact_rule_text
from hybridcode.session.calibration.bench import Bench, Contender
from hybridcode.session.calibration.cases import Case, LeftOut
from hybridcode.session.calibration.collecting import Choice, Collected
from hybridcode.session.calibration.past import CannotRebuild, Rebuilder
from hybridcode.session.calibration.price import Worst, worst_case
from hybridcode.session.consent import consented_checks
from hybridcode.session.models import Startable
from hybridcode.session.session import Session, SessionOptions

_CHECK = "verify.test_cmd"
Say = Callable[[str], None]


def named_check(loaded: Loaded) -> str:
    """The test command that a person named.

    Raises:
        ConfigError: nobody did; a repository's own proposal is no consent.
    """
    line = loaded.settings.verify.test_cmd
    if line and line in consented_checks(loaded):
        return line
    proposed = f"This repository proposes `{line}`: n" if line else "N"
    raise ConfigError(
        "There is no test command that you named, so nothing can be proven.",
        f"{proposed}ame one with --test-cmd, or in your own config as [verify] test_cmd.",
    )


def with_narrowed(loaded: Loaded, cases: Sequence[Case]) -> Loaded:
    """Consent to the named test command is consent to it for some test files of the repository. There is no worktree:
    what is tried is laid over the person's own folder."""
    git = msgspec.structs.replace(loaded.settings.git, worktree=False)
    loaded = msgspec.structs.replace(loaded, settings=msgspec.structs.replace(loaded.settings, git=git))
    if loaded.only_managed_allow:
        return loaded
    lines = dict.fromkeys(case.step.check or "" for case in cases if case.source == "mined")
    origin = loaded.origin[_CHECK]
    rules = (WrittenRule("allow", (exact_rule_text(line),), origin, _CHECK) for line in lines if line)
    return msgspec.structs.replace(loaded, rules=(*loaded.rules, *rules))


@dataclass
class Calibration:
    """One calibration in one session."""

    session: Session
    bench: Bench
    collected: Collected
    choice: Choice
    samples: int
    say: Say
    proven: list[Case] = field(default_factory=list[Case])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])

    async def prove(self) -> None:
        """Find the first `max_cases` cases whose checks can tell. Runs checks, asks no model.

        Raises:
            GateError: there is no sandbox, or policy does not let the check run.
        """
        if self.session.gate.effects.scratch is None:
            raise GateError("There is no sandbox for checks here.", "`hybridcode doctor` says what is missing.")
        for number, case in enumerate(self.collected.cases, 1):
            if len(self.proven) >= self.choice.max_cases:
                rest = len(self.collected.cases) - number + 1
                self.say(f"{rest} more could be proven: --max-cases is {self.choice.max_cases}")
                break
            self.say(f"proving {number} of {len(self.collected.cases)}: {case.id}  {case.title}")
            found = await self.bench.prove(case)
            if found.proof == "none":
                self.left_out.append(LeftOut(case.id, case.title, found.why))
            else:
                self.proven.append(case)

    async def load(self) -> None:
        """Start the models, so that windows are as large as all of them take.

        Raises:
            ModelError: one cannot be started.
        """
        for contender in self.bench.contenders:
            if isinstance(contender.model, Startable):
                self.say(f"starting {contender.name}")
                await contender.model.start()
        self.bench.agree_on_window()

    def left(self) -> list[tuple[Case, Contender, int]]:
        """Trials that are not on record yet, case by case, so that all models have come equally far."""
        return [
            (case, contender, sample)
            for case in self.proven
            for contender in self.bench.contenders
            for sample in range(1, self.samples + 1)
            if self.bench.wanted(case, contender, sample)
        ]

    def worst(self) -> list[Worst]:
        """What the trials that are left can cost at most, for each model."""
        left = self.left()
        return [
            worst_case(
                contender,
                [case for case, whose, _ in left if whose is contender],
                step_tokens=self.bench.step_tokens,
                tries=self.bench.tries,
            )
            for contender in self.bench.contenders
        ]

    async def measure(self) -> None:
        """Make the trials that are left.

        Raises:
            ModelError, LimitReached, GateError: what stopped it; what is done is on record.
        """
        left = self.left()
        for number, (case, contender, sample) in enumerate(left, 1):
            head = f"trial {number} of {len(left)}: {case.id}, {contender.name}"
            try:
                ended = await self.bench.measure(case, contender, sample)
            except CannotRebuild as error:
                self.say(f"{head}: left out, {error}")
                continue
            self.say(f"{head}: {', '.join(ended.ends)}, {ended.output_tokens:,} tokens out, {ended.seconds:.1f} s")

    def trials(self) -> list[TrialEnded]:
        """Everything on record for these models and this setup, from earlier calibrations too."""
        names = {contender.name for contender in self.bench.contenders}
        found = (each for each in self.bench.done.values() if each.setup == self.bench.setup and each.model in names)
        return sorted(found, key=lambda trial: (trial.case, trial.model, trial.sample))


def open_calibration(
    options: SessionOptions,
    contenders: tuple[Contender, ...],
    *,
    collected: Collected,
    rebuilder: Rebuilder,
    choice: Choice,
    samples: int,
    tries: int,
    say: Say,
    again: bool = False,
) -> Calibration:
    """Open a session for a calibration. Nothing is asked and nothing runs yet.

    `again`: cases that proved nothing before are proven anew.

    Raises:
        ConfigError: remote requests would have to be asked about one by one.
        JournalError: it cannot be recorded.
    """
    check = named_check(options.loaded)
    is_remote = any(each.model.info.is_remote for each in contenders)
    if is_remote and options.loaded.settings.egress.mode == "ask":
        hint = "Agree to all of this calibration's: --set egress.mode=allow, or leave remote models out with --model."
        raise ConfigError("egress.mode is ask: every remote request would wait for an answer.", hint)
    session = Session.open(replace(options, loaded=with_narrowed(options.loaded, collected.cases)))
    session.log.append(CalibrationBegun(check, tuple(each.name for each in contenders)))
    bench = Bench(session, contenders, tries, rebuilder, again=again)
    return Calibration(session, bench, collected, choice, samples, say)
