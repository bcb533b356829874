"""Keeps what a window was made from, so that the journal alone can make it again.

Invariant: what is kept is what the writer might see (never a file that holds credentials by its name), at most
`audit.keep_trees_mb` of new contents in a run, the smallest first; the rest is left to git. A tree costs what is
different from the tree before.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from hybridcode.context.corpus import Corpus
from hybridcode.context.index import maker_of
from hybridcode.domain.canonical import canonical_json, digest_of
from hybridcode.domain.errors import RepoError
from hybridcode.domain.plan import Region
from hybridcode.domain.window import EditFormat, WindowSource
from hybridcode.journal.store import SessionJournal
from hybridcode.repo.classify import why_left_out
from hybridcode.repo.entry import FileEntry
from hybridcode.repo.history import History
from hybridcode.repo.kept_tree import difference, whole
from hybridcode.repo.snapshot import Snapshot

_BATCH_BYTES = 256_000
"""Contents that are written in one piece: nothing else is done meanwhile."""


@dataclass
class Keeper:
    """What one run has put into the journal of the trees that its windows were made from."""

    journal: SessionJournal
    room: int
    """Bytes of further contents that may be kept."""
    _kept: set[str] = field(default_factory=set[str])
    """Digests of contents that need not be looked at again."""
    _base: tuple[str, dict[str, FileEntry]] | None = None
    """The last whole record, and its files."""
    _last: tuple[dict[str, FileEntry], str] | None = None
    """The tree that was recorded last, and its record."""
    _past: tuple[History, str] | None = None

    async def source(
        self,
        corpus: Corpus,
        subject: object,
        *,
        region: str = "",
        format: EditFormat = "region",
        read: Collection[str] = (),
    ) -> WindowSource:
        """Keep a ranked tree; `read` are files that were read although they are not ranked.

        Raises:
            JournalError: it could not be recorded.
        """
        snapshot = corpus.snapshot
        wanted = [
            entry
            for path, entry in snapshot.files.items()
            if entry.kind in ("text", "binary") and (path in read or why_left_out(path, entry) is None)
        ]
        await self._keep_contents(snapshot, wanted)
        return WindowSource(
            tree=self._keep_tree(snapshot),
            history=self._keep_history(corpus.history),
            subject=digest_of(subject),
            maker=await asyncio.to_thread(maker_of, corpus.grammars),
            region=region,
            format=format,
        )

    async def tiny_source(
        self, snapshot: Snapshot, subject: object, *, region: Region, format: EditFormat
    ) -> WindowSource:
        """Keep the one file that a window of the fixture shows."""
        only = snapshot.without(snapshot.files.keys() - {region.path})
        await self._keep_contents(only, [entry for entry in only.files.values() if entry.kind in ("text", "binary")])
        return WindowSource(
            tree=self.journal.put_blob(canonical_json(whole(only.files))),
            history="",
            subject=digest_of(subject),
            maker=await asyncio.to_thread(maker_of, {}),
            region=str(region),
            format=format,
            is_tiny=True,
        )

    async def _keep_contents(self, snapshot: Snapshot, wanted: Sequence[FileEntry]) -> None:
        fresh = {entry.sha256: entry for entry in wanted if entry.sha256 not in self._kept}
        if not fresh:
            return
        known = self.journal.keep_known(fresh)
        chosen: list[FileEntry] = []
        for entry in sorted((fresh[digest] for digest in fresh.keys() - known), key=lambda one: (one.size, one.path)):
            if entry.size > self.room:
                break
            self.room -= entry.size
            chosen.append(entry)
        self._kept |= fresh.keys()
        for batch in _batches(chosen):
            self.journal.put_blobs(await asyncio.to_thread(_read, snapshot, batch))

    def _keep_tree(self, snapshot: Snapshot) -> str:
        files = dict(snapshot.files)
        if self._last is not None and self._last[0] == files:
            return self._last[1]
        tree = difference(files, self._base[1], self._base[0]) if self._base is not None else None
        digest = self.journal.put_blob(canonical_json(tree or whole(files)))
        if tree is None:
            self._base = digest, files
        self._last = files, digest
        return digest

    def _keep_history(self, history: History) -> str:
        if self._past is None or self._past[0] is not history:
            self._past = history, self.journal.put_blob(canonical_json(history))
        return self._past[1]


def _batches(entries: Sequence[FileEntry]) -> Iterator[list[FileEntry]]:
    batch: list[FileEntry] = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += entry.size
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read(snapshot: Snapshot, entries: Sequence[FileEntry]) -> list[bytes]:
    """Their bytes; a file that has changed meanwhile is left out."""
    found: list[bytes] = []
    for entry in entries:
        try:
            found.append(snapshot.read(entry.path))
        except RepoError:
            continue
    return found
