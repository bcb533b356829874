"""A model's answer as typed values, before it meets a file.

Invariant: an Answer holds what was written, complete and in order; whether it fits a file is not known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from hybridcode.domain.window import Target

Mark = Literal[" ", "-", "+"]
Dialect = Literal["blocks", "diff", "envelope", "json"]


class MarkedLine(NamedTuple):
    """One line of a block: context, deleted or added. Without its line end."""

    mark: Mark
    text: str


@dataclass(frozen=True)
class Block:
    """One stretch of a file before and after, with what a diff's header claimed about it."""

    lines: tuple[MarkedLine, ...]
    at: int | None = None
    """First old line by the header, 1-based."""
    old_count: int | None = None
    new_count: int | None = None
    section: str | None = None
    """Text after `@@` that names the enclosing scope."""
    is_marked_alike: bool = False
    """The line that divides old from new is as long as the markers around them."""

    @cached_property
    def old(self) -> tuple[str, ...]:
        """The lines as they stand before."""
        return tuple(line.text for line in self.lines if line.mark != "+")

    @cached_property
    def new(self) -> tuple[str, ...]:
        """The lines as they shall stand after."""
        return tuple(line.text for line in self.lines if line.mark != "-")

    @property
    def is_pure_insertion(self) -> bool:
        """Nothing is deleted."""
        return all(line.mark != "-" for line in self.lines)

    @property
    def changes(self) -> bool:
        """At least one line is deleted or added."""
        return any(line.mark != " " for line in self.lines)

    @property
    def has_right_counts(self) -> bool:
        """The header's counts agree with the lines."""
        return len(self.old) == self.old_count and len(self.new) == self.new_count


@dataclass(frozen=True)
class Edits:
    """Blocks for one file."""

    names: tuple[str, ...]
    """Every name the answer gave the file (a diff gives two); none if it gave none."""
    dialect: Dialect
    readings: tuple[tuple[Block, ...], ...]
    """For each block its possible readings: several when its divider stands more than once; one of them must fit."""
    new_path: str | None = None
    """Set when the file is renamed."""


@dataclass(frozen=True)
class FileCreation:
    """A file said to be new, with all its lines."""

    path: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class FileDeletion:
    """A file to be removed."""

    path: str


@dataclass(frozen=True)
class Rewrite:
    """Text between fences. Which lines belong to it can depend on whether the old text holds fences itself."""

    candidates: tuple[tuple[str, ...], ...]
    """Contents of the fences that may be meant, in order; never empty."""
    span: tuple[str, ...] = ()
    """Everything from the first opening to the last closing fence, when there are fences in between."""
    closings: tuple[int, ...] = ()
    """Lengths of `span` at which the text may already end: where a fence closes."""
    pairs_up: bool = True
    """False: the fences of the answer do not pair up, so that only the old text can show where the new one ends."""
    is_fenced: bool = True
    """False: the answer came without a fence, all of it is the text."""

    @property
    def is_empty(self) -> bool:
        """Between the fences stands nothing at all."""
        return not any(line.strip() for lines in (*self.candidates, self.span) for line in lines)


@dataclass(frozen=True)
class WholeFile:
    """All lines of one file."""

    path: str | None
    text: Rewrite
    more: tuple["WholeFile", ...] = ()
    """Further files under names of their own; or, if this file's text holds fences itself, only parts of it."""


@dataclass(frozen=True)
class RegionRewrite:
    """New lines for lines `start`..`end` (1-based, inclusive) of a file."""

    path: str
    start: int
    end: int
    text: Rewrite
    was_asked: bool = True
    """False: another format was asked for, so the text must prove that it is the region."""


Edit = Edits | FileCreation | FileDeletion | WholeFile | RegionRewrite


@dataclass(frozen=True)
class Answer:
    """Everything one answer wants changed, in its order."""

    edits: tuple[Edit, ...]
    target: Target | None = None
    chatter: str = ""
    """What the model said before its first edit, bounded: for people, never trusted."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path the answer names, as it names it (the target's path where it is meant), without repetitions."""
        return tuple(dict.fromkeys(path for edit in self.edits for path in _paths_of(edit)))


def _paths_of(edit: Edit) -> tuple[str, ...]:
    match edit:
        case Edits():
            return (*edit.names, *((edit.new_path,) if edit.new_path else ()))
        case WholeFile():
            return (*((edit.path,) if edit.path else ()), *(path for other in edit.more for path in _paths_of(other)))
        case FileCreation() | FileDeletion() | RegionRewrite():
            return (edit.path,)


def marked(mark: Mark, texts: Sequence[str]) -> list[MarkedLine]:
    """`texts` as lines of one mark."""
    return [MarkedLine(mark, text) for text in texts]
