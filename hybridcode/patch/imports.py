"""One more import in a Python file.

Invariant: no other line changes, but for one that imports from the same module already and gains a name; the file's
line ends, byte order mark and last line stay as they are.
"""

import ast
import re
import sys
from collections.abc import Sequence

from hybridcode.patch.filetext import FileText, LineEdit
from hybridcode.patch.names import parsed

_Import = ast.Import | ast.ImportFrom
_FROM = re.compile(r"from (\S+) import (\w+)\Z")
_NAMES = re.compile(r"from (\S+) import (\w+(?:, \w+)*)\Z")
_LONGEST = 88
"""Characters of a line that gains a name."""


def with_import(data: bytes, line: str) -> bytes:
    """The file with an import statement of one line among those at its top; as it is where it cannot be read."""
    tree = parsed(data)
    if tree is None:
        return data
    file = FileText.of(data)
    if any("\r" in line for line in file.lines):
        return data  # Python counts its lines otherwise
    found = _first_imports(tree)
    if (edit := _joined(file, found, line)) is not None:
        return file.bytes_with([edit])
    if found:
        return file.bytes_with([_behind(found, line)])
    at = _head(tree, file)
    above = ("",) if at and file.lines[at - 1].strip() else ()
    below = ("",) if at < len(file.lines) and file.lines[at].strip() else ()
    is_definition = bool(below) and re.match(r"(?:@|class\b|(?:async\s+)?def\b)", file.lines[at])
    return file.bytes_with([LineEdit(at, at, (*above, line, *below * (2 if is_definition else 1)))])


def _first_imports(tree: ast.Module) -> list[_Import]:
    """The imports at the top of a module, as far as nothing else stands between them."""
    found: list[_Import] = []
    for node in tree.body:
        if isinstance(node, _Import):
            found.append(node)
        elif found or not _is_docstring(node):
            break
    return found


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _joined(file: FileText, found: Sequence[_Import], line: str) -> LineEdit | None:
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


def _behind(found: Sequence[_Import], line: str) -> LineEdit:
    """The line where it belongs in the order that imports are kept in: among those of its own package or, without one,
    of the standard library or else in the last group."""
    groups: list[list[_Import]] = []
    for node in found:
        is_next = groups and node.lineno == (groups[-1][-1].end_lineno or 0) + 1
        groups[-1].append(node) if is_next else groups.append([node])
    (new,) = _first_imports(ast.parse(line))
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


def _package(node: _Import) -> str:
    """The first part of what is imported from; of what stands beside the file, nothing but dots."""
    if isinstance(node, ast.Import):
        return node.names[0].name.partition(".")[0]
    return "." * node.level or (node.module or "").partition(".")[0]


def _rank(node: _Import) -> tuple[int, str]:
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
