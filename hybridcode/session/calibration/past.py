"""Trees of the past, as differences from the tree as it is now.

Invariant: git is only read; what is laid over the present tree makes exactly the files of the past one, or an error
says which file stands in the way.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hybridcode.agent.trial import laid_over
from hybridcode.domain.action import FileChange
from hybridcode.domain.canonical import sha256_hex
from hybridcode.repo.commits import Listed, list_tree
from hybridcode.repo.facts import GitFacts, GitHead
from hybridcode.repo.objects import read_objects
from hybridcode.repo.snapshot import Snapshot

MOST_BYTES = 64 * 1024 * 1024
"""A tree that differs by more from the present one is not rebuilt."""

_KEPT_LISTS = 8
"""Lists of files that are kept: of a large tree one has megabytes."""


class CannotRebuild(Exception):
    """Why a tree of the past cannot be had, in words that follow the name of a case."""


@dataclass(frozen=True)
class Past:
    """A commit's tree with some files otherwise."""

    commit: str
    over: tuple[FileChange, ...] = ()
    """Laid over the commit's files; `before` is of no importance."""

    def with_changes(self, changes: tuple[FileChange, ...]) -> "Past":
        """The same tree with more files otherwise."""
        return replace(self, over=laid_over(self.over, changes))


@dataclass
class Rebuilder:
    """Rebuilds trees of one repository; remembers the lists of files that it used last."""

    root: Path
    _lists: dict[str, Mapping[str, Listed]] = field(default_factory=dict[str, Mapping[str, Listed]])

    def lay(self, past: Past, present: Snapshot, facts: GitFacts) -> tuple[FileChange, ...]:
        """What makes `present` the past tree; `facts` are of the same moment as `present`.

        Raises:
            CannotRebuild: git does not have it, or links and submodules differ.
        """
        wanted, now = self._list(past.commit), self._list(facts.head or past.commit)
        over = {change.path: change for change in past.over}
        dirty, skipped = set(facts.dirty_paths), {skipped.path for skipped in present.skipped}
        read: dict[str, Listed] = {}
        changes: list[FileChange] = []
        for path in sorted({*wanted, *present.files, *over}):
            entry, change = present.files.get(path), over.get(path)
            if change is not None:
                changes += _explicit(change, present)
            elif path not in wanted:
                changes += [FileChange(path, before=None, after=None)] if entry is not None else []
            elif wanted[path] == now.get(path) and path not in dirty:
                continue
            elif not wanted[path].is_ordinary or path in skipped:
                raise CannotRebuild(f"{path} is a link, a submodule or out of sight, and not as it was")
            else:
                read[path] = wanted[path]
        return tuple(sorted((*changes, *self._read(read, present)), key=lambda change: change.path))

    def view(self, past: Past, present: Snapshot, changes: tuple[FileChange, ...]) -> Snapshot:
        """The past tree as a snapshot, with the past's commit as its head, so that nothing later is ranked by."""
        return replace(present.with_changes(changes), git=GitHead(is_git=True, head=past.commit))

    def paths(self, commit: str) -> set[str]:
        """The files of a commit. Raises: CannotRebuild."""
        return set(self._list(commit))

    def _list(self, commit: str) -> Mapping[str, Listed]:
        if commit not in self._lists:
            found = list_tree(self.root, commit)
            if found is None:
                raise CannotRebuild(f"git does not have all of {commit[:12]}")
            while len(self._lists) >= _KEPT_LISTS:
                del self._lists[next(iter(self._lists))]
            self._lists[commit] = found
        self._lists[commit] = self._lists.pop(commit)  # used last, dropped last
        return self._lists[commit]

    def _read(self, wanted: Mapping[str, Listed], present: Snapshot) -> Iterator[FileChange]:
        blobs = read_objects(self.root, {entry.object_id for entry in wanted.values()})
        if sum(map(len, blobs.values())) > MOST_BYTES:
            raise CannotRebuild(f"it differs by more than {MOST_BYTES // 1024**2} MB from the present tree")
        for path, entry in wanted.items():
            data = blobs.get(entry.object_id)
            if data is None:
                raise CannotRebuild(f"git does not have {path} as it was")
            yield from _explicit(FileChange(path, before=None, after=data, mode=entry.permissions), present)


def _explicit(change: FileChange, present: Snapshot) -> list[FileChange]:
    """A change, unless the present tree has it already."""
    entry = present.files.get(change.path)
    if change.after is None:
        return [change] if entry is not None else []
    if entry is not None and entry.kind != "symlink" and entry.sha256 == sha256_hex(change.after):
        is_same = (entry.mode & 0o100) == (change.mode & 0o100)
        return [] if is_same else [change]
    return [change]
