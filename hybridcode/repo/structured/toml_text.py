"""Reads TOML by its grammar: tables, arrays of tables, and the long values in them.

Invariant: one level of the tree and one below it; nesting of values is never followed.
"""

import re
from collections import Counter

from tree_sitter import Node

from hybridcode.repo.structured.blocks import LONG, Block, Style, line_count, text_of
from hybridcode.repo.structured.wheels import parse

STYLE = Style(comments=(b"#",))

_BLANKS_AT_DOTS = re.compile(r"\s+(?=\.)|(?<=\.)\s+")


def blocks(data: bytes) -> list[Block]:
    """Tables, and keys that stand in none or in a long one."""
    found: list[Block] = []
    seen: Counter[str] = Counter()
    for node in parse("toml", data).root_node.named_children:
        if node.type == "pair":
            found.append(_pair(node, depth=0))
        elif node.type in ("table", "table_array_element"):
            found += _table(node, seen, data)
    return found


def _table(node: Node, seen: Counter[str], data: bytes) -> list[Block]:
    name = _key(node.named_child(0) or node)
    is_item = node.type == "table_array_element"
    if is_item:
        seen[name] += 1
        name = f"{name}[{seen[name] - 1}]"
    end = _without_comments(data, node.start_byte, node.end_byte)
    table = Block(name, "table", node.start_byte, depth=0, end=end, is_item=is_item)
    if line_count(data, table.start, end) <= LONG:
        return [table]
    pairs = (child for child in node.named_children if child.type == "pair")
    return [table, *(_pair(pair, depth=1) for pair in pairs if pair.start_point.row < pair.end_point.row)]


def _without_comments(data: bytes, start: int, end: int) -> int:
    """`end` without the blank lines and comment lines before it."""
    while (line_start := data.rfind(b"\n", start, end - 1) + 1) > 0:
        text = data[line_start:end].strip()
        if text and not text.startswith(b"#"):
            break
        end = line_start
    return end


def _pair(node: Node, *, depth: int) -> Block:
    key = node.named_children[0] if node.named_children else node
    return Block(_key(key), "key", node.start_byte, depth, end=node.end_byte)


def _key(node: Node) -> str:
    if node.type == "dotted_key":
        return _BLANKS_AT_DOTS.sub("", text_of(node.text or b""))
    return text_of(node.text or b"").strip("\"'")
