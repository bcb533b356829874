"""A tree as a record of names and digests, from which the same snapshot can be made again.

Invariant: what is made again from a record and the recorded bytes is equal to the snapshot it was made of; a byte that
is not there is named, never guessed.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from hybridcode.domain.errors import RepoError
from hybridcode.repo.entry import FileEntry, differing
from hybridcode.repo.snapshot import Snapshot, made_again

_DELTA_SHARE = 4
"""A record by difference is made while less than this part (1/4) of the files differ."""
_ON_RECORD = Path("(on record)")
"""Stands for the folder: nothing is read from there."""

Load = Callable[[str], bytes | None]
"""The bytes behind a digest, None where they are not at hand."""


class KeptTree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files of a tree: all of them, or how they differ from another record."""

    base: str = ""
    """Digest of that other record, which has no base itself."""
    files: tuple[FileEntry, ...] = ()
    """Sorted by path."""
    removed: tuple[str, ...] = ()
    unnamed: int = 0
    """Files that are left out because of their names."""


def whole(files: Mapping[str, FileEntry]) -> KeptTree:
    """A record that needs no other one."""
    return KeptTree(files=tuple(files[path] for path in sorted(files)))


def difference(files: Mapping[str, FileEntry], former: Mapping[str, FileEntry], base: str) -> KeptTree | None:
    """How a tree differs from a recorded one; None where a whole record is the better one."""
    paths = differing(former, files)
    changed = tuple(files[path] for path in paths if path in files)
    removed = tuple(path for path in paths if path not in files)
    if (len(changed) + len(removed)) * _DELTA_SHARE > len(files):
        return None
    return KeptTree(base, changed, removed)


def read_tree(data: bytes) -> KeptTree:
    """A stored record. Raises: RepoError if it is none."""
    try:
        return msgspec.json.decode(data, type=KeptTree)
    except msgspec.DecodeError as error:
        raise RepoError(f"The record of a tree cannot be read: {error}", "It was altered.") from error


def entries_of(tree: KeptTree, base: KeptTree | None) -> dict[str, FileEntry]:
    """All files of a record; `base` is the record that it names, if it names one."""
    files = {} if base is None else {entry.path: entry for entry in base.files}
    for path in tree.removed:
        files.pop(path, None)
    return files | {entry.path: entry for entry in tree.files}


def snapshot_of(files: Mapping[str, FileEntry], load: Load) -> Snapshot:
    """The same view again; files whose bytes are not at hand are in it and cannot be read."""
    contents: dict[str, bytes] = {}
    for path, entry in files.items():
        if entry.kind in ("text", "binary") and (data := load(entry.sha256)) is not None:
            contents[path] = data
    return made_again(_ON_RECORD, files, contents)
