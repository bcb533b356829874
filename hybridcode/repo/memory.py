"""What an earlier look at a tree may spare the next one: stamps of files whose content is known.

Invariant: an entry vouches for content only while size, both times and inode are what they were, and is made only of
a file that was at rest: a later write cannot have left those four the same.
"""

import operator
import os
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import msgspec

from hybridcode.repo.entry import FileEntry

_RESTED_NS = 2_000_000_000
"""Two seconds: the coarsest clock of a common file system (FAT). A file whose stamp is younger than this when a look
begins may be written again within the same tick, with nothing to show for it (git calls such entries racy)."""


Stamps = tuple[int, ...]
"""Type and permission bits, size, last change of the content and of content or inode (both in nanoseconds since 1970;
no program can set the second one back), and inode."""


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """A file as it was when it was read."""

    entry: FileEntry
    stamps: Stamps
    """As they were after the reading."""


class StatMemory(Protocol):
    """Stamps of one tree, kept between looks."""

    def recall(self) -> Mapping[str, Remembered]:
        """Everything remembered of this tree, by path."""
        ...

    def remember(self, seen: Mapping[str, Remembered], forgotten: Collection[str]) -> None:
        """Take in what changed since `recall`: `seen` replaces or adds, `forgotten` goes. Not called if nothing did."""
        ...


stamps_of: Callable[[os.stat_result], Stamps] = operator.attrgetter(
    "st_mode", "st_size", "st_mtime_ns", "st_ctime_ns", "st_ino"
)
"""While they are what they were when a file was read, it is taken to be unchanged."""


def is_rested(facts: os.stat_result, *, began_ns: int) -> bool:
    """The file was last touched so long before `began_ns` that a later write would show in its stamps."""
    return max(facts.st_mtime_ns, facts.st_ctime_ns) + _RESTED_NS < began_ns
