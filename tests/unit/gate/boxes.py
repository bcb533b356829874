"""The sandboxes of this machine, and commands in them, for tests."""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hybridcode.domain.action import ShellCommand
from hybridcode.gate import sandbox_calls, sandbox_kernel, starting
from hybridcode.gate.commands.plain import Stage
from hybridcode.gate.processes import Ended
from hybridcode.gate.sandbox import NONE, Kind, Sandbox, probe
from hybridcode.gate.sandbox_caches import prepare
from hybridcode.gate.sandbox_request import Request


def box_of(kind: Kind) -> Sandbox:
    """The sandbox of this kind, or the reason why the test has none."""
    if kind == "none":
        return NONE
    if kind == "bwrap" and probe().kind == "bwrap":
        return probe()
    if kind == "landlock" and sandbox_calls.is_known(os.uname().machine) and sandbox_kernel.landlock_version():
        return Sandbox("landlock", abi=sandbox_kernel.landlock_version())
    pytest.skip(f"this machine has no {kind}")


@dataclass
class Boxed:
    """A workspace, a home folder, and a sandbox for commands."""

    root: Path
    home: Path
    box: Sandbox
    shown: list[str] = field(default_factory=list[str])

    async def run_async(
        self, script: str, *, is_reader: bool = False, network: bool = False, timeout_s: float = 30
    ) -> Ended:
        """Run a command as an approved one."""
        command = ShellCommand(script=script, network=network, timeout_s=timeout_s)
        return await starting.run(
            command, workspace=self.root, box=self.box, is_reader=is_reader, show=self.shown.append
        )

    def run(self, script: str, *, is_reader: bool = False, network: bool = False, timeout_s: float = 30) -> Ended:
        """Run a command as an approved one, and wait."""
        return asyncio.run(self.run_async(script, is_reader=is_reader, network=network, timeout_s=timeout_s))

    def says(self, script: str, *, is_reader: bool = False, network: bool = False) -> str:
        """What a command prints."""
        return self.run(script, is_reader=is_reader, network=network).output.decode().strip()

    def line(self, *argv: str, cwd: Path | None = None, source: Path | None = None) -> list[str]:
        """The command line that runs `argv` inside, on `source` in place of the workspace if one is given."""
        caches = prepare(self.root)
        return self.box.line(
            Request(
                (Stage(argv),),
                self.root,
                cwd or self.root,
                source=source,
                caches=caches and caches.folder,
                empty=caches and caches.empty,
            )
        )

    def tree(self) -> set[str]:
        """All paths of the workspace, without what is in `.git`."""
        paths = {str(path.relative_to(self.root)) for path in self.root.rglob("*")}
        return {path for path in paths if not path.startswith(".git/")}


def open_boxed(folder: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> Boxed:
    """A workspace in `folder`, beside a home folder of its own."""
    box = box_of(kind)
    home, root = folder / "home", folder / "ws"
    for made in (home, root, root / "src"):
        made.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return Boxed(root, home, box)
