"""Small questions to a tree-sitter tree.

Invariant: pure functions of the tree.
"""

import re
from collections import Counter

from tree_sitter import Node

LOOP = 2
"""What a loop adds to the count of its variable."""
_SETTERS = frozenset({"read", "mapfile", "readarray", "printf", "getopts", "unset", "let", "eval", "local"})


def assignments(root: Node) -> Counter[str]:
    """How often each variable is assigned: a loop's and that of a command such as `read` count more than once."""
    counts: Counter[str] = Counter()
    todo = [root]
    while todo:
        node = todo.pop()
        todo += node.children
        name = node.child_by_field_name({"variable_assignment": "name", "for_statement": "variable"}.get(node.type, ""))
        if name is not None:
            counts[decoded(name.text)] += 1 if node.type == "variable_assignment" else LOOP
        if node.type in ("command", "unset_command", "declaration_command"):
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
