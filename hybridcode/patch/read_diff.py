"""Unified diffs as models write them: line numbers right, wrong or missing; with or without a fence.

Invariant: a diff that may be cut off is refused; a line without a mark is never taken for one with a mark.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from hybridcode.patch.answer import Block, Edit, Edits, FileCreation, FileDeletion, MarkedLine
from hybridcode.patch.paths import NO_FILE, clean_name
from hybridcode.patch.read_fence import is_fence
from hybridcode.patch.refusing import CUT_OFF, Refused

_HEADER = re.compile(r"@@ ?-(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? ?@@ ?(.*)\Z")
_CLOSING = re.compile(r"```\s*\Z")
_OPENING = re.compile(r"```\w*\s*\Z")
_BETWEEN_FILES = (
    "diff ",
    "index ",
    "new file",
    "deleted file",
    "old mode",
    "new mode",
    "similarity",
    "rename ",
    "copy ",
)
_MARK_EVERY_LINE = "Start every line of a hunk with a blank, - or +."


def is_file_header(lines: Sequence[str], number: int) -> bool:
    """`--- name` with `+++ name` below it."""
    return lines[number].startswith("--- ") and number + 1 < len(lines) and lines[number + 1].startswith("+++ ")


def looks_like_diff(lines: Sequence[str]) -> bool:
    """There is a hunk header and at least one marked line."""
    return any(line.startswith("@@") for line in lines) and any(line[:1] in ("+", "-") for line in lines)


def first_diff_line(lines: Sequence[str]) -> int:
    """The first line of a diff: a file's header or a hunk's. Raises: StopIteration if there is none."""
    return next(
        number for number in range(len(lines)) if lines[number].startswith("@@") or is_file_header(lines, number)
    )


def read_diff(lines: Sequence[str]) -> tuple[Edit, ...]:
    """All files of a diff, in order. Raises: Refused."""
    first = _past_rename_lines(lines, first_diff_line(lines))
    opened = sum(is_fence(line) for line in lines[:first]) % 2 == 1
    reader = _Reader(lines=lines, at=first, in_fence=opened)
    reader.read()
    if reader.in_fence:
        raise Refused("the fence is not closed", advice=CUT_OFF)
    if not opened:
        _require_full_last_hunk(reader.files)
    edits = tuple(edit for file in reader.files if (edit := file.edit()) is not None)
    if not edits:
        raise Refused("the diff changes nothing", advice="Mark deleted lines with - and added lines with +.")
    return edits


@dataclass
class _Hunk:
    """A hunk while its lines are read."""

    at: int | None = None
    old_count: int | None = None
    new_count: int | None = None
    section: str | None = None
    lines: list[MarkedLine] = field(default_factory=list[MarkedLine])
    old_seen: int = 0
    bare_blanks: int = 0
    """Blank lines without a mark at the end, so far."""

    @property
    def wants_old(self) -> bool:
        """By its header there are old lines to come."""
        return self.old_count is not None and self.old_seen < self.old_count

    def block(self) -> Block:
        """The finished block: bare blanks at its end are layout unless the header counts them."""
        lines = list(self.lines)
        blanks, old_seen = self.bare_blanks, self.old_seen
        while blanks and lines and not (self.old_count is not None and old_seen <= self.old_count):
            lines.pop()
            blanks, old_seen = blanks - 1, old_seen - 1
        return Block(
            lines=tuple(lines),
            at=self.at,
            old_count=self.old_count,
            new_count=self.new_count,
            section=self.section,
        )


@dataclass
class _File:
    """A file while its hunks are read."""

    names: tuple[str, ...] = ()
    hunks: list[_Hunk] = field(default_factory=list[_Hunk])
    renamed_to: str | None = None

    def edit(self) -> Edit | None:
        """What the diff says about this file; None if nothing."""
        blocks = [block for hunk in self.hunks if (block := hunk.block()).changes]
        if len(self.names) == 2 and self.names[0] == NO_FILE:
            lines = tuple(line.text for block in blocks for line in block.lines if line.mark == "+")
            return FileCreation(path=_without_side(self.names[1]), lines=lines)
        if len(self.names) == 2 and self.names[1] == NO_FILE:
            return FileDeletion(path=_without_side(self.names[0]))
        if not blocks and self.renamed_to is None:
            return None
        readings = tuple((block,) for block in blocks)
        return Edits(names=self.names, dialect="diff", readings=readings, new_path=self.renamed_to)


@dataclass
class _Reader:
    """One pass over the lines of a diff."""

    lines: Sequence[str]
    at: int
    in_fence: bool
    files: list[_File] = field(default_factory=list[_File])
    hunk: _Hunk | None = None
    renamed_from: str | None = None
    last_hunk: int = -1

    def __post_init__(self) -> None:
        self.last_hunk = max((n for n, line in enumerate(self.lines) if line.startswith("@@")), default=-1)

    def read(self) -> None:
        while self.at < len(self.lines):
            if not self._line(self.lines[self.at]):
                return
            self.at += 1

    def _line(self, line: str) -> bool:
        """Take one line; False at the end of the diff."""
        if self.in_fence and _CLOSING.match(line):
            return self._next_fence()
        wants_old = self.hunk is not None and self.hunk.wants_old
        if is_file_header(self.lines, self.at) and not wants_old:
            names = (clean_name(line[4:]), clean_name(self.lines[self.at + 1][4:]))
            self._start_file(names)
            self.at += 1
        elif line.startswith("@@"):
            self._start_hunk(line)
        elif self.hunk is not None:
            return self._hunk_line(line, self.hunk)
        elif line.startswith("rename from "):
            self._start_file((clean_name(line[12:]),))
        elif line.startswith("rename to ") and self.files:
            self.files[-1].renamed_to = clean_name(line[10:])
        else:
            return not self._is_after_diff(line)
        return True

    def _start_file(self, names: tuple[str, ...]) -> None:
        last = self.files[-1] if self.files else None
        if last is not None and last.renamed_to is not None and not last.hunks and len(names) == 2:
            last.names = (last.names[0],)
        else:
            self.files.append(_File(names=names))
        self.hunk = None

    def _start_hunk(self, line: str) -> None:
        if not self.files:
            self.files.append(_File())
        found = _HEADER.match(line)
        self.hunk = _Hunk()
        if found:
            self.hunk.at = int(found[1])
            self.hunk.old_count, self.hunk.new_count = int(found[2] or 1), int(found[4] or 1)
            self.hunk.section = found[5] or None
        self.files[-1].hunks.append(self.hunk)

    def _hunk_line(self, line: str, hunk: _Hunk) -> bool:
        match line[:1]:
            case "":
                hunk.lines.append(MarkedLine(" ", ""))
                hunk.old_seen += 1
                hunk.bare_blanks += 1
            case " " | "+" | "-" as mark:
                hunk.lines.append(MarkedLine(mark, line[1:]))
                hunk.old_seen += mark != "+"
                hunk.bare_blanks = 0
            case "\\":
                pass
            case _ if line.startswith(_BETWEEN_FILES):
                self.hunk = None
                if line.startswith("rename from "):
                    self._start_file((clean_name(line[12:]),))
            case _ if self.in_fence or hunk.wants_old:
                number = len(self.files[-1].hunks) - 1
                raise Refused(f"a line of the diff has no mark: {line[:40]!r}", advice=_MARK_EVERY_LINE, hunk=number)
            case _:
                self._require_no_more()
                return False
        return True

    def _require_no_more(self) -> None:
        """Raises: Refused if the diff goes on below a line without a mark."""
        rest = self.lines[self.at + 1 :]
        if any(
            line.startswith(("@@", "+", "--- ")) or (line.startswith("-") and line[1:2] not in ("", " ", "-"))
            for line in rest
        ):
            raise Refused("a line of the diff has no mark", advice=_MARK_EVERY_LINE)

    def _is_after_diff(self, line: str) -> bool:
        """Prose below an unfenced diff."""
        if line.startswith(("Binary files ", "GIT binary patch", "copy from ")):
            raise Refused(
                "the diff holds a binary file or a copy", advice="Use --format patch, or do this part by hand."
            )
        has_hunks = bool(self.files) and bool(self.files[-1].hunks)
        return has_hunks and not self.in_fence and bool(line.strip()) and not line.startswith(_BETWEEN_FILES)

    def _next_fence(self) -> bool:
        """The fence closed: go on in the next one if it holds more of the diff."""
        self.hunk = None
        self.in_fence = False
        rest = range(self.at + 1, len(self.lines))
        opening = next((number for number in rest if _OPENING.match(self.lines[number])), None)
        if opening is None or opening >= self.last_hunk:
            return False
        self.at = opening
        self.in_fence = True
        return True


def _past_rename_lines(lines: Sequence[str], first: int) -> int:
    """Start at `rename from` of the first file, if that stands above its first header."""
    return next((number for number in range(first) if lines[number].startswith("rename from ")), first)


def _require_full_last_hunk(files: Sequence[_File]) -> None:
    """Without a fence only the counts tell that the last hunk is whole."""
    if not files or not files[-1].hunks:
        return
    last = files[-1].hunks[-1].block()
    if last.old_count is not None and (len(last.old) < last.old_count or len(last.new) < (last.new_count or 0)):
        raise Refused("the last hunk is shorter than its header says", advice=CUT_OFF)


def _without_side(name: str) -> str:
    return name[2:] if name.startswith(("a/", "b/")) else name
