"""Keeps what a window was made from, so that the journal alone can make it again.

Invariant: what is kept is what the writer might see; never a file that holds credentials by its name or a secret by
its content, and at most `audit.keep_trees_mb` of new contents in a session, the smallest first: git has to have the
rest. A tree costs what is different from the tree before. Nobody waits for what is being stored.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from hybridcode.context.corpus import Corpus
from hybridcode.context.index import maker_of
from hybridcode.domain.canonical import canonical_json, digest_of
from hybridcode.domain.errors import RepoError
from hybridcode.domain.plan import Region
from hybridcode.domain.secrets import Redactor
from hybridcode.domain.window import EditFormat, WindowSource
from hybridcode.journal.store import SessionJournal
from hybridcode.models.prompts import load
from hybridcode.repo.classify import why_left_out
from hybridcode.repo.entry import FileEntry
from hybridcode.repo.history import History
from hybridcode.repo.kept_tree import KeptTree, difference, whole
from hybridcode.repo.snapshot import Snapshot

PROMPTS = ("plan", "draft_region", "draft_whole", "draft_blocks", "judge", "hint")
"""Instructions that requests begin with."""
_BATCH_BYTES = 128_000
"""Contents that are looked through and written in one piece."""
_READABLE = ("text", "binary")
_CLOSE_S = 5.0
"""How long a session that ends waits for what is being stored."""


@dataclass
class Keeper:
    """What one session has put into the journal of the trees that its windows were made from."""

    journal: SessionJournal
    room: int
    """Bytes of further contents that may be kept."""
    redactor: Callable[[], Redactor] | None = None
    """What finds secrets, asked anew for each tree; None where nobody looks for them."""
    _seen: set[str] = field(default_factory=set[str])
    """Digests of contents and commits that need not be looked at again."""
    _base: tuple[str, dict[str, FileEntry]] | None = None
    """The last whole record, and its files."""
    _last: tuple[dict[str, FileEntry], str] | None = None
    """The tree that was recorded last, and its record."""
    _past: tuple[History, str] | None = None
    _storing: asyncio.Task[None] | None = None

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
            if entry.sha256 not in self._seen
            and entry.kind in _READABLE
            and (path in read or why_left_out(path, entry) is None)
        ]
        source = WindowSource(
            tree=await self._keep(snapshot, wanted),
            history=await asyncio.to_thread(self._digest_of, corpus.history),
            subject=digest_of(subject),
            maker=await asyncio.to_thread(maker, corpus.grammars),
            region=region,
            format=format,
        )
        self._store_later([], history=corpus.history, digest=source.history)
        return source

    async def tiny_source(
        self, snapshot: Snapshot, subject: object, *, region: Region, format: EditFormat
    ) -> WindowSource:
        """Keep the one file that a window of the fixture shows."""
        source = await self.bare_source(snapshot, subject, paths={region.path})
        return msgspec.structs.replace(source, region=str(region), format=format, is_tiny=True)

    async def bare_source(self, snapshot: Snapshot, subject: object, *, paths: Collection[str]) -> WindowSource:
        """Keep some files of a tree, which is all that something is made from."""
        only = snapshot.without(snapshot.files.keys() - set(paths))
        return WindowSource(
            tree=await self._keep(only, [entry for entry in only.files.values() if entry.kind in _READABLE]),
            history="",
            subject=digest_of(subject),
            maker=await asyncio.to_thread(maker, dict[str, str]()),
        )

    async def close(self) -> None:
        """Wait until everything is in the journal, for a bounded time; what is not there by then is left."""
        if self._storing is None:
            return
        await asyncio.wait([self._storing], timeout=_CLOSE_S)
        if not self._storing.done():
            self._storing.cancel()
            await asyncio.wait([self._storing])
        if not self._storing.cancelled():
            self._storing.exception()  # a journal that cannot be written says so at the next event

    async def _keep(self, snapshot: Snapshot, wanted: Sequence[FileEntry]) -> str:
        """Put a tree on record; its contents are read now and stored meanwhile."""
        redactor = self.redactor() if self.redactor is not None else None
        fresh = {entry.sha256: entry for entry in wanted if entry.sha256 not in self._seen}
        known = self.journal.keep_known(fresh) if fresh else set[str]()
        self._seen |= fresh.keys()
        chosen = self._chosen([entry for digest, entry in fresh.items() if digest not in known])
        contents = await asyncio.to_thread(_read, snapshot, chosen)
        self._store_later(contents, redactor=redactor)
        return await self._keep_tree(dict(snapshot.files), redactor)

    def _chosen(self, entries: Sequence[FileEntry]) -> list[FileEntry]:
        chosen: list[FileEntry] = []
        for entry in sorted(entries, key=lambda one: (one.size, one.path)):
            if entry.size > self.room:
                break
            self.room -= entry.size
            chosen.append(entry)
        return chosen

    async def _keep_tree(self, files: dict[str, FileEntry], redactor: Redactor | None) -> str:
        if self._last is not None and self._last[0] == files:
            return self._last[1]
        delta = difference(files, self._base[1], self._base[0]) if self._base is not None else None
        tree = await asyncio.to_thread(_named, delta or whole(files), redactor)
        digest = self.journal.put_blob(canonical_json(tree))
        if delta is None:
            self._base = digest, files
        self._last = files, digest
        return digest

    def _digest_of(self, history: History) -> str:
        if self._past is None or self._past[0] is not history:
            self._past = history, digest_of(history)
        return self._past[1]

    def _store_later(
        self,
        contents: Sequence[bytes],
        *,
        redactor: Redactor | None = None,
        history: History | None = None,
        digest: str = "",
    ) -> None:
        if digest in self._seen:
            history = None
        if not contents and history is None:
            return
        if history is not None:
            self._seen.add(digest)
            redactor = self.redactor() if self.redactor is not None else None
        self._storing = asyncio.create_task(self._store(self._storing, contents, history, redactor))

    async def _store(
        self,
        before: asyncio.Task[None] | None,
        contents: Sequence[bytes],
        history: History | None,
        redactor: Redactor | None,
    ) -> None:
        if before is not None:
            await before
        for batch in _batches(contents):
            kept = await asyncio.to_thread(_without_secrets, batch, redactor)
            self.journal.put_blobs(kept)
        if history is not None and (kept := await asyncio.to_thread(_told_freely, history, redactor)):
            self.journal.put_blob(kept)


def maker(grammars: Mapping[str, str]) -> str:
    """Digest of what makes windows and the instructions around them, for trees parsed with these grammars."""
    return digest_of([maker_of(grammars), *map(load, PROMPTS)])


def _named(tree: KeptTree, redactor: Redactor | None) -> KeptTree:
    """The record without the files whose very names hold a secret, which are counted."""
    names = [entry.path for entry in tree.files] + list(tree.removed)
    if redactor is None or not redactor.find("\n".join(names)):
        return tree
    files = tuple(entry for entry in tree.files if not redactor.find(entry.path))
    removed = tuple(path for path in tree.removed if not redactor.find(path))
    return KeptTree(tree.base, files, removed, unnamed=len(names) - len(files) - len(removed))


def _without_secrets(contents: Sequence[bytes], redactor: Redactor | None) -> list[bytes]:
    if redactor is None:
        return list(contents)
    return [data for data in contents if not redactor.find(data.decode("utf-8", "replace"))]


def _told_freely(history: History, redactor: Redactor | None) -> bytes:
    """The record of the commits; empty if a secret stands in one of them."""
    texts = (text for commit in history.commits for text in (commit.message, *commit.files))
    return b"" if redactor is not None and redactor.find("\n".join(texts)) else canonical_json(history)


def _batches(contents: Sequence[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for data in contents:
        batch.append(data)
        size += len(data)
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
