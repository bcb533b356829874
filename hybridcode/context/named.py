"""Files and definitions that a sentence names beyond doubt.

Invariant: a function of tree and sentence; what could mean too many places means none.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from hybridcode.context import signals
from hybridcode.context.corpus import Corpus
from hybridcode.context.plain import plain_names
from hybridcode.context.query import Query, read_query
from hybridcode.repo.symbols import Symbol

Item = TypeVar("Item")
_MOST_DEFINERS = 8
"""Files looked at to tell whether a name has one home only."""
_MOST_HOMES = 2
"""A name with more homes means none of them."""
_MOST_EXACT = 12
"""Definitions that one sentence names."""
_COMMAND = re.compile(r"([a-z][\w-]*) ([a-z][\w-]*)(?: -.*)?")
"""`keep list --format`: a program and its command."""
_WEAK_KINDS = frozenset({"prototype", "impl", "module"})
"""Kinds that give way to another definition of the same name."""


class Exact(NamedTuple):
    """A definition that a sentence names."""

    file: int
    """Number in the corpus."""
    path: str
    symbol: Symbol


def named_files(corpus: Corpus, sentence: str) -> tuple[str, ...]:
    """Paths in order that `sentence` writes out, finds in a traceback, or names by a definition that only one has, in
    plain words where these are sure."""
    query = read_query(sentence)
    plain = (name.file for name in plain_names(corpus, query) if name.is_sure)
    numbers = {*files_written(corpus, query), *_sole_definers(corpus, query), *plain}
    return tuple(corpus.paths[number] for number in sorted(numbers))


def files_written(corpus: Corpus, query: Query) -> set[int]:
    """Files that the sentence writes out, or finds in a traceback."""
    return {*signals.mentioned(corpus, query), *signals.framed(corpus, query)}


def exact_definitions(corpus: Corpus, query: Query, *, near: Collection[str] = ()) -> tuple[Exact, ...]:
    """The definitions that the sentence names, in the order in which it does; a class of which it names a member
    comes with that member alone. What several files define is meant in those of `near` first."""
    homes = _homes(corpus, query, written=files_written(corpus, query), near=near)
    found: list[Exact] = []
    spent: set[str] = set()
    for name in query.qualified:
        if exact := list(_qualified(corpus, name, homes.get(name.rpartition(".")[2], ()))):
            found += exact
            spent.update(name.split("."))
    classes = {one.symbol.name for name in homes for one in _called(corpus, name, homes) if one.symbol.kind == "class"}
    for name in sorted(homes.keys() - spent, key=lambda name: (query.text.find(name), name)):
        exact = list(_called(corpus, name, homes))
        found += _few([one for one in exact if one.symbol.parent in classes] or exact)
    owners = {(one.file, one.symbol.parent) for one in found}
    alone = (one for one in found if (one.file, one.symbol.name) not in owners)
    return tuple(dict.fromkeys(alone))[:_MOST_EXACT]


def _homes(
    corpus: Corpus, query: Query, *, written: Collection[int], near: Collection[str]
) -> dict[str, tuple[int, ...]]:
    """For each name, the files that define it: those that are written out, else the one outside tests and prose, else
    those that are near, else the few outside tests and prose."""
    homes: dict[str, tuple[int, ...]] = {}
    names = {*query.names, *_commands(corpus, query)}
    definers = corpus.definers(sorted(names), _MOST_DEFINERS)
    beside = _defined_near(corpus, sorted(corpus.number[path] for path in near if path in corpus.number))
    for name in sorted(names):
        known = definers.get(name, ())
        here = [file for file in known if file in written]
        apart = [file for file in known if not signals.is_beside(corpus.paths[file], corpus)]
        close = beside.get(name, []) if len(apart) != 1 else []
        if chosen := here or close or _few(apart):
            homes[name] = tuple(chosen)
    return homes


def _commands(corpus: Corpus, query: Query) -> set[str]:
    """Names of the commands that the sentence quotes, of programs called as a file or folder of the tree."""
    found = [match for phrase in query.phrases if (match := _COMMAND.fullmatch(phrase))]
    if not found:
        return set()
    programs = {part for path in corpus.paths for part in (*path.split("/")[:-1], signals.stem_of(path))}
    return {match[2].replace("-", "_") for match in found if match[1].replace("-", "_") in programs}


def _defined_near(corpus: Corpus, files: Iterable[int]) -> dict[str, list[int]]:
    """Bare names with those of `files` that define them."""
    found: dict[str, list[int]] = {}
    for file in files:
        for name in dict.fromkeys(symbol.bare_name for symbol in corpus.record(file).symbols):
            found.setdefault(name, []).append(file)
    return found


def _qualified(corpus: Corpus, name: str, files: Iterable[int]) -> Iterator[Exact]:
    """Definitions called so: within their class, or within the module or package of that name."""
    parts = name.split(".")
    within = {".".join(parts[at:]): parts[at - 1] for at in range(1, len(parts))}
    for file in files:
        path = corpus.paths[file]
        places = {signals.stem_of(path), *path.split("/")[:-1]}
        for symbol in corpus.record(file).symbols:
            is_member = symbol.name == name or symbol.name.endswith(f".{name}")
            if is_member or within.get(symbol.name) in places:
                yield Exact(file, path, symbol)


def _called(corpus: Corpus, name: str, homes: Mapping[str, Iterable[int]]) -> Iterator[Exact]:
    """Definitions of that bare name in its homes."""
    for file in homes[name]:
        symbols = [symbol for symbol in corpus.record(file).symbols if symbol.bare_name == name]
        strong = [symbol for symbol in symbols if symbol.kind not in _WEAK_KINDS]
        yield from (Exact(file, corpus.paths[file], symbol) for symbol in strong or symbols)


def _few(items: list[Item]) -> list[Item]:
    """The items, or none where they are too many to be meant."""
    return items if len(items) <= _MOST_HOMES else []


def _sole_definers(corpus: Corpus, query: Query) -> set[int]:
    """Files outside tests and prose that alone define a name of the sentence."""
    found: set[int] = set()
    for definers in corpus.definers(query.names, _MOST_DEFINERS + 1).values():
        homes = [file for file in definers if not signals.is_beside(corpus.paths[file], corpus)]
        if len(homes) == 1:
            found.update(homes)
    return found
