"""Strings and comments that run over several lines, so that each line can be coloured by itself.

Invariant: what a line begins in is found from a bounded number of lines before it; joining the parts of a line gives
the line back.
"""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

from hybridcode.tui.highlight import Word

_BLOCK = 64
"""Lines whose beginnings are worked out together and kept."""
_LOOK_BACK = 512
"""Lines before a block that are looked at where nothing is known of them: a jump costs this, and not the file."""


class Opener(NamedTuple):
    """What begins something that may run over lines."""

    begin: str
    end: re.Pattern[str]
    """Everything up to its end."""
    word: Word


class Family(NamedTuple):
    """Languages that share their quotes and comments."""

    openers: tuple[Opener, ...]
    pattern: re.Pattern[str]
    """Openers, and what hides an opener: strings and comments of one line."""


def _family(openers: Sequence[Opener], *single: str) -> Family:
    begins = "|".join(re.escape(opener.begin) for opener in openers)
    return Family(tuple(openers), re.compile("|".join((f"(?P<begin>{begins})", *single))))


_DOUBLE, _SINGLE = r'"(?:\\.|[^"\\])*"?', r"'(?:\\.|[^'\\])*'?"
_CHARACTER = r"'(?:\\[^']*|[^'\\])'"
"""Only whole ones: a lone tick is a lifetime in Rust, a mark in prose."""
_STARS = Opener("/*", re.compile(r".*?\*/"), "comment")
_TICKS = Opener("`", re.compile(r"(?:\\.|[^`\\])*`"), "string")
_MARKUP = Opener("<!--", re.compile(".*?-->"), "comment")
_TRIPLE = tuple(Opener(quote * 3, re.compile(rf"(?:\\.|[^\\])*?{quote * 3}"), "string") for quote in "\"'")
_LONG_LUA = Opener("--[[", re.compile(r".*?\]\]"), "comment")

_PYTHON = _family(_TRIPLE, "#.*", _DOUBLE, _SINGLE)
_C = _family((_STARS,), "//.*", _DOUBLE, _CHARACTER)
_SCRIPT = _family((_STARS, _TICKS), "//.*", _DOUBLE, _SINGLE)
_GO = _family((_STARS, Opener("`", re.compile(".*?`"), "string")), "//.*", _DOUBLE, _CHARACTER)
_CSS = _family((_STARS,), _DOUBLE, _SINGLE)
_SQL = _family((_STARS,), "--.*", _SINGLE)
_XML = _family((_MARKUP,))
_LUA = _family((_LONG_LUA,), "--.*", _DOUBLE, _SINGLE)

_SUFFIXES: dict[str, Family] = {
    **dict.fromkeys((".py", ".pyi"), _PYTHON),
    **dict.fromkeys((".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".java", ".kt", ".rs", ".scala", ".swift"), _C),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx"), _SCRIPT),
    **dict.fromkeys((".css", ".scss", ".less"), _CSS),
    **dict.fromkeys((".html", ".htm", ".xml", ".svg", ".md"), _XML),
    ".go": _GO,
    ".sql": _SQL,
    ".lua": _LUA,
}


class Inside:
    """What each line of one side of a file begins in."""

    def __init__(self, family: Family, lines: Sequence[bytes]) -> None:
        self._family, self._lines = family, lines
        self._blocks: dict[int, list[Opener | None]] = {}
        """For each line of a block what it begins in, and last what the line after the block does."""

    def parts(self, index: int, shown: str) -> list[tuple[str, Word | None]]:
        """A line as it is shown, cut where something over several lines ends or begins; None: colour it as it looks."""
        return _cut(self._family, shown, self._begin(index))[0]

    def _begin(self, index: int) -> Opener | None:
        return self._block(index // _BLOCK)[index % _BLOCK]

    def _block(self, number: int) -> list[Opener | None]:
        found = self._blocks.get(number)
        if found is None:
            start = number * _BLOCK
            before = self._blocks.get(number - 1)
            begin = before[-1] if before else self._after(range(max(start - _LOOK_BACK, 0), start))
            found = [begin]
            for line in self._lines[start : start + _BLOCK]:
                found.append(_cut(self._family, line.decode("latin-1"), found[-1])[1])
            self._blocks[number] = found
        return found

    def _after(self, numbers: range) -> Opener | None:
        begin: Opener | None = None
        for number in numbers:
            begin = _cut(self._family, self._lines[number].decode("latin-1"), begin)[1]
        return begin


def inside(path: str, lines: Sequence[bytes], data: bytes) -> Inside | None:
    """For one side of a file; None where nothing runs over several lines: such files cost nothing."""
    family = _SUFFIXES.get(PurePath(path).suffix)
    if family is None or not any(opener.begin.encode() in data for opener in family.openers):
        return None
    return Inside(family, lines)


def _cut(family: Family, line: str, begin: Opener | None) -> tuple[list[tuple[str, Word | None]], Opener | None]:
    """The parts of a line that begins in `begin`, and what the next line begins in."""
    parts: list[tuple[str, Word | None]] = []
    at = 0
    if begin is not None:
        end = begin.end.match(line)
        if end is None:
            return [(line, begin.word)], begin
        at = end.end()
        parts.append((line[:at], begin.word))
    plain = at
    while match := family.pattern.search(line, at):
        at = max(match.end(), at + 1)
        if match["begin"] is None:
            continue
        opener = next(one for one in family.openers if one.begin == match["begin"])
        end = opener.end.match(line, at)
        if end is None:
            parts.append((line[plain : match.start()], None))
            parts.append((line[match.start() :], opener.word))
            return [part for part in parts if part[0]], opener
        at = end.end()
    parts.append((line[plain:], None))
    return [part for part in parts if part[0]], None
