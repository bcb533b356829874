"""Reads YAML by its indentation: keys, elements of lists, documents.

Invariant: only lines at the column of a block's first line divide it, so flow style, multi-line scalars and template
lines inside a value are never taken for keys. (The tree-sitter grammar is not used: lists nested some hundred
levels deep crash its scanner, and with it the process.)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hybridcode.repo.structured.blocks import LONG, MAX_DEPTH, MOST_ITEMS, Block, Style, line_count, text_of

STYLE = Style(comments=(b"#",), fewest=3)

_PLAIN = rb"(?:[^\n#]|(?<=[^\s])#)*?"
_KEY = re.compile(
    rb"""(?:[&!][^\s]*+[ \t]++)*+("(?:[^"\\\n]|\\.)*+"[ \t]*+|'(?:[^'\n]|'')*+'[ \t]*+"""
    rb"""|[^\s"'#{}\[\],|>%%@`-]%b|-[^\s]%b):(?=[ \t\r\n]|\Z)[ \t]*+""" % (_PLAIN, _PLAIN)
)
_NO_VALUE = re.compile(rb"(?:[&!][^\s]*+[ \t]*+)*+(?:#[^\n]*+)?[ \t\r]*+(?:\n|\Z)")
_DASH = re.compile(rb"-[ \t]++(?=[^\s#])|-(?=\s|\Z)")
_MARK = re.compile(rb"^(?:---|\.\.\.)(?=\s|\Z)[^\n]*+\n?", re.MULTILINE)
_DOCUMENT = re.compile(rb"^[ \t]*+[^\s#%]", re.MULTILINE)
_WRITTEN = re.compile(rb"^( *+)(?!\{[{%])[^\s#]", re.MULTILINE)
_OBJECT_KIND = re.compile(rb"^kind:[ \t]++([^\s#]++)", re.MULTILINE)
_OBJECT_NAME = re.compile(rb"^metadata:[^\n]*+\n(?:[ \t#][^\n]*+\n|\n)*?[ ]+name:[ \t]++([^\s#]++)", re.MULTILINE)
_AT_COLUMN = [re.compile(rb"^ {%d}(?=[^\s#])" % column, re.MULTILINE) for column in range(80)]


@dataclass(frozen=True, slots=True)
class _Body:
    """What stands inside a block: its range, and the least column at which something may stand in it."""

    start: int
    end: int
    least: int
    depth: int
    may_be_list_at: int = -1
    """A list may also stand at the column of its key."""
    inline: int = -1
    """Where its first key stands, if that is on the line of a dash; `least` is then the column of all its keys."""


def blocks(data: bytes) -> list[Block]:
    """Keys and elements of more than one line; in a file of several documents, these first."""
    documents = _documents(data)
    if len(documents) == 1:
        return _divided(data, _Body(*documents[0], least=0, depth=0))
    found: list[Block] = []
    for number, (start, end) in enumerate(documents, 1):
        found.append(Block(_object_name(data, start, end) or f"document {number}", "key", start, depth=0, end=end))
        if line_count(data, start, end) > LONG:
            found += _divided(data, _Body(start, end, least=0, depth=1))
    return found


def _documents(data: bytes) -> list[tuple[int, int]]:
    """Byte ranges between document marks that hold more than comments."""
    starts, ends = [0], list[int]()
    for mark in _MARK.finditer(data):
        ends.append(mark.start())
        is_plain = mark[0][3:].split(b"#")[0].strip() == b""
        starts.append(mark.end() if is_plain else mark.start())
    ranges = zip(starts, [*ends, len(data)], strict=True)
    written = [(first.start(), end) for start, end in ranges if (first := _DOCUMENT.search(data, start, end))]
    return written or [(0, len(data))]


def _object_name(data: bytes, start: int, end: int) -> str:
    """Kind and name of a Kubernetes object, as `Deployment web`."""
    kind, name = _OBJECT_KIND.search(data, start, end), _OBJECT_NAME.search(data, start, end)
    return " ".join(text_of(found[1]).strip("\"'") for found in (kind, name) if found)


def _divided(data: bytes, body: _Body) -> list[Block]:
    """The blocks in a body, in order; only long ones are divided further."""
    found: list[Block] = []
    waiting = [_inside(data, body)]
    while waiting:
        step = next(waiting[-1], None)
        if step is None:
            waiting.pop()
            continue
        block, inner = step
        found.append(block)
        if inner is not None and inner.depth < MAX_DEPTH and line_count(data, block.start, block.end) > LONG:
            waiting.append(_inside(data, inner))
    return found


def _inside(data: bytes, body: _Body) -> Iterator[tuple[Block, _Body | None]]:
    """The next level of a body: each block of more than one line with what stands in it."""
    at, line, column = body.inline, body.inline, body.least
    if at < 0:
        if (first := _WRITTEN.search(data, body.start, body.end)) is None:
            return
        at, line, column = first.end(1), first.start(), first.end(1) - first.start()
    is_list = _DASH.match(data, at) is not None
    least = body.may_be_list_at if is_list and body.may_be_list_at >= 0 else body.least
    if not least <= column < len(_AT_COLUMN):
        return
    divides = _DASH if is_list else _KEY
    below = (blank.end() for blank in _AT_COLUMN[column].finditer(data, line, body.end))
    places = below if body.inline < 0 else (body.inline, *below)
    marks = [mark for place in places if (mark := divides.match(data, place, body.end)) is not None]
    if is_list and len(marks) > MOST_ITEMS:
        return
    for index, mark in enumerate(marks):
        following = marks[index + 1].start() if index + 1 < len(marks) else body.end
        start, end = mark.start(), _end(data, mark.end(), following, column)
        if data.find(b"\n", start, end) >= 0:
            make = _item if is_list else _key
            yield make(data, mark, end=end, column=column, depth=body.depth, index=index)


def _item(
    data: bytes, mark: re.Match[bytes], *, end: int, column: int, depth: int, index: int
) -> tuple[Block, _Body | None]:
    block = Block(f"[{index}]", "key", mark.start(), depth, end=end, is_item=True)
    has_key = _KEY.match(data, mark.end(), end) is not None
    if not has_key and not data[mark.end() : mark.end() + 1].isspace():
        return block, None
    least = column + (mark.end() - mark.start() if has_key else 1)
    return block, _Body(mark.end(), end, least=least, depth=depth + 1, inline=mark.end() if has_key else -1)


def _key(
    data: bytes, mark: re.Match[bytes], *, end: int, column: int, depth: int, index: int
) -> tuple[Block, _Body | None]:
    name = mark[1].strip()
    name = name[1:-1] if name[:1] in (b'"', b"'") else name
    block = Block(text_of(name) or '""', "key", mark.start(), depth, end=end)
    nothing = _NO_VALUE.match(data, mark.end(), end)
    if nothing is None:
        return block, None
    return block, _Body(nothing.end(), end, least=column + 1, depth=depth + 1, may_be_list_at=column)


def _end(data: bytes, start: int, end: int, column: int) -> int:
    """`end` without the blank, comment and template lines before it that are no deeper than `column`."""
    while end > start:
        line_start = data.rfind(b"\n", 0, end - 1) + 1
        line = data[line_start:end]
        text = line.lstrip(b" ")
        is_aside = not text.strip() or (text.startswith((b"#", b"{{", b"{%")) and len(line) - len(text) <= column)
        if line_start <= start or not is_aside:
            return end
        end = line_start
    return end
