"""Reads JSON: members and elements that are objects or arrays, with comments and trailing commas allowed.

Invariant: one pass over the brackets outside strings and comments; nesting is counted, never followed by recursion.
"""

import json
import re

from hybridcode.repo.structured.blocks import MAX_DEPTH, MOST_ITEMS, Block, Style, settle, text_of
from hybridcode.repo.structured.wheels import syntax_errors

STYLE = Style(comments=(b"//",), fewest=3)

_STRING = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?'
_COMMENT = rb"//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?"
_TO_BRACKET = re.compile(rb'(?:[^\[\]{}"/]++|%b|%b|/)*+([\[\]{}]|\Z)' % (_STRING, _COMMENT), re.DOTALL)
_ASIDE = re.compile(rb"(%b)|%b" % (_STRING, _COMMENT), re.DOTALL)
_LAST_KEY = re.compile(rb'"((?:[^"\\\n]|\\.)*+)"\s*+:\s*+\Z')
_NOISE = re.compile(rb"(%b)|%b|,(?=(?:\s++|%b)*+[\]}])" % (_STRING, _COMMENT, _COMMENT), re.DOTALL)


def blocks(data: bytes) -> list[Block]:
    """Objects and arrays of more than one line inside the outermost one, down to a fixed depth."""
    found: list[Block] = []
    gaps: list[int] = []
    open_: list[_Open] = []
    deeper = 0
    for gap in _TO_BRACKET.finditer(data):
        at = gap.start(1)
        bracket = data[at : at + 1]
        if bracket in b"]}":
            if deeper:
                deeper -= 1
            elif open_ and bracket:
                _close(open_.pop(), found, gaps, data, at + 1)
        elif deeper or len(open_) > MAX_DEPTH or (open_ and open_[-1].is_data):
            deeper += 1
        else:
            opened = _Open(len(found) if open_ else -1, is_array=bracket == b"[")
            if open_:
                index = open_[-1].next_index(data, gap.start(), at)
                name = "" if index < 0 else f"[{index}]"
                found.append(Block(name, "key", at, len(open_) - 1, is_item=index >= 0))
                gaps.append(gap.start())
            open_.append(opened)
    while open_:
        _close(open_.pop(), found, gaps, data, len(data))
    for block, start in zip(found, gaps, strict=True):
        if not block.is_item:
            _name(block, start, data)
    return found


def without_comments(data: bytes) -> bytes:
    """The same JSON without comments and without commas before a closing bracket."""
    return _NOISE.sub(lambda match: match[1] or b" ", data)


def errors(data: bytes) -> int:
    """Syntax errors; comments and trailing commas are none."""
    plain = without_comments(data)
    try:
        json.loads(plain)
    except (ValueError, RecursionError):
        return syntax_errors("json", plain)
    # The grammar takes `1e+5` for an error; the standard library knows better.
    return 0


class _Open:
    """An object or array whose end is still to come."""

    __slots__ = ("is_array", "items", "place")

    def __init__(self, place: int, *, is_array: bool) -> None:
        self.place = place
        self.is_array = is_array
        self.items = 0

    @property
    def is_data(self) -> bool:
        """Whether it has so many elements that none of them has a name."""
        return self.items > MOST_ITEMS

    def next_index(self, data: bytes, start: int, end: int) -> int:
        """The index of the element at `end`, if the one before ended at `start`; -1 in an object."""
        if not self.is_array:
            return -1
        between = data[start:end]
        plain = _ASIDE.sub(b"", between) if b'"' in between or b"/" in between else between
        self.items += plain.count(b",")
        return self.items


def _name(block: Block, start: int, data: bytes) -> None:
    """Name a member by its key, which stands between `start` and its bracket, and let it start there."""
    before = data[start : block.start]
    plain = _ASIDE.sub(lambda match: match[1] or b" ", before) if b"/" in before else before
    key = _LAST_KEY.search(plain)
    block.name = (text_of(key[1]) or '""') if key else "?"
    block.start = start + before.rfind(b'"%b"' % key[1]) if key else block.start


def _close(opened: _Open, found: list[Block], gaps: list[int], data: bytes, end: int) -> None:
    if opened.place >= 0:
        found[opened.place].end = end
        settle(found, opened.place, data)
        del gaps[len(found) :]
