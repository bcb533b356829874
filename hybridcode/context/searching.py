"""What a search for a text finds: the file that it names, the definition that it means, and each line that holds it,
by a name that a plan can use for its place.

Invariant: a function of tree and text. Every line that holds the text is counted, shown or not; a place stands as
`path#Symbol` only where that means one stretch of its file.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from hybridcode.context import signals
from hybridcode.context.corpus import Corpus
from hybridcode.context.extents import import_lines
from hybridcode.context.mentioned import defined_in
from hybridcode.context.named import Exact, exact_definitions, files_written
from hybridcode.context.query import read_query
from hybridcode.context.regions import IMPORTS
from hybridcode.context.render import section
from hybridcode.domain.plan import Region
from hybridcode.repo.grammars import language_of
from hybridcode.repo.occurrences import Line, lines_with
from hybridcode.repo.symbols import Symbol

_MAX_HITS = 40
_MAX_LINE_CHARS = 160
_LONGEST_NUMBER = 9
"""Digits of a line's number."""
_MOST_FILES = 2
"""Files that one text names."""
_NAMED_CHARS = 140
"""Of what names the files whose lines are not shown."""
_NAMED_SHARE = 4
"""They get one in so many bytes of a list."""
_ALONE = "search for it alone, or for more of it"
_NAME = re.compile(
    r"(?:(?:async )?(?:def|class|fn|func|function|struct|enum|trait|type|interface) )?"
    r"([A-Za-z_$][\w$]*(?:(?:\.|::)[A-Za-z_$][\w$]*)*)(?:\(\)?)?"
)
"""A name, alone, called or as it is defined."""
_PARAMETERS = re.compile(r"[\[(].*")
"""Behind the name in a test's id."""


@dataclass(frozen=True)
class Search:
    """What one text finds in a tree."""

    corpus: Corpus
    words: str

    @cached_property
    def region(self) -> str | None:
        """The place that the text is, as a Region string: `tests/x.py::test_y`; None for a whole file and for words."""
        named = place_in(self.corpus, self.words)
        return named if named and "#" in named else None

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The files that the text is, or holds."""
        paths = self.corpus.snapshot.files
        if (named := place_in(self.corpus, self.words)) is not None:
            return (Region.parse(named).path,)
        if "/" not in self.words and "." not in self.words:
            return ()
        written = files_written(self.corpus, read_query(self.words))
        found = [path for path in self.words.split() if path in paths]
        found += (self.corpus.paths[file] for file in sorted(written))
        return tuple(dict.fromkeys(found))[:_MOST_FILES]

    @cached_property
    def definition(self) -> Exact | None:
        """The one definition in the tree that has this name."""
        if (name := _NAME.fullmatch(self.words.strip())) is None or self.files:
            return None
        found = exact_definitions(self.corpus, read_query(f"`{name[1].replace('::', '.')}`"))
        return found[0] if len(found) == 1 else None

    @cached_property
    def hits(self) -> "Hits":
        """The lines of code, of tests, of all else. Where none holds the text as it is, it may stand in other case, or
        the name that a definition has without its class."""
        found = _hits(self.corpus, self.words)
        if not found.number and self.definition is not None:
            found = _hits(self.corpus, self.definition.symbol.bare_name)
        if found.number or not self.words.strip():
            return found
        return _hits(self.corpus, self.words, any_case=True)

    def outlines(self, *, room: int) -> str:
        """What the files define."""
        text = ""
        for number, path in enumerate(self.files):
            share = (room - len(text.encode())) // (len(self.files) - number)
            text += defined_in(self.corpus, path, room=share)
        return text

    def listed(self, *, most: int) -> str:
        """As many of the lines as `most` bytes hold, by their numbers alone where that shows more of them; the rest is
        counted by file."""
        kept = max((self._kept(rows, most) for rows in (self._rows, self._bare_rows)), key=lambda found: found[0])
        return kept[1] or (self.counted if len(self.counted.encode()) <= most else "")

    @property
    def counted(self) -> str:
        """How many lines there are; where there is none and files are meant, which of them define nothing."""
        number = self.hits.number
        if not number and self.files:
            return "".join(f"## {path}\n{said}\n\n" for path in self.files if (said := self._bare(path)))
        said = f"{number} lines, not shown: {_ALONE}" if number else "None."
        return f"## {self.hits.heading}\n{said}\n\n"

    def _bare(self, path: str) -> str:
        """Why nothing is told of what a file defines; empty where it defines something."""
        entry, file = self.corpus.snapshot.files[path], self.corpus.number.get(path)
        if file is not None and self.corpus.record(file).symbols:
            return ""
        if entry.kind != "text":
            return f"A {entry.kind} file, which cannot be shown."
        return "No definitions are known of; read it to see its lines." if entry.size else "It is empty."

    def _kept(self, rows: Sequence["_Row"], most: int) -> tuple[int, str]:
        """How many of the hits the first rows show that `most` bytes hold, and these with what is left."""
        hits, room = self.hits, min(_NAMED_CHARS, most // _NAMED_SHARE)
        for number in range(len(rows), 0, -1):
            shown = rows[number - 1].hits
            more = [_not_shown(hits.without(shown), room=room)] if shown < hits.number else []
            text = section(hits.heading, "\n".join((*(row.text for row in rows[:number]), *more)), path="")
            if len(text.encode()) <= most:
                return shown, text
        return 0, ""

    @cached_property
    def _placed(self) -> list[tuple[str, Line]]:
        """The first hits, each with the place that holds it."""
        places: dict[str, _Places] = {}
        found: list[tuple[str, Line]] = []
        for hit in self.hits.first:
            known = places.setdefault(hit.path, _Places(self.corpus, hit.path))
            found.append((f"{hit.path}#{known.of(hit.line)}", hit))
        return found

    @cached_property
    def _rows(self) -> list["_Row"]:
        """One line for each of the first hits; a place that holds several in turn is named once."""
        rows: list[_Row] = []
        before = ""
        for at, (place, (_, line, text)) in enumerate(self._placed, 1):
            is_named = not place.endswith("#")
            name = f"{'' if place == before else place} " if is_named else place
            rows.append(_Row(f"{name}L{line}: {text}", at))
            before = place if is_named else ""
        return rows

    @cached_property
    def _bare_rows(self) -> list["_Row"]:
        """One line for each place that holds some of the first hits in turn, with their numbers alone."""
        rows: list[_Row] = []
        before = ""
        for at, (place, hit) in enumerate(self._placed, 1):
            if place == before:
                rows[-1] = _Row(f"{rows[-1].text}, L{hit.line}", at)
            else:
                rows.append(_Row(f"{place}{'' if place.endswith('#') else ' '}L{hit.line}", at))
            before = place
        return rows


class _Row(NamedTuple):
    """A line of a list."""

    text: str
    hits: int
    """How many hits the list shows with it."""


def _not_shown(counts: Mapping[str, int], *, room: int) -> str:
    """How many lines of each file a list leaves out, of the first files by name in `room` characters."""
    named = [f"{path} x{count}" for path, count in counts.items()]
    for kept in range(len(named), 0, -1):
        left = sum([*counts.values()][kept:])
        text = ", ".join((*named[:kept], *([f"{left} more"] if left else [])))
        if len(text) <= room:
            return f"(not shown: {text})"
    return f"(not shown: {sum(counts.values())} more)"


def place_in(corpus: Corpus, words: str) -> str | None:
    """The Region string that a text is, where its path is in the tree: a test by its id (`tests/x.py::Case::test_y`), a
    path with a line (`src/x.py:12`), or as a plan names places."""
    files, text = corpus.snapshot.files, words.strip().strip("`'\"").removeprefix("./")
    if Region.parse(text).path in files:
        return text
    path, _, name = text.partition("::")
    if name and path in files:
        return f"{path}#{_PARAMETERS.sub('', name).replace('::', '.')}"
    path, _, line = text.rpartition(":")
    return f"{path}#L{line}" if line.isdecimal() and len(line) < _LONGEST_NUMBER and path in files else None


class Hits(NamedTuple):
    """Lines that hold a text."""

    heading: str
    first: tuple[Line, ...]
    """The others are counted alone: a blank stands in nearly every line of a tree."""
    counts: Mapping[str, int]
    """All of them, by path, in their order."""

    @property
    def number(self) -> int:
        """Of all of them."""
        return sum(self.counts.values())

    def without(self, shown: int) -> dict[str, int]:
        """How many are left in each file where the first ones are shown."""
        left = Counter(self.counts)
        left.subtract(hit.path for hit in self.first[:shown])
        return {path: count for path, count in left.items() if count}


def _hits(corpus: Corpus, words: str, *, any_case: bool = False) -> Hits:
    """The lines that hold the words, in code, tests and all else, in order of path and line."""
    pattern = re.compile(re.escape(words.encode()), re.IGNORECASE if any_case else 0)
    paths = sorted(corpus.paths, key=lambda path: (_order(path), path))
    lines = lines_with(pattern, corpus.snapshot, paths, most_chars=_MAX_LINE_CHARS)
    first = tuple(islice(lines, _MAX_HITS))
    counts = Counter(hit.path for hit in first)
    counts.update(hit.path for hit in lines)
    return Hits(f"Lines with {words!r}" + (", in any case" if any_case and counts else ""), first, counts)


def _order(path: str) -> int:
    if language_of(path) is None or signals.is_prose(path):
        return 2
    return 1 if signals.is_aside(path) else 0


@dataclass(frozen=True)
class _Places:
    """What the lines of a file can be called."""

    corpus: Corpus
    path: str

    @cached_property
    def _symbols(self) -> tuple[Symbol, ...]:
        is_code = language_of(self.path) is not None
        return self.corpus.record(self.corpus.number[self.path]).symbols if is_code else ()

    @cached_property
    def _imports(self) -> tuple[int, int] | None:
        if any(symbol.bare_name == IMPORTS for symbol in self._symbols):
            return None
        return import_lines(self.path, self.corpus.snapshot.read(self.path))

    def of(self, line: int) -> str:
        """The innermost definition that holds a line, or the imports; empty where a plan has no name for it."""
        holding = [symbol for symbol in self._symbols if symbol.start <= line <= symbol.end]
        if holding:
            name = min(holding, key=lambda one: (one.end - one.start, -one.start)).name
            return name if sum(symbol.name == name for symbol in self._symbols) == 1 else ""
        return IMPORTS if self._imports and self._imports[0] <= line <= self._imports[1] else ""
