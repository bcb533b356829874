"""What `hybridcode calibrate` prints: cases, prices, the table and the advice.

Invariant: every number has its unit, nothing is cut without a count; the console escapes the texts of a repository.
"""

import difflib
from collections.abc import Sequence
from typing import Any

import msgspec

from hybridcode.cli import console
from hybridcode.domain.work import WORDS, Work
from hybridcode.session.amounts import duration
from hybridcode.session.calibration.cases import Case, LeftOut
from hybridcode.session.calibration.collecting import Collected
from hybridcode.session.calibration.price import Worst
from hybridcode.session.calibration.table import Advice, Row

_HEADINGS = ("kind of work", "model", "passed", "95 %", "tokens in", "out", "time", "dollars")


def dollars(usd: float | None) -> str:
    """`$0.0123`, or `unknown`."""
    return "unknown" if usd is None else f"${usd:,.4f}"


def case_lines(collected: Collected) -> list[str]:
    """Each case on one line, and each that is left out with its reason."""
    lines = [
        f"{case.id}  {collected.works[case.key]}, {many(case.lines, 'line')}  {case.title}\n"
        f"    check: {case.step.check}"
        for case in collected.cases
    ]
    return lines + left_out_lines(collected.left_out)


def many(count: int, word: str) -> str:
    """`1 line`, `1,200 lines`."""
    return f"1 {word}" if count == 1 else f"{count:,} {word}s"


def left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """What is no case, and why."""
    return [f"left out: {each.id}  {each.title}\n    {each.why}" for each in left_out]


def price_lines(worst: Sequence[Worst]) -> list[str]:
    """The most that is spent, model by model."""
    lines: list[str] = []
    for each in worst:
        where = "a remote model" if each.is_remote else "not a remote model"
        requests = f"{many(each.trials, 'trial')}, at most {many(each.requests, 'request')}"
        tokens = f"{each.input_tokens:,} tokens in, {each.output_tokens:,} tokens out"
        lines.append(f"{each.model}, {where}: {requests}, {tokens}, {dollars(each.usd)}")
    return lines


def table_lines(rows: Sequence[Row]) -> list[str]:
    """The table for a terminal, in columns."""
    cells = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADINGS))]
    return [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width) for place, (cell, width) in _zipped(row, widths)
        )
        for row in cells
    ]


def _zipped(row: Sequence[str], widths: Sequence[int]) -> Sequence[tuple[int, tuple[str, int]]]:
    return list(enumerate(zip(row, widths, strict=True)))


def _cells(row: Row) -> tuple[str, ...]:
    first = f" ({row.passed_first} at once)" if row.passed_first != row.passed else ""
    return (
        console.shown(str(row.work)),
        console.shown(row.model),
        f"{row.passed} of {row.n}{first}",
        str(row.interval),
        f"{row.input_tokens:,.0f}",
        f"{row.output_tokens:,.0f}",
        f"{row.seconds:.1f} s" if row.seconds < 60 else duration(row.seconds),
        dollars(row.usd),
    )


def advice_lines(advice: Sequence[Advice]) -> list[str]:
    """Who should write first, kind by kind."""
    said = {"local": "the local model first", "frontier": "the frontier first", None: "no advice"}
    return [f"{each.work}: {said[each.first]}{_tries(each)}. {each.why}" for each in advice]


def _tries(advice: Advice) -> str:
    return ", twice" if advice.route is not None and advice.route.local_tries > 1 else ""


def diff_lines(old: str, new: str) -> list[str]:
    """What would become different in routing.toml."""
    files = ("routing.toml as it is", "routing.toml as it would be")
    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), *files, lineterm=""))


def row_json(row: Row) -> dict[str, Any]:
    """A row with its interval, as plain data."""
    return {**msgspec.to_builtins(row), "low": row.interval.low, "high": row.interval.high}


def case_json(case: Case, work: Work | None) -> dict[str, Any]:
    """A case as plain data."""
    return {
        "id": case.id,
        "key": case.key,
        "source": case.source,
        "title": case.title,
        "kind": work.kind if work else None,
        "language": work.language if work else None,
        "words": WORDS[work.kind] if work else None,
        "touches": case.step.touches,
        "check": case.step.check,
        "lines": case.lines,
    }
