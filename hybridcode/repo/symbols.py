"""What a source file defines: names, kinds, line ranges and signatures.

Invariant: a pure function of path and bytes; a file that does not parse still gives the definitions that can be seen.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

from hybridcode.repo.definitions import RULES, Definition, LanguageRules
from hybridcode.repo.grammars import language_of, parse

_SIGNATURE_CHARS = 200
_MAX_DEPTH = 100
_WEAK = ("prototype", "impl", "module")
"""Kinds that give way to another definition of the same name."""


@dataclass(frozen=True)
class Symbol:
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

    @property
    def bare_name(self) -> str:
        """The last part of the dotted name."""
        return self.name.rpartition(".")[2]


def outline(path: str, data: bytes) -> tuple[Symbol, ...]:
    """The definitions of a file in order of appearance, without those inside functions; () if no grammar is at hand."""
    language = language_of(path)
    return _outline(language, data) if language else ()


def candidates(path: str, data: bytes, dotted_name: str) -> tuple[Symbol, ...]:
    """Every symbol that `dotted_name` may mean: exact names before endings (`total` for `Cart.total`)."""
    wanted = dotted_name.strip().removesuffix("()").replace("::", ".").strip(".")
    symbols = outline(path, data)
    exact = tuple(symbol for symbol in symbols if symbol.name == wanted)
    found = exact or tuple(symbol for symbol in symbols if wanted and symbol.name.endswith(f".{wanted}"))
    return tuple(symbol for symbol in found if symbol.kind not in _WEAK) or found


def find(path: str, data: bytes, dotted_name: str) -> Symbol | None:
    """The one symbol that `dotted_name` (or a unique last part of it) means; None if there is none or several."""
    found = candidates(path, data, dotted_name)
    return found[0] if len(found) == 1 else None


def error_count(path: str, data: bytes) -> int | None:
    """Syntax errors: ERROR and MISSING nodes of the tree; None if no grammar is at hand."""
    language = language_of(path)
    return _error_count(language, data) if language else None


@functools.lru_cache(maxsize=4096)
def _outline(language: str, data: bytes) -> tuple[Symbol, ...]:
    walk = _Walk(RULES[language])
    return tuple(walk.below(parse(language, data).root_node, parent="", parent_kind="", depth=0))


@functools.lru_cache(maxsize=1024)
def _error_count(language: str, data: bytes) -> int:
    count = 0
    waiting = [parse(language, data).root_node]
    while waiting:
        node = waiting.pop()
        count += node.is_error or node.is_missing
        if node.has_error:
            waiting.extend(node.children)
    return count


@dataclass(frozen=True)
class _Walk:
    """A walk over one tree by the rules of its language."""

    rules: LanguageRules

    def below(self, node: Node, *, parent: str, parent_kind: str, depth: int) -> Iterator[Symbol]:
        """Symbols defined by the children of `node`, in order."""
        if depth > _MAX_DEPTH:
            return
        first_leading: Node | None = None
        for child in node.named_children:
            if child.type in self.rules.leading:
                first_leading = first_leading or child
                continue
            if "comment" in child.type:
                continue
            for symbol in self._at(child, parent=parent, parent_kind=parent_kind, depth=depth + 1):
                is_led = first_leading is not None and symbol.start == child.start_point.row + 1
                yield replace(symbol, start=first_leading.start_point.row + 1) if first_leading and is_led else symbol
            first_leading = None

    def _at(self, node: Node, *, parent: str, parent_kind: str, depth: int) -> Iterator[Symbol]:
        if (definition := self.rules.definitions.get(node.type)) is not None:
            yield from self._defined(node, definition, parent=parent, parent_kind=parent_kind, depth=depth)
        elif node.type in self.rules.wrappers:
            inside = list(self.below(node, parent=parent, parent_kind=parent_kind, depth=depth))
            direct = [symbol for symbol in inside if symbol.parent == parent]
            for symbol in inside:
                yield replace(symbol, **_range(node)) if direct == [symbol] else symbol
        elif node.type in self.rules.transparent:
            yield from self.below(node, parent=parent, parent_kind=parent_kind, depth=depth)

    def _defined(
        self, node: Node, definition: Definition, *, parent: str, parent_kind: str, depth: int
    ) -> Iterator[Symbol]:
        kind = definition.kind if isinstance(definition.kind, str) else definition.kind(node)
        names = definition.names(node)
        for name in names:
            yield Symbol(
                name=f"{parent}.{name}" if parent else name,
                kind=_kind_inside(kind, parent_kind),
                signature=_signature(node),
                parent=parent,
                **_range(node),
            )
        body = node.child_by_field_name("body")
        if definition.is_scope and names and body is not None:
            inner = f"{parent}.{names[0]}" if parent else names[0]
            yield from self.below(body, parent=inner, parent_kind=kind, depth=depth)


def _kind_inside(kind: str, parent_kind: str) -> str:
    if parent_kind in ("", "module"):
        return kind
    return {"function": "method", "constant": "field"}.get(kind, kind)


def _range(node: Node) -> dict[str, int]:
    """First and last line of a node; a node that ends with its line's LF ends on that line."""
    first, last = node.start_point, node.end_point
    past = last.column == 0 and last.row > first.row
    return {"start": first.row + 1, "end": last.row + (0 if past else 1)}


def _signature(node: Node) -> str:
    body = node.child_by_field_name("body")
    source = node.text or b""
    head = source[: body.start_byte - node.start_byte] if body is not None else source.partition(b"\n")[0]
    words = " ".join(head.decode("utf-8", "replace").split()).rstrip("{ ").rstrip()
    return words if len(words) <= _SIGNATURE_CHARS else words[: _SIGNATURE_CHARS - 1] + "…"
