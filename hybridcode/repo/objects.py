"""What git itself keeps of a tree: which objects its index names, their bytes, and which paths are out of its sight.

Invariant: an object counts for a file only if it has the very bytes that lie on disk (no filter is trusted or run).
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hybridcode.repo.gitreader import GitReader

_SHA1_LENGTH = 40


@dataclass(frozen=True)
class GitKept:
    """Git's side of a tree at one moment; empty outside git."""

    objects: Mapping[str, str] = field(default_factory=dict[str, str])
    """Object id of each path below the root that the index holds, unmerged ones left out."""
    out_of_sight: tuple[str, ...] = ()
    """Paths that git ignores; a folder that is ignored as a whole ends in a slash."""


def git_kept(root: Path) -> GitKept:
    """Ask git twice; it writes nothing."""
    reader = GitReader.find(root.resolve())
    if reader is None:
        return GitKept()
    objects: dict[str, str] = {}
    for line in (reader.run("ls-files", "-s", "-z") or b"").split(b"\0"):
        facts, _, path = line.partition(b"\t")
        words = facts.split()
        if len(words) == 3 and words[2] == b"0":
            objects[path.decode("utf-8", "surrogateescape")] = words[1].decode()
    ignored = reader.run("ls-files", "-o", "-i", "--exclude-standard", "--directory", "-z") or b""
    return GitKept(
        objects, tuple(sorted(name.decode("utf-8", "backslashreplace") for name in ignored.split(b"\0") if name))
    )


def objects_at(root: Path, commit: str) -> dict[str, str]:
    """Object id of each file below the root in a commit; empty where git does not have it."""
    reader = GitReader.find(root.resolve())
    if reader is None:
        return {}
    found: dict[str, str] = {}
    for line in (reader.run("ls-tree", "-r", "-z", commit) or b"").split(b"\0"):
        facts, _, path = line.partition(b"\t")
        words = facts.split()
        if len(words) == 3 and words[1] == b"blob":
            found[path.decode("utf-8", "surrogateescape")] = words[2].decode()
    return found


def is_object(data: bytes, object_id: str) -> bool:
    """True when git's blob of this id has exactly these bytes."""
    digest = hashlib.sha1(usedforsecurity=False) if len(object_id) == _SHA1_LENGTH else hashlib.sha256()
    digest.update(b"blob %d\0" % len(data))
    digest.update(data)
    return digest.hexdigest() == object_id


def read_objects(root: Path, ids: Collection[str]) -> dict[str, bytes]:
    """Bytes of those blobs that git still has."""
    reader = GitReader.find(root.resolve())
    wanted = sorted({name for name in ids if name})
    if reader is None or not wanted:
        return {}
    answer = reader.ask("cat-file", "--batch", stdin="".join(f"{name}\n" for name in wanted).encode())
    found: dict[str, bytes] = {}
    rest = memoryview(answer.output)
    for name in wanted:
        line, at = _line(rest)
        words = line.split()
        if len(words) != 3 or words[0].decode() != name:
            rest = rest[at:]
            continue
        size = int(words[2])
        if words[1] == b"blob":
            found[name] = bytes(rest[at : at + size])
        rest = rest[at + size + 1 :]
    return found


def _line(data: memoryview) -> tuple[bytes, int]:
    """The first line, and where the next one begins."""
    head = bytes(data[:200])
    end = head.find(b"\n")
    return (head, len(head)) if end < 0 else (head[:end], end + 1)
