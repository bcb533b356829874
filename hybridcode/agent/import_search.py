"""Which import statement a name needs, as far as the other files of the tree tell it plainly.

Invariant: a pure function of the name, the file and the tree; there is one only where every file that imports the name
means the same, or where it is a module of the standard library that the tree has no other for.
"""

import ast
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from hybridcode.agent.kinds import is_test
from hybridcode.domain.errors import RepoError
from hybridcode.patch.names import is_python, parsed, uses_as_module
from hybridcode.repo.snapshot import Snapshot

_LIBRARY = frozenset(
    (
        "argparse", "ast", "asyncio", "base64", "bisect", "collections", "contextlib", "csv", "dataclasses",
        "datetime", "enum", "functools", "hashlib", "heapq", "importlib", "itertools", "json", "logging", "math",
        "os", "pathlib", "pickle", "random", "re", "shlex", "shutil", "sqlite3", "subprocess", "sys", "tempfile",
        "textwrap", "threading", "time", "traceback", "typing", "unicodedata", "urllib", "uuid", "warnings",
        "zipfile",
    )
)  # fmt: skip
"""Modules that a name with a dot behind it means where nothing in the tree says otherwise; no words that variables are
often called by."""
_MOST_FILES = 4_000
"""Python files of a tree that are read for a name."""
_MOST_USERS = 100
"""Files that may import a name which are taken apart, in order of path; more would say the same, and take long."""


class Plain(NamedTuple):
    """The statement that a name needs."""

    line: str
    why: str


class _Import(NamedTuple):
    """How one file imports a name."""

    file: str
    module: str
    """Dotted; of an import from beside the file, from the tree's top. Empty: the name itself is the module."""
    name: str
    alias: str
    line: str
    is_relative: bool


def import_for(name: str, path: str, data: bytes, tree: Snapshot) -> Plain | None:
    """The statement that a name needs which `data`, the file at `path`, uses without defining it; None where none is
    plain, or the tree has too many files to be sure.
    """
    files = [file for file, entry in tree.files.items() if entry.kind == "text" and is_python(file) and file != path]
    if len(files) > _MOST_FILES:
        return None
    try:
        return _plain(name, path, data, tree, files)
    except RepoError:  # a file is gone meanwhile
        return None


def _plain(name: str, path: str, data: bytes, tree: Snapshot, files: Sequence[str]) -> Plain | None:
    users = islice(_users(name, path, tree, files), _MOST_USERS)
    found = [one for file in users for one in _imports(name, file, tree.read(file))]
    if not found:
        is_meant = name in _LIBRARY and not _files_of(name, tree) and uses_as_module(data, name)
        return Plain(f"import {name}", "a module of the standard library") if is_meant else None
    longest = max((one.module for one in found), key=len)
    if len({(one.name, one.alias) for one in found}) > 1 or not all(_is_same(one.module, longest) for one in found):
        return None
    folder = path.rpartition("/")[0]
    written = [one.line for one in found if not one.is_relative]
    written += [one.line for one in found if one.is_relative and one.file.rpartition("/")[0] == folder]
    if not written or any(file == path or _imports_from(file, path, tree) for file in _files_of(longest, tree)):
        return None
    others = len({one.file for one in found})
    return Plain(max(written, key=written.count), f"as {others} other file{'s have' if others > 1 else ' has'} it")


def _users(name: str, path: str, tree: Snapshot, files: Sequence[str]) -> Iterator[str]:
    """Files whose imports may hold a name; what tests import counts for tests alone."""
    for file in files:
        if is_test(file) and not is_test(path):
            continue
        data = tree.read(file)
        if name.encode() in data and b"import" in data:
            yield file


def _imports(name: str, file: str, data: bytes) -> Iterator[_Import]:
    """The statements at the top of a file that bind a name."""
    module = parsed(data)
    for node in module.body if module is not None else ():
        for one in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            renamed = f" as {one.asname}" if one.asname else ""
            match node:
                case ast.Import() if (one.asname or one.name) == name:
                    yield _Import(file, one.name, "", one.asname or "", f"import {one.name}{renamed}", False)
                case ast.ImportFrom(level=level) if (one.asname or one.name) == name:
                    written = f"{'.' * level}{node.module or ''}"
                    line = f"from {written} import {one.name}{renamed}"
                    source = _absolute(file, node)
                    yield _Import(file, source, one.name, one.asname or "", line, level > 0)
                case _:
                    pass


def _absolute(file: str, node: ast.ImportFrom) -> str:
    """The dotted name of the module that something is imported from."""
    if not node.level:
        return node.module or ""
    folders = file.split("/")[: -node.level]
    return ".".join((*folders, *((node.module,) if node.module else ())))


def _is_same(module: str, longest: str) -> bool:
    """One module, which is written from different roots."""
    return module == longest or longest.endswith(f".{module}")


def _files_of(module: str, tree: Snapshot) -> tuple[str, ...]:
    """Files of the tree that a dotted module may be."""
    stem = module.replace(".", "/")
    ends = (f"{stem}.py", f"{stem}/__init__.py")
    return tuple(file for file in tree.files if file in ends or file.endswith(tuple(f"/{end}" for end in ends)))


def _imports_from(file: str, path: str, tree: Snapshot) -> bool:
    """A file imports from the one at `path`, so that an import of the former there would lead in a circle."""
    module = parsed(tree.read(file))
    stem = path.removesuffix("/__init__.py").rpartition("/")[2].partition(".")[0]
    for node in ast.walk(module) if module is not None else ():
        match node:
            case ast.Import(names=names) if any(one.name.rpartition(".")[2] == stem for one in names):
                return True
            case ast.ImportFrom(module=source, names=names):
                if (source or "").rpartition(".")[2] == stem or any(one.name == stem for one in names):
                    return True
            case _:
                pass
    return False
