"""Lines that belong together though no definition holds them: uses behind a definition, imports, statements.

Invariant: a pure function of path and bytes; a file in an unknown language, or one that the parser gives up, has none.
"""

import functools
import re
from collections.abc import Iterator, Sequence

from tree_sitter import Node

from hybridcode.repo.grammars import language_of, parse
from hybridcode.repo.symbols import Symbol, outline

_KEPT = 64
"""Answers that are remembered: a step asks about the same bytes again and again."""
_MOST_BLANKS = 2
"""Blank lines between a definition and a line that belongs to it."""
_MOST_LINES = 12
"""Lines that a definition may gain."""
_USING = re.compile(r"expression_statement|assignment|(?:^|_)call(?:_expression)?$|^command$|invocation")
"""Kinds of nodes that assign or call."""
_IMPORTING = re.compile(rb"\s*(?:import|from|use|using|require|require_once|include|#\s*include|alias)\b")
_REQUIRING = re.compile(rb"\s*(?:const|let|var)\b[^;]*=\s*require\s*\(")
_CONDITIONAL = re.compile(r"^(?:if|try)_statement$")
_BLOCK = re.compile(r"block$")
_STAND_IN = re.compile(rb"(?:pass|\w+\s*=\s*(?:None|True|False|null|undefined))\s*;?\s*$")
_MEMBER = re.compile(rb"[^=]*[.\[]")
"""Sets something inside something else, as `Cart.alias = total` does."""
_COMMENT = "comment"
_HOLDS_STATEMENTS = re.compile(
    r"block$|body$|(?:statement|declaration)_list$|^statements$|^module$|^program$|^source(?:_file)?$|^chunk$|^(?:translation|compilation)_unit$"
    r"|^compound_statement$|^stylesheet$"
)


@functools.lru_cache(maxsize=_KEPT)
def end_with_uses(path: str, data: bytes, symbol: Symbol) -> int:
    """The last line of a definition with the assignments and calls behind it that use its name, on the same level."""
    root = _root(path, data)
    node = _holding(root, symbol) if root is not None else None
    name = re.compile(rb"(?<!\w)" + re.escape(symbol.bare_name.encode()) + rb"(?!\w)")
    others = [other for other in outline(path, data) if other.name != symbol.name and other.parent == symbol.parent]
    end = symbol.end
    while node is not None and (node := node.next_named_sibling) is not None:
        first, last = _lines(node)
        if first - end > _MOST_BLANKS + 1 or last - symbol.end > _MOST_LINES or not _USING.search(node.type):
            break
        text = data[node.start_byte : node.end_byte]
        defines = any(first <= other.start <= last for other in others) and not _MEMBER.match(text)
        if first > end and (defines or not name.search(text)):
            break
        end = max(end, last)
    return end


@functools.lru_cache(maxsize=_KEPT)
def import_lines(path: str, data: bytes) -> tuple[int, int] | None:
    """The first run of imports; where there are none, what stands first in the file. None for an empty file."""
    root = _root(path, data)
    nodes = [node for node in root.named_children if _COMMENT not in node.type] if root is not None else []
    found = [_lines(node) for node in _first_run(nodes, data)]
    if found:
        return found[0][0], found[-1][1]
    if not nodes:
        return None
    first, last = _lines(nodes[0])
    is_definition = any(first <= symbol.start <= last for symbol in outline(path, data))
    return (first, first) if is_definition else (first, last)


@functools.lru_cache(maxsize=_KEPT)
def whole_statements(path: str, data: bytes, start: int, end: int) -> tuple[int, int]:
    """Lines `start`..`end` with the rest of the statements that they cut in two, if that is little."""
    node = _root(path, data)
    if node is None or node.has_error:
        return start, end
    found = start, end
    while node is not None:
        inside = [child for child in node.named_children if _lines(child)[0] <= end and start <= _lines(child)[1]]
        if _HOLDS_STATEMENTS.search(node.type) and inside:
            found = min(start, _lines(inside[0])[0]), max(end, _lines(inside[-1])[1])
        node = inside[0] if len(inside) == 1 and _lines(inside[0]) != (start, end) else None
    return found if start - found[0] <= _MOST_LINES and found[1] - end <= _MOST_LINES else (start, end)


def _first_run(nodes: Sequence[Node], data: bytes) -> Iterator[Node]:
    """Imports that follow each other, the first of them."""
    has_begun = False
    for node in nodes:
        text = data[node.start_byte : node.end_byte]
        if _IMPORTING.match(text) or _REQUIRING.match(text):
            has_begun = True
            yield node
        elif has_begun and _imports_alone(node, data):
            yield node
        elif has_begun:
            return


def _imports_alone(node: Node, data: bytes) -> bool:
    """A condition or an attempt that does nothing but import, or say what stands for an import that failed."""
    if not _CONDITIONAL.search(node.type):
        return False
    blocks = [child for child in _below(node) if _BLOCK.search(child.type)]
    inside = [child for block in blocks for child in block.named_children if _COMMENT not in child.type]
    texts = [data[child.start_byte : child.end_byte] for child in inside if not _CONDITIONAL.search(child.type)]
    return any(map(_IMPORTING.match, texts)) and all(_IMPORTING.match(one) or _STAND_IN.match(one) for one in texts)


def _below(node: Node) -> Iterator[Node]:
    for child in node.named_children:
        yield child
        yield from _below(child)


def _root(path: str, data: bytes) -> Node | None:
    language = language_of(path)
    tree = parse(language, data) if language is not None else None
    return tree.root_node if tree is not None else None


def _holding(root: Node, symbol: Symbol) -> Node | None:
    """The outermost node on the symbol's own lines."""
    nodes = [root]
    while nodes:
        node = next((node for node in nodes if _lines(node)[0] <= symbol.end <= _lines(node)[1]), None)
        if node is None or (symbol.start <= _lines(node)[0] and _lines(node)[1] <= symbol.end):
            return node
        nodes = node.named_children
    return None


def _lines(node: Node) -> tuple[int, int]:
    """First and last line, 1-based; a node that ends with its line's LF ends on that line."""
    first, _ = node.start_point
    last, column = node.end_point
    return first + 1, last + (0 if column == 0 and last > first else 1)
