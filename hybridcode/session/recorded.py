"""What a session has on record: its bytes, trees and histories, and where else the same bytes may lie.

Invariant: bytes are given out only if they have the digest they are asked for by, wherever they were found; nothing is
written.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from hybridcode.context.corpus import Corpus
from hybridcode.context.index import Index
from hybridcode.domain.canonical import digest_of, sha256_hex
from hybridcode.domain.errors import HybridcodeError, IntegrityError, RepoError
from hybridcode.domain.window import WindowSource
from hybridcode.journal.store import SessionJournal
from hybridcode.repo.classify import why_left_out
from hybridcode.repo.entry import FileEntry
from hybridcode.repo.history import History, read_history
from hybridcode.repo.kept_tree import KeptTree, entries_of, read_tree, snapshot_of
from hybridcode.repo.look import read_ordinary
from hybridcode.repo.objects import objects_at, read_objects
from hybridcode.repo.snapshot import Snapshot

_NAMED = 3
_CORPORA = 4
"""Trees whose ranked files are kept at once."""


class Missing(HybridcodeError):
    """Something that is needed is not on record and not at hand; says what."""


class Recorded:
    """One session's bytes. `close` gives back the index."""

    def __init__(self, log: SessionJournal, workspace: Path | None) -> None:
        self._log, self._workspace = log, workspace
        self._index = Index.in_memory()
        self._contents: dict[str, bytes] = {}
        self._trees: dict[str, dict[str, FileEntry]] = {}
        self._unnamed: dict[str, int] = {}
        """Tree -> how many of its files are not on record."""
        self._snapshots: dict[tuple[str, str], Snapshot] = {}
        self._corpora: dict[tuple[str, str], Corpus] = {}
        self._histories: dict[str, History] = {}
        self.head: str | None = None
        """The commit that the present task was given on: git is asked for what the journal did not keep of its past."""
        self._ids: dict[str, dict[str, str]] = {}

    def close(self) -> None:
        """Give everything back."""
        self._index.close()

    def blob(self, sha256: str) -> bytes:
        """Bytes on record. Raises: Missing."""
        if (known := self._contents.get(sha256)) is not None:
            return known
        try:
            return self._log.get_blob(sha256)
        except IntegrityError as error:
            raise Missing(error.message.rstrip(".")) from error

    def text(self, sha256: str) -> str:
        """A recorded text. Raises: Missing."""
        return self.blob(sha256).decode("utf-8", "replace")

    def files(self, tree: str) -> dict[str, FileEntry]:
        """The files of a recorded tree. Raises: Missing."""
        if tree not in self._trees:
            record = self._record(tree)
            base = self._record(record.base) if record.base else None
            self._trees[tree] = entries_of(record, base)
            self._unnamed[tree] = record.unnamed + (base.unnamed if base is not None else 0)
        return self._trees[tree]

    def content(self, tree: str, path: str) -> bytes:
        """What a file of a recorded tree held. Raises: Missing."""
        entry = self.files(tree)[path]
        found = self._found({path: entry}, head=None)
        if entry.sha256 not in found:
            raise Missing(f"what {path} held was not kept")
        return found[entry.sha256]

    def snapshot(self, source: WindowSource) -> Snapshot:
        """The tree that a window was made from, as far as its bytes are at hand. Raises: Missing."""
        key = source.tree, source.history
        if key not in self._snapshots:
            files = self.files(source.tree)
            head = self.history(source).head if source.history else None
            found = self._found(files, head=head)
            self._snapshots = {key: snapshot_of(files, found.get)}
        return self._snapshots[key]

    def corpus(self, source: WindowSource) -> Corpus:
        """The same ranked files again. Raises: Missing, when bytes that ranking depends on are not at hand."""
        key = source.tree, source.history
        if key in self._corpora:
            return self._corpora[key]
        snapshot = self.snapshot(source)
        if unnamed := self._unnamed[source.tree]:
            raise Missing(f"the names of {unnamed} files hold secrets and are not on record")
        lost = [
            path for path, entry in snapshot.files.items() if not why_left_out(path, entry) and _lost(snapshot, path)
        ]
        if lost:
            more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
            raise Missing(f"what {', '.join(lost[:_NAMED])}{more} held was not kept, and neither folder nor git has it")
        while len(self._corpora) >= _CORPORA:
            self._corpora.pop(next(iter(self._corpora)))
        self._corpora[key] = self._index.corpus(snapshot, history=self.history(source))
        return self._corpora[key]

    def history(self, source: WindowSource) -> History:
        """The commits behind a window. Raises: Missing."""
        if source.history not in self._histories:
            self._histories[source.history] = self._history(source.history)
        return self._histories[source.history]

    def _history(self, digest: str) -> History:
        try:
            return msgspec.json.decode(self.blob(digest), type=History)
        except msgspec.DecodeError as error:
            raise Missing("the record of the commits cannot be read") from error
        except Missing:
            if self._workspace is not None and self.head is not None:
                read = read_history(self._workspace, head=self.head)
                if digest_of(read) == digest:
                    return read
            raise

    def _record(self, sha256: str) -> KeptTree:
        try:
            return read_tree(self.blob(sha256))
        except RepoError as error:
            raise Missing(error.message) from error

    def _found(self, files: Mapping[str, FileEntry], *, head: str | None) -> dict[str, bytes]:
        """Bytes by digest: of the journal, else of the folder as it is now, else of the commit in git."""
        found: dict[str, bytes] = {}
        lost: dict[str, str] = {}
        for path, entry in files.items():
            if entry.kind not in ("text", "binary") or entry.sha256 in found:
                continue
            data = self._on_record(entry.sha256)
            if data is None:
                data = self._on_disk(path, entry.sha256)
            if data is None:
                lost[path] = entry.sha256
            else:
                found[entry.sha256] = data
        return found | self._in_git(lost, head)

    def _on_record(self, sha256: str) -> bytes | None:
        if sha256 not in self._contents:
            try:
                self._contents[sha256] = self._log.get_blob(sha256)
            except IntegrityError:
                return None
        return self._contents[sha256]

    def _on_disk(self, path: str, sha256: str) -> bytes | None:
        if self._workspace is None:
            return None
        try:
            data = read_ordinary(f"{self._workspace}/{path}")[0]
        except OSError:
            return None
        return data if sha256_hex(data) == sha256 else None

    def _in_git(self, lost: Mapping[str, str], head: str | None) -> dict[str, bytes]:
        if not lost or head is None or self._workspace is None:
            return {}
        if head not in self._ids:
            self._ids[head] = objects_at(self._workspace, head)
        wanted = {path: self._ids[head].get(path, "") for path in lost}
        given = read_objects(self._workspace, list(wanted.values()))
        right = {sha256_hex(data): data for data in given.values()}
        return {sha256: right[sha256] for sha256 in lost.values() if sha256 in right}


def _lost(snapshot: Snapshot, path: str) -> bool:
    try:
        snapshot.read(path)
    except RepoError:
        return True
    return False
