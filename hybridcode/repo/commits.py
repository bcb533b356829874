"""Commits with what they changed, file by file, and the files of any commit: for rebuilding trees of the past.

Invariant: read-only and deterministic: the same head, limit and since give the same commits in the same order, newest
first; what a commit says or names is data, bounded and never interpreted.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.repo.gitreader import GitReader

MESSAGE_CHARS = 2_000
_MARK = "\x01"
_FORMAT = "%x01%H%x00%P%x00%B%x00"
_ORDINARY = frozenset({"100644", "100755"})


class Listed(msgspec.Struct, frozen=True, gc=False):
    """One entry of a commit's tree."""

    mode: str
    """Octal, as git writes it: 100644, 100755, 120000 for a link, 160000 for a submodule."""
    object_id: str

    @property
    def is_ordinary(self) -> bool:
        """A file, not a link or submodule."""
        return self.mode in _ORDINARY

    @property
    def permissions(self) -> int:
        """Permission bits of the file."""
        return 0o755 if self.mode == "100755" else 0o644


class ChangedFile(msgspec.Struct, frozen=True, gc=False):
    """What a commit did to one path."""

    path: str
    """Relative to the root."""
    status: Literal["added", "modified", "deleted", "other"]
    """`other`: it is, or was, no ordinary file."""
    before: str
    """Object id; empty if the commit added it."""
    after: str
    """Object id; empty if the commit deleted it."""
    permissions: int
    """Of the result."""


class PastCommit(msgspec.Struct, frozen=True, gc=False):
    """A commit with one parent."""

    id: str
    parent: str
    """Empty for the first commit."""
    message: str
    """Its first 2,000 characters; bytes that are not UTF-8 are replaced."""
    files: tuple[ChangedFile, ...]
    """Sorted by path."""
    reaches_outside: bool
    """It also changed files outside the root, or with names that are not UTF-8."""


class PastCommits(msgspec.Struct, frozen=True):
    """Commits without merges, newest first."""

    commits: tuple[PastCommit, ...] = ()
    reason: str = ""
    """Why there are none, for people."""


def read_past(root: Path, *, head: str | None, limit: int, since: str = "") -> PastCommits:
    """The last `limit` commits without merges that `head` has behind it, none older than `since` (a date for git)."""
    reader = GitReader.find(root.resolve())
    if reader is None:
        return PastCommits(reason="not a git repository")
    if head is None:
        return PastCommits(reason="no commits yet")
    only = (f"--since={since}",) if since else ()
    listed = reader.ask("rev-list", "--no-merges", f"--max-count={limit}", *only, head)
    if listed.status != 0:
        return PastCommits(reason=_failure(listed.complaint))
    ids = listed.output.decode("ascii").split()
    if not ids:
        return PastCommits(reason="no commit since then" if since else "no commits without merges")
    answer = reader.ask(
        "diff-tree", "--stdin", "--always", "--root", "-r", "--raw", "--no-abbrev", "--no-renames", "--no-relative",
        "--ignore-submodules=none", "-z", "--encoding=UTF-8", f"--format={_FORMAT}",
        stdin="".join(f"{commit}\n" for commit in ids).encode(),
    )  # fmt: skip
    if answer.status != 0:
        return PastCommits(reason=_failure(answer.complaint))
    found = {commit.id: commit for commit in _commits(answer.output, reader.prefix)}
    return PastCommits(tuple(found[commit] for commit in ids if commit in found))


def list_tree(root: Path, commit: str) -> Mapping[str, Listed] | None:
    """Every file that a commit has below the root, by its path relative to it; None if git cannot say."""
    reader = GitReader.find(root.resolve())
    output = reader.run("ls-tree", "-r", "-z", "--full-tree", f"{commit}:{reader.prefix}") if reader else None
    if output is None:
        return None
    found: dict[str, Listed] = {}
    for entry in output.split(b"\0"):
        facts, _, path = entry.partition(b"\t")
        words = facts.decode("ascii", "replace").split()
        if len(words) == 3:
            found[path.decode("utf-8", "surrogateescape")] = Listed(words[0], words[2])
    return found


def _commits(output: bytes, prefix: str) -> Iterator[PastCommit]:
    """Parse what git printed. Each path follows its modes and ids, so that none can pass for the head of a commit."""
    words = iter(output.decode("utf-8", "surrogateescape").split("\0"))
    head, parents, message = "", "", ""
    files: list[tuple[str, str]] = []
    for word in words:
        word = word.lstrip("\n")
        if word.startswith(_MARK):
            if head:
                yield _commit(head, parents, message=message, files=files, prefix=prefix)
            head, parents, message = word.removeprefix(_MARK), next(words, ""), next(words, "")
            files = []
        elif word.startswith(":"):
            files.append((word, next(words, "")))
    if head:
        yield _commit(head, parents, message=message, files=files, prefix=prefix)


def _commit(head: str, parents: str, *, message: str, files: Sequence[tuple[str, str]], prefix: str) -> PastCommit:
    inside = [(facts, path.removeprefix(prefix)) for facts, path in files if path.startswith(prefix) and _is_utf8(path)]
    changed = (_changed(facts, path) for facts, path in inside)
    return PastCommit(
        id=head,
        parent=parents.partition(" ")[0],
        message=message.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()[:MESSAGE_CHARS],
        files=tuple(sorted(changed, key=lambda file: file.path)),
        reaches_outside=len(inside) < len(files),
    )


def _changed(facts: str, path: str) -> ChangedFile:
    old_mode, new_mode, before, after, _ = (*facts.removeprefix(":").split(), "", "", "", "", "")[:5]
    is_added, is_deleted = not before.strip("0"), not after.strip("0")
    is_ordinary = (is_added or old_mode in _ORDINARY) and (is_deleted or new_mode in _ORDINARY)
    status = "added" if is_added else "deleted" if is_deleted else "modified"
    return ChangedFile(
        path=path,
        status=status if is_ordinary else "other",
        before="" if is_added else before,
        after="" if is_deleted else after,
        permissions=0o755 if new_mode == "100755" else 0o644,
    )


def _is_utf8(name: str) -> bool:
    return not any("\udc80" <= char <= "\udcff" for char in name)


def _failure(complaint: str) -> str:
    last = complaint.rpartition("\n")[2].removeprefix("fatal: ")
    return f"git cannot read it ({last or 'no reason given'})"
