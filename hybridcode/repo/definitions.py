"""From names that were found in a tree to symbols: dotted names, kinds, line ranges and signatures.

Invariant: a pure function of findings and bytes; symbols come in order of appearance, outer ones before inner ones.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from tree_sitter import Node

from hybridcode.repo.findings import Findings, Found

_SIGNATURE_CHARS = 200
_FUNCTIONS = frozenset({"function", "method"})
_VARIABLES = frozenset({"constant", "prototype"})
"""Kinds that inside a function are of no interest outside it."""
_FLAT = frozenset({"prototype", "type", "macro"})
"""Kinds that hold no definitions."""
_VALUES = frozenset({"constant", "field"})
"""Kinds that hold functions (an object's methods) and fields, but no types: those belong to what is around them."""
_TAGGED = frozenset({"class", "enum"})
_DECLARING = frozenset({"type", *_VALUES})
_DECLARED_TOGETHER = 4
"""Names of one declaration that are looked at."""
_AS_MEMBERS = {"function": "method", "constant": "field"}
_GAP = re.compile(rb"(?:\s|//[^\n]*\n|#[^\n]*\n|/\*(?:(?!\*/).)*\*/)*", re.DOTALL)
"""What may stand between an attribute and its definition: blanks and comments."""


class Symbol(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One definition. Lines are 1-based, both ends included, decorators and attributes too."""

    name: str
    """Dotted from the file's top, as `Cart.total`."""
    kind: str
    """function, method, class, interface, enum, type, module, impl, macro, prototype, constant or field."""
    start: int
    end: int
    signature: str
    """The definition up to its body, on one line, bounded."""
    parent: str = ""
    """Dotted name of the enclosing definition; empty at the top."""
    is_local: bool = False
    """It stands inside a function."""

    @property
    def bare_name(self) -> str:
        """The last part of the dotted name."""
        return self.name.rpartition(".")[2]


class _Scope(NamedTuple):
    """A definition or nameless function that others may stand in, as bytes from..to."""

    first: int
    last: int
    name: str
    kind: str
    parent: "_Scope | None"
    is_inside_function: bool
    """What stands in it is local."""


def symbols_of(findings: Findings, data: bytes) -> tuple[Symbol, ...]:
    """The symbols of a file."""
    symbols: list[Symbol] = []
    for symbol, is_clause in _nested(findings, data):
        if is_clause and symbols and symbols[-1].name == symbol.name:
            symbols[-1] = replace(symbols[-1], end=symbol.end)
        elif symbol.kind in _TAGGED and (index := _declared_by(symbols, symbol)) is not None:
            symbols[index] = replace(symbols[index], kind=symbol.kind)
        else:
            symbols.append(symbol)
    return tuple(symbols)


def _declared_by(symbols: Sequence[Symbol], tag: Symbol) -> int | None:
    """The declaration around a struct or enum that bears its name: `typedef struct cart { ... } cart;` defines once."""
    for index in range(len(symbols) - 1, max(len(symbols) - _DECLARED_TOGETHER, 0) - 1, -1):
        known = symbols[index]
        if known.name == tag.name and known.kind in _DECLARING and known.start <= tag.start and tag.end <= known.end:
            return index
    return None


def _nested(findings: Findings, data: bytes) -> Iterator[tuple[Symbol, bool]]:
    """The symbols, and whether each is a clause: a piece of a function."""
    leads = _Leads(findings.leading, data)
    scope: _Scope | None = None
    for node, found in _in_order(findings):
        first, last = node.byte_range
        while scope is not None and (scope.last <= first or (scope.first, scope.last) == (first, last)):
            scope = scope.parent
        is_local = scope is not None and scope.is_inside_function
        outer = _holder(scope, found)
        outer_name, outer_kind = (outer.name, outer.kind) if outer else ("", "")
        if found is None:
            scope = _Scope(first, last, outer_name, "function", scope, is_inside_function=True)
            continue
        if outer_kind in _FUNCTIONS and found.kind in _VARIABLES:
            continue
        kind = _kind(found.kind, outer_kind)
        name = f"{outer_name}.{found.name}" if outer_name else found.name
        start, end = _lines(node)
        symbol = Symbol(
            name=name,
            kind=kind,
            start=leads.start(first, start),
            end=end,
            signature=_signature(found.node, data),
            parent=outer_name,
            is_local=is_local,
        )
        yield symbol, found.kind == "clause"
        if kind not in _FLAT:
            scope = _Scope(first, last, name, kind, scope, is_local or kind in _FUNCTIONS)


def _kind(kind: str, outer_kind: str) -> str:
    if kind == "clause":
        kind = "function"
    return kind if outer_kind in ("", "module", *_FUNCTIONS) else _AS_MEMBERS.get(kind, kind)


def _holder(scope: _Scope | None, found: Found | None) -> _Scope | None:
    """The scope whose member `found` is."""
    while scope and found and scope.kind in _VALUES and found.kind not in _AS_MEMBERS:
        scope = scope.parent
    return scope


def _in_order(findings: Findings) -> list[tuple[Node, Found | None]]:
    """Definitions and nameless functions (with None) as they appear, outer ones first."""
    keyed = [((*_key(found.extent), found.place.start_byte), found.extent, found) for found in findings.definitions]
    nameless = [((*_key(node), node.end_byte), node, None) for node in findings.locals]
    return [(node, found) for _, node, found in sorted([*keyed, *nameless], key=lambda item: item[0])]


def _key(node: Node) -> tuple[int, int]:
    first, last = node.byte_range
    return first, -last


def _lines(node: Node) -> tuple[int, int]:
    """First and last line of a node; a node that ends with its line's LF ends on that line."""
    first, _ = node.start_point
    last, column = node.end_point
    return first + 1, last + (0 if column == 0 and last > first else 1)


def _signature(node: Node, data: bytes) -> str:
    """The text up to the body, or the first line of what has none."""
    first, last = node.byte_range
    body = node.child_by_field_name("body") or _last_body(node)
    head = data[first : body.start_byte] if body is not None else data[first:last].partition(b"\n")[0]
    words = " ".join(head.decode("utf-8", "replace").split()).rstrip("{ " if body is None else "{= ")
    return words if len(words) <= _SIGNATURE_CHARS else words[: _SIGNATURE_CHARS - 1] + "…"


def _last_body(node: Node) -> Node | None:
    """The body of a definition in grammars that have no field for it."""
    last = node.named_child(node.named_child_count - 1) if node.named_child_count else None
    return last if last is not None and last.type.endswith(("_body", "do_block")) else None


class _Leads:
    """Attributes and decorators that stand before definitions."""

    def __init__(self, nodes: Sequence[Node], data: bytes) -> None:
        self._spans = sorted((node.end_byte, node.start_byte, node.start_point.row + 1) for node in nodes)
        self._data = data

    def start(self, first: int, line: int) -> int:
        """The line on which the run of them that ends before byte `first` begins, or `line` if there is none."""
        index = bisect_right(self._spans, (first, first, 0)) - 1 if self._spans else -1
        while index >= 0:
            last, its_first, its_line = self._spans[index]
            if not _GAP.fullmatch(self._data, last, first):
                break
            first, line = its_first, its_line
            index -= 1
        return line
