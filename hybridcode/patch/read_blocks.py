"""SEARCH/REPLACE blocks.

Invariant: an unclosed block, a missing divider or a broken marker refuses the whole answer; every line that could be
the divider is kept as a reading of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hybridcode.patch.answer import Block, Edits, MarkedLine, marked
from hybridcode.patch.linediff import changes
from hybridcode.patch.paths import clean_name, looks_like_name
from hybridcode.patch.read_fence import is_fence
from hybridcode.patch.refusing import CUT_OFF, Refused

_HEAD = re.compile(r"\s*<{5,9} ?SEARCH>?\s*\Z")
_DIVIDER = re.compile(r"\s*={5,9}\s*\Z")
_TAIL = re.compile(r"\s*>{5,9} ?REPLACE\s*\Z")
_BROKEN = re.compile(r"\s*(?:<{4,}|>{4,}|={5,}\Z)")
_MAX_DIVIDERS = 8


def is_block_head(line: str) -> bool:
    """The line opens a SEARCH/REPLACE block."""
    return bool(_HEAD.match(line))


def two_sided(search: Sequence[str], replace: Sequence[str], *, at: int | None = None) -> Block:
    """A block from old and new text: what is equal on both sides is context and will not be written back."""
    lines: list[MarkedLine] = []
    done = 0
    for change in changes(search, replace):
        lines += marked(" ", search[done : change.a0])
        lines += marked("-", search[change.a0 : change.a1]) + marked("+", replace[change.b0 : change.b1])
        done = change.a1
    return Block(lines=tuple(lines + marked(" ", search[done:])), at=at)


def read_blocks(lines: Sequence[str]) -> tuple[Edits, ...]:
    """All blocks of an answer, in order, neighbours for one file together. Raises: Refused."""
    found: list[tuple[tuple[str, ...], list[tuple[Block, ...]]]] = []
    names: tuple[str, ...] = ()
    count = after = 0
    for number in range(len(lines)):
        if number < after or not is_block_head(lines[number]):
            continue
        if any(_BROKEN.match(line) for line in lines[after:number]):
            raise Refused("a SEARCH/REPLACE marker is broken", advice=CUT_OFF, hunk=count)
        names = _name_above(lines, number) or names
        span = _Span.at(lines, number, block=count)
        after = span.tail + 1
        readings = tuple(_reading(lines, head=number, divider=divider, tail=span.tail) for divider in span.dividers)
        if found and found[-1][0] == names:
            found[-1][1].append(readings)
        else:
            found.append((names, [readings]))
        count += 1
    _require_clean_end(lines[after:], block=count)
    return tuple(Edits(names=names, dialect="blocks", readings=tuple(readings)) for names, readings in found)


def _reading(lines: Sequence[str], *, head: int, divider: int, tail: int) -> Block:
    block = two_sided(lines[head + 1 : divider], lines[divider + 1 : tail])
    return replace(block, is_marked_alike=lines[head].count("<") == lines[divider].count("="))


@dataclass(frozen=True)
class _Span:
    """Where a block's possible dividers and its end are."""

    dividers: tuple[int, ...]
    tail: int

    @classmethod
    def at(cls, lines: Sequence[str], head: int, *, block: int) -> "_Span":
        for number in range(head + 1, len(lines)):
            if is_block_head(lines[number]):
                break
            if _TAIL.match(lines[number]):
                dividers = tuple(k for k in range(head + 1, number) if _DIVIDER.match(lines[k]))
                if not dividers:
                    raise Refused("a SEARCH block has no divider", advice=CUT_OFF, hunk=block)
                if len(dividers) > _MAX_DIVIDERS:
                    raise Refused("a SEARCH block has too many dividers", advice=CUT_OFF, hunk=block)
                return cls(dividers=dividers, tail=number)
        raise Refused("a SEARCH block is not closed", advice=CUT_OFF, hunk=block)


def _name_above(lines: Sequence[str], head: int) -> tuple[str, ...]:
    """The file name in the few lines above a block, past its fence."""
    for number in range(head - 1, max(-1, head - 4), -1):
        line = lines[number]
        if is_fence(line):
            continue
        if not line.strip():
            if number < head - 1 and not is_fence(lines[number + 1]):
                return ()
            continue
        name = clean_name(line)
        return (name,) if looks_like_name(name) else ()
    return ()


def _require_clean_end(rest: Sequence[str], *, block: int) -> None:
    solid = [line for line in rest if line.strip()]
    if any(_BROKEN.match(line) for line in solid):
        raise Refused("a SEARCH/REPLACE marker is broken", advice=CUT_OFF, hunk=block)
    if solid and is_fence(solid[0]):
        solid = solid[1:]
    if sum(is_fence(line) for line in solid) % 2:
        raise Refused("a fence is opened and not closed", advice=CUT_OFF, hunk=block)
