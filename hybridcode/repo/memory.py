"""What an earlier look at a tree may spare the next one: stamps of files whose content is known.

Invariant: an entry vouches for content only while size, both times and inode are what they were, and is made only of
a file that was at rest: a later write cannot have left those four the same.
"""

import os
from collections.abc import Collection, Mapping
from typing import Protocol

import msgspec

from hybridcode.repo.entry import FileKind

_RESTED_NS = 2_000_000_000
"""Two seconds: the coarsest clock of a common file system (FAT). A file whose stamp is younger than this when a look
begins may be written again within the same tick, with nothing to show for it (git calls such entries racy)."""


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """A file as it was when it was read."""

    size: int
    """Bytes."""
    mtime_ns: int
    """Last change of the content, in nanoseconds since 1970."""
    ctime_ns: int
    """Last change of content or inode, in nanoseconds since 1970; no program can set it back."""
    inode: int
    mode: int
    """Permission bits as on disk."""
    sha256: str
    """Of the content."""
    kind: FileKind


class StatMemory(Protocol):
    """Stamps of one tree, kept between looks."""

    def recall(self) -> Mapping[str, Remembered]:
        """Everything remembered of this tree, by path."""
        ...

    def remember(self, seen: Mapping[str, Remembered], forgotten: Collection[str]) -> None:
        """Take in what changed since `recall`: `seen` replaces or adds, `forgotten` goes. Not called if nothing did."""
        ...


def is_unchanged(old: Remembered, facts: os.stat_result) -> bool:
    """The file still bears the stamps that it had when it was read."""
    return (
        old.size == facts.st_size
        and old.mtime_ns == facts.st_mtime_ns
        and old.ctime_ns == facts.st_ctime_ns
        and old.inode == facts.st_ino
    )


def is_rested(facts: os.stat_result, *, began_ns: int) -> bool:
    """The file was last touched so long before `began_ns` that a later write would show in its stamps."""
    return max(facts.st_mtime_ns, facts.st_ctime_ns) + _RESTED_NS < began_ns
