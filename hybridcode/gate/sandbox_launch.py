"""Starts a command, or the stages of a plain pipeline, inside the sandbox: runs in a small process of its own.

Invariant: imports almost nothing, so that it starts in milliseconds; the exit code is that of the last stage, as in
bash without pipefail; the last stage of a sandbox that ends all its processes itself replaces this process.
"""

import json
import os
import signal
import sys
from typing import Any

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


def main(spec: str) -> None:
    """Run what `spec` says; does not return."""
    what = json.loads(spec)
    os.chdir(what["cwd"])
    stages = what["stages"]
    if len(stages) == 1:
        _execute(stages[0])
    sys.exit(_pipeline(stages))


def _pipeline(stages: list[Any]) -> int:
    children: list[int] = []
    source: int | None = None
    for at, stage in enumerate(stages):
        reader, writer = os.pipe() if at < len(stages) - 1 else (None, None)
        child = os.fork()
        if child == 0:
            if source is not None:
                os.dup2(source, 0)
            if writer is not None:
                os.dup2(writer, 1)
            _execute(stage)
        children.append(child)
        for end in (source, writer):
            if end is not None:
                os.close(end)
        source = reader
    codes = {child: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
    code = codes[children[-1]]
    return code if code >= 0 else 128 - code


def _execute(stage: Any) -> None:
    """Become a stage; does not return."""
    argv, stdin, stdout, stderr = stage
    nothing = os.open(os.devnull, os.O_RDWR)
    if stdin == "null":
        os.dup2(nothing, 0)
    if stderr == "stdout":
        os.dup2(1, 2)
    if stdout == "null":
        os.dup2(nothing, 1)
    if stderr == "null":
        os.dup2(nothing, 2)
    # Python ignores these; what it starts must not.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(argv[0], argv)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode("utf-8", "surrogateescape"))
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)
