"""How much of what a commit changed stands in the passages shown for its message.

Invariant: a score is a function of the case, the passages and the tree; nothing is measured of the rest of the window.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.context_cases import Case, Gold
from benchmarks.context_worker import Lines

BYTES_PER_TOKEN = 4
_MOST_OF_IT = 0.8
"""A function counts as shown with this part of its lines."""
_LEAST_LINE = 6
"""Shorter changed lines (brackets, `else:`) stand everywhere and say nothing."""


@dataclass(frozen=True)
class Score:
    """How good one answer is. Parts are from 0 to 1."""

    recall: float
    """Part of the changed files that are shown at all."""
    functions: float | None
    """Part of the functions around changes that are shown, by 80 % of their lines; None if there are none."""
    lines: float | None
    """Part of the changed lines that are shown; None if there are none."""
    mrr: float
    """1 / rank of the first changed file; 0 if none is shown."""
    files: int
    tokens: int
    """Bytes / 4, rounded up, of each passage with its path."""


def score(case: Case, passages: Sequence[Lines], root: Path) -> Score:
    """Score the passages shown for a case; `root` holds its tree."""
    shown: dict[str, set[str]] = {}
    for passage in passages:
        shown.setdefault(passage.path, set()).update(_words(passage.text.split("\n")))
    changed = {gold.path for gold in case.gold}
    rank = next((rank for rank, path in enumerate(shown, 1) if path in changed), None)
    held = [_held(gold, shown.get(gold.path, set()), root) for gold in case.gold]
    return Score(
        recall=len(changed & shown.keys()) / len(changed),
        functions=_part(is_held for functions, _ in held for is_held in functions),
        lines=_part(is_held for _, lines in held for is_held in lines),
        mrr=1 / rank if rank else 0.0,
        files=len(shown),
        tokens=sum(-(-len(f"{one.path}\n{one.text}".encode()) // BYTES_PER_TOKEN) for one in passages),
    )


def _held(gold: Gold, shown: Collection[str], root: Path) -> tuple[list[bool], list[bool]]:
    """For each function, and for each changed line, whether it is shown."""
    source = [_folded(line) for line in (root / gold.path).read_text("utf-8", "replace").split("\n")]
    units = [[line for line in source[start - 1 : end] if line] for start, end, _ in gold.units]
    changed = [source[number - 1] for number in gold.changed_lines if number <= len(source)]
    return (
        [sum(line in shown for line in unit) >= _MOST_OF_IT * len(unit) for unit in units if unit],
        [line in shown for line in changed if len(line) >= _LEAST_LINE],
    )


def _words(lines: Iterable[str]) -> Iterable[str]:
    return filter(None, map(_folded, lines))


def _folded(line: str) -> str:
    """A line without its indentation; bars that some programs draw beside code count as blanks."""
    return " ".join(line.replace("│", " ").replace("█", " ").split())


def _part(held: Iterable[bool]) -> float | None:
    found = list(held)
    return sum(found) / len(found) if found else None
