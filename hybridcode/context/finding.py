"""The window in which the place of a change is looked for: the best passages of many files, and names of more.

Invariant: a pure function of corpus, query and budget; never above the budget; what comes next is said.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hybridcode.context.packing import FINDING, pack
from hybridcode.context.passages import Passage, Taken, rendered
from hybridcode.context.rank import Ranking
from hybridcode.context.render import section
from hybridcode.domain.window import Cut
from hybridcode.repo.symbols import Symbol

TAIL_SHARE = 32
"""A part of 1/32 of the room lists names of files that are not shown."""
_LEAST_TAIL = 400
"""Bytes of room below which there is no list."""
_TAIL_HEADING = "More files"
_TAIL_SIGNATURES = 3
_SHOWN_KINDS = frozenset({"function", "method", "class", "interface", "enum", "type", "module", "macro"})


@dataclass(frozen=True)
class Found:
    """Passages in order of rank, the list of further files, and what was cut off."""

    passages: tuple[Passage, ...]
    tail: str
    cut: tuple[Cut, ...]

    @property
    def text(self) -> str:
        """All of it as it stands in the window."""
        return rendered(self.passages) + self.tail


def find_passages(ranking: Ranking, *, room: int, taken: Taken | None = None) -> Found:
    """The best passages for a sentence in `room` bytes, with a list of the next files."""
    reserved = room // TAIL_SHARE if room >= TAIL_SHARE * _LEAST_TAIL else 0
    packed = pack(ranking, room=room - reserved, taken=taken or Taken(), style=FINDING)
    number = ranking.corpus.number
    passages = tuple(_with_signals(p, ranking.signals_of(number[p.excerpt.path])) for p in packed.passages)
    return Found(passages, _tail(ranking, passages, reserved), packed.cut)


def _with_signals(passage: Passage, signals: dict[str, int]) -> Passage:
    return dataclasses.replace(passage, excerpt=replace(passage.excerpt, signals=signals))


def _tail(ranking: Ranking, passages: Sequence[Passage], room: int) -> str:
    """The next files by rank, each with what it defines first of all, one line a file."""
    shown = {passage.excerpt.path for passage in passages}
    lines: list[str] = []
    left = room - len(section(_TAIL_HEADING, "", path="").encode())
    for file in ranking.files:
        if file.path in shown:
            continue
        symbols = ranking.corpus.record(file.file).symbols
        names = [_named(symbol) for symbol in symbols if symbol.kind in _SHOWN_KINDS and not symbol.parent]
        more = f", +{len(names) - _TAIL_SIGNATURES}" if len(names) > _TAIL_SIGNATURES else ""
        line = f"{file.path}: {', '.join(names[:_TAIL_SIGNATURES])}{more}" if names else file.path
        left -= len(line.encode()) + 1
        if left < 0:
            break
        lines.append(line)
    text = section(_TAIL_HEADING, "\n".join(lines), path="") if lines else ""
    return text if len(text.encode()) <= room else ""


def _named(symbol: Symbol) -> str:
    return f"{symbol.kind} {symbol.name}"
