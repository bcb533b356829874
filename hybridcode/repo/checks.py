"""Which commands prove a change here, as far as files of the repository tell.

Invariant: a function of the names and contents of files at the top of the tree; nothing is started, and whatever is
found is a suggestion that runs only after a person's yes.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

Kind = Literal["test", "lint"]
_MOST_BYTES = 1_000_000
_NO_TEST = "no test specified"
"""What npm writes into a new package.json."""
_TARGET = re.compile(r"^(test|check|lint)\s*:(?!=)", re.MULTILINE)
_PYTEST_FILES = {"pytest.ini": "", ".pytest.ini": "", "tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]"}
_ESLINT = ("eslint.config.js", "eslint.config.mjs", "eslint.config.cjs", ".eslintrc.json", ".eslintrc.js", ".eslintrc")
_LOCKS = (("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"))


@dataclass(frozen=True)
class Detected:
    """A command, and why it is thought to be the one."""

    kind: Kind
    command: str
    reason: str


def detect_checks(root: Path) -> tuple[Detected, ...]:
    """Commands for tests and linters, the likeliest of each kind first."""
    tree = _Tree(root)
    ways = (_python, _node, _go, _rust, _make)
    return tuple(found for way in ways for found in way(tree))


def first_of(found: tuple[Detected, ...], kind: Kind) -> Detected | None:
    """The likeliest one of a kind."""
    return next((one for one in found if one.kind == kind), None)


class _Tree:
    """The files at the top of a tree."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def text(self, name: str) -> str | None:
        """A small file's text; None if there is none."""
        path = self.root / name
        try:
            if not path.is_file() or path.stat().st_size > _MOST_BYTES:
                return None
            return path.read_text("utf-8", "replace")
        except OSError:
            return None

    def has(self, name: str) -> bool:
        """There is such a file."""
        return self.text(name) is not None

    def in_folder(self, folder: str, fits: Callable[[str], bool]) -> str:
        """The first file of a folder that fits, as a path; empty if there is none."""
        try:
            names = sorted(path.name for path in (self.root / folder).iterdir() if path.is_file())
        except OSError:
            return ""
        prefix = "" if folder == "." else f"{folder}/"
        return next((f"{prefix}{name}" for name in names if fits(name)), "")

    def program(self, name: str) -> str:
        """A program of the repository's own environment, else its bare name."""
        own = f".venv/bin/{name}"
        return own if (self.root / own).is_file() else name


def _python(tree: _Tree) -> Iterator[Detected]:
    project = _toml(tree.text("pyproject.toml"))
    tool = _table(project.get("tool"))
    if reason := _pytest_reason(tree, tool):
        own = tree.program("python")
        yield Detected("test", f"{'python3' if own == 'python' else own} -m pytest -q", reason)
    ruff = next((name for name in ("ruff.toml", ".ruff.toml") if tree.has(name)), "")
    if ruff or "ruff" in tool:
        reason = f"there is {ruff}" if ruff else "pyproject.toml has [tool.ruff]"
        yield Detected("lint", f"{tree.program('ruff')} check .", reason)
    elif tree.has(".flake8") or "[flake8]" in (tree.text("setup.cfg") or ""):
        yield Detected("lint", tree.program("flake8"), "flake8 is configured")


def _pytest_reason(tree: _Tree, tool: dict[str, Any]) -> str:
    if "pytest" in tool:
        return "pyproject.toml has [tool.pytest]"
    for name, section in _PYTEST_FILES.items():
        if (text := tree.text(name)) is not None and section in text:
            return f"{name} has {section}" if section else f"there is {name}"
    if tree.has("conftest.py"):
        return "there is conftest.py"
    found = next((path for folder in ("tests", "test", ".") if (path := tree.in_folder(folder, _is_python_test))), "")
    return f"there is {found}" if found else ""


def _is_python_test(name: str) -> bool:
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _node(tree: _Tree) -> Iterator[Detected]:
    text = tree.text("package.json")
    if text is None:
        return
    package = _json(text)
    scripts = {name: line for name, line in _table(package.get("scripts")).items() if isinstance(line, str)}
    manager = _npm_or_other(tree, package)
    if scripts.get("test") and _NO_TEST not in scripts["test"]:
        yield Detected("test", f"{manager} test", f"package.json has the script test: {scripts['test']}")
    elif found := next(
        (path for folder in ("test", "tests", ".") if (path := tree.in_folder(folder, _is_node_test))), ""
    ):
        yield Detected("test", "node --test", f"there is {found} and no script test")
    if scripts.get("lint"):
        yield Detected("lint", f"{manager} run lint", f"package.json has the script lint: {scripts['lint']}")
    elif config := next((name for name in _ESLINT if tree.has(name)), ""):
        yield Detected("lint", "npx --no-install eslint .", f"there is {config}")


def _npm_or_other(tree: _Tree, package: dict[str, Any]) -> str:
    named = str(package.get("packageManager", "")).partition("@")[0]
    if named in ("npm", "pnpm", "yarn"):
        return named
    return next((manager for lock, manager in _LOCKS if tree.has(lock)), "npm")


def _is_node_test(name: str) -> bool:
    return bool(re.search(r"[.-]test\.[cm]?js\Z|\Atest[.-].*\.[cm]?js\Z", name))


def _go(tree: _Tree) -> Iterator[Detected]:
    if tree.has("go.mod"):
        yield Detected("test", "go test ./...", "there is go.mod")
        yield Detected("lint", "go vet ./...", "there is go.mod")


def _rust(tree: _Tree) -> Iterator[Detected]:
    if tree.has("Cargo.toml"):
        yield Detected("test", "cargo test", "there is Cargo.toml")
        if config := next((name for name in ("clippy.toml", ".clippy.toml") if tree.has(name)), ""):
            yield Detected("lint", "cargo clippy", f"there is {config}")


def _make(tree: _Tree) -> Iterator[Detected]:
    name = next((name for name in ("GNUmakefile", "makefile", "Makefile") if tree.has(name)), "")
    targets = set(_TARGET.findall(tree.text(name) or "")) if name else set[str]()
    if target := next((target for target in ("test", "check") if target in targets), ""):
        yield Detected("test", f"make {target}", f"{name} has the target {target}")
    if "lint" in targets:
        yield Detected("lint", "make lint", f"{name} has the target lint")


def _toml(text: str | None) -> dict[str, Any]:
    try:
        return tomllib.loads(text or "")
    except tomllib.TOMLDecodeError:
        return {}


def _json(text: str) -> dict[str, Any]:
    try:
        return _table(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _table(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
