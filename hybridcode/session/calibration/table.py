"""From trials to a table and to advice: kind of work and language against model.

Invariant: a pure function of trials; advice follows a fixed rule from counts and prices, and says so where they are too
few to tell. Several samples of one case count as one case, since they are not independent.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from hybridcode.config.routing import Route, RoutingTable
from hybridcode.domain.plan import Writer
from hybridcode.domain.proportion import Interval, more_needed, wilson
from hybridcode.domain.trials import TrialEnded
from hybridcode.domain.work import ANY_LANGUAGE, WORDS, Work

ENOUGH = 0.5
"""The default for the share that a model has to pass for certain before it writes first."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """How one model did at one kind of work. Tokens, seconds and dollars are means over cases."""

    work: Work
    model: str
    writer: Writer
    n: int
    """Cases."""
    passed: int
    """Cases that passed, at whatever try."""
    passed_first: int
    """Cases that passed at the first try."""
    input_tokens: float
    output_tokens: float
    seconds: float
    usd: float | None
    """None as soon as one trial's price is unknown."""

    @property
    def interval(self) -> Interval:
        """Where the true share of `passed` lies, 19 times out of 20."""
        return wilson(self.passed, self.n)


class Advice(msgspec.Struct, frozen=True):
    """Who should write first; None: not enough to tell."""

    work: Work
    first: Literal["local", "frontier"] | None
    why: str
    route: Route | None = None


@dataclass
class _Sum:
    passed: int = 0
    passed_first: int = 0
    samples: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    usd: float | None = 0.0

    def add(self, trial: TrialEnded) -> None:
        self.samples += 1
        self.passed += trial.passed_at > 0
        self.passed_first += trial.passed_at == 1
        self.input_tokens += trial.input_tokens
        self.output_tokens += trial.output_tokens
        self.seconds += trial.seconds
        self.usd = None if self.usd is None or trial.usd is None else self.usd + trial.usd


def rows_of(trials: Iterable[TrialEnded]) -> list[Row]:
    """A row for each kind, language and model; one over all languages where a kind has several."""
    sums: dict[tuple[Work, str, Writer], dict[str, _Sum]] = defaultdict(lambda: defaultdict(_Sum))
    languages: dict[str, set[str]] = defaultdict(set)
    kept = list(trials)
    for trial in kept:
        languages[trial.kind].add(trial.language)
    for trial in kept:
        works = [Work(trial.kind, trial.language)]
        if len(languages[trial.kind]) > 1:
            works.append(Work(trial.kind, ANY_LANGUAGE))
        for work in works:
            sums[work, trial.model, trial.writer][trial.key].add(trial)
    found = [_row(work, model, writer, list(cases.values())) for (work, model, writer), cases in sums.items()]
    order = list(WORDS)
    return sorted(
        found, key=lambda row: (order.index(row.work.kind), row.work.language, row.writer != "local", row.model)
    )


def _row(work: Work, model: str, writer: Writer, cases: Sequence[_Sum]) -> Row:
    n = len(cases)
    prices = [case.usd for case in cases if case.usd is not None]
    samples = sum(case.samples for case in cases)
    return Row(
        work=work,
        model=model,
        writer=writer,
        n=n,
        passed=sum(case.passed * 2 > case.samples for case in cases),
        passed_first=sum(case.passed_first * 2 > case.samples for case in cases),
        input_tokens=round(sum(case.input_tokens for case in cases) / samples, 1),
        output_tokens=round(sum(case.output_tokens for case in cases) / samples, 1),
        seconds=round(sum(case.seconds for case in cases) / samples, 2),
        usd=sum(prices) / samples if len(prices) == n else None,
    )


def advise(rows: Sequence[Row], *, local: str, frontier: str, enough: float = ENOUGH) -> list[Advice]:
    """Advice for each kind of work, from the rows of two models."""
    works = dict.fromkeys(row.work for row in rows)
    by_model = {(row.work, row.model): row for row in rows}
    return [_advice(work, by_model.get((work, local)), by_model.get((work, frontier)), enough) for work in works]


def _advice(work: Work, local: Row | None, frontier: Row | None, enough: float) -> Advice:
    """Local first where its share is at least `least` for certain; the frontier where it is less for certain.

    `least` is `enough`, or where the local model costs money the share from which on trying it first saves some.
    """
    if local is None:
        return Advice(work, None, "the local model was not tried")
    least = _least(local, frontier, enough)
    said = f"the local model passed {local.passed} of {local.n} ({local.interval})"
    for tries, passed in ((1, local.passed_first), (2, local.passed)):
        if wilson(passed, local.n).low >= least:
            route = _route(work, "local", passed, local.n, tries=tries)
            return Advice(work, "local", f"{said}: {least:.0%} or more is sure enough", route)
    if frontier is None:
        return Advice(work, None, f"{said}; {_missing(local, least)}")
    better = f"{frontier.passed} of {frontier.n} ({frontier.interval}) by {frontier.model}"
    if local.interval.high < least and frontier.passed / frontier.n > local.passed / local.n:
        route = _route(work, "frontier", local.passed, local.n)
        return Advice(work, "frontier", f"{said}, less than {least:.0%} for certain; {better}", route)
    if local.interval.high < least:
        return Advice(work, None, f"{said}, less than {least:.0%} for certain, and the frontier no more: {better}")
    return Advice(work, None, f"{said}; {_missing(local, least)}")


def _least(local: Row, frontier: Row | None, enough: float) -> float:
    if frontier is None or not local.usd or not frontier.usd:
        return enough
    return max(enough, min(1.0, local.usd / frontier.usd))


def _missing(local: Row, least: float) -> str:
    more = more_needed(local.passed, local.n, least=least)
    if more is None:
        return "not enough to tell"
    return f"not enough to tell: about {more} more {'case' if more == 1 else 'cases'} at this rate would be"


def _route(work: Work, first: Literal["local", "frontier"], passed: int, n: int, *, tries: int = 1) -> Route:
    return Route(kind=work.kind, language=work.language, first=first, local_tries=tries, passed=passed, tried=n)


def table_of(advice: Sequence[Advice], *, local: str, frontier: str) -> RoutingTable:
    """The routing table that the advice makes."""
    routes = tuple(each.route for each in advice if each.route is not None)
    return RoutingTable(local=local, frontier=frontier, route=routes)
