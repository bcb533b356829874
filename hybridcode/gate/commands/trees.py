"""Small questions to a tree-sitter tree.

Invariant: pure functions of the tree.
"""

from collections import Counter

from tree_sitter import Node


def assignments(root: Node) -> Counter[str]:
    """How often each variable is assigned; a loop's variable counts as often."""
    counts: Counter[str] = Counter()
    todo = [root]
    while todo:
        node = todo.pop()
        todo += node.children
        name = node.child_by_field_name({"variable_assignment": "name", "for_statement": "variable"}.get(node.type, ""))
        if name is not None:
            counts[decoded(name.text)] += 1 if node.type == "variable_assignment" else 2
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
