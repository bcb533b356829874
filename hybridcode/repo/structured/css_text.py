"""Reads CSS, SCSS and Less: rule sets and at-rules with a block.

Invariant: braces inside strings, comments, `url(...)` and `#{...}` never count.
"""

import re

from hybridcode.repo.structured.blocks import MAX_DEPTH, Block, Style, settle, text_of

STYLE = Style(separator=" ", comments=(b"/*", b"//"))

_COMMENT = rb"/\*(?:[^*]++|\*(?!/))*+(?:\*/)?|//[^\n]*+"
_STRING = rb"\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?"
_ASIDE = rb"%b|%b|url\([^)\"'\n]*+\)?|[#@]\{[^}\n]*+\}?" % (_COMMENT, _STRING)
_TO_MARK = re.compile(rb"(?:[^{};\"'/u#@]++|%b|[/u#@])*+([{};]|\Z)" % _ASIDE, re.DOTALL)
_BEFORE_RULE = re.compile(rb"(?:\s++|%b)*+" % _COMMENT, re.DOTALL)
_COMMENTS = re.compile(_COMMENT, re.DOTALL)


def blocks(data: bytes) -> list[Block]:
    """What has a block in braces, named by its selector or at-rule, down to a fixed depth."""
    found: list[Block] = []
    open_: list[tuple[Block, int]] = []
    deeper = 0
    for gap in _TO_MARK.finditer(data):
        at = gap.start(1)
        match data[at : at + 1]:
            case b"{" if deeper or len(open_) > MAX_DEPTH:
                deeper += 1
            case b"{":
                start = _start_of_rule(data, gap.start(), at)
                name = text_of(_COMMENTS.sub(b" ", data[start:at]))
                open_.append((Block(name, "rule", start, depth=len(open_)), len(found)))
                found.append(open_[-1][0])
            case b"}" if deeper:
                deeper -= 1
            case b"}" if open_:
                _close(*open_.pop(), found, at + 1, data)
            case _:
                pass
    while open_:
        _close(*open_.pop(), found, len(data), data)
    return found


def errors(data: bytes) -> int:
    """Braces without a partner."""
    depth, count = 0, 0
    for gap in _TO_MARK.finditer(data):
        mark = data[gap.start(1) : gap.start(1) + 1]
        depth += {b"{": 1, b"}": -1}.get(mark, 0)
        if depth < 0:
            depth, count = 0, count + 1
    return count + depth


def _start_of_rule(data: bytes, start: int, end: int) -> int:
    blank = _BEFORE_RULE.match(data, start, end)
    return blank.end() if blank else start


def _close(block: Block, place: int, found: list[Block], end: int, data: bytes) -> None:
    block.end = end
    settle(found, place, data)
