"""A file's bytes as lines that can be compared, changed and put back.

Invariant: lines that are not changed come back byte for byte: line ends (mixed ones too), a BOM, bytes that are not
UTF-8 and a missing last line end.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hybridcode.patch.refusing import Refused

_BOM = "\ufeff"
_WORDS = re.compile(r"\w+|[^\w\s]")
_QUOTES_AND_BLANKS = {
    **dict.fromkeys(map(ord, "‘’‚‛′"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–−"), "-"),
    **dict.fromkeys((0x00A0, 0x2007, 0x202F, 0x3000), " "),
    0x2026: "...",
}
_LONG_DASHES = {dash: {**_QUOTES_AND_BLANKS, 0x2014: dash, 0x2015: dash} for dash in ("--", "-")}


def plain_keys(line: str) -> tuple[str, str]:
    """Two readings of a line without blanks at its ends and without typography: a long dash is `--` or `-`."""
    stripped = line.strip()
    if stripped.isascii():
        return stripped, stripped
    return stripped.translate(_LONG_DASHES["--"]).strip(), stripped.translate(_LONG_DASHES["-"]).strip()


def plain_key(line: str) -> str:
    """The first of `plain_keys`."""
    return plain_keys(line)[0]


def indentation(line: str) -> str:
    """Blanks and tabs that a line starts with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def depth(line: str) -> int:
    """Columns before the first sign of a line, a tab going to the next eighth."""
    return len(indentation(line).expandtabs(8))


def words(line: str) -> list[str]:
    """Words and single signs of a line, typography made plain."""
    return _WORDS.findall(plain_keys(line)[1])


@dataclass(frozen=True)
class LineEdit:
    """Lines start..end (0-based, end excluded) give way to `lines`."""

    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class FileText:
    """One file's lines without their ends, and how they end."""

    lines: tuple[str, ...]
    ends: tuple[str, ...]
    """`\\n` or `\\r\\n` for each line; the last one may be empty."""
    has_bom: bool

    @classmethod
    def of(cls, data: bytes) -> "FileText":
        """Read bytes; those that are not UTF-8 are carried along unharmed."""
        text = data.decode("utf-8", "surrogateescape")
        has_bom = text.startswith(_BOM)
        pieces = text.removeprefix(_BOM).split("\n")
        last = pieces.pop()
        ended = [(piece[:-1], "\r\n") if piece.endswith("\r") else (piece, "\n") for piece in pieces]
        if last:
            ended.append((last, ""))
        return cls(lines=tuple(line for line, _ in ended), ends=tuple(end for _, end in ended), has_bom=has_bom)

    def with_edits(self, edits: Sequence[LineEdit]) -> tuple[str, ...]:
        """The lines after `edits`, which must not overlap. Raises: Refused."""
        return tuple(line for line, _ in self._edited(edits))

    def bytes_with(self, edits: Sequence[LineEdit]) -> bytes:
        """The bytes after `edits`: new lines end as their neighbours do, the last line as it did before."""
        edited = self._edited(edits)
        pieces = [line + (end or self.newline) for line, end in edited]
        if edited and self.ends and not self.ends[-1]:
            pieces[-1] = edited[-1][0]
        return ((_BOM if self.has_bom else "") + "".join(pieces)).encode("utf-8", "surrogateescape")

    @cached_property
    def newline(self) -> str:
        """The line end most lines have; LF if none has one."""
        return "\r\n" if self.ends.count("\r\n") > self.ends.count("\n") else "\n"

    def _edited(self, edits: Sequence[LineEdit]) -> list[tuple[str, str]]:
        kept = list(zip(self.lines, self.ends, strict=True))
        result: list[tuple[str, str]] = []
        done = 0
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
            if edit.start < done:
                raise Refused("two blocks change the same lines", advice="Write one block for lines that overlap.")
            result.extend(kept[done : edit.start])
            end = self._end_at(edit.start)
            result.extend((line, end) for line in edit.lines)
            done = edit.end
        result.extend(kept[done:])
        return result

    def _end_at(self, line: int) -> str:
        """The end that a new line gets before line `line`: in a mixed file its neighbour's."""
        near = self.ends[min(line, len(self.ends) - 1)] if self.ends else ""
        return near or self.newline

    @cached_property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """`plain_keys` of every line."""
        return tuple(plain_keys(line) for line in self.lines)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Line indexes by each of their plain keys, rising."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for number, (first, second) in enumerate(self.keys):
            found[first].append(number)
            if second != first:
                found[second].append(number)
        return dict(found)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word and sign of the file."""
        return frozenset(word for line in self.lines for word in _WORDS.findall(line))

    @cached_property
    def indents(self) -> tuple[int, int]:
        """How many lines start with a tab, and how many with two blanks."""
        tabs = sum(line.startswith("\t") for line in self.lines)
        return tabs, sum(line.startswith("  ") for line in self.lines)

    def lines_like(self, line: str) -> list[int]:
        """Indexes of lines equal to `line` but for blanks at the ends and typography, rising."""
        first, second = plain_keys(line)
        found = self.places.get(first, [])
        if second == first:
            return found
        return sorted({*found, *self.places.get(second, [])})

    def is_like(self, number: int, keys: tuple[str, str]) -> bool:
        """Line `number` has one of `keys` in common."""
        first, second = self.keys[number]
        return first == keys[0] or second == keys[1]

    def is_foreign_indent(self, line: str) -> bool:
        """`line` is indented with tabs in a file of blanks, or the other way round."""
        tabs, blanks = self.indents
        if not line.strip():
            return False
        return (line.startswith("\t") and not tabs and blanks > 0) or (
            line.startswith("  ") and not blanks and tabs > 0
        )
