"""The command line of our launcher, which starts a command inside a sandbox without a shell.

Invariant: the launcher gets everything as arguments, and nothing from the environment or the workspace.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from hybridcode.gate import sandbox_landlock
from hybridcode.gate.commands.plain import Stage
from hybridcode.gate.sandbox_request import PACKAGE, Request

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from hybridcode.gate.sandbox_launch import main; main(*sys.argv[2:])"
)
_PIECE = 100_000
"""Characters of one argument: Linux takes no more than 131,072 bytes."""


def launcher(request: Request, *, kind: str) -> list[str]:
    """What runs the stages of a request, inside the sandbox of this kind."""
    is_mounted = kind == "bwrap"
    is_landlock = kind == "landlock"
    spec: dict[str, Any] = {
        "stages": [_stage(stage) for stage in request.stages],
        "cwd": str(request.cwd if is_mounted else request.place),
        "is_supervised": not is_mounted,
        "parent": os.getpid(),
        "scratch": str(request.caches) if is_landlock and request.caches is not None else "",
        "landlock": sandbox_landlock.rules(request) if is_landlock else None,
    }
    text = json.dumps(spec)
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    return [os.path.realpath(sys.executable), "-I", "-S", "-c", _START, str(PACKAGE), *pieces]


def _stage(stage: Stage) -> list[Any]:
    """The program, and what it is called: as a shell would, a name that was found by it, and a path by its path."""
    program, *rest = stage.argv
    return [program, [stage.called or Path(program).name, *rest], stage.stdin, stage.stdout, stage.stderr]
