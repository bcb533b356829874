"""What hangs together with lines that are to be rewritten: definitions they use, callers, tests.

Invariant: names link files only where few define them; the choice depends on names, paths and lines alone.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from hybridcode.context.corpus import Corpus
from hybridcode.context.passages import Passage, Reader, Taken, joined, passage_of
from hybridcode.context.records import Chunk
from hybridcode.context.signals import is_aside, stem_of
from hybridcode.context.terms import identifiers
from hybridcode.domain.window import Target
from hybridcode.repo.grammars import GRAMMARS, language_of

_MOST_DEFINED = 3
"""A name defined in more places than this says nothing."""
_SHORTEST_NAME = 3
_MOST_USERS = 40
"""Files that are looked into for uses of one name."""
_IMPORT = re.compile(
    r"\s*(import|from|use|using|require|require_once|include|#\s*include|package|namespace|mod|alias)\b"
)
_FAMILIES = {language: language for language in GRAMMARS} | {
    "cpp": "c",
    "tsx": "javascript",
    "typescript": "javascript",
    "kotlin": "java",
    "scala": "java",
}
"""Languages that use each other's definitions."""
_PACKAGE_FILES = ("__init__", "index", "mod")
"""Files that stand for their folder in imports."""


@dataclass(frozen=True)
class Touched:
    """Lines that a step rewrites, as files and names."""

    corpus: Corpus
    reader: Reader
    targets: tuple[Target, ...]
    """Those of files that are there."""

    @property
    def home(self) -> frozenset[str]:
        """Paths of the files."""
        return frozenset(target.path for target in self.targets)

    def used_names(self) -> set[str]:
        """Identifiers that stand in the lines."""
        found: set[str] = set()
        for target in self.targets:
            lines = self.reader.lines(target.path)
            text = self.reader.text(target.path, target.start or 1, target.end or len(lines))
            found |= {name for name in identifiers(text) if len(name) >= _SHORTEST_NAME}
        return found

    def defined_names(self) -> list[str]:
        """Bare names that the lines define, or that the definitions around them have; sorted."""
        found: set[str] = set()
        for target in self.targets:
            number = self.corpus.number.get(target.path)
            symbols = self.corpus.record(number).symbols if number is not None else ()
            first, last = target.start or 1, target.end or len(self.reader.lines(target.path))
            inside = {s.bare_name for s in symbols if first <= s.start and s.end <= last}
            around = [s.bare_name for s in symbols if s.start <= first and last <= s.end]
            found |= inside or set(around[-1:])
        return sorted(name for name in found if len(name) >= _SHORTEST_NAME)


def definition_passages(touched: Touched, *, room: int, taken: Taken) -> list[Passage]:
    """Chunks that define what the lines use: those of the same files first, then those of files they can see.

    At most `room` bytes, in order of path and line. `taken` grows by them.
    """
    corpus, reader, home = touched.corpus, touched.reader, touched.home
    names = touched.used_names()
    mentioned = {name for path in sorted(home) for name in identifiers(reader.text(path, 1, len(reader.lines(path))))}
    files = {corpus.number[path] for path in home if path in corpus.number}
    for link in corpus.links(sorted(names), _MOST_USERS).values():
        files |= set(link.definers)
    places: dict[str, list[tuple[bool, str, Chunk]]] = {}
    for file in sorted(files):
        path = corpus.paths[file]
        is_home = path in home
        if not is_home and not _is_visible(path, home, mentioned):
            continue
        for chunk in corpus.record(file).chunks:
            scope, _, bare = chunk.name.rpartition(".")
            if bare in names and (is_home or not scope):
                places.setdefault(bare, []).append((not is_home, path, chunk))
    usable = [place for found in places.values() if len(found) <= _MOST_DEFINED for place in found]
    ordered = sorted(usable, key=lambda place: (place[0], place[1], place[2].start))
    return _fitting(reader, [(path, chunk, "definition") for _, path, chunk in ordered], room=room, taken=taken)


def import_passages(touched: Touched, *, room: int, taken: Taken) -> list[Passage]:
    """The chunks in which the touched files import what they use."""
    found: list[tuple[str, Chunk, str]] = []
    for path in sorted(touched.home):
        number = touched.corpus.number.get(path)
        chunks = touched.corpus.record(number).chunks if number is not None else ()
        for chunk in chunks:
            if not chunk.name and _IMPORT.match(_first_import(touched.reader, path, chunk)):
                found.append((path, chunk, "imports"))
                break
    return _fitting(touched.reader, found, room=room, taken=taken)


def _first_import(reader: Reader, path: str, chunk: Chunk) -> str:
    lines = reader.text(path, chunk.start, chunk.end).split("\n")
    return next((line for line in lines if _IMPORT.match(line)), "")


def caller_passages(touched: Touched, *, tests: bool, room: int, taken: Taken) -> list[Passage]:
    """Chunks that use what the lines define: in tests, or elsewhere. Nearest folders first."""
    names = touched.defined_names()
    corpus = touched.corpus
    files: dict[int, set[str]] = {}
    for name, link in corpus.links(names, _MOST_DEFINED).items():
        for file, _ in link.users[:_MOST_USERS]:
            files.setdefault(file, set()).add(name)
    if tests:
        for file in _namesakes(touched):
            files.setdefault(file, set()).update(names)
    wanted = [file for file in files if is_aside(corpus.paths[file]) == tests]
    wanted.sort(key=lambda file: (-len(files[file]), -_nearness(corpus.paths[file], touched.home), corpus.paths[file]))
    found = [
        (corpus.paths[file], chunk, "test" if tests else "caller")
        for file in wanted
        for chunk in _using(touched, file, files[file])
    ]
    return _fitting(touched.reader, found, room=room, taken=taken)


def _using(touched: Touched, file: int, names: Collection[str]) -> Iterator[Chunk]:
    path = touched.corpus.paths[file]
    wanted = re.compile(rf"\b(?:{'|'.join(re.escape(name) for name in sorted(names))})\b")
    for chunk in touched.corpus.record(file).chunks:
        text = touched.reader.text(path, chunk.start, chunk.end)
        if any(wanted.search(line) and not _IMPORT.match(line) for line in text.split("\n")):
            yield chunk


def _namesakes(touched: Touched) -> list[int]:
    """Tests that are named after the touched files."""
    stems = {stem_of(path).lstrip("_").lower() for path in touched.home}
    wanted = {
        f"{before}{stem}{after}"
        for stem in stems
        for before, after in (
            ("test_", ""),
            ("", "_test"),
            ("", ".test"),
            ("", ".spec"),
            ("", "_spec"),
            ("", "test"),
            ("", "tests"),
        )
    }
    return [
        file for file, path in enumerate(touched.corpus.paths) if stem_of(path).lower() in wanted and is_aside(path)
    ]


def _nearness(path: str, home: Collection[str]) -> int:
    """Folders that a path shares with the nearest touched file."""
    return max((_shared(path.split("/"), other.split("/")) for other in home), default=0)


def _shared(first: Sequence[str], second: Sequence[str]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _fitting(reader: Reader, found: Sequence[tuple[str, Chunk, str]], *, room: int, taken: Taken) -> list[Passage]:
    passages: list[Passage] = []
    headed: set[str] = set()
    for path, chunk, reason in found:
        if chunk.size > room or taken.overlaps(path, chunk.start, chunk.end):
            continue
        passage = passage_of(reader, path, chunk, reason=reason)
        size = passage.size + (0 if path in headed else passage.heading_size)
        if size <= room:
            room -= size
            headed.add(path)
            taken.add(path, chunk.start, chunk.end)
            passages.append(passage)
    return joined(reader, passages)


def _is_visible(path: str, home: Collection[str], mentioned: Collection[str]) -> bool:
    """A home file lies in the same folder or mentions the file's module, in an import for instance."""
    if not any(_FAMILIES.get(language_of(path) or "") == _FAMILIES.get(language_of(other) or "") for other in home):
        return False
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    module = folder.rpartition("/")[2] if stem in _PACKAGE_FILES else stem
    return module in mentioned or any(other.rpartition("/")[0] == folder for other in home)
