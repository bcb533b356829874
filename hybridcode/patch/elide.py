"""Marks that stand for lines left out, as `# ... existing code ...`.

Invariant: a mark is never written into a file; a block with marks is placed only if every stretch that changes
something is unique by itself and every shown stretch stands in order.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from hybridcode.patch.answer import MarkedLine
from hybridcode.patch.filetext import FileText
from hybridcode.patch.match import Hit, hits, positions
from hybridcode.patch.refusing import ASK_FOR_MORE_CONTEXT, COPY_EXACTLY, NO_ELISION, Refused

_MARK = re.compile(
    r"\s*(?:#|//|/\*|--|;|<!--|%|\{/\*)?\s*(?:\.\.\.+|…)\s*(?:[\w ,'()-]*?(?:\.\.\.+|…)?)?\s*(?:\*/|-->|\*/\})?\s*\Z"
)
_SAYS_SO = re.compile(
    r"rest of|existing|unchanged|remaining|same as|omitted|other (?:code|methods|lines)|stays the same|keep",
    re.IGNORECASE,
)
_BARE_MARK = 8
"""Characters up to which a mark needs no words: `# ...`."""
_LONGEST_MARK = 200

Stretch = tuple[MarkedLine, ...]


def is_mark(line: str) -> bool:
    """The line may stand for lines that were left out; a bare `...` may also be meant literally."""
    if len(line) > _LONGEST_MARK or not _MARK.match(line):
        return False
    return len(line.strip()) <= _BARE_MARK or bool(_SAYS_SO.search(line))


def is_plain_mark(line: str) -> bool:
    """The line can only be a mark: it says that something was left out."""
    return is_mark(line) and bool(_SAYS_SO.search(line))


def refuse_marks(lines: Sequence[str], *, file: FileText) -> None:
    """Raises: Refused if one of `lines` is a mark that the file does not hold itself."""
    known = frozenset(file.lines)
    for line in lines:
        if is_plain_mark(line) and line not in known:
            raise Refused(f"lines are left out at {line.strip()!r}", advice=NO_ELISION)


def stretches(lines: Sequence[MarkedLine]) -> tuple[Stretch, ...]:
    """The parts of a block between marks in its context; () if it has none."""
    parts: list[list[MarkedLine]] = [[]]
    for line in lines:
        if line.mark == " " and is_mark(line.text):
            parts.append([])
        else:
            parts[-1].append(line)
    return tuple(tuple(part) for part in parts if part) if len(parts) > 1 else ()


def place_stretches(file: FileText, parts: Sequence[Stretch]) -> list[tuple[Stretch, Hit]]:
    """The changing stretches with their one place each. Raises: Refused."""
    fixed = {number: _only_hit(file, part) for number, part in enumerate(parts) if _changes(part)}
    starts = [hit.at for _, hit in sorted(fixed.items())]
    if any(later <= earlier for earlier, later in pairwise(starts)):
        raise Refused("the parts around the lines left out are out of order", advice=NO_ELISION)
    for number in range(len(parts)):
        if number not in fixed:
            _require_shown(file, parts, fixed, number)
    return [(parts[number], hit) for number, hit in sorted(fixed.items())]


def _changes(part: Stretch) -> bool:
    return any(line.mark != " " for line in part)


def _old(part: Stretch) -> list[str]:
    return [line.text for line in part if line.mark != "+"]


def _only_hit(file: FileText, part: Stretch) -> Hit:
    if not any(text.strip() for text in _old(part)):
        raise Refused("a part between lines left out has nothing to find its place by", advice=ASK_FOR_MORE_CONTEXT)
    found = hits(file, part)
    if len(found) != 1:
        count = len(found) or "no"
        raise Refused(f"a part between lines left out fits {count} places", advice=NO_ELISION)
    return found[0]


def _require_shown(file: FileText, parts: Sequence[Stretch], fixed: dict[int, Hit], number: int) -> None:
    """A stretch of context alone must stand between its changing neighbours."""
    lowest = max((hit.at + len(_old(parts[other])) for other, hit in fixed.items() if other < number), default=0)
    highest = min((hit.at for other, hit in fixed.items() if other > number), default=len(file.lines))
    old = _old(parts[number])
    if not any(lowest <= start and start + len(old) <= highest for start in positions(file, old)):
        raise Refused("lines shown beside lines left out are not in the file", advice=COPY_EXACTLY)
