"""What of a Python module runs as it is imported.

Invariant: a pure function of its tree; bodies of functions and classes are left out, and so is what only a type checker
or a direct start of the file gets to see.
"""

import ast
from collections.abc import Iterator, Sequence

ImportNode = ast.Import | ast.ImportFrom
_GIVES = frozenset({"exec", "globals", "vars", "locals", "setattr"})
"""Functions that can give a module names."""


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements in order; those inside of conditions, loops, `with` and `try` follow the one around them, however
    deep they lie: a long chain of `elif` lies deeper than Python lets functions call each other."""
    waiting = [*reversed(body)]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(_inside(node))


def _inside(node: ast.stmt) -> list[ast.stmt]:
    """The statements right inside of one that run as it does."""
    match node:
        case ast.If(test=test, orelse=orelse) if _is_for_others(test):
            return orelse
        case ast.If(body=inner, orelse=orelse) | ast.For(body=inner, orelse=orelse):
            return [*inner, *orelse]
        case ast.While(body=inner, orelse=orelse):
            return [*inner, *orelse]
        case ast.With(body=inner):
            return inner
        case ast.Try(body=inner) | ast.TryStar(body=inner):
            handled = [one for handler in node.handlers for one in handler.body]
            return [*inner, *handled, *node.orelse, *node.finalbody]
        case ast.Match(cases=cases):
            return [one for case in cases for one in case.body]
        case _:
            return []


def imports(tree: ast.Module) -> Iterator[ImportNode]:
    """The imports among them."""
    return (node for node in statements(tree.body) if isinstance(node, ImportNode))


def is_from_future(node: ast.stmt) -> bool:
    """It tells Python how to read the file, and has to stand first."""
    return isinstance(node, ast.ImportFrom) and node.module == "__future__" and not node.level


def may_give(tree: ast.Module, name: str) -> bool:
    """Another module can import the name from this one, as far as its text tells."""
    return any(name in _bound(node) or not _is_plain(node) for node in statements(tree.body))


def _bound(node: ast.stmt) -> set[str]:
    """Names that a statement binds by itself, not by those inside of it."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {one.asname or one.name.partition(".")[0] for one in names}
        case ast.AnnAssign(value=None):
            return set()
        case _:
            inside = (one for part in _heads(node) for one in ast.walk(part))
            return {one.id for one in inside if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def _heads(node: ast.stmt) -> Iterator[ast.AST]:
    """Parts of a statement that hold no further ones."""
    inner = ast.stmt | ast.ExceptHandler | ast.match_case
    return (part for part in ast.iter_child_nodes(node) if not isinstance(part, inner))


def _is_plain(node: ast.stmt) -> bool:
    """A statement gives no names but those that it spells."""
    match node:
        case ast.ImportFrom(names=[ast.alias(name="*")]) | ast.FunctionDef(name="__getattr__"):
            return False
        case _:
            calls = (one for part in _heads(node) for one in ast.walk(part) if isinstance(one, ast.Call))
            return not any(isinstance(call.func, ast.Name) and call.func.id in _GIVES for call in calls)


def _is_for_others(test: ast.expr) -> bool:
    """A condition that does not hold as the module is imported."""
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
            return True
        case ast.Compare(ops=[ast.Eq()], comparators=[ast.Name(id="__name__")]):
            return True
        case _:
            return False
