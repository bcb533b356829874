"""The command line of our launcher, which starts a command inside a sandbox without a shell.

Invariant: the launcher gets everything as one argument, and nothing from the environment or the workspace.
"""

import json
import os
import sys
from typing import Any

from hybridcode.gate.commands.plain import Stage
from hybridcode.gate.sandbox_request import PACKAGE, Request

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from hybridcode.gate.sandbox_launch import main; main(sys.argv[2])"
)


def launcher(request: Request, *, kind: str) -> list[str]:
    """What runs the stages of a request, inside the sandbox of this kind."""
    cwd = request.cwd if kind == "bwrap" else request.place
    spec: dict[str, Any] = {
        "stages": [_stage(stage) for stage in request.stages],
        "cwd": str(cwd),
        "is_supervised": kind != "bwrap",
    }
    return [_interpreter(), "-I", "-S", "-c", _START, str(PACKAGE), json.dumps(spec)]


def _stage(stage: Stage) -> list[Any]:
    return [list(stage.argv), stage.stdin, stage.stdout, stage.stderr]


def _interpreter() -> str:
    return os.path.realpath(sys.executable)
