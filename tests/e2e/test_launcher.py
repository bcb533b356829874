import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hybridcode.version import __version__

COMMANDS = [[str(Path(sys.executable).parent / "hybridcode")], [sys.executable, "-m", "hybridcode"]]


@pytest.mark.parametrize("command", COMMANDS, ids=["script", "module"])
@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_one_line_on_stdout(command: list[str], flag: str, tmp_path: Path) -> None:
    done = subprocess.run([*command, flag], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"hybridcode {__version__}\n", "")


def test_the_version_costs_less_than_a_glance() -> None:
    assert min(processor_seconds([*COMMANDS[0], "--version"]) for _ in range(5)) <= 0.15


def test_the_version_leaves_no_file_behind(tmp_path: Path) -> None:
    home = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    env = os.environ | home | {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([*COMMANDS[0], "--version"], cwd=tmp_path, env=env, capture_output=True, check=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("chosen", "expected"), [(None, "240"), ("30", "30")])
def test_the_frame_rate_is_ours_unless_chosen(chosen: str | None, expected: str) -> None:
    code = (
        "import os, sys\nfrom hybridcode.launcher import main\nsys.argv = ['hybridcode', '--help']\n"
        "try:\n    main()\nfinally:\n    print(os.environ['TEXTUAL_FPS'], file=sys.stderr)"
    )
    env = {name: value for name, value in os.environ.items() if name != "TEXTUAL_FPS"}
    env |= {"TEXTUAL_FPS": chosen} if chosen else {}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == expected
    assert done.returncode == 0


def test_paths_are_utf_8_whatever_the_locale_says(tmp_path: Path) -> None:
    (tmp_path / "größe.py").write_text("def settle(ledger):\n    return ledger\n", "utf-8")
    (tmp_path / "hybridcode.py").write_text("raise SystemExit('code of the folder was run')\n", "utf-8")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [*COMMANDS[0], "context", "--query", "settle the ledger", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | locale, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"][0]["path"] == "größe.py"


def processor_seconds(command: list[str]) -> float:
    start = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, 1, 0)])
    _, status, used = os.wait4(pid, 0)
    assert status == 0
    assert time.monotonic() - start < 30
    return used.ru_utime + used.ru_stime
