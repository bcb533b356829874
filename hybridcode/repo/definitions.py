"""Which syntax nodes define something, for each language.

Invariant: tables and pure functions of one node; the walk over the tree is in symbols.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tree_sitter import Node

Names = Callable[[Node], tuple[str, ...]]
Kind = Callable[[Node], str]


@dataclass(frozen=True)
class Definition:
    """How one node type defines names."""

    kind: str | Kind
    names: Names
    is_scope: bool = False
    """Definitions inside its body belong to it."""


@dataclass(frozen=True)
class LanguageRules:
    """Everything the walk needs to know of one language."""

    definitions: Mapping[str, Definition]
    wrappers: frozenset[str] = frozenset()
    """Nodes that belong to the one definition inside them: decorators, `export`, a declaration of one name."""
    transparent: frozenset[str] = frozenset()
    """Nodes that are looked through: conditionals, blocks, `extern "C"`."""
    leading: frozenset[str] = frozenset()
    """Nodes before a definition that belong to it: attributes of Rust."""


def node_text(node: Node) -> str:
    """The source text of a node; broken bytes are replaced."""
    return (node.text or b"").decode("utf-8", "replace")


def by_field(name: str, *types: str) -> Names:
    """Names are the texts of the children in field `name`; other node types than `types` (if any) name nothing."""

    def names(node: Node) -> tuple[str, ...]:
        children = [child for child in node.children_by_field_name(name) if child.is_named]
        return tuple(node_text(child) for child in children if not types or child.type in types)

    return names


_NAME = by_field("name")


def _define(kind: str | Kind, names: Names = _NAME) -> Definition:
    return Definition(kind=kind, names=names)


def _scope(kind: str | Kind, names: Names = _NAME) -> Definition:
    return Definition(kind=kind, names=names, is_scope=True)


def _javascript_kind(node: Node) -> str:
    value = node.child_by_field_name("value")
    functions = ("arrow_function", "function_expression", "generator_function")
    return "function" if value is not None and value.type in functions else "constant"


def _receiver_names(node: Node) -> tuple[str, ...]:
    """`Cart.Total` of a Go method: its receiver's type without pointer and type arguments."""
    receiver = node.child_by_field_name("receiver")
    typed = receiver.named_children[0].child_by_field_name("type") if receiver and receiver.named_children else None
    owner = node_text(typed).lstrip("*").partition("[")[0] if typed else ""
    return tuple(f"{owner}.{name}" if owner else name for name in _NAME(node))


def _go_type_kind(node: Node) -> str:
    typed = node.child_by_field_name("type")
    return {"struct_type": "class", "interface_type": "interface"}.get(typed.type if typed else "", "type")


def _impl_names(node: Node) -> tuple[str, ...]:
    """The implemented type's bare name: methods of `impl Show for Cart<T>` are found as `Cart.show`."""
    typed = node.child_by_field_name("type")
    return (node_text(typed).partition("<")[0].rpartition("::")[2],) if typed else ()


_DECLARED = frozenset(
    {"identifier", "field_identifier", "type_identifier", "qualified_identifier", "destructor_name", "operator_name"}
)


def _declarator_names(node: Node) -> tuple[str, ...]:
    """What C declarators declare, with pointers, arrays, parameters and initial values taken off."""
    found: list[str] = []
    for declarator in node.children_by_field_name("declarator"):
        inner: Node | None = declarator
        while inner is not None and inner.type not in _DECLARED:
            named = inner.named_children
            inner = inner.child_by_field_name("declarator") or (
                named[0] if inner.type in ("reference_declarator", "parenthesized_declarator") and named else None
            )
        if inner is not None:
            found.append(node_text(inner).replace("::", "."))
    return tuple(found)


def _declaration_kind(node: Node) -> str:
    inner = node.child_by_field_name("declarator")
    while inner is not None and inner.type != "function_declarator":
        inner = inner.child_by_field_name("declarator")
    return "constant" if inner is None else "prototype"


def _field_declarators(node: Node) -> tuple[str, ...]:
    return tuple(name for child in node.children_by_field_name("declarator") for name in _NAME(child))


_TYPED_BODIES = ("struct_specifier", "class_specifier", "union_specifier", "enum_specifier")


def _named_with_body(node: Node) -> tuple[str, ...]:
    """A struct's name where it is defined; `struct Cart *x` only mentions it."""
    name = node.child_by_field_name("name")
    return (node_text(name).replace("::", "."),) if name and node.child_by_field_name("body") else ()


_C_DEFINITIONS: dict[str, Definition] = {
    "function_definition": _define("function", _declarator_names),
    "declaration": _define(_declaration_kind, _declarator_names),
    "field_declaration": _define(_declaration_kind, _declarator_names),
    "type_definition": _define("type", _declarator_names),
    "struct_specifier": _scope("class", _named_with_body),
    "union_specifier": _scope("class", _named_with_body),
    "enum_specifier": _define("enum", _named_with_body),
    "preproc_def": _define("constant"),
    "preproc_function_def": _define("macro"),
}
_C_TRANSPARENT = frozenset(
    {"preproc_ifdef", "preproc_if", "preproc_else", "preproc_elif", "linkage_specification", "declaration_list"}
)
_SCRIPT_DEFINITIONS: dict[str, Definition] = {
    "function_declaration": _define("function"),
    "generator_function_declaration": _define("function"),
    "class_declaration": _scope("class"),
    "method_definition": _define("function"),
    "field_definition": _define(_javascript_kind, by_field("property")),
    "variable_declarator": _define(_javascript_kind, by_field("name", "identifier")),
}
_SCRIPT_WRAPPERS = frozenset({"export_statement", "lexical_declaration", "variable_declaration"})
_TYPESCRIPT = LanguageRules(
    definitions={
        **_SCRIPT_DEFINITIONS,
        "abstract_class_declaration": _scope("class"),
        "public_field_definition": _define(_javascript_kind),
        "abstract_method_signature": _define("prototype"),
        "function_signature": _define("prototype"),
        "interface_declaration": _define("interface"),
        "type_alias_declaration": _define("type"),
        "enum_declaration": _define("enum"),
        "internal_module": _scope("module"),
        "module": _scope("module"),
    },
    wrappers=_SCRIPT_WRAPPERS | {"ambient_declaration", "expression_statement"},
)

RULES: Mapping[str, LanguageRules] = {
    "python": LanguageRules(
        definitions={
            "function_definition": _define("function"),
            "class_definition": _scope("class"),
            "assignment": _define("constant", by_field("left", "identifier")),
            "type_alias_statement": _define("type", by_field("left", "type")),
        },
        wrappers=frozenset({"decorated_definition", "expression_statement"}),
        transparent=frozenset(
            {
                "if_statement", "elif_clause", "else_clause", "try_statement", "except_clause", "finally_clause",
                "with_statement", "block",
            }
        ),
    ),
    "javascript": LanguageRules(definitions=_SCRIPT_DEFINITIONS, wrappers=_SCRIPT_WRAPPERS),
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "go": LanguageRules(
        definitions={
            "function_declaration": _define("function"),
            "method_declaration": _define("method", _receiver_names),
            "type_spec": _define(_go_type_kind),
            "type_alias": _define("type"),
            "const_spec": _define("constant"),
            "var_spec": _define("constant"),
        },
        wrappers=frozenset({"type_declaration", "const_declaration", "var_declaration"}),
        transparent=frozenset({"var_spec_list"}),
    ),
    "rust": LanguageRules(
        definitions={
            "function_item": _define("function"),
            "function_signature_item": _define("prototype"),
            "struct_item": _define("class"),
            "union_item": _define("class"),
            "enum_item": _define("enum"),
            "trait_item": _scope("interface"),
            "impl_item": _scope("impl", _impl_names),
            "mod_item": _scope("module"),
            "const_item": _define("constant"),
            "static_item": _define("constant"),
            "type_item": _define("type"),
            "macro_definition": _define("macro"),
        },
        leading=frozenset({"attribute_item"}),
    ),
    "java": LanguageRules(
        definitions={
            "class_declaration": _scope("class"),
            "record_declaration": _scope("class"),
            "enum_declaration": _scope("enum"),
            "interface_declaration": _scope("interface"),
            "annotation_type_declaration": _scope("interface"),
            "method_declaration": _define("function"),
            "constructor_declaration": _define("function"),
            "field_declaration": _define("constant", _field_declarators),
            "constant_declaration": _define("constant", _field_declarators),
        },
        transparent=frozenset({"enum_body_declarations"}),
    ),
    "c": LanguageRules(definitions=_C_DEFINITIONS, transparent=_C_TRANSPARENT),
    "cpp": LanguageRules(
        definitions={
            **_C_DEFINITIONS,
            "class_specifier": _scope("class", _named_with_body),
            "namespace_definition": _scope("module"),
            "alias_declaration": _define("type"),
            "concept_definition": _define("type"),
        },
        wrappers=frozenset({"template_declaration"}),
        transparent=_C_TRANSPARENT,
    ),
    "ruby": LanguageRules(
        definitions={
            "module": _scope("module"),
            "class": _scope("class"),
            "method": _define("function"),
            "singleton_method": _define("function"),
            "assignment": _define("constant", by_field("left", "constant")),
        },
        transparent=frozenset({"singleton_class", "body_statement"}),
    ),
    "bash": LanguageRules(
        definitions={"function_definition": _define("function"), "variable_assignment": _define("constant")},
        wrappers=frozenset({"declaration_command"}),
        transparent=frozenset({"if_statement", "else_clause", "elif_clause"}),
    ),
}  # fmt: skip
