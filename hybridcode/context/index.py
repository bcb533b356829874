"""The index of one work tree: what is known of each content, brought up to date before each look.

Invariant: content decides. Whatever was indexed before, in whatever order, the corpus of a snapshot is the same.
"""

import functools
import hashlib
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TypeVar

import hybridcode
from hybridcode.config.paths import cache_dir, state_dir
from hybridcode.context.building import segments
from hybridcode.context.corpus import Corpus
from hybridcode.context.records import language_at
from hybridcode.context.segments import Source
from hybridcode.context.store import IndexBroken, IndexStore, StoredFile
from hybridcode.domain.canonical import digest_of
from hybridcode.repo.classify import reads_as_prose, why_left_out
from hybridcode.repo.collecting import collector_rests
from hybridcode.repo.entry import FileEntry, Skipped, differing
from hybridcode.repo.gitreader import GitReader
from hybridcode.repo.grammars import GRAMMARS, grammar_versions
from hybridcode.repo.history import Commit, History, read_history
from hybridcode.repo.sections import structured_grammar_versions
from hybridcode.repo.snapshot import DEFAULT_MAX_FILE_BYTES, Snapshot, take

Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all while files are indexed."""

_PROGRESS_BYTES = 200_000
_WORN_OUT = 4
"""An index with this many times the chunks of its tree is made anew, from the tree."""
_LEAST_WORN = 100_000
_MOST_SEGMENTS = 500
_MOST_EDITED = 8
"""Of more files that differ, beginning anew costs little more."""


class Index:
    """What the context room knows about one work tree, kept in the user's cache folder."""

    def __init__(self, store: IndexStore) -> None:
        self._store = store
        self._retired: list[IndexStore] = []
        """Stores that a corpus may still read."""
        self._last: Corpus | None = None
        """The corpus asked for last: an equal tree has an equal one."""
        self._past: tuple[Path, str, History] | None = None
        """The history read last, with the root and its place in the work tree."""

    @classmethod
    def open(cls, root: Path) -> "Index":
        """The index of the tree at `root`; in memory where the cache folder cannot be written."""
        return cls(IndexStore.open(state_dir(root, str(cache_dir() / "index")), version=_version()))

    @classmethod
    def in_memory(cls) -> "Index":
        """An index that is gone when it is closed."""
        return cls(IndexStore.open(None, version=_version()))

    def close(self) -> None:
        """Close the file."""
        for store in (*self._retired, self._store):
            store.close()

    @property
    def reason(self) -> str:
        """Why nothing is kept; empty where the index is on disk."""
        return self._store.reason

    def take(self, root: Path, *, max_file_bytes: int = DEFAULT_MAX_FILE_BYTES) -> Snapshot:
        """A snapshot of the tree; files that look as they did when they were last read are not read again."""
        return self._carried_out(lambda: take(root, max_file_bytes=max_file_bytes, memory=self._store))

    def corpus(self, snapshot: Snapshot, *, progress: Progress | None = None, history: History | None = None) -> Corpus:
        """The ranked files of a snapshot, with whatever was not indexed yet taken in first.

        `history` stands in for the commits that git names, where they are on record. What was stored stays stored if
        this is interrupted. Raises: TreeMoved if a file changed since the snapshot.
        """
        return self._carried_out(lambda: self._corpus(snapshot, progress, history))

    def _carried_out(self, work: Callable[[], Result]) -> Result:
        """Done with the index on disk, or in memory where that one fails."""
        with collector_rests():
            try:
                return work()
            except IndexBroken as error:
                self._go_on_in_memory(error.message)
                return work()

    def _again(self, snapshot: Snapshot, history: History) -> Corpus:
        """For a corpus that finds the index on disk broken."""
        self._go_on_in_memory("the index is broken")
        return self._corpus(snapshot, None, history)

    def _go_on_in_memory(self, reason: str) -> None:
        self._replace(IndexStore.in_memory(version=_version(), reason=reason))

    def _replace(self, store: IndexStore) -> None:
        self._retired.append(self._store)
        self._store = store
        self._last = None
        self._past = None

    def _corpus(self, snapshot: Snapshot, progress: Progress | None, known: History | None) -> Corpus:
        history = self._history(snapshot) if known is None else known
        last = self._last
        if last is None or last.snapshot != snapshot or last.history != history:
            renewed = self._renewed(last, snapshot, history) if last is not None else None
            last = self._last = renewed or self._made(snapshot, history, progress)
        return last

    def _renewed(self, last: Corpus, snapshot: Snapshot, history: History) -> Corpus | None:
        """The corpus after edits of a few ranked files; None where more than that is different."""
        edited = _edited(last.snapshot, snapshot)
        chosen = {path: _key(path, snapshot.files[path]) for path in edited if path in last.number}
        if any(why_left_out(path, snapshot.files[path]) for path in chosen):
            return None
        if not edited or len(chosen) < len(edited) or self._is_worn_out(last.places):
            return None
        self._take_in(snapshot, chosen, self._store.files(set(chosen.values())), None)
        found = self._store.files(set(chosen.values()))
        if any(place.unfit for place in found.values()):
            return None
        again = functools.partial(self._again, snapshot, history)
        places = {path: found[key] for path, key in chosen.items()}
        return last.edited(snapshot, history, places=places, again=again)

    def _made(self, snapshot: Snapshot, history: History, progress: Progress | None) -> Corpus:
        chosen, left_out = _chosen(snapshot)
        places = self._places(snapshot, chosen, progress)
        unfit = {path: reason for path, key in chosen.items() if (reason := places[key].unfit)}
        left_out.extend(Skipped(path, reason) for path, reason in unfit.items())
        ranked = {path: key for path, key in chosen.items() if path not in unfit}
        return Corpus(
            snapshot=snapshot,
            paths=tuple(ranked),
            history=history,
            left_out=tuple(sorted(left_out)),
            grammars=_versions(sorted({language_at(path) for path in ranked})),
            _store=self._store,
            places=tuple(places[key] for key in ranked.values()),
            _again=functools.partial(self._again, snapshot, history),
        )

    def _places(
        self, snapshot: Snapshot, chosen: dict[str, str], progress: Progress | None
    ) -> Mapping[str, StoredFile]:
        wanted = set(chosen.values())
        places = self._store.files(wanted)
        if len(places) == len(wanted):
            return places
        if self._is_worn_out(places.values()):
            self._replace(self._store.renewed())
            places = self._store.files(wanted)
        self._take_in(snapshot, chosen, places, progress)
        return self._store.files(wanted)

    def _take_in(
        self,
        snapshot: Snapshot,
        chosen: dict[str, str],
        places: Mapping[str, StoredFile],
        progress: Progress | None,
    ) -> None:
        """Index those contents of `chosen` that have no place yet."""
        missing = {key: path for path, key in reversed(chosen.items()) if key not in places}
        sources = _sources(snapshot, missing, progress)
        for segment in segments(sources, total=sum(snapshot.files[path].size for path in missing.values())):
            self._store.add(segment)

    def _is_worn_out(self, places: Collection[StoredFile]) -> bool:
        stored = self._store.segments()
        alive = sum(place.chunks for place in places)
        return len(stored) > _MOST_SEGMENTS or sum(stored.values()) > max(_LEAST_WORN, _WORN_OUT * alive)

    def _history(self, snapshot: Snapshot) -> History:
        reader = GitReader.find(snapshot.root)
        prefix = reader.prefix if reader is not None else ""
        stored: dict[str, Commit] = {}

        def known(ids: Sequence[str]) -> Mapping[str, Commit]:
            stored.update(self._store.commits(ids, prefix=prefix))
            return stored

        root, place, earlier = self._past or (None, "", None)
        if (root, place) != (snapshot.root, prefix):
            earlier = None
        history = read_history(snapshot.root, head=snapshot.git.head, known=known, earlier=earlier)
        if history is earlier:
            return history
        self._past = snapshot.root, prefix, history
        if new := [commit for commit in history.commits if commit.id not in stored]:
            self._store.keep_commits(new, prefix=prefix)
        return history


def _chosen(snapshot: Snapshot) -> tuple[dict[str, str], list[Skipped]]:
    """Key of the content of each ranked path, sorted by path; and what is not ranked."""
    chosen: dict[str, str] = {}
    left_out = list(snapshot.skipped)
    for path, entry in snapshot.files.items():
        if (reason := why_left_out(path, entry)) is not None:
            left_out.append(Skipped(path, reason))
        else:
            chosen[path] = _key(path, entry)
    return chosen, left_out


def _key(path: str, entry: FileEntry) -> str:
    """What the record of a ranked file is kept under."""
    return f"{_manner(path)}:{entry.sha256}"


def _edited(old: Snapshot, new: Snapshot) -> list[str]:
    """The files that differ, where nothing else does and they are few; else none."""
    if old.root != new.root or old.skipped != new.skipped or old.files.keys() != new.files.keys():
        return []
    edited = differing(old.files, new.files)
    return edited if len(edited) <= _MOST_EDITED else []


@functools.lru_cache(maxsize=65_536)
def _manner(path: str) -> str:
    """What a record depends on beside the bytes, which the path tells."""
    return f"{_kind(language_at(path))}:{'prose' if reads_as_prose(path) else 'code'}"


@functools.cache
def _kind(language: str) -> str:
    """Language with its grammar's version: what a record depends on beside the bytes."""
    return f"{language}@{_versions([language]).get(language, '')}"


def _versions(languages: Sequence[str]) -> Mapping[str, str]:
    """Versions of the grammars of those languages that have one."""
    code = grammar_versions([language for language in languages if language in GRAMMARS])
    structured = structured_grammar_versions()
    return {name: version for name in languages if (version := code.get(name) or structured.get(name))}


def _sources(snapshot: Snapshot, missing: dict[str, str], progress: Progress | None) -> Iterator[Source]:
    total = sum(snapshot.files[path].size for path in missing.values())
    done = said = 0
    for key, path in missing.items():
        yield Source(key, path, snapshot.read(path))
        done += snapshot.files[path].size
        if progress is not None and (done - said >= _PROGRESS_BYTES or done == total):
            said = done
            progress(done, total)


def maker_of(grammars: Mapping[str, str]) -> str:
    """Digest of what turns a tree into a window: these rooms' sources, and the grammars that files were parsed with."""
    return digest_of([_version(), dict(grammars)])


@functools.cache
def _version() -> str:
    """Digest of everything that a record depends on but the bytes and grammars: these rooms' own sources, the parser,
    and what Python takes for a letter."""
    package = Path(hybridcode.__file__).parent
    sources = sorted(
        [*package.glob("context/*.py"), *package.glob("repo/**/*.py"), *package.glob("repo/queries/*.scm")]
    )
    whole = hashlib.sha256(f"{unicodedata.unidata_version} {metadata.version('tree-sitter')}".encode())
    for source in sources:
        whole.update(source.name.encode() + b"\0" + source.read_bytes())
    return whole.hexdigest()
