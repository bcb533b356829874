"""One answer that holds several places of a step, taken apart.

Invariant: nothing is taken apart unless each piece is plainly one place's, and each place has one piece; nothing of a
fence is lost.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from hybridcode.domain.window import Target
from hybridcode.patch.filetext import depth, plain_key
from hybridcode.patch.read_blocks import is_block_head
from hybridcode.patch.read_diff import looks_like_diff
from hybridcode.patch.read_envelope import is_envelope_line
from hybridcode.patch.read_fence import fences
from hybridcode.patch.refusing import Refused
from hybridcode.repo.symbols import outline

_IMPORT = re.compile(r"(?:import|from|use|using|package|require|#\s*include)\b")
"""Such a line stands in many places and is no sign of one."""


@dataclass(frozen=True)
class Place:
    """One place that a step changes, and how it is known in an answer."""

    target: Target
    name: str
    """Bare name of the definition; empty where it is none."""
    head: str
    """Its first line that is not blank."""


def take_apart(text: str, places: Sequence[Place]) -> dict[int, str]:
    """An answer of its own for each of at least two places, by index; empty where the answer holds no two of them."""
    lines = text.replace("\r\n", "\n").split("\n")
    if any(is_block_head(line) or is_envelope_line(line) for line in lines) or looks_like_diff(lines):
        return {}
    try:
        found = fences(lines)
    except Refused:
        return {}
    pieces: dict[int, str] = {}
    for fence in found:
        inside = lines[fence.opening + 1 : fence.closing]
        starts = sorted(
            (at, number) for number, place in enumerate(places) if (at := _start(inside, place)) is not None
        )
        ats = [at for at, _ in starts]
        if not starts or len(set(ats)) < len(ats) or any(number in pieces for _, number in starts):
            return {}
        for (first, number), last in zip([(0, starts[0][1]), *starts[1:]], [*ats[1:], len(inside)], strict=True):
            pieces[number] = _fenced(inside[first:last], lines[fence.opening])
    return pieces if len(pieces) > 1 else {}


def _start(lines: Sequence[str], place: Place) -> int | None:
    """Where a place's text begins: at its first line as it was, or where its name is defined; None if not plainly."""
    head = plain_key(place.head)
    is_telling = any(map(str.isalnum, head)) and not _IMPORT.match(head)
    equal = [at for at, line in enumerate(lines) if _is_head(line, place.head)] if is_telling else []
    if len(equal) == 1:
        return equal[0]
    text = textwrap.dedent("\n".join(lines)).encode("utf-8", "surrogateescape")
    defined = [
        symbol.start - 1
        for symbol in outline(place.target.path, text)
        if place.name and symbol.bare_name == place.name and not symbol.parent
    ]
    return defined[0] if len(defined) == 1 else None


def _is_head(line: str, head: str) -> bool:
    """The same words, not further in: deeper inside another text, a string say, they are part of that."""
    return plain_key(line) == plain_key(head) and depth(line) <= depth(head)


def _fenced(lines: Sequence[str], opening: str) -> str:
    """A piece in a fence like the one it came from."""
    sign = opening.strip()
    closing = sign[: len(sign) - len(sign.lstrip(sign[0]))]
    return "\n".join((opening, *lines, closing))
