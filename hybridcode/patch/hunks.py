"""The hunks of a change: split, choose some, show as a unified diff.

Invariant: choosing all hunks gives exactly `after`, choosing none gives exactly `before`, and any subset applies
exactly; line ends and a missing last LF are part of the lines.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from hybridcode.domain.errors import PatchError
from hybridcode.patch.linediff import Change, changes
from hybridcode.repo.lines import split_lines

_CONTEXT = 3
_SNIFFED_BYTES = 8_000


Places = tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[Change, ...]]
"""Old lines, new lines, and where they differ."""


@dataclass(frozen=True)
class Hunk:
    """One stretch that differs. Lines keep their ends."""

    index: int
    old_start: int
    """1-based number of the first old line; of the line it is put before, if no old line is replaced."""
    old_lines: tuple[bytes, ...]
    new_start: int
    new_lines: tuple[bytes, ...]


def split(before: bytes, after: bytes) -> tuple[Hunk, ...]:
    """The differing stretches between two contents, in order."""
    old, new = split_lines(before), split_lines(after)
    return tuple(
        Hunk(
            index=index,
            old_start=change.a0 + 1,
            old_lines=old[change.a0 : change.a1],
            new_start=change.b0 + 1,
            new_lines=new[change.b0 : change.b1],
        )
        for index, change in enumerate(changes(old, new))
    )


def choose(
    before: bytes,
    after: bytes,
    *,
    accepted: Collection[int],
    edited: Mapping[int, tuple[bytes, ...]] | None = None,
) -> bytes:
    """`before` with the hunks whose index is in `accepted`; those in `edited` come with the lines given there.

    An edited hunk counts as accepted. Raises: PatchError if an index is not one of the hunks.
    """
    hunks = split(before, after)
    replaced = edited or {}
    unknown = sorted({*accepted, *replaced} - set(range(len(hunks))))
    if unknown:
        raise PatchError(f"hunk {unknown[0]} is not one of the {len(hunks)} hunks", "Split the change again.")
    old = split_lines(before)
    pieces: list[bytes] = []
    done = 0
    for hunk in hunks:
        start = hunk.old_start - 1
        pieces.extend(old[done:start])
        if hunk.index in replaced:
            pieces.extend(replaced[hunk.index])
        else:
            pieces.extend(hunk.new_lines if hunk.index in accepted else hunk.old_lines)
        done = start + len(hunk.old_lines)
    pieces.extend(old[done:])
    return b"".join(_ended(pieces))


def unified(path: str, before: bytes | None, after: bytes | None) -> str:
    """A well-formed unified diff with three lines of context, in git's form; "" if nothing differs.

    None before or after stands for an absent file. Bytes that are not UTF-8 are shown as `\\xNN`.
    """
    return "".join(unified_lines(path, before, after))


def unified_lines(
    path: str, before: bytes | None, after: bytes | None, *, compared: Places | None = None
) -> Iterator[str]:
    """The lines of `unified`, made as they are asked for; `compared` where that was done already."""
    if before == after:
        return
    old_name = "/dev/null" if before is None else _quoted(f"a/{path}")
    new_name = "/dev/null" if after is None else _quoted(f"b/{path}")
    if any(b"\0" in (data or b"")[:_SNIFFED_BYTES] for data in (before, after)):
        yield f"Binary files {old_name} and {new_name} differ\n"
        return
    if compared is None:
        old, new = split_lines(before or b""), split_lines(after or b"")
        compared = old, new, changes(old, new)
    old, new, found = compared
    yield f"--- {old_name}\n"
    yield f"+++ {new_name}\n"
    for group in _groups(found):
        yield from _hunk_text(old, new, group)


def _ended(lines: list[bytes]) -> Iterator[bytes]:
    """Lines as they are; one without LF that is no longer the last gets the end of its neighbours."""
    for number, line in enumerate(lines):
        if line and not line.endswith(b"\n") and number < len(lines) - 1:
            crlf = any(other.endswith(b"\r\n") for other in lines)
            yield line + (b"\r\n" if crlf else b"\n")
        else:
            yield line


def _groups(found: tuple[Change, ...]) -> list[list[Change]]:
    """Changes that share context lines stand in one group."""
    groups: list[list[Change]] = []
    for change in found:
        if groups and change.a0 - groups[-1][-1].a1 <= 2 * _CONTEXT:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def _hunk_text(old: tuple[bytes, ...], new: tuple[bytes, ...], group: list[Change]) -> Iterator[str]:
    lead = min(_CONTEXT, group[0].a0, group[0].b0)
    a0, b0 = group[0].a0 - lead, group[0].b0 - lead
    tail = min(_CONTEXT, len(old) - group[-1].a1)
    a1, b1 = group[-1].a1 + tail, group[-1].b1 + tail
    yield f"@@ -{_span(a0, a1)} +{_span(b0, b1)} @@\n"
    at = a0
    for change in group:
        yield from (_line(" ", line) for line in old[at : change.a0])
        yield from (_line("-", line) for line in old[change.a0 : change.a1])
        yield from (_line("+", line) for line in new[change.b0 : change.b1])
        at = change.a1
    yield from (_line(" ", line) for line in old[at:a1])


def _span(start: int, end: int) -> str:
    """`start,count` of a diff header: an empty range names the line before it."""
    count = end - start
    first = start + 1 if count else start
    return f"{first}" if count == 1 else f"{first},{count}"


def _line(mark: str, line: bytes) -> str:
    text = line.decode("utf-8", "backslashreplace")
    return f"{mark}{text}" if text.endswith("\n") else f"{mark}{text}\n\\ No newline at end of file\n"


def _quoted(name: str) -> str:
    """A name as git writes it: quoted if it holds a quote, a backslash or a control character."""
    if not any(character in '"\\' or ord(character) < 32 or ord(character) == 127 for character in name):
        return name
    return '"' + "".join(_escaped(character) for character in name) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return f"\\{ord(character):03o}" if ord(character) < 32 or ord(character) == 127 else character
