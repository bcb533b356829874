"""The box that commands run in, where the machine has one: bubblewrap.

Invariant: inside, only the workspace (without .git and .hybridcode) and a private /tmp can be written, credentials and
the sockets of the machine are hidden, and there is no network unless the command was approved with it.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from hybridcode.gate.processes import ends_well

_BINARIES = ("/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap")
_HIDDEN_AT_HOME = (
    ".ssh",
    ".aws",
    ".gnupg",
    ".kube",
    ".docker",
    ".azure",
    ".config/gh",
    ".config/gcloud",
    ".password-store",
)


@dataclass(frozen=True)
class Sandbox:
    """How commands are boxed in. `none` runs them as they are."""

    kind: Literal["bwrap", "none"] = "none"
    binary: str = ""

    def wrap(self, argv: list[str], *, workspace: Path, cwd: Path, network: bool) -> list[str]:
        """The command line that runs `argv` inside."""
        if self.kind == "none":
            return argv
        return [self.binary, *_arguments(workspace, cwd, network=network), "--", *argv]

    def mount_points(self, workspace: Path) -> list[Path]:
        """Folders that do not exist and that bubblewrap creates on disk to cover them; to be removed afterwards."""
        if self.kind == "none":
            return []
        return [folder for name in _COVERED if not (folder := workspace / name).exists()]


_COVERED = (".git", ".hybridcode")


def _arguments(workspace: Path, cwd: Path, *, network: bool) -> list[str]:
    arguments = ["--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    if not network:
        arguments.append("--unshare-net")
    arguments += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run"]
    if network:
        arguments += ["--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"]
    home = Path.home()
    for name in _HIDDEN_AT_HOME:
        hidden = home / name
        if hidden.is_dir() and not workspace.is_relative_to(hidden):
            arguments += ["--tmpfs", str(hidden)]
    arguments += ["--bind", str(workspace), str(workspace)]
    for name in _COVERED:
        path = workspace / name
        if path.exists():
            arguments += ["--ro-bind", str(path), str(path)]
        else:
            arguments += ["--tmpfs", str(path), "--remount-ro", str(path)]
    return [*arguments, "--chdir", str(cwd)]


NONE = Sandbox()


_TRIAL = (
    *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),
    *("--unshare-pid", "--unshare-net", "--", "true"),
)


@cache
def probe() -> Sandbox:
    """The sandbox of this machine, tried out once per process."""
    for binary in _BINARIES:
        if os.access(binary, os.X_OK) and ends_well([binary, *_TRIAL]):
            return Sandbox("bwrap", binary)
    return NONE
