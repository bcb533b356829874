"""Which regions a plan would have named for a change of the past, and whether a change is one at all.

Invariant: a pure function of the bytes before and after; each region resolves in the file before.
"""

from collections.abc import Iterator

from hybridcode.agent.formats import WHOLE_FILE_LINES
from hybridcode.context.extents import end_with_uses, whole_statements
from hybridcode.domain.plan import Region
from hybridcode.patch.linediff import changes
from hybridcode.repo.grammars import language_of, parse
from hybridcode.repo.lines import split_lines
from hybridcode.repo.symbols import candidates, outline

MOST_REGION_LINES = 150
"""A region with more is cut down to the lines that changed."""
_AROUND = 2
_COMMENTS = frozenset({"comment", "line_comment", "block_comment"})


def changed_lines(before: bytes, after: bytes) -> int:
    """Lines removed and added, whichever is more in each place."""
    found = changes(split_lines(before), split_lines(after))
    return sum(max(change.a1 - change.a0, change.b1 - change.b0) for change in found)


def regions_of(path: str, before: bytes, after: bytes) -> tuple[Region, ...]:
    """The symbols that changed, lines where no symbol is, or the whole of a short file; top to bottom."""
    lines = split_lines(before)
    if len(lines) <= WHOLE_FILE_LINES:
        return (Region(path),)
    found: dict[Region, tuple[int, int]] = {}
    for change in changes(lines, split_lines(after)):
        first, last = (change.a0 + 1, change.a1) if change.a1 > change.a0 else (change.a0, change.a0 + 1)
        first, last = max(1, min(first, len(lines))), max(1, min(last, len(lines)))
        region, place = _around(path, before, first, last, count=len(lines))
        found[region] = place
    return tuple(_outermost(found, path, before))


def is_same_code(path: str, before: bytes, after: bytes) -> bool:
    """True when two versions differ in nothing but blanks and comments; False where no grammar can tell."""
    language = language_of(path)
    if language is None:
        return before == after
    return list(_words(language, before)) == list(_words(language, after))


def _around(path: str, data: bytes, first: int, last: int, *, count: int) -> tuple[Region, tuple[int, int]]:
    """The smallest symbol around some lines, if it has one meaning and is not large; else the lines and their edge."""
    holding = [symbol for symbol in outline(path, data) if symbol.start <= first and last <= symbol.end]
    for symbol in sorted(holding, key=lambda symbol: (symbol.end - symbol.start, symbol.name)):
        if symbol.end - symbol.start < MOST_REGION_LINES and len(candidates(path, data, symbol.name)) == 1:
            return Region(path, symbol=symbol.name), (symbol.start, end_with_uses(path, data, symbol))
    start, end = whole_statements(path, data, max(1, first - _AROUND), min(count, last + _AROUND))
    return Region(path, start=start, end=end), (start, end)


def _outermost(found: dict[Region, tuple[int, int]], path: str, data: bytes) -> list[Region]:
    """Without regions that lie in others; overlapping lines become one region."""
    kept: list[tuple[Region, tuple[int, int]]] = []
    for region, (start, end) in sorted(found.items(), key=lambda item: (item[1][0], -item[1][1])):
        if kept and start <= kept[-1][1][1]:
            _, (begin, stop) = kept[-1]
            if end > stop:
                begin, end = whole_statements(path, data, begin, end)
                kept[-1] = (Region(path, start=begin, end=end), (begin, end))
            continue
        kept.append((region, (start, end)))
    return [region for region, _ in kept]


def _words(language: str, data: bytes) -> Iterator[tuple[str, int, bytes]]:
    """The leaves of the syntax tree and how deep they are, without comments; the bytes where it does not parse."""
    tree = parse(language, data)
    if tree is None:
        yield "", 0, data
        return
    cursor, is_done = tree.walk(), False
    while not is_done:
        node = cursor.node
        assert node is not None
        is_comment = node.type in _COMMENTS
        if not node.child_count and not is_comment:
            yield node.type, cursor.depth, data[node.start_byte : node.end_byte]
        if not is_comment and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                is_done = True
                break
