import ast
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from source import PACKAGE, functions_of, name_of, python_files, tree_of

HEAVY = {"textual", "rich", "litellm", "openai", "httpx", "llama_cpp", "numpy", "pydantic"}

PARENTS_SIDE = {
    "sender", "frontier", "local", "openai_compatible", "pool", "host", "scripted", "faulty", "recorded", "ledger",
    "price_list", "pricing", "prompts", "catalogue", "shelf", "model_files", "gguf_summary",
}  # fmt: skip
"""Modules of models that run in our own process; the rest may be for child processes."""

DEFERRED: Mapping[str, set[str]] = {
    "hybridcode/launcher.py": {"hybridcode.cli.main"},
    "hybridcode/domain/action.py": {"shlex"},
    "hybridcode/gate/sandbox_launch.py": {"hybridcode.gate"},
    "hybridcode/cli/chat.py": {
        "hybridcode.cli.plain",
        "hybridcode.session.finding",
        "hybridcode.session.telling",
        "hybridcode.session.worktrees",
        "hybridcode.tui.start",
    },
    "hybridcode/cli/options.py": {"hybridcode.session.finding"},
    "hybridcode/session/session.py": {"hybridcode.agent.loop"},
    "hybridcode/tui/asking.py": {"hybridcode.tui.panes"},
    "hybridcode/tui/live.py": {"hybridcode.tui.backing", "hybridcode.tui.choices"},
    "hybridcode/tui/highlight.py": {"pygments.lexers"},
    "hybridcode/tui/keymap.py": {"tomlkit"},
    "hybridcode/tui/markdown.py": {"markdown_it", "markdown_it.rules_inline"},
    "hybridcode/tui/writing.py": {"hybridcode.tui.screens.sent"},
    "hybridcode/tui/screens/help.py": {"hybridcode.tui.screens.keys"},
    "hybridcode/tui/keys_chosen.py": {"hybridcode.tui.keymap"},
    "hybridcode/tui/panes.py": {"hybridcode.gate.explaining"},
    "hybridcode/session/plan_files.py": {"tomlkit"},
    "hybridcode/tui/terminal.py": {"textual.drivers.linux_driver"},
}
"""Imports inside functions, each with its reason beside it in the source."""


def loaded_after(code: str) -> set[str]:
    report = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def modules_of(package: str) -> list[str]:
    files = python_files(f"hybridcode/{package}")
    return [name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in files]


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_answered_before_anything_is_imported(flag: str) -> None:
    loaded = loaded_after(f"sys.argv = ['hybridcode', {flag!r}]\nfrom hybridcode.launcher import main\nmain()")
    assert {name for name in loaded if name.startswith("hybridcode.")} == {"hybridcode.launcher", "hybridcode.version"}
    assert not loaded & (HEAVY | {"click", "msgspec", "asyncio", "pathlib", "logging"})


@pytest.mark.parametrize(
    "package", ["domain", "config", "repo", "journal", "context", "patch", "gate", "agent", "session"]
)
def test_the_core_runs_without_screen_and_model_libraries(package: str) -> None:
    names = modules_of(package)
    loaded = loaded_after("\n".join(f"import {name}" for name in names))
    assert set(names) <= loaded
    assert not loaded & HEAVY


def test_the_parents_side_of_models_is_light() -> None:
    names = set(modules_of("models")) & {f"hybridcode.models.{name}" for name in PARENTS_SIDE}
    assert names
    assert not loaded_after("\n".join(f"import {name}" for name in sorted(names))) & HEAVY


def test_the_command_line_does_not_pay_for_the_screen() -> None:
    if (PACKAGE / "cli/main.py").exists():
        assert not loaded_after("import hybridcode.cli.main") & HEAVY


def deferred_imports(file: Path) -> set[str]:
    inside = (node for function in functions_of(tree_of(file)) for node in ast.walk(function))
    found: set[str] = set()
    for node in inside:
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_deferred_imports_are_listed() -> None:
    found = {name_of(file): deferred_imports(file) for file in python_files("hybridcode")}
    assert {name: names for name, names in found.items() if names} == dict(DEFERRED)
