from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from effects import effects_in
from source import each_of, name_of, python_files

DOORS: Mapping[str, str] = {
    "hybridcode/gate/effects.py": "the door",
    "hybridcode/gate/files.py": "the part of the door that writes files",
    "hybridcode/gate/exact.py": "the part of the door that puts links and permission bits back",
    "hybridcode/gate/file_*.py": "what it is split into: folders, renames, one file on its way",
    "hybridcode/gate/commits.py": "the part of the door that commits: an index of its own in a temporary folder",
    "hybridcode/gate/worktrees.py": "the part of the door that makes a session's own worktree, and links in it",
    "hybridcode/gate/processes.py": "the part of the door that starts commands",
    "hybridcode/gate/sandbox*.py": "asks the kernel which sandbox can be had",
    "hybridcode/gate/scratch*.py": "our own scratch copies of a tree, outside the workspace",
    "hybridcode/journal/*.py": "our own database in the state folder",
    "hybridcode/context/store.py": "our own cache, rebuilt at will",
    "hybridcode/context/building.py": "starts our own workers, which take files apart",
    "hybridcode/config/atomic.py": "our own config and trust store, at a person's command",
    "hybridcode/models/host.py": "starts the child process that owns a model",
    "hybridcode/models/bandwidth.py": "reads its own memory, to measure how fast",
    "hybridcode/models/child.py": "asks the kernel to end the child with its parent",
    "hybridcode/models/template.py": "the child starts a throw-away process of ours that runs the template in a GGUF",
    "hybridcode/models/llama*.py": "the child's own binding of llama.cpp",
    "hybridcode/models/kv_files.py": "our own cache of computed prompts, where a setting allows it",
    "hybridcode/models/*_host.py": "the child process itself: the only place with a network, besides pull",
    "hybridcode/models/pinned.py": "keeps the child to its hosts",
    "hybridcode/models/model_files.py": "our own folder of models: what was downloaded after a yes",
    "hybridcode/repo/git.py": "read-only git with fixed flags",
    "hybridcode/cli/demo.py": "the demo's own scratch copy",
    "hybridcode/session/report.py": "a person's own export, to a new file",
    "hybridcode/session/plan_files.py": "a plan that a person saves, to a new file",
    "hybridcode/session/written.py": "what a person wrote, in our own state",
    "hybridcode/tui/editor.py": "starts a person's own editor at their key, over a temporary file of ours",
    "hybridcode/launcher.py": "starts the program again where Python would not read paths as UTF-8",
}


@each_of(python_files("hybridcode"))
def test_only_the_doors_write_and_start(file: Path) -> None:
    found = effects_in(file.read_text(encoding="utf-8"))
    if not any(fnmatchcase(name_of(file), door) for door in DOORS):
        assert not found, f"only {', '.join(DOORS)} may do this"


@pytest.mark.parametrize(
    ("source", "effect"),
    [
        ("import os\nos.rename(a, b)", "os.rename"),
        ("import os as o\no.posix_spawnp(a, b, c)", "os.posix_spawnp"),
        ("from os import execv as go\ngo(a, b)", "os.execv"),
        ("from pathlib import Path\nPath('a').write_text('b')", ".write_text"),
        ("path.replace(target)", ".replace(target)"),
        ("open(path, 'r+')", "open(w)"),
        ("open(path, mode=chosen)", "open(w)"),
        ("path.open('xb')", ".open(w)"),
        ("path.open(file_mode)", ".open(w)"),
        ("import os\nos.open(path, os.O_WRONLY | os.O_CREAT)", "os.open"),
        ("import subprocess", "import subprocess"),
        ("from subprocess import run", "import subprocess"),
        ("import asyncio\nasyncio.create_subprocess_exec('a')", "asyncio.create_subprocess_exec"),
        ("import shutil\nshutil.rmtree(path)", "shutil.rmtree"),
        ("from shutil import copytree", "shutil.copytree"),
        ("import tempfile\ntempfile.mkdtemp()", "tempfile.mkdtemp"),
        ("import socket", "import socket"),
    ],
)
def test_the_search_sees_each_kind_of_effect(source: str, effect: str) -> None:
    assert effect in effects_in(source)


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "path.open('rb')",
        "Session.open(options)",
        "import os\nos.open(os.devnull, os.O_WRONLY)",
        "text.replace('a', 'b')",
        "import dataclasses\ndataclasses.replace(value, field=1)",
        "import os\nos.open(path, os.O_RDONLY)",
        "import shutil\nshutil.which('git')",
    ],
)
def test_the_search_lets_readers_pass(source: str) -> None:
    assert not effects_in(source)
