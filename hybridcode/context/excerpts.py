"""Choosing chunks for a window: the best ones that fit, none twice.

Invariant: the sections together never exceed the room given; the choice depends on scores, paths and lines alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hybridcode.context.rank import MILLION, Ranking
from hybridcode.context.records import Chunk, FileRecord
from hybridcode.context.render import excerpt_section
from hybridcode.context.terms import identifiers
from hybridcode.domain.window import Excerpt
from hybridcode.repo.grammars import GRAMMARS, language_of
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot

_FILE_SHARE_PERCENT = 40
_BASE = 150_000
"""Worth of a chunk that fits not at all, in a file that does: beside its own millionths."""
_LEAST_PART = 50
"""A chunk worth less than this part of the best one is noise, even where there is room."""
_MOST_DEFINED = 3
"""A name defined in more places than this says nothing."""
_NEAR_BYTES = 16
_NEAR_LINES = 3
"""Blank lines between two passages that may stand in one."""
_FAMILIES = {language: language for language in GRAMMARS} | {
    "cpp": "c",
    "tsx": "javascript",
    "typescript": "javascript",
}
"""Languages that use each other's definitions."""
_PACKAGE_FILES = ("__init__", "index", "mod")
"""Files that stand for their folder in imports."""


@dataclass(frozen=True)
class Passage:
    """Lines of a file with their text in the window."""

    excerpt: Excerpt
    section: str
    within: str = ""
    """Signature of the class the lines stand in."""

    @property
    def size(self) -> int:
        """Bytes in the window."""
        return len(self.section.encode())


@dataclass
class Taken:
    """Lines that a window shows already."""

    ranges: dict[str, list[tuple[int, int]]]

    def add(self, path: str, start: int, end: int) -> None:
        """Remember lines `start`..`end`."""
        self.ranges.setdefault(path, []).append((start, end))

    def overlaps(self, path: str, start: int, end: int) -> bool:
        """Any of these lines is shown already."""
        return any(first <= end and start <= last for first, last in self.ranges.get(path, ()))


def ranked_passages(
    snapshot: Snapshot, ranking: Ranking, *, room: int, taken: Taken, only: Collection[str] | None = None
) -> list[Passage]:
    """The best chunks that fit into `room` bytes, in order of path and line. `taken` grows by them."""
    worths = sorted(
        (-_worth(file.score, ranking.chunks.get((file.path, chunk.start), 0)), file.path, chunk.start, chunk)
        for file in ranking.files
        if only is None or file.path in only
        for chunk in ranking.records[file.path].chunks
    )
    least = -worths[0][0] // _LEAST_PART if worths else 0
    cap = room if only is not None else room * _FILE_SHARE_PERCENT // 100
    used: dict[str, int] = {}
    passages: list[Passage] = []
    for worth, path, _, chunk in worths:
        if -worth < least:
            break
        if chunk.size > room or taken.overlaps(path, chunk.start, chunk.end):
            continue
        passage = passage_of(snapshot, path, chunk, reason="rank", score=-worth)
        if passage.size > room or used.get(path, 0) + passage.size > cap:
            continue
        room -= passage.size
        used[path] = used.get(path, 0) + passage.size
        taken.add(path, chunk.start, chunk.end)
        passages.append(passage)
    return _joined(snapshot, passages)


def definition_passages(
    snapshot: Snapshot,
    known: Mapping[str, FileRecord],
    *,
    names: Collection[str],
    home: Collection[str],
    room: int,
    taken: Taken,
) -> list[Passage]:
    """Chunks that define `names`: those of the `home` files first, then those of files that home files can see.

    At most `room` bytes, in order of path and line. `taken` grows by them.
    """
    mentioned = {name for path in sorted(home) for name in identifiers(snapshot.read(path).decode("utf-8", "replace"))}
    places: dict[str, list[tuple[bool, str, int, Chunk]]] = {}
    for path in sorted(known):
        is_home = path in home
        if not is_home and not _is_visible(path, home, mentioned):
            continue
        for chunk in known[path].chunks:
            scope, _, bare = chunk.name.rpartition(".")
            if bare in names and (is_home or not scope):
                places.setdefault(bare, []).append((not is_home, path, chunk.start, chunk))
    usable = [place for found in places.values() if len(found) <= _MOST_DEFINED for place in found]
    passages: list[Passage] = []
    for _, path, _, chunk in sorted(usable, key=lambda place: place[:3]):
        passage = passage_of(snapshot, path, chunk, reason="definition")
        if passage.size <= room and not taken.overlaps(path, chunk.start, chunk.end):
            room -= passage.size
            taken.add(path, chunk.start, chunk.end)
            passages.append(passage)
    return _joined(snapshot, passages)


def _joined(snapshot: Snapshot, passages: Sequence[Passage]) -> list[Passage]:
    """In order of path and line; neighbours with nothing but blank lines between them become one."""
    joined: list[Passage] = []
    for passage in sorted(passages, key=lambda passage: (passage.excerpt.path, passage.excerpt.start)):
        last = joined[-1] if joined else None
        if last is None or not _are_neighbours(snapshot, last.excerpt, passage.excerpt):
            joined.append(passage)
            continue
        first, second = last.excerpt, passage.excerpt
        excerpt = replace(first, end=second.end, score=max(first.score, second.score))
        data = snapshot.read(first.path)
        section = excerpt_section(first.path, data, first.start, second.end, within=last.within)
        joined[-1] = Passage(excerpt=excerpt, section=section, within=last.within)
    return joined


def _are_neighbours(snapshot: Snapshot, first: Excerpt, second: Excerpt) -> bool:
    if first.path != second.path or second.start - first.end > _NEAR_LINES + 1:
        return False
    between = b"".join(split_lines(snapshot.read(first.path))[first.end : second.start - 1])
    return len(between) <= _NEAR_BYTES and not between.strip()


def _is_visible(path: str, home: Collection[str], mentioned: Collection[str]) -> bool:
    """A home file lies in the same folder or mentions the file's module, in an import for instance."""
    if not any(_FAMILIES.get(language_of(path) or "") == _FAMILIES.get(language_of(other) or "") for other in home):
        return False
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    module = folder.rpartition("/")[2] if stem in _PACKAGE_FILES else stem
    return module in mentioned or any(other.rpartition("/")[0] == folder for other in home)


def passage_of(snapshot: Snapshot, path: str, chunk: Chunk, *, reason: str, score: int = 0) -> Passage:
    """One chunk as it stands in a window."""
    data = snapshot.read(path)
    return Passage(
        excerpt=Excerpt(path=path, start=chunk.start, end=chunk.end, reason=reason, score=score),
        section=excerpt_section(path, data, chunk.start, chunk.end, within=chunk.header),
        within=chunk.header,
    )


def _worth(file_score: int, chunk_score: int) -> int:
    """File score squared times chunk score, both in millionths, in whole millionths."""
    return file_score * file_score // MILLION * (_BASE + chunk_score) // MILLION
