"""What a task changed, as far as a request has room for it: whole hunks, those of what fails first.

Invariant: at most as long as asked for; where not all has room, long runs of removed lines are folded; then a hunk is
shown whole, or by its first lines where it alone is larger than the room, below the heading of its own file; what is
left out is counted in lines, file by file.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from hybridcode.patch.hunks import unified

LIST_CHARS = 500
"""For the files of which something is left out."""
_MOST_REMOVED = 12
_KEPT_REMOVED = 4
_LEAST_CHARS = 600
"""Of a hunk that is too large for the room."""
_HEAD = re.compile(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@")


class Versions(NamedTuple):
    """A file before and after; None where there is none."""

    before: bytes | None
    after: bytes | None


@dataclass(frozen=True)
class Hunk:
    """One stretch of a file's diff."""

    path: str
    text: str
    start: int = 0
    """First line of it in the file as it is now, 1-based; 0 where it has no lines there."""
    end: int = 0
    """Behind the last one."""

    def holds(self, lines: Collection[int]) -> bool:
        """One of the lines stands in it."""
        return any(self.start <= line < self.end for line in lines)

    @property
    def heading(self) -> str:
        """Of its file, which the first hunk begins with; empty for the others."""
        return "" if self.text.startswith("@@ ") else self.text.partition("\n@@ ")[0] + "\n"

    @property
    def length(self) -> int:
        """Lines of its text."""
        return self.text.count("\n")


def hunks_of(path: str, versions: Versions) -> list[Hunk]:
    """The hunks of a file's diff; the first one has the file's heading before it."""
    found: list[str] = []
    for line in unified(path, *versions).splitlines(keepends=True):
        if not found or (line.startswith("@@ ") and "\n@@ " in f"\n{found[-1]}"):
            found.append(line)
        else:
            found[-1] += line
    return [Hunk(path, text, *_range(text)) for text in found]


def _range(text: str) -> tuple[int, int]:
    head = next((match for line in text.splitlines()[:3] if (match := _HEAD.match(line))), None)
    if head is None:
        return 0, 0
    start = int(head[1])
    return start, start + int(head[2] or 1)


class Bounded(NamedTuple):
    """A diff as far as there was room for it."""

    text: str
    lines: Mapping[str, Collection[int]]
    """Lines of files as they are now that it shows, 1-based."""


def bounded_diff(
    files: Mapping[str, Versions], *, most_chars: int, places: Mapping[str, Collection[int]] | None = None
) -> str:
    """The diff of files in at most `most_chars` characters; `places` are files and lines (1-based) that fail."""
    return bounded(files, most_chars=most_chars, places=places).text


def bounded(
    files: Mapping[str, Versions], *, most_chars: int, places: Mapping[str, Collection[int]] | None = None
) -> Bounded:
    """As `bounded_diff`, with the lines that it shows."""
    failing = places or {}
    ordered = sorted(files, key=lambda path: (path not in failing, path))
    hunks = [hunk for path in ordered for hunk in hunks_of(path, files[path])]
    if not _fits(hunks, most_chars):
        hunks = [replace(hunk, text=_folded(hunk.text)) for hunk in hunks]
    if _fits(hunks, most_chars):
        return Bounded("".join(hunk.text for hunk in hunks), _lines_of({hunk: hunk.text for hunk in hunks}))
    headings = {hunk.path: hunk.heading for hunk in hunks if hunk.heading}
    by_worth = sorted(hunks, key=lambda one: (one.path not in failing, not one.holds(failing.get(one.path, ()))))
    room, shown, headed = most_chars - LIST_CHARS, dict[Hunk, str](), set[str]()
    for hunk in by_worth:
        is_headed = hunk.path in headed
        left = room + (len(hunk.heading) if is_headed else len(hunk.heading) - len(headings[hunk.path]))
        text = hunk.text if len(hunk.text) <= left else _cut(hunk, left)
        if text:
            shown[hunk] = text
            headed.add(hunk.path)
            room = left - len(text)
    text = _below_headings(hunks, shown, headings) + _listed([hunk for hunk in hunks if hunk not in shown])
    return Bounded(text, _lines_of(shown))


def _lines_of(shown: Mapping[Hunk, str]) -> dict[str, set[int]]:
    """The lines of each file as it is now that stand in what is shown of its hunks."""
    found: dict[str, set[int]] = {}
    for hunk, text in shown.items():
        rows = sum(row.startswith((" ", "+")) for row in text.removeprefix(hunk.heading).split("\n"))
        found.setdefault(hunk.path, set()).update(range(hunk.start, hunk.start + rows) if hunk.start else ())
    return found


def _fits(hunks: Sequence[Hunk], most_chars: int) -> bool:
    return sum(len(hunk.text) for hunk in hunks) <= most_chars


def _below_headings(hunks: Sequence[Hunk], shown: Mapping[Hunk, str], headings: Mapping[str, str]) -> str:
    """The hunks that are shown; the first one of a file has its heading."""
    text, before = "", ""
    for hunk in hunks:
        if hunk in shown:
            text += (headings[hunk.path] if hunk.path != before and not hunk.heading else "") + shown[hunk]
            before = hunk.path
    return text


def _folded(text: str) -> str:
    """A hunk in which of many lines that are removed one after the other the first ones stand."""
    lines: list[str] = []
    removed: list[str] = []
    for line in [*text.splitlines(keepends=True), ""]:
        if line.startswith("-") and not (line.startswith("--- ") and not lines):
            removed.append(line)
            continue
        if len(removed) > _MOST_REMOVED:
            removed[_KEPT_REMOVED:] = [f"[{len(removed) - _KEPT_REMOVED} more removed lines]\n"]
        lines += (*removed, line)
        removed = []
    return "".join(lines)


def _cut(hunk: Hunk, room: int) -> str:
    """The first lines of a hunk, where there is room for more than a few; else nothing."""
    if room < _LEAST_CHARS:
        return ""
    text = hunk.text[: room - len("[000000 more lines of it]\n")].rpartition("\n")[0] + "\n"
    return f"{text}[{hunk.length - text.count(chr(10))} more lines of it]\n"


def _listed(left_out: Sequence[Hunk]) -> str:
    """The files of hunks that are left out, each with its lines."""
    lines: dict[str, int] = {}
    for hunk in left_out:
        lines[hunk.path] = lines.get(hunk.path, 0) + hunk.length
    rows = [f"[{path}: {count} more lines]\n" for path, count in lines.items()]
    more = "[and of 00000 more files]\n"
    while rows and sum(map(len, rows)) + len(more) > LIST_CHARS:
        rows.pop()
    rest = len(lines) - len(rows)
    return "".join(rows) + (f"[and of {rest} more files]\n" if rest else "")
