"""The box that commands run in: the best one that this machine has.

Invariant: inside, only the workspace, without what runs by itself or belongs to git or to us, and private folders can
be written, credentials and the sockets of the machine are out of reach, and there is no network unless the command was
approved with it. What a kind of box cannot do of this, `unenforced` says.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from hybridcode.gate import sandbox_bwrap
from hybridcode.gate.commands.plain import Stage
from hybridcode.gate.processes import ends_well
from hybridcode.gate.sandbox_launching import launcher
from hybridcode.gate.sandbox_request import Request

Kind = Literal["bwrap", "landlock", "seatbelt", "none"]


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

    def wrap(
        self,
        argv: Sequence[str],
        *,
        workspace: Path,
        cwd: Path,
        network: bool,
        source: Path | None = None,
    ) -> list[str]:
        """The command line that runs `argv`, whose first word is an absolute path, inside.

        `source` is a folder that is mounted at the workspace's path and written in its place. A sandbox that cannot
        mount runs in `source` itself; the workspace is then not writable.
        """
        return self.line(Request((Stage(tuple(argv)),), workspace, cwd, network=network, source=source))

    def line(self, request: Request) -> list[str]:
        """The command line that does what is asked for inside."""
        inner = launcher(request, kind=self.kind)
        if self.kind == "bwrap":
            return [self.binary, *sandbox_bwrap.arguments(request), *inner]
        return inner


NONE = Sandbox()


@cache
def probe() -> Sandbox:
    """The sandbox of this machine, tried out once per process."""
    binary = sandbox_bwrap.find_binary()
    if binary is not None and ends_well([os.path.realpath(binary), *sandbox_bwrap.TRIAL, "--", "true"]):
        return Sandbox("bwrap", binary)
    return NONE
