import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from hybridcode.domain.action import ShellCommand
from hybridcode.gate import starting
from hybridcode.gate.commands.plain import plain_pipeline
from hybridcode.gate.processes import environment
from hybridcode.gate.sandbox import NONE, probe

LINES = [
    "ls",
    "cat a | sort | uniq -c",
    "cat a missing | wc -l",
    "cat missing 2>/dev/null | wc -l",
    "cat missing 2>&1 | wc -l",
    "grep b a",
    "grep zzz a",
    "grep zzz a | cat",
    "cat a | grep zzz",
    "seq 100000 | head -n 1",
    "yes | head -n 3",
    "echo 'x y' \"z\" | cat",
    "wc -l < /dev/null",
    "cat a > /dev/null",
    "ls missing > /dev/null",
    "ls missing &> /dev/null",
    "seq 3 | cat - a",
    "false | true",
    "true | false",
    "/bin/echo hi",
    "sort -r a | tail -n 1",
    "cat < /dev/null | wc -c",
    "seq 5 | tac | tail -n 2 | head -n 1",
    "env -i /bin/echo bare",
    "sh -c 'exit 7'",
    "sh -c 'echo $0'",
    "/bin/sh -c 'echo $0' | cat",
    "sh -c 'kill -TERM $$'",
    "sh -c 'kill -PIPE $$' | cat",
    "dd if=/dev/zero bs=1k count=1 2>/dev/null | wc -c",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").write_text("b\na\nb\n")
    return tmp_path


def ours(line: str, folder: Path, *, is_boxed: bool = False) -> tuple[int, bytes]:
    box = probe() if is_boxed else NONE
    command = ShellCommand(script=line, timeout_s=20)
    ended = asyncio.run(starting.run(command, workspace=folder, box=box, is_reader=True, show=lambda _: None))
    return ended.exit_code, ended.output


@pytest.mark.parametrize("line", LINES)
def test_a_plain_pipeline_ends_as_in_bash(line: str, folder: Path):
    if plain_pipeline(line) is None:
        pytest.skip("needs a shell")
    env = environment((), workspace=folder)
    bash = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", line],
        cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    code, output = ours(line, folder)
    assert (code, output) == (bash.returncode if bash.returncode >= 0 else 128 - bash.returncode, bash.stdout)


def test_it_ends_the_same_in_a_sandbox(folder: Path):
    assert ours("cat a | sort | uniq -c | grep b", folder, is_boxed=True) == (0, b"      2 b\n")
    assert ours("cat a | grep zzz", folder, is_boxed=True) == (1, b"")
    assert ours("yes | head -n 1", folder, is_boxed=True) == (0, b"y\n")


def test_no_shell_is_there_to_read_it_otherwise(folder: Path):
    code, output = ours("ps -o comm= -e | grep -c bash", folder, is_boxed=True)
    if probe().kind != "bwrap":
        pytest.skip("other processes are seen")
    assert (code, output) == (1, b"0\n")


@pytest.mark.parametrize("is_boxed", [False, True])
def test_a_python_of_a_virtual_environment_is_that_one(folder: Path, is_boxed: bool):
    venv = folder / ".venv"
    (venv / "bin").mkdir(parents=True)
    real = Path(sys.executable).resolve()
    (venv / "bin" / "python").symlink_to(real)
    (venv / "pyvenv.cfg").write_text(f"home = {real.parent}\n")
    for line in (
        ".venv/bin/python -c 'import sys; print(sys.prefix)'",
        f"{venv}/bin/python -c 'import sys; print(sys.prefix)'",
    ):
        assert ours(line, folder, is_boxed=is_boxed) == (0, f"{venv}\n".encode())
