"""The box that commands run in: the best one that this machine has.

Invariant: inside, only the workspace, without what runs by itself or belongs to git or to us, and private folders can
be written, credentials and the sockets of the machine are out of reach, and there is no network unless the command was
approved with it. What a kind of box cannot do of this, `unenforced` says.
"""

import os
import sys
from bisect import bisect
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from hybridcode.gate import sandbox_bwrap, sandbox_calls, sandbox_kernel, sandbox_seatbelt
from hybridcode.gate.commands.plain import Stage
from hybridcode.gate.processes import ends_well, find_program
from hybridcode.gate.sandbox_launching import launcher
from hybridcode.gate.sandbox_request import Request

Kind = Literal["bwrap", "landlock", "seatbelt", "none"]

_SEATBELT = "/usr/bin/sandbox-exec"
_VERSIONS = (2, 3, 5, 6)
_OF_VERSION = (
    "moving files between folders, which never works",
    "cutting off files outside",
    "requests to devices",
    "signals to other processes of yours",
)
"""What Landlock lacks before the version beside it."""
_LIMITS = (
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor limits user namespaces (Ubuntu 23.10 and later); the package bubblewrap brings an exception, "
        "for /usr/bin/bwrap alone",
    ),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone is 0"),
    ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces is 0"),
)


@dataclass(frozen=True)
class Sandbox:
    """How commands are boxed in. `none` runs them as they are."""

    kind: Kind = "none"
    binary: str = ""
    abi: int = 0
    """The version of Landlock in this kernel."""
    missing: tuple[str, ...] = ()
    """Why there is no better one, in words."""

    @property
    def can_mount(self) -> bool:
        """Another folder can be shown at the workspace's own path."""
        return self.kind == "bwrap"

    @property
    def unenforced(self) -> tuple[str, ...]:
        """What it cannot keep a command from."""
        match self.kind:
            case "bwrap":
                return ()
            case "landlock":
                return ("permission bits and times of files outside", *_OF_VERSION[bisect(_VERSIONS, self.abi) :])
            case "seatbelt":
                return ("signals to other processes",)
            case "none":
                return ("anything that you can do",)

    def line(self, request: Request) -> list[str]:
        """The command line that does what is asked for inside."""
        inner = launcher(request, kind=self.kind)
        match self.kind:
            case "bwrap":
                return [self.binary, *sandbox_bwrap.arguments(request), *inner]
            case "seatbelt":
                return [self.binary, "-p", sandbox_seatbelt.profile(request), *inner]
            case "landlock" | "none":
                return inner


NONE = Sandbox()


@cache
def probe() -> Sandbox:
    """The best sandbox of this machine, tried out once per process."""
    if sys.platform == "darwin":
        return _seatbelt()
    missing: list[str] = []
    binary = sandbox_bwrap.find_binary()
    if binary is None:
        missing.append("bubblewrap is not installed")
    elif ends_well([binary, *sandbox_bwrap.TRIAL, "--", "true"]):
        return Sandbox("bwrap", binary)
    else:
        missing.append(f"{binary} cannot make a sandbox: {_why_no_namespaces()}")
    found = _landlock(tuple(missing))
    return found if found.kind == "none" or ends_well(_trial(found)) else Sandbox(missing=found.missing)


def _landlock(missing: tuple[str, ...]) -> Sandbox:
    if sys.platform != "linux" or not sandbox_calls.is_known(os.uname().machine):
        return Sandbox(missing=(*missing, f"there is no filter of system calls for {os.uname().machine}"))
    version = sandbox_kernel.landlock_version()
    if not version:
        return Sandbox(missing=(*missing, "this kernel has no Landlock, or a container keeps it away"))
    return Sandbox("landlock", abi=version, missing=missing)


def _seatbelt() -> Sandbox:
    if ends_well([_SEATBELT, "-p", "(version 1)(allow default)", "/usr/bin/true"]):
        return Sandbox("seatbelt", _SEATBELT)
    return Sandbox(missing=(f"{_SEATBELT} does not work",))


def _trial(sandbox: Sandbox) -> list[str]:
    folder = Path(os.path.realpath(sys.prefix))
    program = find_program("true", path=os.defpath, cwd=folder) or "/bin/true"
    return sandbox.line(Request((Stage((program,)),), folder, folder, is_reader=True))


def _why_no_namespaces() -> str:
    """What limits user namespaces here, as far as the system tells."""
    for file, limit, why in _LIMITS:
        try:
            if Path(file).read_text("ascii").strip() == limit:
                return why
        except OSError:
            continue
    return "no user namespaces here, as in most containers"
