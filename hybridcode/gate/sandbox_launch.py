"""Starts a command, or the stages of a plain pipeline, in a sandbox: runs in a small process of its own.

Invariant: imports almost nothing, so that it starts in milliseconds; the exit code is that of the last stage, as in
bash without pipefail; where no sandbox ends all processes of a run, this process does.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_NOT_FOUND, _NOT_EXECUTABLE, _NOT_CONFINED = 127, 126, 125
_HEARD = {signal.SIGCHLD, signal.SIGTERM}
_GRACE_S = 1.0
_MAX_PROCESSES = 4_096
_EASY_PREY = b"500"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def main(*spec: str) -> None:
    """Run what `spec` says, in pieces; does not return."""
    what = json.loads("".join(spec))
    try:
        os.chdir(what["cwd"])
        if what["is_supervised"]:
            sys.exit(_supervise(what))
        _limit(is_own_space=True)
        if len(what["stages"]) == 1:
            _execute(what["stages"][0])
        sys.exit(_code(_pipeline(what["stages"])))
    except OSError as error:
        print(f"The command could not be started in its sandbox: {error}", file=sys.stderr)
        sys.exit(_NOT_CONFINED)


def _supervise(what: Any) -> int:
    """Run in a child that is locked in, and leave no process of it behind."""
    # Blocked, and waited for: a handler could come between the end of the child and our hearing of it.
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    _stay_with(what["parent"])
    scratch = _make_scratch(what["scratch"])
    worker = os.fork()
    if worker == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        _work(what)
    code = _awaited(worker)
    _end_descendants()
    if scratch is not None:
        _remove(scratch)
    return code


def _work(what: Any) -> None:
    """Lock this process in and run; does not return."""
    _lock_in(what)
    if len(what["stages"]) == 1:
        _execute(what["stages"][0])
    os._exit(_code(_pipeline(what["stages"])))


def _awaited(worker: int) -> int:
    """The worker's exit code; adopted orphans are reaped by the way. After SIGTERM it has a moment to end."""
    until: float | None = None
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == worker:
            return _code(status)
        if ended:
            continue
        if until is not None:
            if time.monotonic() > until:
                return 128 + signal.SIGKILL
            time.sleep(0.01)
        elif signal.sigwait(_HEARD) == signal.SIGTERM:
            until = time.monotonic() + _GRACE_S


def _stay_with(parent: int) -> None:
    if sys.platform != "linux":
        return
    from hybridcode.gate import sandbox_kernel  # ctypes costs as much as the rest of the start

    sandbox_kernel.end_with_parent(signal.SIGTERM)
    sandbox_kernel.adopt_orphans()
    if os.getppid() != parent:
        sys.exit(128 + signal.SIGTERM)


def _lock_in(what: Any) -> None:
    """Give up what the run may not do; ends the process where that fails."""
    try:
        _limit(is_own_space=False)
        if what["landlock"]:
            from hybridcode.gate import sandbox_calls, sandbox_kernel  # not paid for where another sandbox is used

            sandbox_kernel.end_with_parent(signal.SIGKILL)
            sandbox_kernel.give_up_capabilities()
            sandbox_kernel.restrict_files(**what["landlock"])
            sandbox_kernel.filter_calls(sandbox_calls.program(os.uname().machine, network=what["landlock"]["network"]))
    except (OSError, KeyError) as error:
        os.write(2, f"The command could not be locked in: {error}\n".encode())
        os._exit(_NOT_CONFINED)


def _limit(*, is_own_space: bool) -> None:
    """No core files, first in line when memory runs out, and in a user space of its own a bound on processes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if is_own_space:
        _, most = resource.getrlimit(resource.RLIMIT_NPROC)
        bound = _MAX_PROCESSES if most == resource.RLIM_INFINITY else min(most, _MAX_PROCESSES)
        resource.setrlimit(resource.RLIMIT_NPROC, (bound, bound))
    with contextlib.suppress(OSError):
        place = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(place, _EASY_PREY)
        os.close(place)


def _pipeline(stages: list[Any]) -> int:
    """Start all stages, wait for all of them, and give the last one's status."""
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
    return [os.waitpid(child, 0)[1] for child in children][-1]


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _execute(stage: Any) -> int:
    """Become a stage; does not return."""
    program, argv, stdin, stdout, stderr = stage
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
        os.execv(program, argv)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode("utf-8", "surrogateescape"))
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)


def _end_descendants() -> None:
    """Kill whatever is left, however far it went away: orphans come back to this process."""
    until = time.monotonic() + 2 * _GRACE_S
    while time.monotonic() < until:
        for process in list(descendants(os.getpid())):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def descendants(process: int) -> Iterator[int]:
    """All processes below one, children first; nothing where the system does not tell."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
    except OSError:
        return
    for task in tasks:
        try:
            children = [int(child) for child in (task / "children").read_text("ascii").split()]
        except OSError:
            continue
        for child in children:
            yield child
            yield from descendants(child)


def _make_scratch(folder: str) -> Path | None:
    """A private folder for temporary files, in `folder`; those of runs that were cut off are taken away."""
    if not folder:
        return None
    for left in Path(folder).glob("tmp-*"):
        if not Path("/proc", left.name.removeprefix("tmp-")).exists():
            _remove(left)
    made = Path(folder, f"tmp-{os.getpid()}")
    made.mkdir(0o700)
    os.environ["TMPDIR"] = str(made)
    return made


def _remove(made: Path) -> None:
    """Take away a folder, or whatever a command put in its place: no link is followed, on no way down."""
    with contextlib.suppress(OSError):
        above = os.open(made.parent, _FOLDER)
        try:
            _remove_inside(made.name, above)
        finally:
            os.close(above)


def _remove_inside(name: str, above: int) -> None:
    try:
        folder = os.open(name, _FOLDER, dir_fd=above)
    except OSError:
        os.unlink(name, dir_fd=above)
        return
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
        for inner in names:
            with contextlib.suppress(OSError):
                _remove_inside(inner, folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=above)
