"""Small questions to a tree-sitter tree.

Invariant: pure functions of the tree.
"""

import re
from collections import Counter

from tree_sitter import Node

LOOP = 2
"""What a loop adds to the count of its variable."""
_BLANKS = re.compile(r"(?:[ \t\n]|\\\n)*")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_ENDS_A_WORD = re.compile(r"[\s;|&<>()'\"`]")
_SUBSTITUTIONS = frozenset({"command_substitution", "process_substitution"})
_ASSIGNS = {"variable_assignment": "name", "for_statement": "variable"}
_NAMES_VARIABLES = frozenset({"command", "unset_command", "declaration_command"})
_SETTERS = frozenset({"read", "mapfile", "readarray", "printf", "getopts", "unset", "let", "eval", "local"})


def assignments(root: Node) -> Counter[str]:
    """How often each variable is assigned: a loop's and that of a command such as `read` count more than once."""
    counts: Counter[str] = Counter()
    todo = [root]
    while todo:
        node = todo.pop()
        todo += node.children
        kind = node.type
        name = node.child_by_field_name(_ASSIGNS[kind]) if kind in _ASSIGNS else None
        if name is not None:
            counts[decoded(name.text)] += 1 if kind == "variable_assignment" else LOOP
        if kind in _NAMES_VARIABLES:
            words = [decoded(child.text) for child in node.children]
            if not _SETTERS.isdisjoint(re.sub(r"[\"'\\]", "", word) for word in words):
                counts.update(dict.fromkeys(words, LOOP + 1))
    return counts


def decoded(text: bytes | None) -> str:
    """Source text."""
    return (text or b"").decode("utf-8", "replace")


def is_straight(node: Node) -> bool:
    """True for a statement that runs exactly once, before everything after it."""
    parent = node.parent
    while parent is not None and parent.type == "list" and parent.named_children[0] == node:
        node, parent = parent, parent.parent
    return parent is not None and parent.type == "program"


def has_hidden_seam(root: Node, text: str, words: frozenset[str]) -> bool:
    """True where the tree passes over more than blanks, or makes two words of what bash takes for one."""
    todo: list[tuple[Node, int]] = [(root, -1)]
    end, before = 0, -1
    while todo:
        node, word = todo.pop()
        if word < 0 and node.type in words:
            word = node.start_byte
        if node.child_count:
            inner = -1 if node.type in _SUBSTITUTIONS else word
            todo += [(child, inner) for child in reversed(node.children)]
            continue
        if node.start_byte > end and not _BLANKS.fullmatch(text, end, node.start_byte):
            return True
        if node.start_byte == end and -1 < before < word:
            return True
        if node.type == "word" and _ENDS_A_WORD.search(_ESCAPED.sub("", text[node.start_byte : node.end_byte])):
            return True
        end, before = max(end, node.end_byte), word
    return not _BLANKS.fullmatch(text, end)
