"""Plain words of a task that name a definition: `serialize`, `naturalday`, the `filesize` helper.

Invariant: a function of tree and sentence. A word counts only where the tree has one place for it outside tests and
prose; whoever asks how clear a task is hears of the sure ones alone.

A plain word is shown where it is the name of a function, class or type at the top of its file, or of a small module,
for then it is meant more often than not; a member's name is not. A word is sure beside `command` or `helper`,
and if it has at least eight letters and nobody uses it as a word: it stands in no documentation of the tree outside
code, and before no article in the file that defines it ("serialize the"). So `update`, `format` and "parse the date"
are never sure.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from hybridcode.context import signals
from hybridcode.context.corpus import Corpus
from hybridcode.context.query import FILLER, Query
from hybridcode.context.terms import STOP_WORDS, terms_of
from hybridcode.repo.classify import reads_as_prose
from hybridcode.repo.grammars import language_of
from hybridcode.repo.symbols import Symbol

_WORD = re.compile(r"(?<![\w./\\@$:'-])[A-Za-z_]\w{2,}(?![\w/\\@-]|\.\w|::)")
"""No part of a path, of a dotted name, of an option or of a word with a hyphen."""
_MOST_WORDS = 200
"""Words of a task that are looked up."""
_MOST_DEFINERS = 8
"""A name that more files define, tests included, says nothing."""
_MOST_SYMBOLS = 2
"""Definitions of one name in its file: overloads and branches."""
_LEAST_SURE = 8
"""Letters of a word that may be sure."""
_LEAST_MODULE = 4
"""Letters of a word that may name a module."""
_SAID = re.compile(r"\b([A-Za-z_]\w+) (?:command|helper)s?\b")
"""A word that is said to be one; those that `query` knows (`the total function`) are written as code already."""
_COUNTING = frozenset({"first", "last", "next", "previous", "second", "test", "tests", "third"})
"""Words that are hardly ever meant as a name, beside those that rank nothing."""
_TOP_KINDS = frozenset({"function", "class", "interface", "enum", "type", "macro"})
_MOST_TEXTS = 40
"""Texts that are looked into; a word that more of them hold is one."""
_CODE = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`+[^`\n]*`+|^(?: {4}|\t)[^\n]*$|^\.\. [^\n]*$|\w+://\S+",
    re.DOTALL | re.MULTILINE,
)
"""What of a text is no prose: fences, code spans, indented blocks, directives, addresses."""


class PlainName(NamedTuple):
    """A word of a task, and the definitions that it names in one file; none where it names the file as a module."""

    word: str
    file: int
    """Number in the corpus."""
    symbols: tuple[Symbol, ...]
    is_sure: bool


def plain_names(corpus: Corpus, query: Query) -> tuple[PlainName, ...]:
    """What the plain words of a sentence name, in the order of the words; modules behind definitions."""
    words = _words(query)
    definers = corpus.definers(words, _MOST_DEFINERS)
    homes = {word: _sole([file for file in definers.get(word, ()) if _is_home(corpus, file)]) for word in words}
    said = frozenset(_SAID.findall(query.text))
    defined = (_defined(corpus, word, file, said=said) for word, file in homes.items() if file is not None)
    modules = _modules(corpus, [word for word in words if word not in definers], said=said)
    return *(name for name in defined if name is not None), *modules


def definitions_at_top(corpus: Corpus, file: int) -> tuple[Symbol, ...]:
    """Functions, classes and types at the top of a small module; none where it has more than it could be named for."""
    tops = tuple(symbol for symbol in corpus.record(file).symbols if _is_at_top(symbol))
    return tops if len(tops) <= _MOST_SYMBOLS else ()


def _is_at_top(symbol: Symbol) -> bool:
    return not symbol.parent and symbol.kind in _TOP_KINDS


def _words(query: Query) -> list[str]:
    """Words that could be names, in order: not those that are written as code, nor those of instructions."""
    names = set(query.names)
    words = (word for word in dict.fromkeys(_WORD.findall(query.text)) if word not in names)
    ordinary = STOP_WORDS | FILLER | _COUNTING
    return [word for word in words if word.lower() not in ordinary and not word.startswith("__")][:_MOST_WORDS]


def _is_home(corpus: Corpus, file: int) -> bool:
    """The file is in a programming language, and no test."""
    path = corpus.paths[file]
    return language_of(path) is not None and not signals.is_beside(path, corpus)


def _sole(files: Sequence[int]) -> int | None:
    return files[0] if len(files) == 1 else None


def _defined(corpus: Corpus, word: str, file: int, *, said: Container[str]) -> PlainName | None:
    symbols = (symbol for symbol in corpus.record(file).symbols if symbol.bare_name == word)
    meant = tuple(symbol for symbol in symbols if _is_at_top(symbol))
    if not 0 < len(meant) <= _MOST_SYMBOLS:
        return None
    return PlainName(word, file, meant, _is_sure(corpus, word, file, said=said))


def _modules(corpus: Corpus, words: Iterable[str], *, said: Container[str]) -> Iterator[PlainName]:
    """Words with the only file that is called so."""
    files: dict[str, list[int]] = {word: [] for word in words if len(word) >= _LEAST_MODULE}
    for file, path in enumerate(corpus.paths):
        if (stem := signals.stem_of(path)) in files and _is_home(corpus, file):
            files[stem].append(file)
    for word, found in files.items():
        if (file := _sole(found)) is not None:
            yield PlainName(word, file, (), _is_sure(corpus, word, file, said=said))


def _is_sure(corpus: Corpus, word: str, home: int, *, said: Container[str]) -> bool:
    return word in said or (len(word) >= _LEAST_SURE and not _is_a_word(corpus, word, home))


def _is_a_word(corpus: Corpus, word: str, home: int) -> bool:
    """Somebody uses it as a word: in documentation outside code, or beside an article in the file that defines it."""
    parts = terms_of(word)
    places = corpus.chunk_counts(parts[:1])
    files = sorted({corpus.file_of[chunk] for found in places.values() for chunk, _ in found})
    prose = [corpus.paths[file] for file in files if _is_text(corpus.paths[file])]
    used = re.compile(rf"(?<![\w./:-]){re.escape(word)}(?![\w(=/:-]|\.\w)", re.IGNORECASE)
    if not parts or len(prose) > _MOST_TEXTS:
        return True
    if any(used.search(_CODE.sub(" ", corpus.snapshot.text(path) or "")) for path in prose):
        return True
    spoken = re.compile(rf"\b{re.escape(word)} (?:an?|the|this|its)\b", re.IGNORECASE)
    return spoken.search(corpus.snapshot.text(corpus.paths[home]) or "") is not None


def _is_text(path: str) -> bool:
    return signals.is_prose(path) or reads_as_prose(path)
