"""Well-formed diffs, as `git diff` writes them, read to the letter.

Invariant: what a hunk shows as old is in the file byte for byte, at one place, or the whole diff is refused; line ends,
a missing last line end and permission bits come from the diff.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.paths import NO_FILE, is_safe
from hybridcode.patch.refusing import ASK_FOR_MORE_CONTEXT, COPY_EXACTLY, Refused
from hybridcode.repo.lines import split_lines

_DEFAULT_MODE = 0o644
_MODE = re.compile(r"(?:(?:new file|deleted file|new) mode|index [0-9a-f]+\.\.[0-9a-f]+) (\d{6})\s*\Z")
_MODES = {"100644": 0o644, "100755": 0o755}
"""As git knows them; all others are links, submodules or bits that no diff should set."""
_SIDES = frozenset({("a", "b"), ("i", "w"), ("c", "i"), ("c", "w"), ("o", "w")})
"""What git puts before the two names, by its settings."""
_HEADING = re.compile(r'diff --git "?(\w)/.* "?(\w)/')
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_RENAME = re.compile(r"rename (from|to) (.*)\Z")
_ESCAPE = re.compile(rb'\\([abfnrtv"\\]|[0-7]{3})')
_SIMPLE = {
    b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b'"': b'"', b"\\": b"\\",
}  # fmt: skip
_NO_GIT_DIFF = "Pipe in what `git diff` prints, or leave --format out."


@dataclass(frozen=True)
class GitHunk:
    """Lines with their ends, and where the header says they stand (1-based; 0: before the first line)."""

    old_start: int
    new_start: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]


@dataclass(frozen=True)
class GitFile:
    """What a diff says of one file."""

    old: str
    """Its path before; `/dev/null` for a new file."""
    new: str
    """Its path after; `/dev/null` for one that is deleted."""
    mode: int
    """Permission bits that it gets; 0 if the diff says nothing of them."""
    oddity: str
    """Why it cannot be placed by lines; empty for most."""
    is_renamed: bool
    hunks: tuple[GitHunk, ...]


def read_git_diff(text: str) -> tuple[GitFile, ...] | Refusal:
    """The files of a diff, in its order. Undecodable bytes of the input must stand as surrogate escapes."""
    if trouble := _uncounted(text):
        return Refusal(reason=trouble, advice=_NO_GIT_DIFF)
    try:
        found = [_file_of(file) for file in cast(Iterable[Any], PatchSet(io.StringIO(text, newline="\n")))]
    except (UnidiffParseError, ValueError) as error:
        return Refusal(reason=f"this is not a well-formed diff: {str(error)[:200]}", advice=_NO_GIT_DIFF)
    return tuple(found) if found else Refusal(reason="there is no diff in the answer", advice=_NO_GIT_DIFF)


def _uncounted(text: str) -> str:
    """What is wrong with a diff whose hunks hold other lines than they count; empty if nothing is."""
    old = new = 0
    in_hunk = False
    for line in text.split("\n"):
        if line.startswith("@@@"):
            return "this is a combined diff"
        if old > 0 or new > 0:
            old -= not line.startswith(("+", "\\"))
            new -= not line.startswith(("-", "\\"))
        elif (found := _HUNK.match(line)) is not None:
            old, new = (int((count or "1")[:9]) for count in found.groups())
            in_hunk = True
        elif in_hunk and line.startswith(("+", "-", " ")) and line != "-- " and not line.startswith("--- "):
            return f"a hunk holds more lines than it counts: {line[:40]!r}"
        elif line and not line.startswith("\\"):
            in_hunk = False
    return ""


def _file_of(file: Any) -> GitFile:
    info = [str(line).rstrip("\n") for line in file.patch_info or ()]
    renamed = {found[1]: _unquoted(found[2]) for line in info if (found := _RENAME.match(line))}
    modes = [found[1] for line in info if (found := _MODE.match(line))]
    old, new = _names(file.source_file, file.target_file, info)
    is_renamed = renamed.keys() >= {"from", "to"}
    return GitFile(
        old=renamed["from"] if is_renamed else old,
        new=renamed["to"] if is_renamed else new,
        mode=_MODES.get(modes[-1], 0) if modes and any("mode" in line for line in info) else 0,
        oddity=_oddity(file, info, modes),
        is_renamed=is_renamed,
        hunks=tuple(_hunk_of(hunk) for hunk in file),
    )


def _oddity(file: Any, info: Sequence[str], modes: Sequence[str]) -> str:
    if file.is_binary_file or any(line.startswith("GIT binary patch") for line in info):
        return "the diff of a binary file holds no lines"
    if any(line.startswith("copy from ") for line in info):
        return "the diff copies a file"
    if any(mode not in _MODES for mode in modes):
        return "the diff is about a link, a submodule or special permission bits"
    says = ("rename from ", "new file mode ", "deleted file mode ", "new mode ")
    if not len(file) and not any(line.startswith(says) for line in info):
        return "the diff shows no lines of the file"
    return ""


def _names(source: str, target: str, info: Sequence[str]) -> tuple[str, str]:
    """Both names without what git puts before them: before both, or before none."""
    old, new = _unquoted(source.partition("\t")[0]), _unquoted(target.partition("\t")[0])
    heading = next((found.groups() for line in info if (found := _HEADING.match(line))), ("a", "b"))
    sides = (
        heading[0] if old == NO_FILE else old.partition("/")[0],
        heading[1] if new == NO_FILE else new.partition("/")[0],
    )
    if sides not in _SIDES:
        return old, new
    return _without(old, sides[0]), _without(new, sides[1])


def _without(name: str, side: str) -> str:
    return name if name == NO_FILE else name.removeprefix(f"{side}/")


def _hunk_of(hunk: Any) -> GitHunk:
    """`\\ No newline at end of file` takes the end off the line above it."""
    sides: dict[str, list[bytes]] = {"-": [], "+": []}
    touched: list[list[bytes]] = []
    for line in hunk:
        kind, text = str(line.line_type), str(line.value)
        if kind == "\\":
            for side in touched:
                side[-1] = side[-1].removesuffix(b"\n")
            continue
        touched = [side for mark, side in sides.items() if kind in (mark, " ")]
        for side in touched:
            side.append(text.encode("utf-8", "surrogateescape"))
    return GitHunk(int(hunk.source_start), int(hunk.target_start), tuple(sides["-"]), tuple(sides["+"]))


def is_more_than_lines(text: str) -> bool:
    """A git diff says more than a reader of hunks alone would see: modes, moves, whole files, binary ones."""
    marks = ("old mode ", "new mode ", "new file ", "deleted file ", "rename ", "copy ", "Binary files ", "GIT binary ")
    return any(line.startswith(marks) for line in text.split("\n"))


def paths_in(diff: Sequence[GitFile]) -> tuple[str, ...]:
    """Every path that a diff names, without repetitions."""
    return tuple(dict.fromkeys(name for file in diff for name in (file.old, file.new) if name != NO_FILE))


def place_git_diff(
    diff: Sequence[GitFile], shown: Mapping[str, bytes], *, modes: Mapping[str, int]
) -> tuple[FileChange, ...] | tuple[Refusal, ...]:
    """The changes of a diff on the files in `shown`, or why there are none; never empty."""
    changes: list[FileChange] = []
    refusals: list[Refusal] = []
    for file in diff:
        try:
            changes += _changes(file, shown, modes)
        except Refused as refused:
            refusals.append(refused.refusal(path=file.old if file.new == NO_FILE else file.new))
    return tuple(refusals) or tuple(sorted(changes, key=lambda change: change.path))


def _changes(file: GitFile, shown: Mapping[str, bytes], modes: Mapping[str, int]) -> list[FileChange]:
    old, new = file.old, file.new
    if file.oddity:
        raise Refused(file.oddity, advice="Do this part by hand.")
    if old != new and NO_FILE not in (old, new) and not file.is_renamed:
        raise Refused("the diff names two files and says of neither that it is moved", advice=_NO_GIT_DIFF)
    if not all(name == NO_FILE or is_safe(name) for name in (old, new)):
        raise Refused("the path does not lie inside the tree", advice="Name files relative to the root.")
    if old == NO_FILE:
        after = _patched(file, b"")
        if new in shown:
            raise Refused(
                "the file to create is already there",
                is_already=shown[new] == after and file.mode in (0, modes.get(new, _DEFAULT_MODE)),
            )
        return [FileChange(new, None, after, file.mode or _DEFAULT_MODE)]
    if old not in shown:
        is_moved = (
            new in shown and bool(file.hunks) and all(_stands(split_lines(shown[new]), hunk) for hunk in file.hunks)
        )
        raise Refused("there is no such file", path=old, is_already=new == NO_FILE or is_moved)
    before = shown[old]
    kept = modes.get(old, _DEFAULT_MODE)
    try:
        after = _patched(file, before)
    except Refused as refused:
        refused.is_already = refused.is_already and file.mode in (0, kept)
        raise
    if new == NO_FILE:
        if after:
            raise Refused("the file to delete holds more than the diff shows", advice=COPY_EXACTLY)
        return [FileChange(old, before, None, kept)]
    if new != old:
        if new in shown:
            raise Refused("the file's new name is taken", path=new)
        return [FileChange(old, before, None, kept), FileChange(new, None, after, file.mode or kept)]
    if after == before and file.mode in (0, kept):
        raise Refused("the file is already so", is_already=True)
    return [FileChange(old, before, after, file.mode or kept)]


def _patched(file: GitFile, before: bytes) -> bytes:
    """The file after all hunks. Raises: Refused."""
    lines = split_lines(before)
    if file.hunks and all(_stands(lines, hunk) for hunk in file.hunks):
        raise Refused("the change is already in the file", advice="Leave it out.", is_already=True)
    pieces: list[bytes] = []
    done = 0
    for number, hunk in enumerate(file.hunks):
        at = _place(lines, hunk, number)
        if at < done:
            raise Refused("hunks overlap or are out of order", hunk=number)
        pieces += [*lines[done:at], *hunk.new]
        done = at + len(hunk.old)
    pieces += lines[done:]
    if any(not piece.endswith(b"\n") for piece in pieces[:-1]):
        raise Refused("a line without its end is not the last one", advice=COPY_EXACTLY)
    return b"".join(pieces)


def _stands(lines: tuple[bytes, ...], hunk: GitHunk) -> bool:
    """The finished lines stand where the header says, and the old ones stand nowhere."""
    return bool(hunk.new) and _is_at(lines, hunk.new, hunk.new_start - 1) and not _starts(lines, hunk.old)


def _starts(lines: tuple[bytes, ...], wanted: tuple[bytes, ...]) -> list[int]:
    """Everywhere that `wanted` stands; nowhere if it is nothing."""
    return [at for at, line in enumerate(lines) if wanted and line == wanted[0] and _is_at(lines, wanted, at)]


def _is_at(lines: tuple[bytes, ...], wanted: tuple[bytes, ...], at: int) -> bool:
    return at >= 0 and lines[at : at + len(wanted)] == wanted


def _place(lines: tuple[bytes, ...], hunk: GitHunk, number: int) -> int:
    """The line (0-based) where the old lines stand: where the header says, else the only other place.

    Raises: Refused.
    """
    if not hunk.old:
        if lines:
            raise Refused("nothing shows where the new lines belong", advice=ASK_FOR_MORE_CONTEXT, hunk=number)
        return 0
    if _is_at(lines, hunk.old, hunk.old_start - 1):
        return hunk.old_start - 1
    starts = _starts(lines, hunk.old)
    if len(starts) == 1:
        return starts[0]
    if starts:
        raise Refused(f"the lines stand in {len(starts)} places", advice=ASK_FOR_MORE_CONTEXT, hunk=number)
    raise Refused("the lines to change are not in the file", advice=COPY_EXACTLY, hunk=number)


def _unquoted(name: str) -> str:
    """A name as git writes it: in quotes, with octal escapes, where it holds anything unusual."""
    name = name.rstrip("\r\n")
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name
    raw = name[1:-1].encode("utf-8", "surrogateescape")
    plain = _ESCAPE.sub(lambda found: _SIMPLE.get(found[1]) or bytes([int(found[1], 8) & 0xFF]), raw)
    return plain.decode("utf-8", "surrogateescape")
