"""The tests that a check's command names, for the windows of a planner and of who writes.

Invariant: a function of tree, command and room, never above the room; a command that names no test of the tree, or
only a folder, gives nothing.

A test is named by its file (`tests/test_x.py::TestA::test_b`, `spec/cart_spec.rb:12`), as a module of unittest
(`tests.test_x.TestA`), by its bare file (`npm test -- cart`), or by itself (`-k test_b`, `-run TestB`), where just one
file of tests defines it.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hybridcode.context import signals
from hybridcode.context.corpus import Corpus
from hybridcode.context.exact import NamedParts, named_lines
from hybridcode.context.margins import Margin
from hybridcode.context.named import Exact
from hybridcode.context.passages import Reader, Taken, head_passage, rendered
from hybridcode.context.render import file_heading

REASON = "check"
_HEADING = "The check: "
_MOST_DEFINERS = 8
_MOST_NAMED = 6
"""Tests of one command."""
_LEAST_NAME = 6
"""Characters of a test's name that stands by itself."""
_PLACE = re.compile(r"(?:\./)?([^:\[]+?)(?:\[.*\])?(?:::(.+)|:(\d+))?\Z")
"""A path, and names or a line in it."""
_NAME = re.compile(r"[A-Za-z_]\w*")
_MARKS = re.compile(r"^(?:test_|tests_|spec_)|(?:_test|_tests|_spec|[.-]test|[.-]spec)$")


class Named(NamedTuple):
    """A file that a check names, and the tests in it."""

    path: str
    tests: tuple[Exact, ...] = ()


def checked_tests(corpus: Corpus, command: str) -> tuple[Named, ...]:
    """The files of tests that `command` names, in its order, with those of their tests that it names."""
    found: dict[str, dict[Exact, None]] = {}
    for word in _words(command):
        for path, tests in _named(corpus, word):
            found.setdefault(path, {}).update(dict.fromkeys(tests))
    return tuple(Named(path, tuple(tests)[:_MOST_NAMED]) for path, tests in found.items())


def check_parts(corpus: Corpus, named: Sequence[Named], *, room: int, taken: Taken) -> NamedParts:
    """The named tests, or the head of a file of which none is named, in at most `room` bytes, under headings of their
    own. `taken` grows by them."""
    found = NamedParts()
    reader = Reader(corpus.snapshot, Margin(corpus))
    for number, (path, tests) in enumerate(named):
        heading = file_heading(_HEADING + path)
        share = (room - found.used) // (len(named) - number) - len(heading.encode())
        if tests:
            parts = named_lines(corpus, tests, room=share, taken=taken, reason=REASON)
        else:
            parts = _head(reader, path, room=share, taken=taken)
        if not parts.passages:
            continue
        body = rendered(parts.passages).removeprefix(file_heading(path))
        found.text += heading + body
        found.passages += parts.passages
        found.notes += parts.notes
        found.used += len((heading + body).encode())
    return found


def _head(reader: Reader, path: str, *, room: int, taken: Taken) -> NamedParts:
    """The first lines of a file, unless some of it is shown already."""
    last = len(reader.lines(path))
    if taken.overlaps(path, 1, last) or (head := head_passage(reader, path, 1, last, reason=REASON, room=room)) is None:
        return NamedParts()
    taken.add(path, head.excerpt.start, head.excerpt.end)
    return NamedParts(passages=[head])


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _named(corpus: Corpus, word: str) -> Iterator[tuple[str, list[Exact]]]:
    """Files of tests that one word of a command names, with the tests."""
    place = _PLACE.match(word.partition("=")[2] or word)
    if place is None:
        return
    path, names, line = place[1], place[2], place[3]
    if path in corpus.number:
        yield from _in_file(corpus, path, names=(names or "").split("::") if names else [], line=int(line or 0))
    elif (module := _of_module(corpus, path)) is not None:
        yield from _in_file(corpus, module[0], names=module[1], line=0)
    elif (bare := _of_stem(corpus, path)) is not None:
        yield bare, []
    else:
        yield from _by_name(corpus, word)


def _in_file(corpus: Corpus, path: str, *, names: Sequence[str], line: int) -> Iterator[tuple[str, list[Exact]]]:
    if not signals.is_test(path):
        return
    file = corpus.number[path]
    symbols = corpus.record(file).symbols
    dotted = ".".join(name.partition("[")[0] for name in names)
    found = [one for one in symbols if one.name == dotted] if dotted else []
    inside = [one for one in symbols if one.start <= line <= one.end]
    yield path, [Exact(file, path, one) for one in found or inside[-1:]]


def _of_module(corpus: Corpus, dotted: str) -> tuple[str, list[str]] | None:
    """The file of `tests.test_x.TestA`, and the names behind it."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        if (path := "/".join(parts[:count]) + ".py") in corpus.number:
            return path, parts[count:]
    return None


def _of_stem(corpus: Corpus, word: str) -> str | None:
    """The only file of tests that is called so, with or without what marks it as tests."""
    found = [
        path
        for path in corpus.paths
        if word in (stem := signals.stem_of(path), _MARKS.sub("", stem)) and signals.is_test(path)
    ]
    return found[0] if len(found) == 1 and not word.startswith("-") else None


def _by_name(corpus: Corpus, word: str) -> Iterator[tuple[str, list[Exact]]]:
    """Tests whose names stand in a word of a command, where one file of tests defines them."""
    names = sorted({name for name in _NAME.findall(word) if len(name) >= _LEAST_NAME})
    for name, files in sorted(corpus.definers(names, _MOST_DEFINERS).items()):
        tests = [file for file in files if signals.is_test(corpus.paths[file])]
        if len(tests) == 1:
            path, symbols = corpus.paths[tests[0]], corpus.record(tests[0]).symbols
            yield path, [Exact(tests[0], path, one) for one in symbols if one.bare_name == name]
