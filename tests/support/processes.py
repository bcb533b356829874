"""The program as a person runs it: a real process with its own home."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Program:
    """Runs `hybridcode` with an empty home below `home`."""

    home: Path
    env: dict[str, str] = field(default_factory=dict[str, str])

    def environment(self) -> dict[str, str]:
        """The variables a run sees."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        xdg = {f"XDG_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
        return {**kept, **xdg, "HOME": str(self.home), "TMPDIR": str(self.home), "NO_COLOR": "1", **self.env}

    def command(self, *arguments: str) -> list[str]:
        """What starts the program."""
        return [sys.executable, "-m", "hybridcode", *arguments]

    def run(self, *arguments: str, cwd: Path, stdin: str = "", timeout: float = 110) -> "Done":
        """Run to the end."""
        return self.run_command(self.command(*arguments), cwd=cwd, stdin=stdin, timeout=timeout)

    def run_command(self, command: list[str], *, cwd: Path, stdin: str = "", timeout: float = 110) -> "Done":
        """Run something that starts the program, to the end."""
        done = subprocess.run(
            command,
            cwd=cwd,
            env=self.environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, cwd: Path) -> "subprocess.Popen[str]":
        """Start and leave running."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=cwd,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


QUICK_TO_FAIL = "timeout_s = 20\nmax_retries = 0"
"""Lines of [models.frontier]."""
_BY_ITSELF = """
[models.planner]
base_url = "{base_url}"
name = "planner-loop"
[roles]
plan = "planner"
judge = "planner"
"""
_THROUGH_LITELLM = """
[models.frontier]
model = "openai/loop"
api_base = "{base_url}"
api_key_env = "LOOP_KEY"
"""


def with_one_server(home: Path, base_url: str, *, frontier: str | None = None) -> Program:
    """A program whose models are one server on loopback. `frontier` holds more lines of [models.frontier]; None: a
    [models.NAME] decides, without litellm, whose import is most of what a short run costs (2 s of CPU).
    """
    config = home / "config" / "hybridcode" / "config.toml"
    config.parent.mkdir(parents=True)
    deciding = _BY_ITSELF if frontier is None else _THROUGH_LITELLM + frontier
    writing = '\n[models.local]\nbase_url = "{base_url}"\nname = "local-loop"\n'
    config.write_text((deciding + writing).format(base_url=base_url))
    return Program(home, {"LOOP_KEY": "key-for-tests"})


@dataclass(frozen=True)
class Done:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)
