"""Writes a change of one file as a model would answer it, in every format that the patch room reads.

Invariant: independent of the reader under test; each answer is well-formed, and what it shows of the file as it was
stands there once.
"""

import difflib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hybridcode.domain.window import Target

Text = Callable[[str], str]


def as_it_is(line: str) -> str:
    """The line."""
    return line


class Change(NamedTuple):
    """What an answer shall do to one file; None before = create, None after = delete."""

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True)
class Style:
    """How the lines of blocks and hunks are written."""

    context: int = 1
    """Lines around each change; more where fewer would not be unique."""
    kept: Text = as_it_is
    """How a line of context looks in the answer."""
    every: Text = as_it_is
    """How any line looks in the answer, after `kept`."""


PLAIN = Style()


class Hunk(NamedTuple):
    """Marked lines, and the places (0-based) they have on both sides."""

    old_start: int
    new_start: int
    lines: tuple[tuple[str, str], ...]

    def side(self, marks: str) -> list[str]:
        """The lines that have one of `marks`."""
        return [text for mark, text in self.lines if mark in marks]


def lines_of(data: bytes | None) -> list[str]:
    """The lines as a model sees them: without BOM and line ends."""
    pieces = (data or b"").decode("utf-8", "surrogateescape").removeprefix("\ufeff").split("\n")
    last = pieces.pop()
    return [piece.removesuffix("\r") for piece in pieces] + ([last] if last else [])


def are_told_apart(lines: list[str]) -> bool:
    """No two of them differ in blanks at their ends alone: of such the one without is meant where these are lost."""
    return len(set(lines)) == len({line.rstrip(" \t") for line in lines})


def hunks_of(change: Change, style: Style = PLAIN) -> list[Hunk]:
    """The differing stretches with as much context as makes their old lines unique; those that touch are one."""
    old, new = lines_of(change.before), lines_of(change.after)
    codes = _codes(old, new)
    spans: list[tuple[int, int]] = []
    for span in sorted(_grown(code, old, style.context) for code in codes):
        if spans and span[0] <= spans[-1][1]:
            span = (spans[-1][0], max(spans.pop()[1], span[1]))
        spans.append(span)
    return [_hunk(old, new, span, [code for code in codes if span[0] <= code.a0 <= span[1]], style) for span in spans]


class _Code(NamedTuple):
    """Old lines a0..a1 (0-based, end excluded) that became the new lines b0..b1."""

    a0: int
    a1: int
    b0: int
    b1: int


def _codes(old: Sequence[str], new: Sequence[str]) -> list[_Code]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [_Code(*code[1:]) for code in matcher.get_opcodes() if code[0] != "equal"]


def _grown(code: _Code, old: Sequence[str], context: int) -> tuple[int, int]:
    """Old lines with context on both sides, until they are more than blanks and stand once in the file."""
    start, end = max(0, code.a0 - context), min(len(old), code.a1 + context)
    while not _stands_once(old[start:end], old) and (start > 0 or end < len(old)):
        start, end = max(0, start - 1), min(len(old), end + 1)
    return start, end


def _stands_once(shown: Sequence[str], lines: Sequence[str]) -> bool:
    places = range(len(lines) - len(shown) + 1)
    return any(line.strip() for line in shown) and sum(lines[at : at + len(shown)] == shown for at in places) == 1


def _hunk(old: Sequence[str], new: Sequence[str], span: tuple[int, int], codes: list[_Code], style: Style) -> Hunk:
    lines: list[tuple[str, str]] = []
    at, end = span
    for code in (*codes, _Code(end, end, len(new), len(new))):
        lines += [(" ", style.every(style.kept(text))) for text in old[at : code.a0]]
        lines += [("-", style.every(text)) for text in old[code.a0 : code.a1]]
        lines += [("+", style.every(text)) for text in new[code.b0 : code.b1]]
        at = code.a1
    return Hunk(span[0], codes[0].b0 - (codes[0].a0 - span[0]), tuple(lines))


def blocks(change: Change, style: Style = PLAIN) -> str:
    """SEARCH/REPLACE blocks under the file's name."""
    written = [
        f"<<<<<<< SEARCH\n{_joined(hunk.side(' -'))}=======\n{_joined(hunk.side(' +'))}>>>>>>> REPLACE\n"
        for hunk in hunks_of(change, style)
    ]
    return f"{change.path}\n" + "\n".join(written)


def diff(change: Change, style: Style = PLAIN, *, shift: int = 0) -> str:
    """A unified diff as git writes it; with `shift`, its line numbers are off by so many."""
    written = _header(change)
    for hunk in hunks_of(change, style):
        old, new = _range(hunk.old_start, hunk.side(" -"), shift), _range(hunk.new_start, hunk.side(" +"), shift)
        written += f"@@ -{old} +{new} @@\n{_marked(hunk)}"
    unended = change.after is not None and not change.after.endswith(b"\n")
    return written + ("\\ No newline at end of file\n" if unended and _reaches_the_end(change, style) else "")


def loose_diff(change: Change, style: Style = PLAIN, *, numbers: str = "") -> str:
    """A diff in a fence whose hunks have no line numbers, or always the same wrong ones, as ` -7,9 +1,3 @@`."""
    hunks = "".join(f"@@{numbers}\n{_marked(hunk)}" for hunk in hunks_of(change, style))
    return f"```diff\n{_header(change)}{hunks}```\n"


def envelope(change: Change, style: Style = PLAIN) -> str:
    """The apply_patch envelope."""
    if change.after is None:
        body = f"*** Delete File: {change.path}\n"
    elif change.before is None:
        body = f"*** Add File: {change.path}\n" + "".join(f"+{line}\n" for line in lines_of(change.after))
    else:
        body = f"*** Update File: {change.path}\n" + "".join(f"@@\n{_marked(hunk)}" for hunk in hunks_of(change, style))
    return f"*** Begin Patch\n{body}*** End Patch\n"


def whole(change: Change, style: Style = PLAIN) -> str:
    """The whole file in a fence under its name."""
    return f"{change.path}\n" + fenced([style.every(line) for line in lines_of(change.after)])


def json_edits(change: Change, style: Style = PLAIN) -> str:
    """One edit as a JSON object, several as a list in one."""
    edits = [
        {"path": change.path, "old": _joined(hunk.side(" -")), "new": _joined(hunk.side(" +"))}
        for hunk in hunks_of(change, style)
    ]
    return json.dumps(edits[0] if len(edits) == 1 else {"edits": edits}, indent=1) + "\n"


def region_of(change: Change, margin: int = 1) -> Target:
    """The lines that a change is about, with `margin` lines around them."""
    old, new = lines_of(change.before), lines_of(change.after)
    codes = _codes(old, new)
    start, end = max(0, codes[0].a0 - margin), min(len(old), codes[-1].a1 + margin)
    return Target(change.path, "region", start + 1, max(end, start + 1))


def region(change: Change, target: Target, style: Style = PLAIN) -> str:
    """The new text of lines `target.start`..`target.end`, which hold every change, in a fence."""
    assert target.start is not None and target.end is not None
    old, new = lines_of(change.before), lines_of(change.after)
    return fenced([style.every(line) for line in new[target.start - 1 : len(new) - (len(old) - target.end)]])


def fenced(lines: Sequence[str]) -> str:
    """Lines in a fence that is longer than any they hold."""
    longest = max((len(line.lstrip()) - len(line.lstrip().lstrip("`")) for line in lines), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{_joined(lines)}{fence}\n"


Writer = Callable[[Change, Style], str]
WRITERS: dict[str, Writer] = {
    "blocks": blocks,
    "diff": diff,
    "diff without numbers": loose_diff,
    "diff with wrong numbers": lambda change, style: loose_diff(change, style, numbers=" -77,9 +1,3 @@"),
    "envelope": envelope,
    "json": json_edits,
    "whole": whole,
}
"""Every format that says by itself what it changes."""


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _marked(hunk: Hunk) -> str:
    return "".join(f"{mark}{text}\n" for mark, text in hunk.lines)


def _header(change: Change) -> str:
    old = "/dev/null" if change.before is None else f"a/{change.path}"
    new = "/dev/null" if change.after is None else f"b/{change.path}"
    return f"--- {old}\n+++ {new}\n"


def _range(start: int, lines: Sequence[str], shift: int) -> str:
    """`start,count` of a hunk's header: an empty range names the line before it."""
    return f"{start + shift + (1 if lines else 0)},{len(lines)}"


def _reaches_the_end(change: Change, style: Style) -> bool:
    last = hunks_of(change, style)[-1]
    return last.new_start + len(last.side(" +")) == len(lines_of(change.after))
