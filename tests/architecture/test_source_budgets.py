import ast
import re
from collections.abc import Mapping
from pathlib import Path

from source import ROOT, each_of, functions_of, imports_of, name_of, python_files, tree_of

LINES_PER_FILE = 400
LINES_PER_FUNCTION = 60
TIGHT: Mapping[str, int] = {"hybridcode/tui/app.py": 350, "hybridcode/agent/loop.py": 200}

OURS = python_files("hybridcode", "benchmarks", "tests")
PRODUCT = python_files("hybridcode")

VAGUE = re.compile(r"manager|helper|utils?\b|_util|thing\d|misc", re.IGNORECASE)
SILENCED = re.compile("#\\s*(noqa|type:\\s*ignore|pyright:\\s*ignore|pragma|TO" + "DO|FIX" + "ME|XX" + "X)")
OF_ONE_MACHINE = re.compile("/wor" + r"k/|/ro" + r"ot/|/opt/py" + "pi|file:///(?:home|opt|root)")


def calls_of(tree: ast.AST, method: str) -> list[ast.Call]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == method]


def sets_a_constant(call: ast.Call) -> bool:
    """A test may turn down a limit such as `_KEPT_BYTES`; that replaces no behaviour."""
    names = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    return bool(names) and re.fullmatch(r"(.*\.)?_?[A-Z][A-Z0-9_]*", str(names[0])) is not None


@each_of(OURS)
def test_files_and_functions_fit_on_a_screen(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").count("\n")
    assert lines <= TIGHT.get(name_of(file), LINES_PER_FILE)
    for function in functions_of(tree_of(file)):
        assert (function.end_lineno or 0) - function.lineno < LINES_PER_FUNCTION, function.name


@each_of(PRODUCT)
def test_modules_state_what_they_keep(file: Path) -> None:
    tree = tree_of(file)
    docstring = ast.get_docstring(tree) or ""
    assert docstring, "no module docstring"
    states_no_more_than_a_value = len(tree.body) <= 2
    assert "Invariant:" in docstring or states_no_more_than_a_value


@each_of(PRODUCT)
def test_names_mean_something(file: Path) -> None:
    named = [node for node in ast.walk(tree_of(file)) if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert not [name for name in [file.stem, *(node.name for node in named)] if VAGUE.search(name)]


@each_of(OURS)
def test_checkers_are_not_silenced(file: Path) -> None:
    assert not SILENCED.search(file.read_text(encoding="utf-8"))


@each_of(python_files("tests"))
def test_nothing_of_ours_is_mocked(file: Path) -> None:
    tree = tree_of(file)
    assert not [name for name, _ in imports_of(tree) if "mock" in name.lower()]
    assert not [call for call in calls_of(tree, "setattr") if not sets_a_constant(call)]


@each_of(python_files("tests"))
def test_tests_speak_by_their_names(file: Path) -> None:
    tests = [node for node in functions_of(tree_of(file)) if node.name.startswith("test_")]
    assert not [node.name for node in tests if ast.get_docstring(node)]


def test_nothing_knows_this_machine() -> None:
    kinds = {".py", ".md", ".toml", ".sh", ".json", ".lock", ".tcss"}
    folders = ("hybridcode", "tests", "docs", "benchmarks", "tools", "themes", ".ci")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in kinds]
    files += [file for file in ROOT.iterdir() if file.is_file() and file.name != ".git"]  # a worktree has such a file
    assert not [name_of(file) for file in files if OF_ONE_MACHINE.search(file.read_text(encoding="utf-8"))]
