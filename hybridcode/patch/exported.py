"""What a Python file lists in `__all__`: entries that a change makes stand twice, or that stand for nothing.

Invariant: a pure function of path and bytes; only what the change made so is told. A list that is not spelled out, and
a file that makes names in ways that only running it tells, says nothing.
"""

import ast
from collections.abc import Iterator

from hybridcode.patch.names import bound_on_top, is_python, parsed

FOR_NOTHING = "is in __all__ and neither defined nor imported"
"""Of an entry: the list may be wrong, or the file."""


def misfits(path: str, before: bytes | None, after: bytes | None) -> tuple[str, ...]:
    """What is wrong with the entries of `after`, each as a sentence without its end."""
    if not after or not is_python(path):
        return ()
    new, old = _entries(after), _entries(before or b"")
    if new is None or old is None:
        return ()
    twice = (name for name in dict.fromkeys(new) if new.count(name) > max(1, old.count(name)))
    return (*(f"{name} stands twice in __all__" for name in twice), *_empty(path, before or b"", after, old, new))


def _empty(path: str, before: bytes, after: bytes, old: list[str], new: list[str]) -> Iterator[str]:
    """Entries that stand for nothing."""
    has, had = bound_on_top(after), bound_on_top(before)
    if has is None or had is None:
        return
    may_be_module = path.rpartition("/")[2].startswith("__init__.") and (not before or not had.issuperset(old))
    for name in dict.fromkeys(new):
        if name in has:
            continue
        if name in had:
            yield f"{name} is deleted and still in __all__" if name in old else _nothing(name)
        elif name not in old and not (may_be_module and name.islower()):
            yield _nothing(name)


def _nothing(name: str) -> str:
    return f"{name} {FOR_NOTHING}"


def _entries(data: bytes) -> list[str] | None:
    """The entries in order, none where there is no list; None where they are not spelled out."""
    tree = parsed(data)
    if tree is None:
        return None
    found: list[str] = []
    for node in tree.body:
        match node:
            case ast.Assign(targets=[target], value=value) if _is_the_list(target):
                more, found = _spelled(value), []
            case ast.AnnAssign(target=target, value=ast.expr() as value) if _is_the_list(target):
                more, found = _spelled(value), []
            case ast.AugAssign(target=target, value=value) if _is_the_list(target):
                more = _spelled(value)
            case ast.Expr(ast.Call(ast.Attribute(base, "extend"), [value])) if _is_the_list(base):
                more = _spelled(value)
            case ast.Expr(ast.Call(ast.Attribute(base, "append"), [value])) if _is_the_list(base):
                more = _spelled(ast.List([value]))
            case _ if any(map(_is_the_list, ast.walk(node))):
                return None
            case _:
                continue
        if more is None:
            return None
        found += more
    return found


def _spelled(value: ast.expr) -> list[str] | None:
    if not isinstance(value, ast.List | ast.Tuple):
        return None
    names = [one.value for one in value.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return names if len(names) == len(value.elts) else None


def _is_the_list(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "__all__"
