"""What a language's query finds in a syntax tree, before it is put in order.

Invariant: one walk over the tree in C finds everything; Python works only on what was found.

The captures of queries/*.scm: `@definition.KIND` with `@name` (as written), `@type` (a type written out, of which the
bare name counts: `Cart` of `*Cart[T]`) or both (`Cart.total`); with neither it is a C declaration. `@extent` is wrapped
around the definition `@of`; `@leading` stands before a definition and belongs to it; `@local` is a function without a
name; `@reference.*` is a name that is used; `@import` is a module as written; `@_*` only serve conditions. Each pattern
has one role. Of several patterns that define the same name the first in the file counts.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tree_sitter import Node, Query, QueryCursor, Tree

from hybridcode.repo.declarators import declared
from hybridcode.repo.grammars import compile_query, query_text
from hybridcode.repo.imports import modules

_ALONE = frozenset({"leading", "local", "reference", "import"})
"""Roles that one node plays."""
_PAIRED = frozenset({"definition", "extent"})
"""Roles that need the other captures of their match."""
_DEEPEST = 1000
"""Levels of the tree: below, patterns are not tried, since the time for a chain of calls grows with its square."""
_SHORTEST_REFERENCE = 3
_LONGEST_NAME = 200
_CAPTURE = re.compile(r"@(\w+(?:\.\w+)*)")
_TYPE_NOISE = re.compile(r"'\w+|\b(?:mut|dyn|const)\b")
_BARE_TYPE = re.compile(r"(?:\w+(?:::|\.|\\))*(\w+)")
_TYPE_ARGUMENTS = re.compile(r"(?<=\w)<[^<>]*>")

Captures = Mapping[str, Sequence[Node]]


class Found(NamedTuple):
    """One name that is defined."""

    name: str
    kind: str
    node: Node
    """What defines it."""
    place: Node
    """Where the name stands."""
    extent: Node
    """`node` with what is wrapped around it: decorators, `export`."""


@dataclass(frozen=True)
class Findings:
    """Everything that was found in one tree, in no particular order except for `references` and `imports`."""

    definitions: Sequence[Found]
    leading: Sequence[Node]
    locals: Sequence[Node]
    references: Mapping[str, int]
    imports: tuple[str, ...]


class _Pattern(NamedTuple):
    """What a match of one pattern means: the first capture that has a role."""

    number: int
    role: str
    capture: str
    kind: str


_Match = tuple[_Pattern, Captures]


def findings_in(tree: Tree, data: bytes, language: str) -> Findings:
    """What the query of `language` finds in the tree of `data`; what is nested deeper than any program is left out."""
    query, patterns = _compiled(language)
    nodes: dict[str, list[Node]] = {role: [] for role in _ALONE}
    matches: dict[str, list[_Match]] = {role: [] for role in _PAIRED}
    alone = [nodes.get(pattern.role) for pattern in patterns]
    capture = [pattern.capture for pattern in patterns]
    cursor = QueryCursor(query)
    cursor.set_max_start_depth(_DEEPEST)
    for index, captures in cursor.matches(tree.root_node):
        if (those := alone[index]) is not None:
            those.append(captures[capture[index]][0])
        else:
            pattern = patterns[index]
            matches[pattern.role].append((pattern, captures))
    definitions = _definitions(matches["definition"], matches["extent"], data)
    return Findings(
        definitions=definitions,
        leading=nodes["leading"],
        locals=nodes["local"],
        references=_references(nodes["reference"], [found.place for found in definitions], data),
        imports=_imports(nodes["import"], data),
    )


def error_nodes(tree: Tree, language: str) -> int:
    """How many ERROR and MISSING nodes a tree has; those nested deeper than any program count as one."""
    if not tree.root_node.has_error:
        return 0
    cursor = QueryCursor(_error_query(language))
    cursor.set_max_start_depth(_DEEPEST)
    found = cursor.captures(tree.root_node)
    return max(1, sum(len(nodes) for nodes in found.values()))


@functools.cache
def _compiled(language: str) -> tuple[Query, tuple[_Pattern, ...]]:
    text = query_text(language)
    query, source = compile_query(language, text), text.encode()
    spans = ((query.start_byte_for_pattern(i), query.end_byte_for_pattern(i)) for i in range(query.pattern_count))
    return query, tuple(_pattern(index, source[start:end].decode()) for index, (start, end) in enumerate(spans))


@functools.cache
def _error_query(language: str) -> Query:
    return compile_query(language, "(ERROR) @error (MISSING) @missing")


def _pattern(index: int, text: str) -> _Pattern:
    for capture in _CAPTURE.findall(text):
        role, _, kind = capture.partition(".")
        if role in _ALONE | _PAIRED:
            return _Pattern(number=index, role=role, capture=capture, kind=kind)
    raise ValueError(f"a query pattern without a role: {text}")


def _definitions(matches: Sequence[_Match], extents: Sequence[_Match], data: bytes) -> list[Found]:
    around = {captures["of"][0].id: captures["extent"][0] for _, captures in extents}
    first: dict[int, tuple[int, Found]] = {}
    for (index, _, capture, kind), captures in matches:
        extent = node = captures[capture][0]
        while extent.id in around:
            extent = around[extent.id]
        for name, its_kind, place in _named(node, kind, captures, data):
            known = first.get(place.id)
            if known is None or index < known[0]:
                first[place.id] = (index, Found(name, its_kind, node, place, extent))
    return [found for _, found in first.values()]


def _named(node: Node, kind: str, captures: Captures, data: bytes) -> Iterator[tuple[str, str, Node]]:
    """Names, kinds and places of what a match defines."""
    place, typed = captures.get("name", (None,))[0], captures.get("type", (None,))[0]
    if place is None and typed is None:
        for inner, its_kind in declared(node, kind):
            if its_name := _name(inner, data):
                yield its_name, its_kind, inner
        return
    parts = [_bare_type(typed, data)] if typed else []
    parts += [_name(place, data)] if place else []
    if all(parts) and (at := place or typed):
        yield ".".join(parts), kind, at


def _text(node: Node, data: bytes) -> str:
    return data[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _name(node: Node, data: bytes) -> str:
    """A name as written, on one line, with dots between its parts and without type arguments."""
    text = _text(node, data)
    if text.isidentifier():
        return text
    while not text.startswith("operator") and (bare := _TYPE_ARGUMENTS.sub("", text)) != text:
        text = bare
    return " ".join(text.replace("::", ".").replace("\\", ".").split())[:_LONGEST_NAME]


def _bare_type(node: Node, data: bytes) -> str:
    """`Cart` of `*Cart[T]`, `&mut shop::Cart<T>`."""
    found = _BARE_TYPE.search(_TYPE_NOISE.sub("", _text(node, data)[:_LONGEST_NAME]))
    return found.group(1) if found else ""


def _references(used: Sequence[Node], defined: Sequence[Node], data: bytes) -> dict[str, int]:
    """How often each name is used; where a name is defined it is not used."""
    starts, places = {node.start_byte for node in defined}, {node.id for node in defined}
    counts = Counter(
        [
            data[first : node.end_byte]
            for node in used
            if (first := node.start_byte) not in starts or node.id not in places
        ]
    )
    names = Counter[str]()
    for text, count in counts.items():
        name = text.decode("utf-8", "replace").rpartition(".")[2]
        if _SHORTEST_REFERENCE <= len(name) <= _LONGEST_NAME:
            names[name] += count
    return dict(sorted(names.items()))


def _imports(nodes: Sequence[Node], data: bytes) -> tuple[str, ...]:
    return tuple(sorted({module for node in nodes for module in modules(_text(node, data))}))
