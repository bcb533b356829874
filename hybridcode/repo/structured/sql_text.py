"""Reads SQL: statements, up to their `;` outside strings, comments, dollar quotes and routine bodies.

Invariant: one pass over the marks that matter; what is not understood is part of the statement around it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from hybridcode.repo.structured.blocks import Block, Style, text_of

STYLE = Style(comments=(b"--",))

_COMMENT = rb"--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?|(?m:^)[ \t]*+\#[^\n]*+"
_STRING = (
    rb"'(?:[^'\\]++|''|\\\\|\\'(?![ \t]*+[,;)\r\n])|\\)*+'?|\"(?:[^\"]|\"\")*+\"?|`[^`\n]*+`?"
    rb"|\$(?P<tag>(?:[A-Za-z_][A-Za-z_0-9]*+)?)\$.*?(?:\$(?P=tag)\$|\Z)"
)
_MARK = re.compile(
    rb"(?P<aside>%b|%b)|(?P<end>;)|(?P<delimiter>(?m:^)[ \t]*+delimiter[ \t]++(?P<new>[^\s]++)[^\n]*+)"
    rb"|(?P<batch>(?m:^)[ \t]*+(?:go|/)[ \t\r]*+(?m:$))" % (_COMMENT, _STRING),
    re.DOTALL | re.IGNORECASE,
)
_DELIMITER_BACK = re.compile(rb"^[ \t]*+delimiter[ \t]++;[^\n]*+", re.MULTILINE | re.IGNORECASE)
_ASIDE = re.compile(rb"%b|%b" % (_COMMENT, _STRING), re.DOTALL)
_COMMENTS = re.compile(rb"(?:\s++|;|%b)*+" % _COMMENT, re.DOTALL)
_ROUTINE = re.compile(
    rb"create\s+(?:or\s+replace\s+|or\s+alter\s+|temp\s+|temporary\s+|definer\s*=\s*\S+\s+|constraint\s+)*"
    rb"(?:function|procedure|trigger|event)\b",
    re.IGNORECASE,
)
_NESTING = re.compile(rb"\b(?:(end)(?:\s+(if|loop|while|repeat|for)\b)?|(?:begin|case)\b)", re.IGNORECASE)
_GIVEN_NAME = re.compile(rb"^[ \t]*+--[ \t]*+name:[ \t]*+([^\s]++)[^\n]*\n(?:[ \t]*+--[^\n]*\n)*+\s*+\Z", re.MULTILINE)
"""A comment that names the query below it."""
_HEAD_BYTES = 1000
_NOISE = re.compile(
    r"or|replace|alter|temp|temporary|unlogged|unique|global|local|if|not|exists|concurrently|only|ignore"
    r"|low_priority|recursive|materialized|external|force|editionable|nonclustered|clustered|virtual",
    re.IGNORECASE,
)
_ACTS = ("create", "alter", "drop", "truncate", "comment")
_PREPOSITIONS = ("into", "from", "on", "to")


def blocks(data: bytes) -> list[Block]:
    """Statements of more than one line, named by what they do to what."""
    found: list[Block] = []
    for start, end in _statements(data):
        if data.find(b"\n", start, end) >= 0:
            given = _GIVEN_NAME.search(data, max(0, start - _HEAD_BYTES), start)
            head = _ASIDE.sub(_without_aside, data[start : min(end, start + _HEAD_BYTES)])
            name = text_of(given[1]) if given else _name(text_of(head))
            found.append(Block(name, "statement", start, depth=0, end=end))
    return found


@dataclass(slots=True)
class _Statement:
    """What has been read of a statement that has not ended."""

    start: int
    read: int
    """Where its part that has not been searched for BEGIN and END begins."""
    depth: int = 0
    is_routine: bool | None = None

    def ends_at(self, end: int, data: bytes) -> bool:
        """Whether a `;` at `end` ends it, or only a statement of its body."""
        if self.is_routine is None:
            self.is_routine = _ROUTINE.match(data, self.start) is not None
        if not self.is_routine:
            return True
        for word in _NESTING.finditer(_ASIDE.sub(b" ", data[self.read : end])):
            if not word[2]:
                self.depth += -1 if word[1] else 1
        self.read = end
        return self.depth <= 0


def _statements(data: bytes) -> Iterator[tuple[int, int]]:
    """Byte ranges of statements, with their `;`, without the comments around them."""
    now = _begun(data, 0)
    at = now.start
    while mark := _MARK.search(data, at):
        at = mark.end()
        if mark["aside"] is not None or (mark["end"] and not now.ends_at(mark.start(), data)):
            continue
        end = mark.end() if mark["end"] else mark.start()
        if now.start < end:
            yield now.start, end
        if mark["delimiter"]:
            back = _DELIMITER_BACK.search(data, at)
            until = back.start() if back else len(data)
            yield from _delimited(data, at, until, delimiter=mark["new"])
            at = back.end() if back else until
        now = _begun(data, at)
        at = now.start
    if now.start < len(data):
        yield now.start, len(data)


def _delimited(data: bytes, at: int, until: int, *, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Statements in a part that ends them in its own way (MySQL's `DELIMITER //`)."""
    while at < until:
        start = _begun(data, at).start
        stop = data.find(delimiter, start, until)
        at = until if stop < 0 else stop + len(delimiter)
        if start < at and data[start:at].strip() != delimiter:
            yield start, at


def _begun(data: bytes, at: int) -> _Statement:
    blank = _COMMENTS.match(data, at)
    start = blank.end() if blank else at
    return _Statement(start, start)


def _without_aside(aside: re.Match[bytes]) -> bytes:
    return aside[0] if aside[0][:1] in (b'"', b"`") else b" "


def _name(head: str) -> str:
    """`create table users`, `insert into orders`, `with totals`; otherwise its first words."""
    words = re.findall(r'"[^"]*"(?:\."[^"]*")*|[^\s(),;=<>]+', head)[:90]
    plain = [word for number, word in enumerate(words) if number == 0 or not _NOISE.fullmatch(word)]
    if not plain:
        return "statement"
    act = plain[0].lower()
    if act in _ACTS:
        typed = plain[1:4] if act == "comment" else plain[1:3]
        return " ".join((act, *(word.lower() for word in typed[:-1]), *map(_unquoted, typed[-1:])))
    if act in ("with", "update"):
        return " ".join((act, *map(_unquoted, plain[1:2])))
    for before, word in pairwise(plain):
        if before.lower() in _PREPOSITIONS:
            return f"{act} {before.lower()} {_unquoted(word)}"
    return " ".join((act, *plain[1:4]))


def _unquoted(name: str) -> str:
    return name.replace('"', "").replace("`", "").strip("[]")
