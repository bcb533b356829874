"""The commits behind HEAD as a value: an explicit input of ranking.

Invariant: a history is a function of the head commit, the limit and the root's place in the work tree; clocks, refs,
grafts, replacements and settings of the repository have no part in it. It is whole or absent, never a guess.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from hybridcode.repo.gitreader import GitReader

DEFAULT_LIMIT = 1_500
_MESSAGE_CHARS = 600
_MOST_FILES = 40
"""A commit that touches more says nothing about what belongs together."""
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MARK = "\x01"
_FORMAT = "%x01%H%x00%B%x00"


class Commit(msgspec.Struct, frozen=True, gc=False):
    """What a commit said and touched."""

    id: str
    """Hexadecimal."""
    message: str
    """Its first 600 characters, without blanks around them; bytes that are not UTF-8 are replaced."""
    files: tuple[str, ...]
    """Those below the root, relative to it, sorted; none for a commit of more than 40 files."""


class History(msgspec.Struct, frozen=True):
    """Commits without merges, newest first."""

    head: str | None
    """Where it was read from."""
    commits: tuple[Commit, ...] = ()
    is_shallow: bool = False
    reason: str = ""
    """Why it is absent, for people; empty if it is there."""


Known = Callable[[Sequence[str]], Mapping[str, Commit]]
"""Of these commit ids, those already read for this root."""


def read_history(
    root: Path,
    *,
    head: str | None,
    limit: int = DEFAULT_LIMIT,
    known: Known | None = None,
    earlier: History | None = None,
) -> History:
    """The last `limit` commits reachable from `head`, in the order of `git rev-list`.

    Costs one git process when all of them are known, two otherwise, and none while `earlier`, read of the same root
    with the same limit, is of the same head. Absent (with the reason) outside git, before the first commit, in a
    shallow clone and where git cannot read it, as in a clone without trees.
    """
    reader = GitReader.find(root.resolve())
    if reader is None:
        return History(None, reason="not a git repository")
    if head is None:
        return History(None, reason="no commits yet")
    if reader.is_shallow:
        return History(head, is_shallow=True, reason="a shallow clone: its history is not complete")
    if not _ID.fullmatch(head):
        return History(head, reason=f"{head} is not a commit id")
    if earlier is not None and earlier.head == head and not earlier.reason:
        return earlier
    listed = reader.ask("rev-list", "--no-merges", f"--max-count={limit}", head)
    if listed.status != 0:
        return History(head, reason=_failure(listed.complaint))
    ids = listed.output.decode("ascii").split()
    commits = dict(known(ids)) if known else {}
    missing = [commit for commit in ids if commit not in commits]
    if missing:
        read = _read(reader, missing)
        if isinstance(read, str):
            return History(head, reason=read)
        commits |= read
    return History(head, tuple(commits[commit] for commit in ids))


def _read(reader: GitReader, ids: Sequence[str]) -> dict[str, Commit] | str:
    """Read commits in detail; or why that failed."""
    answer = reader.ask(
        "diff-tree", "--stdin", "--always", "--root", "-r", "--name-status", "--no-renames", "--no-relative",
        "--ignore-submodules=all", "-z", "--encoding=UTF-8", f"--format={_FORMAT}",
        stdin="".join(f"{commit}\n" for commit in ids).encode(),
    )  # fmt: skip
    if answer.status != 0:
        return _failure(answer.complaint)
    commits = {commit.id: commit for commit in _commits(answer.output, reader.prefix)}
    return commits if commits.keys() >= set(ids) else _failure("some commits are missing")


def _commits(output: bytes, prefix: str) -> Iterator[Commit]:
    """Parse what git printed: mark and id, message, then a status and a path for each file.

    Each path follows its status, so that no name of a file can pass for the head of a commit.
    """
    words = iter(output.decode("utf-8", "surrogateescape").split("\0"))
    head, message, files = "", "", list[str]()
    for word in words:
        word = word.lstrip("\n")
        if word.startswith(_MARK):
            if head:
                yield _commit(head, message, files, prefix)
            head, message, files = word.removeprefix(_MARK), next(words, ""), []
        elif word:
            files.append(next(words, ""))
    if head:
        yield _commit(head, message, files, prefix)


def _commit(head: str, message: str, files: Sequence[str], prefix: str) -> Commit:
    below = (
        [name.removeprefix(prefix) for name in files if name.startswith(prefix)] if len(files) <= _MOST_FILES else []
    )
    whole = message.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return Commit(
        id=head,
        message=whole.strip()[:_MESSAGE_CHARS].rstrip(),
        files=tuple(sorted(name for name in below if _is_utf8(name))),
    )


def _is_utf8(name: str) -> bool:
    return not any("\udc80" <= char <= "\udcff" for char in name)


def _failure(complaint: str) -> str:
    last = complaint.rpartition("\n")[2].removeprefix("fatal: ")
    return f"git cannot read it ({last or 'no reason given'})"
