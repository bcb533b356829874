"""The apply_patch envelope: `*** Begin Patch` ... `*** End Patch`.

Invariant: without its last line the whole answer is refused as cut off.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hybridcode.patch.answer import Block, Edit, Edits, FileCreation, FileDeletion, MarkedLine
from hybridcode.patch.paths import clean_name
from hybridcode.patch.refusing import CUT_OFF, Refused

_BEGIN, _END = "*** Begin Patch", "*** End Patch"
_UPDATE, _ADD, _DELETE, _MOVE = "*** Update File:", "*** Add File:", "*** Delete File:", "*** Move to:"
_END_OF_FILE = "*** End of File"
_NUMBERS = "@@ -"


def is_envelope_line(line: str) -> bool:
    """The line can only be part of an envelope."""
    return line.strip() == _BEGIN or line.startswith((_UPDATE, _ADD, _DELETE))


@dataclass
class _Section:
    """What the envelope says about one file, while it is read."""

    kind: str
    path: str
    new_path: str | None = None
    hunks: list[tuple[str | None, list[MarkedLine]]] = field(default_factory=list[tuple[str | None, list[MarkedLine]]])
    added: list[str] = field(default_factory=list[str])

    def take(self, line: str) -> None:
        """One line below the section's head. Raises: Refused."""
        if line.startswith("@@"):
            scope = "" if line.startswith(_NUMBERS) else line[2:].strip()
            self.hunks.append((scope or None, []))
            return
        if not self.hunks:
            self.hunks.append((None, []))
        match line[:1]:
            case "":
                self.hunks[-1][1].append(MarkedLine(" ", ""))
            case " " | "+" | "-" as mark:
                self.hunks[-1][1].append(MarkedLine(mark, line[1:]))
            case _:
                raise Refused(
                    f"a line of the patch has no mark: {line[:40]!r}",
                    advice="Start every line of a hunk with a blank, - or +.",
                    hunk=len(self.hunks) - 1,
                )

    def edit(self) -> Edit | None:
        """The finished edit; None if the section changes nothing."""
        if self.kind == _DELETE:
            return FileDeletion(path=self.path)
        if self.kind == _ADD:
            return FileCreation(path=self.path, lines=tuple(self.added))
        blocks = [Block(lines=_without_end_blanks(lines), section=scope) for scope, lines in self.hunks]
        changing = tuple((block,) for block in blocks if block.changes)
        if not changing and self.new_path is None:
            return None
        return Edits(names=(self.path,), dialect="envelope", readings=changing, new_path=self.new_path)


def read_envelope(lines: Sequence[str]) -> tuple[Edit, ...]:
    """All files of an envelope, in order. Raises: Refused."""
    sections: list[_Section] = []
    for line in lines:
        bare = line.rstrip()
        if bare == _END:
            return _edits(sections)
        head = next((head for head in (_UPDATE, _ADD, _DELETE) if bare.startswith(head)), None)
        if head is not None:
            sections.append(_Section(kind=head, path=clean_name(bare[len(head) :])))
        elif not sections or bare == _END_OF_FILE:
            continue
        elif bare.startswith(_MOVE):
            sections[-1].new_path = clean_name(bare[len(_MOVE) :])
        elif sections[-1].kind == _ADD:
            sections[-1].added.append(_added(line))
        elif sections[-1].kind == _UPDATE:
            sections[-1].take(line)
    raise Refused("the patch has no `*** End Patch`", advice=CUT_OFF)


def _edits(sections: Sequence[_Section]) -> tuple[Edit, ...]:
    edits = tuple(edit for section in sections if (edit := section.edit()) is not None)
    if not edits:
        raise Refused("the patch changes nothing", advice="Mark deleted lines with - and added lines with +.")
    return edits


def _added(line: str) -> str:
    if line and not line.startswith("+"):
        raise Refused(f"a line of a new file has no +: {line[:40]!r}", advice="Start every line of a new file with +.")
    return line[1:]


def _without_end_blanks(lines: list[MarkedLine]) -> tuple[MarkedLine, ...]:
    """Blank context at a hunk's end is layout."""
    end = len(lines)
    while end and lines[end - 1] == MarkedLine(" ", ""):
        end -= 1
    return tuple(lines[:end])
