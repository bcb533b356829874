"""The product's source files as the architecture tests see them."""

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "hybridcode"
ASSETS = PACKAGE / "assets"


def python_files(*folders: str) -> list[Path]:
    """All Python files below the folders, sorted, without the demo's sample repository."""
    files = (file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return sorted(file for file in files if not file.is_relative_to(ASSETS) and "__pycache__" not in file.parts)


def name_of(file: Path) -> str:
    """Path relative to the root, with forward slashes."""
    return file.relative_to(ROOT).as_posix()


def each_of(files: Iterable[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Makes of a check of one file one test of all of them, which names every file that fails and why."""

    def test_of_all(check: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            failed: list[str] = []
            for file in files:
                try:
                    check(file)
                except AssertionError as error:
                    failed.append(f"{name_of(file)}: {error}")
            assert not failed, "\n".join(failed)

        test.__name__ = check.__name__
        return test

    return test_of_all


@cache
def tree_of(file: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def imports_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of everything imported: `from a import b` gives `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
