"""One more import in a Python file.

Invariant: no other line changes, but for one that imports from the same module already and gains a name; the file's
line ends, byte order mark and last line stay as they are. What has to come first does: a docstring, imports from the
future, and for what is not of the standard library the lines that make imports work. There is no place where the file
would say anything else than before, or would use the name before it is there.
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from hybridcode.patch.at_import import ImportNode, is_from_future, statements
from hybridcode.patch.filetext import FileText, LineEdit
from hybridcode.patch.names import parsed

_FROM = re.compile(r"from (\S+) import (\w+)\Z")
_NAMES = re.compile(r"from (\S+) import (\w+(?:, \w+)*)\Z")
_NOQA = re.compile(r"  [#] noqa\b.*\Z")
_LONGEST = 88
"""Characters of a line that gains a name."""
_WAYS = re.compile(r"(?:sys\.path|os\.environ|os\.putenv|(?:.*\.)?(?:addsitedir|importorskip))\Z")
"""What makes a statement one that the imports behind it are in need of, wherever it stands."""


class _Setup(NamedTuple):
    """Where imports go that have to stand behind other statements."""

    line: int
    """Lines up to the last of these statements."""
    found: list[ImportNode]
    """The imports behind them, as far as nothing else stands between."""
    before: list[ast.stmt]
    """What stands in front of the place."""


def place_import(data: bytes, line: str) -> LineEdit | None:
    """Where an import statement of one line goes in a file; None where there is no place for it, or no need."""
    tree, file = parsed(data), FileText.of(data)
    if tree is None or any("\r" in line for line in file.lines):
        return None  # Python counts its lines otherwise
    new = _statement(line)
    top = _run(tree.body)
    if _spelled(new) <= {one for node in tree.body if isinstance(node, ImportNode) for one in _spelled(node)}:
        return None
    setup = _setup(tree.body)
    if setup is None or _package(new) in sys.stdlib_module_names or any(_is_of_one(node, new) for node in top):
        edit = _edit_on_top(tree, file, top, line)
    elif any(name in _names(node) for node in setup.before for name in _bound(new)):
        return None
    elif setup.found:
        edit = _joined(file, setup.found, line) or _behind(setup.found, _as_neighbours(file, setup.found, line))
    else:
        edit = _on_its_own(file, setup.line, line)
    return edit if _is_only_more(tree, parsed(file.bytes_with([edit])), new) else None


def place_on_top(data: bytes, line: str) -> LineEdit | None:
    """Where it goes among the imports at the very top: so records of sessions mean it which do not say where."""
    tree, file = parsed(data), FileText.of(data)
    if tree is None or any("\r" in line for line in file.lines):
        return None
    return _edit_on_top(tree, file, _run(tree.body), line)


def _statement(line: str) -> ImportNode:
    node = ast.parse(line).body[0]
    assert isinstance(node, ImportNode), line
    return node


def _edit_on_top(tree: ast.Module, file: FileText, found: Sequence[ImportNode], line: str) -> LineEdit:
    if found:
        return _joined(file, found, line) or _behind(found, line)
    return _on_its_own(file, _head(tree, file), line)


def _on_its_own(file: FileText, at: int, line: str) -> LineEdit:
    """The line with what stands around it set apart."""
    above = ("",) if at and file.lines[at - 1].strip() else ()
    below = ("",) if at < len(file.lines) and file.lines[at].strip() else ()
    is_definition = bool(below) and re.match(r"(?:@|class\b|(?:async\s+)?def\b)", file.lines[at])
    return LineEdit(at, at, (*above, line, *below * (2 if is_definition else 1)))


def _run(body: Sequence[ast.stmt]) -> list[ImportNode]:
    """The imports that a body begins with, as far as nothing else stands between them."""
    found: list[ImportNode] = []
    for node in body:
        if isinstance(node, ImportNode):
            found.append(node)
        elif found or not _is_docstring(node):
            break
    return found


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _setup(body: Sequence[ast.stmt]) -> _Setup | None:
    """Where imports go behind the last statement that makes them work; None where there is none of that kind.

    Such a statement changes something that is not the module's own. It counts in front of all definitions if an import
    stands behind it there; one that is known for what it does counts there anyhow, and in front of any import.
    """
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    head = next((at for at, node in enumerate(body) if isinstance(node, kinds)), len(body))
    last = max((at for at, node in enumerate(body) if isinstance(node, ImportNode)), default=-1)
    last_of_head = max((at for at in range(head) if isinstance(body[at], ImportNode)), default=-1)
    found = [
        at
        for at, node in enumerate(body)
        if (at < last_of_head and _acts(node)) or (at < max(last, head) and _is_way(node))
    ]
    if not found:
        return None
    at = behind = found[-1] + 1
    while at < len(body) and not isinstance(body[at], ImportNode | kinds):
        at += 1
    imports = _run(body[at:]) if at < len(body) and isinstance(body[at], ImportNode) else []
    return _Setup(body[behind - 1].end_lineno or 0, imports, list(body[: at if imports else behind]))


def _acts(node: ast.stmt) -> bool:
    """A statement, or one inside of it, changes what is not the module's own."""
    return any(True for _ in _changed(node))


def _is_way(node: ast.stmt) -> bool:
    return any(_WAYS.match(_dotted(part)) for one in _changed(node) for part in ast.walk(one))


def _dotted(node: ast.AST) -> str:
    """A name, or the last two parts of a dotted one; empty for anything else."""
    match node:
        case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
            return f"{owner}.{name}"
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _changed(node: ast.stmt) -> Iterator[ast.expr]:
    """What is called for its effect or assigned to in a statement, or in those inside of it, other than names."""
    for one in statements([node]):
        match one:
            case (
                ast.Expr(value=ast.Call(func=func))
                | ast.Assign(value=ast.Call(func=ast.Attribute(attr="importorskip") as func))
            ):
                yield func
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                yield from (target for target in targets if isinstance(target, ast.Attribute | ast.Subscript))
            case ast.AugAssign(target=ast.Attribute() | ast.Subscript() as target):
                yield target
            case _:
                pass


def _joined(file: FileText, found: Sequence[ImportNode], line: str) -> LineEdit | None:
    """A line that imports from the same module already, with one more name; None where there is none of that form."""
    wanted = _FROM.match(line)
    for node in found:
        has = _NAMES.match(file.lines[node.lineno - 1])
        if wanted is None or has is None or has[1] != wanted[1]:
            continue
        names = has[2].split(", ")
        at = len(names)
        if names == sorted(names, key=str.lower):
            at = sum(name.lower() < wanted[2].lower() for name in names)
        text = f"from {has[1]} import {', '.join([*names[:at], wanted[2], *names[at:]])}"
        if len(text) <= _LONGEST:
            return LineEdit(node.lineno - 1, node.lineno, (text,))
    return None


def _as_neighbours(file: FileText, found: Sequence[ImportNode], line: str) -> str:
    """The line with the word to linters that all of its neighbours have."""
    said = {mark[0] if (mark := _NOQA.search(file.lines[(node.end_lineno or 1) - 1])) else "" for node in found}
    return line + said.pop() if len(said) == 1 else line


def _behind(found: Sequence[ImportNode], line: str) -> LineEdit:
    """The line where it belongs in the order that imports are kept in: among those of its own package or, without one,
    of the standard library or else in the last group."""
    groups: list[list[ImportNode]] = []
    for node in found:
        is_next = groups and node.lineno == (groups[-1][-1].end_lineno or 0) + 1
        groups[-1].append(node) if is_next else groups.append([node])
    new = _statement(line)
    package, is_library = _package(new), _package(new) in sys.stdlib_module_names
    own = [group for group in groups if any(_package(node) == package for node in group)]
    alike = [group for group in groups if is_library and any(_package(n) in sys.stdlib_module_names for n in group)]
    group = [*groups[-1:], *alike[-1:], *own[-1:]][-1]
    if all(_package(node) == "__future__" for node in group):
        at = group[-1].end_lineno or 0
        return LineEdit(at, at, ("", line))
    before = [node for node in group if _rank(node) <= _rank(new)]
    first = group[0]
    is_first = first.col_offset == 0  # else it shares its line with a docstring, or an import that has to stay first
    at = (before[-1].end_lineno or 0) if before else first.lineno - 1 if is_first else first.end_lineno or 0
    return LineEdit(at, at, (line,))


def _package(node: ImportNode) -> str:
    """The first part of what is imported from; of what stands beside the file, nothing but dots."""
    if isinstance(node, ast.Import):
        return node.names[0].name.partition(".")[0]
    return "." * node.level or (node.module or "").partition(".")[0]


def _rank(node: ImportNode) -> tuple[int, str]:
    """`import` before `from`, and what stands beside the file last."""
    match node:
        case ast.Import(names=names):
            return 1, names[0].name.lower()
        case ast.ImportFrom(module="__future__"):
            return 0, ""
        case ast.ImportFrom(level=0, module=module):
            return 2, (module or "").lower()
        case ast.ImportFrom(module=module):
            return 3, (module or "").lower()


def _head(tree: ast.Module, file: FileText) -> int:
    """The line index behind a docstring or, without one, behind the comments at the top."""
    if tree.body and _is_docstring(tree.body[0]):
        return tree.body[0].end_lineno or 0
    return next((at for at, line in enumerate(file.lines) if not line.startswith("#")), len(file.lines))


def _is_of_one(node: ImportNode, other: ImportNode) -> bool:
    """Both import from one and the same module, so that one of them finds it where the other did."""
    if isinstance(node, ast.ImportFrom) and isinstance(other, ast.ImportFrom):
        return (node.level, node.module) == (other.level, other.module)
    return isinstance(node, ast.Import) and isinstance(other, ast.Import) and _modules(other) <= _modules(node)


def _modules(node: ast.Import) -> set[str]:
    return {one.name for one in node.names}


def _bound(node: ImportNode) -> set[str]:
    """Names that an import binds."""
    return {one.asname or one.name.partition(".")[0] for one in node.names}


def _names(node: ast.stmt) -> set[str]:
    """All names in a statement, whether they are used as it runs or later."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


_Spelled = tuple[str, int, str, str]


def _spelled(node: ImportNode) -> set[_Spelled]:
    """What an import says: module, level, name and alias."""
    if isinstance(node, ast.Import):
        return {("", -1, one.name, one.asname or "") for one in node.names}
    return {(node.module or "", node.level, one.name, one.asname or "") for one in node.names}


def _is_only_more(old: ast.Module, new: ast.Module | None, line: ImportNode) -> bool:
    """The new text says what the old one did, and the import; what has to stand first does."""
    if new is None or ast.get_docstring(old, clean=False) != ast.get_docstring(new, clean=False):
        return False
    if list(_form(_others(old))) != list(_form(_others(new))):
        return False
    had, has = [*_all_spelled(old), *_spelled(line)], _all_spelled(new)
    future = [at for at, node in enumerate(new.body) if is_from_future(node)]
    head = new.body[: future[-1]] if future else []
    return sorted(had) == sorted(has) and all(_is_docstring(node) or is_from_future(node) for node in head)


def _others(tree: ast.Module) -> list[ast.stmt]:
    return [node for node in tree.body if not isinstance(node, ImportNode)]


def _form(body: Sequence[ast.stmt]) -> Iterator[tuple[object, ...]]:
    """What tells statements apart, wherever they stand: each node's kind and fields, with the kinds of those below."""
    for node in (one for statement in body for one in ast.walk(statement)):
        yield type(node), *(_field(value) for _, value in ast.iter_fields(node))


def _field(value: object) -> object:
    if isinstance(value, list):
        return [_field(one) for one in cast("list[object]", value)]
    return type(value) if isinstance(value, ast.AST) else repr(value)


def _all_spelled(tree: ast.Module) -> list[_Spelled]:
    return [one for node in tree.body if isinstance(node, ImportNode) for one in _spelled(node)]
