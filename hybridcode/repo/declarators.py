"""What the declarators of C and C++ declare: they nest without end, so no query can say it.

Invariant: a pure function of one node; what declares nothing gives nothing.
"""

from collections.abc import Iterator

from tree_sitter import Node

_NAMES = frozenset(
    {
        "identifier",
        "field_identifier",
        "type_identifier",
        "qualified_identifier",
        "destructor_name",
        "operator_name",
        "operator_cast",
        "template_function",
    }
)
_UNNAMED_STEPS = frozenset({"reference_declarator", "parenthesized_declarator", "attributed_declarator"})
"""Declarators whose inner declarator stands in no field."""


def declared(node: Node, kind: str) -> Iterator[tuple[Node, str]]:
    """Where the names of a definition stand, without pointers, arrays, parameters and initial values, and their kinds.

    A `declaration` is a prototype if it declares a function and a constant otherwise; other kinds stay as they are.
    """
    for declarator in node.children_by_field_name("declarator"):
        is_function = False
        inner: Node | None = declarator
        while inner is not None and inner.type not in _NAMES:
            is_function = is_function or inner.type == "function_declarator"
            inner = _inside(inner)
        if inner is not None:
            yield inner, ("prototype" if is_function else "constant") if kind == "declaration" else kind


def _inside(declarator: Node) -> Node | None:
    inner = declarator.child_by_field_name("declarator")
    if inner is None and declarator.type in _UNNAMED_STEPS and declarator.named_children:
        return declarator.named_children[0]
    return inner
