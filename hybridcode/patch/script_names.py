"""Names of a JavaScript or TypeScript file that nothing in it defines.

Invariant: a pure function of language and bytes. Scopes are not told apart: a name that is bound anywhere in the file
counts as defined everywhere in it, so what is found is rather too little. Types are not looked at.
"""

import functools
import re
from collections.abc import Iterator

from tree_sitter import Node

from hybridcode.repo.grammars import parse

LANGUAGES = frozenset({"javascript", "typescript", "tsx"})
_KEPT = 64
_MOST_BYTES = 300_000
_BINDS: dict[str, tuple[str, ...]] = {
    "variable_declarator": ("name",),
    "function_declaration": ("name",),
    "generator_function_declaration": ("name",),
    "function_expression": ("name",),
    "generator_function": ("name",),
    "function_signature": ("name",),
    "class_declaration": ("name",),
    "abstract_class_declaration": ("name",),
    "class": ("name",),
    "enum_declaration": ("name",),
    "internal_module": ("name",),
    "module": ("name",),
    "import_specifier": ("name", "alias"),
    "arrow_function": ("parameter",),
    "required_parameter": ("pattern", "name"),
    "optional_parameter": ("pattern", "name"),
    "index_signature": ("name",),
    "catch_clause": ("parameter",),
    "for_in_statement": ("left",),
    "assignment_expression": ("left",),
    "assignment_pattern": ("left",),
    "pair_pattern": ("value",),
    "object_assignment_pattern": ("left",),
}
"""Fields of nodes whose identifier is bound there. What is assigned without a declaration counts as well."""
_BINDS_ALL = frozenset(
    {"formal_parameters", "import_clause", "namespace_import", "import_require_clause", "import_alias", "array_pattern"}
    | {"rest_pattern", "object_pattern", "function_type", "ambient_declaration", "namespace_export"}
)
"""Nodes of which every identifier is bound, or is no use of a name."""
_MODULE = frozenset({"import_statement", "export_statement"})
_SURROUNDINGS = """
AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError
FinalizationRegistry Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl Iterator JSON
Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer String Symbol
SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet
WebAssembly arguments undefined decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval
globalThis isFinite isNaN parseFloat parseInt require module exports __dirname __filename process global Buffer Deno
Bun AbortController AbortSignal Blob BroadcastChannel CustomEvent DOMException DOMParser Event EventSource EventTarget
File FileReader FormData Headers Image IntersectionObserver KeyboardEvent MessageChannel MouseEvent MutationObserver
Node Notification Option PerformanceObserver Request ResizeObserver Response TextDecoder TextEncoder URL
URLSearchParams WebSocket Worker XMLHttpRequest Element HTMLElement ReadableStream WritableStream TransformStream
alert atob btoa caches cancelAnimationFrame clearImmediate clearInterval clearTimeout confirm console crypto
customElements document fetch getComputedStyle history indexedDB localStorage location matchMedia navigator
performance prompt queueMicrotask requestAnimationFrame requestIdleCallback screen self sessionStorage setImmediate
setInterval setTimeout structuredClone window React JSX CSS FileList DataTransfer Audio NodeList ImageData
addEventListener removeEventListener postMessage importScripts getSelection scrollTo defineProps defineEmits
defineExpose withDefaults Cypress jasmine spyOn afterAll afterEach assert before after beforeAll beforeEach cy
describe expect it jest suite test vi xdescribe xit $ jQuery chrome browser
"""
"""Names that the language, its usual surroundings and test runners define."""


_KNOWN = frozenset(_SURROUNDINGS.split())
_KIND_OF_PAGE = re.compile(r"(?:HTML|SVG)\w*Element|[A-Z]\w*Event|(?:DOM|CSS|IDB|RTC|WebGL)\w*")
"""Names of a page's own kinds of things, of which there are hundreds."""
_DECLARED = re.compile(rb"/\*\s*globals?\s([^*]*)\*/")
_NAME = re.compile(rb"[\w$]+")


@functools.lru_cache(maxsize=_KEPT)
def unbound(language: str, data: bytes) -> tuple[str, ...] | None:
    """Names that are used and not defined, in order; None where that cannot be told: the file does not parse, or is no
    module, so that other files define names for it."""
    tree = parse(language, data) if len(data) <= _MOST_BYTES else None
    if tree is None or tree.root_node.has_error:
        return None
    declared = (name for found in _DECLARED.findall(data) for name in _NAME.findall(found))
    bound, used = {name.decode("utf-8", "replace") for name in declared}, dict[str, None]()
    is_module = any(child.type in _MODULE for child in tree.root_node.named_children)
    for node in _identifiers(tree.root_node):
        name = data[node.start_byte : node.end_byte].decode("utf-8", "replace")
        is_module = is_module or name in ("require", "module")
        if node.type == "shorthand_property_identifier_pattern" or _is_bound(node):
            bound.add(name)
        elif not _is_no_use(node, name):
            used[name] = None
    known = bound | _KNOWN
    return (
        tuple(name for name in used if name not in known and not _KIND_OF_PAGE.fullmatch(name)) if is_module else None
    )


def _identifiers(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in ("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"):
            yield node
        waiting += reversed(node.children)


def _is_bound(node: Node) -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type in _BINDS_ALL:
        return True
    return any(parent.child_by_field_name(field) == node for field in _BINDS.get(parent.type, ()))


def _is_no_use(node: Node, name: str) -> bool:
    """A tag of the page's own language, a name that is only asked about, or one that another module has."""
    parent = node.parent
    if parent is None or parent.type in ("export_specifier", "typeof_type", "type_query"):
        return True
    if parent.type.startswith("jsx_"):
        return name[:1].islower() and parent.type != "jsx_expression"
    return parent.type == "unary_expression" and any(child.type == "typeof" for child in parent.children)
