"""One file of a snapshot, as a value, and one that is not in it.

Invariant: equal entries mean equal bytes, kind and permission bits; times and places on disk are no part of them.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

FileKind = Literal["text", "binary", "large", "symlink"]


class FileEntry(msgspec.Struct, frozen=True, gc=False):
    """One file of a snapshot."""

    path: str
    """Relative to the root, with forward slashes."""
    sha256: str
    """Of the content; of the target's text for a symlink; empty for a large file, which is not read."""
    size: int
    """Bytes."""
    mode: int
    """Permission bits as on disk, as 0o644."""
    kind: FileKind


def differing(before: Mapping[str, FileEntry], after: Mapping[str, FileEntry]) -> list[str]:
    """Paths, sorted, that only one of two trees has or whose entries differ."""
    found = [path for path, new in after.items() if (old := before.get(path)) is not new and old != new]
    return sorted([*found, *(before.keys() - after.keys())])


class Skipped(msgspec.Struct, frozen=True, order=True, gc=False):
    """Something in the tree that a snapshot does not hold."""

    path: str
    """Relative to the root; a folder ends in a slash; bytes that are not UTF-8 are written `\\xff`."""
    reason: str
    """A few words for people, as `deleted` or `named in .hybridcodeignore`."""

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"
