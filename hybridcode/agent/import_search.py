"""Which import statement a name needs, as far as the other files of the tree tell it plainly.

Invariant: a pure function of the name, the file and the tree; there is one only where every file that imports the name
means the same and this file can import it too, or where it is a module of the standard library that the tree has no
other for. Files of tests are imported into tests alone.
"""

import ast
import re
from collections.abc import Iterator, Sequence, Set
from itertools import islice, takewhile
from typing import NamedTuple

from hybridcode.agent.kinds import is_test
from hybridcode.agent.modules import Module, Modules, Unclear
from hybridcode.domain.errors import RepoError
from hybridcode.patch.at_import import imports, is_from_future
from hybridcode.patch.names import is_python, uses_as_module
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
"""Files that may import a name which are taken apart, the nearest first; more would say the same, and take long."""


class Plain(NamedTuple):
    """The statement that a name needs."""

    line: str
    why: str


class Circle(NamedTuple):
    """A name whose import at the top of a file would lead back to that file."""

    name: str
    file: str
    """Where the name comes from; empty where that is not for everybody."""


class _Import(NamedTuple):
    """How one file imports a name."""

    file: str
    source: Module | None
    """Where it comes from; None where that is no file of the tree."""
    module: str
    """Dotted, as it is written, with the dots of what stands beside the file."""
    name: str
    """Empty where the module itself is what is imported."""
    alias: str
    line: str
    is_at_top: bool
    """It is in no condition or `try`: what is tells only that the name may mean something else."""
    is_module: bool = False
    """What is imported from it is a file of its own, not something in one."""

    @property
    def is_relative(self) -> bool:
        """It is written from where the file stands."""
        return self.module.startswith(".")

    @property
    def meaning(self) -> tuple[str, str, str]:
        """Equal for imports of the same thing under the same name."""
        folder = self.file.rpartition("/")[0] if self.is_relative else ""
        return self.source.file if self.source else f"{folder} {self.module}", self.name, self.alias


def import_for(name: str, path: str, data: bytes, tree: Snapshot) -> Plain | Circle | None:
    """The statement that a name needs which `data`, the file at `path`, uses without defining it; None where none is
    plain, or the tree has too many files to be sure.
    """
    files = [file for file, entry in tree.files.items() if entry.kind == "text" and is_python(file) and file != path]
    if len(files) > _MOST_FILES:
        return None
    try:
        return _plain(name, path, data, Modules(tree), files)
    except (RepoError, Unclear):  # a file is gone meanwhile, or two files have one name
        return None


def _plain(name: str, path: str, data: bytes, modules: Modules, files: Sequence[str]) -> Plain | Circle | None:
    users = islice(_users(name, path, modules.tree, files), _MOST_USERS)
    every = [one for file in users for one in _imports(name, file, modules)]
    found = [one for one in every if one.is_at_top]
    if not found:
        is_meant = name in _LIBRARY and not modules.named(name) and uses_as_module(data, name)
        return Plain(f"import {name}", "a module of the standard library") if is_meant else None
    sources = {one.source.file for one in found if one.source is not None}
    if len({one.meaning for one in every if one.is_at_top or one.file not in sources}) > 1:
        return None
    source = found[0].source
    if source is not None and (source.file == path or (is_test(source.file) and not is_test(path))):
        return None
    line = _line(found, path, data, modules)
    if line is None:
        return None
    if source is not None and modules.leads_back(source.file, path):
        return Circle(name, source.file)
    others = len({one.file for one in found})
    return Plain(line, f"as {others} other file{'s have' if others > 1 else ' has'} it")


class _Choice(NamedTuple):
    """A way to write the import; the greatest is the best."""

    is_near: bool
    """A file has it so that begins its own name in the same folder."""
    is_shown: bool
    """This file or one beside it imports other things from there."""
    is_own: bool
    """It begins where this file's own name begins."""
    files: int
    line: str


def _line(found: Sequence[_Import], path: str, data: bytes, modules: Modules) -> str | None:
    """The statement as other files have it that import from where this one can, or with the full name of the module."""
    folder, own = path.rpartition("/")[0], modules.root_of(path)
    shown = modules.shown_roots(path, data) if found[0].source is not None else set[str]()
    ways: dict[str, tuple[str, list[_Import]]] = {}
    for one in found:
        if one.is_relative:
            is_usable = one.file.rpartition("/")[0] == folder
        else:
            is_usable = one.source is None or modules.can_import(one.source, one.module, path, shown)
        if is_usable:
            ways.setdefault(one.line, (one.source.root if one.source else own, []))[1].append(one)
    if (full := _full(found[0], path, modules, shown)) is not None:
        ways.setdefault(full.line, (full.root, []))
    choices = [
        _Choice(any(modules.root_of(one.file) == own for one in users), root in shown, root == own, len(users), line)
        for line, (root, users) in ways.items()
    ]
    return max(choices).line if choices else None


class _Full(NamedTuple):
    line: str
    root: str


def _full(one: _Import, path: str, modules: Modules, shown: Set[str]) -> _Full | None:
    """The import by a module's full name, which begins where its package lies; None where it is in none, or is imported
    as a whole."""
    if one.source is None or not one.name:
        return None
    source = Module(one.source.file, modules.root_of(one.source.file))
    dotted = modules.dotted(source.file)
    module = dotted.rpartition(".")[0] if one.is_module else dotted
    if "." not in dotted or not modules.can_import(source, dotted, path, shown):
        return None
    return _Full(f"from {module} import {one.name}{f' as {one.alias}' if one.alias else ''}", source.root)


def _users(name: str, path: str, tree: Snapshot, files: Sequence[str]) -> Iterator[str]:
    """Files whose imports may hold a name, those that share most folders with `path` first; what tests import counts
    for tests alone."""
    word = re.compile(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)")
    for file in sorted(files, key=lambda file: -_shared(file, path)):
        if is_test(file) and not is_test(path):
            continue
        data = tree.read(file)
        if b"import" in data and word.search(data):
            yield file


def _shared(file: str, other: str) -> int:
    """How many folders two files have in common, from the top down."""
    pairs = zip(file.split("/")[:-1], other.split("/")[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _imports(name: str, file: str, modules: Modules) -> Iterator[_Import]:
    """The statements that bind a name to something that is there as a file is imported. Raises: Unclear."""
    tree = modules.parsed(file)
    top = {id(node) for node in tree.body} if tree is not None else set[int]()
    for node in imports(tree) if tree is not None else ():
        is_at_top = id(node) in top
        for one in node.names:
            if (one.asname or one.name) != name or is_from_future(node):
                continue
            if isinstance(node, ast.ImportFrom):
                yield from _from(node, one, file, modules, is_at_top=is_at_top)
            else:
                source, line = modules.meant(one.name, file), f"import {one.name}{_renamed(one)}"
                yield _Import(file, source, one.name, "", one.asname or "", line, is_at_top)


def _from(node: ast.ImportFrom, one: ast.alias, file: str, modules: Modules, *, is_at_top: bool) -> Iterator[_Import]:
    inner = modules.inner(node, one.name, file)
    source = inner or modules.origin(node, file)
    written = f"{'.' * node.level}{node.module or ''}"
    line = f"from {written} import {one.name}{_renamed(one)}"
    if inner is not None or source is None or modules.gives(source.file, one.name):
        alias, is_module = one.asname or "", inner is not None
        yield _Import(file, source, written, one.name, alias, line, is_at_top, is_module=is_module)


def _renamed(one: ast.alias) -> str:
    return f" as {one.asname}" if one.asname else ""
