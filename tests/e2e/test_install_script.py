import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = [
    "bash",
    "env",
    "dirname",
    "cat",
    "mkdir",
    "mktemp",
    "rm",
    "sed",
    "tail",
    "grep",
    "uname",
    "cksum",
    "cut",
    "sleep",
]


class Machine:
    """A PATH that holds nothing but what is put there."""

    def __init__(self, folder: Path, script: Path) -> None:
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.script = script
        self.home.mkdir()
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)

    def put(self, name: str, text: str) -> None:
        (self.bin / name).write_text(f"#!{shutil.which('bash')}\n{text}\n")
        (self.bin / name).chmod(0o755)

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        env = {"HOME": str(self.home), "PATH": str(self.bin)} | extra
        return subprocess.run([self.script, *arguments], env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path, repository_root: Path) -> Machine:
    return Machine(tmp_path, repository_root / "install.sh")


def test_help_names_every_form_and_does_nothing(machine: Machine) -> None:
    done = machine.run("--help")
    assert done.returncode == 0
    assert all(
        form in done.stdout for form in ("install.sh demo", "install.sh test", "uninstall", "HYBRIDCODE_NO_LOCAL")
    )
    assert not list(machine.home.iterdir())


def test_an_unknown_command_is_a_usage_error(machine: Machine) -> None:
    done = machine.run("tset")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown command: tset" in done.stderr


def test_a_missing_git_is_named_with_its_remedy(machine: Machine) -> None:
    done = machine.run()
    assert done.returncode == 2
    assert "git is missing" in done.stderr
    assert "apt install git" in done.stderr


def test_an_old_python_is_named_with_its_remedy(machine: Machine) -> None:
    machine.put("git", "exit 0")
    machine.put("python3", "[[ $1 == --version ]] && echo 'Python 3.9.2'; exit 1")
    done = machine.run("demo")
    assert done.returncode == 2
    assert "python3 is Python 3.9.2" in done.stderr
    assert "HYBRIDCODE_PYTHON=" in done.stderr


def test_a_python_without_venv_is_named_with_its_remedy(machine: Machine) -> None:
    machine.put("git", "exit 0")
    machine.put("python3", "[[ $2 != *ensurepip* ]]")
    done = machine.run()
    assert done.returncode == 2
    assert "apt install python3-venv" in done.stderr


def test_a_foreign_command_of_our_name_is_left_alone(machine: Machine) -> None:
    machine.put("git", "exit 0")
    machine.put("python3", "exit 0")
    foreign = machine.home / ".local" / "bin" / "hybridcode"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    done = machine.run(HYBRIDCODE_NO_LOCAL="1")
    assert done.returncode == 2
    assert "HYBRIDCODE_NO_LOCAL is set" in done.stderr
    assert "exists and is not ours" in done.stderr
    assert foreign.read_text() == "mine"


def test_without_a_compiler_the_engine_is_left_out_and_an_endpoint_is_named(machine: Machine) -> None:
    machine.put("git", "exit 0")
    machine.put("python3", "exit 0")
    machine.put("gcc", "exit 0")
    machine.put("uv", "[[ $2 == dir ]] && echo /nowhere; exit 3")
    done = machine.run()
    assert "no C and C++ compiler found (sudo apt install gcc g++)" in done.stderr
    assert 'base_url = "http://127.0.0.1:8080/v1"' in done.stderr
    assert "compiling" not in done.stderr


def test_a_failed_step_shows_its_log_and_installs_nothing(machine: Machine) -> None:
    machine.put("git", "exit 0")
    machine.put("python3", "exit 0")
    machine.put("uv", "echo 'no such index'; exit 3")
    done = machine.run(HYBRIDCODE_NO_LOCAL="1")
    assert done.returncode == 2
    assert "no such index" in done.stderr
    assert "installing with uv failed (exit 3)" in done.stderr
    assert not (machine.home / ".local" / "bin" / "hybridcode").exists()


def test_uninstalling_keeps_what_is_the_users(machine: Machine) -> None:
    machine.put("readlink", f'exec {shutil.which("readlink")} "$@"')
    data = machine.home / ".local" / "share" / "hybridcode"
    (data / "app.1" / "venv").mkdir(parents=True)
    (data / "models").mkdir()
    link = machine.home / ".local" / "bin" / "hybridcode"
    link.parent.mkdir(parents=True)
    link.symlink_to(data / "app.1" / "venv" / "hybridcode")
    done = machine.run("uninstall")
    assert done.returncode == 0, done.stderr
    assert not os.path.lexists(link)
    assert [entry.name for entry in data.iterdir()] == ["models"]
    assert str(data) in done.stderr
