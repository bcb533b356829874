"""The Python modules of a tree: which file a dotted name means, from where it can be imported, and what it imports.

Invariant: a pure function of the tree. Where Python starts to look for modules nobody says, so it is read off how the
files of the tree import each other; what that does not tell is not taken for granted.
"""

import ast
import contextlib
import functools
import sys
from collections import deque
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from hybridcode.agent.kinds import is_test
from hybridcode.domain.errors import RepoError
from hybridcode.patch.at_import import imports, may_give
from hybridcode.patch.names import is_python, parsed
from hybridcode.repo.snapshot import Snapshot

_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
_MOST_BESIDE = 30
"""Files of a folder that are looked at for how they import."""
_MOST_IN_CIRCLE = 100
"""Files that are looked at for a way back, the nearest first."""


class Module(NamedTuple):
    """A module of the tree."""

    file: str
    root: str
    """The folder that its dotted name begins in; empty: the top of the tree."""


class Unclear(Exception):
    """A dotted name may mean several files."""


@dataclass(frozen=True)
class Modules:
    """The modules of one tree."""

    tree: Snapshot

    @functools.cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """Files by the last part of their dotted names."""
        found: dict[str, list[str]] = {}
        for file in self.tree.files:
            if file.endswith(".py"):
                folder, _, name = file.removesuffix(".py").rpartition("/")
                found.setdefault(folder.rpartition("/")[2] if name == "__init__" else name, []).append(file)
        return found

    def named(self, module: str) -> tuple[Module, ...]:
        """All that a dotted name may be, whoever imports it."""
        stem = module.replace(".", "/")
        found: list[Module] = []
        for file in self._by_name.get(module.rpartition(".")[2], ()):
            for end in (f"{stem}.py", f"{stem}/__init__.py"):
                if file == end or file.endswith(f"/{end}"):
                    found.append(Module(file, file.removesuffix(end).rstrip("/")))
        return tuple(found)

    def meant(self, module: str, user: str) -> Module | None:
        """What a file means by a dotted name; None where it is no module of the tree. Raises: Unclear."""
        ranked = sorted((self._distance(one, module, user), one) for one in self.named(module))
        if not ranked or (ranked[0][0] == 3 and module.partition(".")[0] in sys.stdlib_module_names):
            return None
        if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
            raise Unclear(module)
        return ranked[0][1]

    def beside(self, node: ast.ImportFrom, user: str) -> Module | None:
        """What a file imports from by a name that begins with dots."""
        folders = user.split("/")[: -node.level]
        stem = "/".join((*folders, *(node.module or "").split("."))).rstrip("/")
        for file in (f"{stem}.py", f"{stem}/__init__.py") if stem else ():
            if file in self.tree.files:
                return Module(file, self.root_of(file))
        return None

    def origin(self, node: ast.ImportFrom, user: str) -> Module | None:
        """The module that a file imports from; None where it is none of the tree. Raises: Unclear."""
        return self.beside(node, user) if node.level else self.meant(node.module or "", user)

    def inner(self, node: ast.ImportFrom, name: str, user: str) -> Module | None:
        """What is imported from a package, where that is a module of its own. Raises: Unclear."""
        dotted = f"{node.module}.{name}" if node.module else name
        return self.origin(ast.ImportFrom(dotted, [], node.level), user)

    def root_of(self, file: str) -> str:
        """The folder that a file's own dotted name begins in: the nearest one that is no package."""
        folder = file.rpartition("/")[0]
        while folder and f"{folder}/__init__.py" in self.tree.files:
            folder = folder.rpartition("/")[0]
        return folder

    def dotted(self, file: str) -> str:
        """A file's name as a module, from its own root."""
        inner = file.removeprefix(self.root_of(file)).lstrip("/").removesuffix(".py").removesuffix("/__init__")
        return inner.replace("/", ".")

    def _distance(self, one: Module, module: str, user: str) -> int:
        """How far a root is from what a file surely can import from; 3: nothing says that it can."""
        if one.root == self.root_of(user):
            return 0
        if self._is_inside(one.root, module, user):
            return 1
        return 2 if one.root in ("", "src") else 3

    def _is_inside(self, root: str, module: str, user: str) -> bool:
        """The file lies in the package that the dotted name begins with."""
        return user.startswith(f"{root}/{module.partition('.')[0]}/".lstrip("/"))

    def can_import(self, one: Module, module: str, path: str, shown: Set[str]) -> bool:
        """The file at `path` can import a module by that name: it begins where the file's own name does, where the
        project installs it from or tests run, or at one of the roots `shown` by how it and files beside it import."""
        if one.root == self.root_of(path) or self._is_inside(one.root, module, path) or one.root in shown:
            return True
        is_common = one.root == "src" or (not one.root and module.partition(".")[0] != "src")
        return is_common and (is_test(path) or self._is_installed(one.root, path))

    def shown_roots(self, path: str, data: bytes) -> Set[str]:
        """The roots that the file at `path`, which holds `data`, and those beside it import modules from."""
        own = parsed(data)
        trees = [*([(path, own)] if own is not None else []), *self._trees_beside(path)]
        return {root for user, tree in trees for root in self._roots(tree, user)}

    def _is_installed(self, root: str, path: str) -> bool:
        """A project file stands where the root belongs to."""
        folder = root.removesuffix("src").rstrip("/")
        names = (f"{folder}/{name}".lstrip("/") for name in _PROJECT_FILES)
        return any(name in self.tree.files for name in names) and path.startswith(f"{folder}/".lstrip("/"))

    def _trees_beside(self, path: str) -> Iterator[tuple[str, ast.Module]]:
        folder = path.rpartition("/")[0]
        beside = [file for file in self.tree.files if file != path and file.rpartition("/")[0] == folder]
        for file in [file for file in beside if is_python(file)][:_MOST_BESIDE]:
            if (tree := self.parsed(file)) is not None:
                yield file, tree

    def _roots(self, tree: ast.Module, user: str) -> set[str]:
        """Where the modules lie that a file imports by their full names."""
        names: set[str] = set()
        for node in imports(tree):
            if isinstance(node, ast.Import):
                names.update(one.name for one in node.names)
            elif not node.level and node.module:
                names.add(node.module)
        found: set[str] = set()
        for name in names:
            with contextlib.suppress(Unclear):
                found |= {one.root for one in (self.meant(name, user),) if one is not None}
        return found

    def parsed(self, file: str) -> ast.Module | None:
        """A file's tree; None where it cannot be read or does not parse."""
        try:
            return parsed(self.tree.read(file))
        except RepoError:
            return None

    def gives(self, file: str, name: str) -> bool:
        """A file binds a name as it is imported, so that another one can import it."""
        tree = self.parsed(file)
        return tree is not None and may_give(tree, name)

    def leads_back(self, file: str, path: str) -> bool:
        """The file at `path` is imported while the one at `file` is, by it or by what it imports."""
        waiting, seen = deque(self._loaded(file, path)), set[str]()
        while waiting and len(seen) < _MOST_IN_CIRCLE:
            now = waiting.popleft()
            if now == path:
                return True
            if now in seen:
                continue
            seen.add(now)
            tree = self.parsed(now)
            for node in imports(tree) if tree is not None else ():
                waiting.extend(other for one in self._imported(node, now) for other in self._loaded(one, path))
        return False

    def _imported(self, node: ast.Import | ast.ImportFrom, user: str) -> Iterator[str]:
        """Files of the tree that a statement imports, or may import."""
        for one in node.names:
            try:
                if isinstance(node, ast.Import):
                    found = self.meant(one.name, user)
                else:
                    found = self.inner(node, one.name, user) or self.origin(node, user)
            except Unclear as unclear:
                yield from (other.file for other in self.named(str(unclear)))
                continue
            if found is not None:
                yield found.file

    def _loaded(self, file: str, path: str) -> Sequence[str]:
        """A file and the packages around it, which Python imports first; those around `path` are under way by then."""
        around: list[str] = []
        folder = file.rpartition("/")[0]
        while folder and (package := f"{folder}/__init__.py") in self.tree.files:
            if not path.startswith(f"{folder}/"):
                around.append(package)
            folder = folder.rpartition("/")[0]
        return (file, *around)
