"""Starts the user's commands and watches them to their end.

Invariant: a command gets its own process group, an environment without what could redirect it, no standard input, and
ends with its group when its time is up or the run is cancelled.
"""

import asyncio
import codecs
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_HEAD_BYTES = _TAIL_BYTES = 128 * 1024
_GRACE_S = 2.0
_DROPPED = re.compile(
    r"LD_.*|DYLD_.*|BASH_ENV|ENV|BASH_FUNC.*|PROMPT_COMMAND|PS[0-4]|SHELLOPTS|BASHOPTS|IFS|CDPATH|GIT_.*|.*PAGER|LESS.*|"
    r".*EDITOR|VISUAL|BROWSER|PYTHON(?:STARTUP|HOME|BREAKPOINT|INSPECT)|NODE_OPTIONS|PERL5.*|RUBY(?:OPT|LIB)|"
    r"_?JAVA.*_OPTIONS|RIPGREP_CONFIG_PATH|TAR_OPTIONS|GREP_OPTIONS|SSH_.*|GPG_.*|DBUS_.*|XDG_RUNTIME_DIR|DISPLAY|"
    r"WAYLAND_DISPLAY|DOCKER_.*|KUBECONFIG|HYBRIDCODE_.*|OLDPWD|PWD|_|SHLVL|COLUMNS|LINES|"
    r".*(?:KEY|TOKEN|SECRET|PASSW(?:OR)?D|CREDENTIAL|AUTH|COOKIE|SESSION).*"
)
_FIXED = {
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",
    "GIT_CONFIG_VALUE_0": "false",
    "EDITOR": "false",
    "TERM": "dumb",
}


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    exit_code: int
    """128 + signal number when a signal ended it."""
    output: bytes
    """Standard output and error, merged; the middle is left out, and counted, beyond 256 KiB."""
    seconds: float
    timed_out: bool


def environment_names(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Names of the variables that commands may see, sorted."""
    known = os.environ if environ is None else environ
    return tuple(sorted(name for name in known if not _DROPPED.fullmatch(name.upper()) and name.isidentifier()))


def environment(names: Sequence[str], *, workspace: Path, keep_path: bool = False) -> dict[str, str]:
    """What a command sees: the approved names, fixed answers for pagers and prompts, and a PATH of absolute folders.

    Folders of the workspace leave PATH unless `keep_path`: a program of the repository must not stand in for `ls`.
    """
    wanted = set(environment_names()).intersection(names or environment_names())
    found = {name: os.environ[name] for name in sorted(wanted)}
    return found | _FIXED | {"PATH": _path(workspace, keep_path=keep_path)}


def _path(workspace: Path, *, keep_path: bool) -> str:
    root = os.path.realpath(workspace)
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder.startswith("/")]
    if not keep_path:
        folders = [folder for folder in folders if not Path(os.path.realpath(folder)).is_relative_to(root)]
    return os.pathsep.join(folders or ["/usr/local/bin", "/usr/bin", "/bin"])


def find_program(name: str, *, path: str, cwd: Path) -> str | None:
    """The absolute path of a program as a shell in `cwd` would find it."""
    if "/" in name:
        candidate = cwd / name
        return str(candidate) if os.access(candidate, os.X_OK) and candidate.is_file() else None
    return shutil.which(name, path=path)


async def run(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float, show: Callable[[str], None]
) -> Ended:
    """Run to the end, to the timeout, or to cancellation; pieces of output go to `show` as they come.

    Raises:
        OSError: the program could not be started.
    """
    started = time.monotonic()
    # A pipe of our own: asyncio's wait() would wait for everybody who holds its pipe open.
    reader, writer = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            start_new_session=True,
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    kept = _Kept()
    reading = asyncio.create_task(_read(reader, kept, show))
    timed_out = False
    try:
        try:
            await asyncio.wait_for(process.wait(), timeout_s if timeout_s > 0 else None)
        except TimeoutError:
            timed_out = True
            await _end(process)
        # Children that left the group may hold the pipe open for ever; a moment is enough for what is in it.
        await asyncio.wait({reading}, timeout=1.0)
        if reading.done():
            reading.result()
    finally:
        try:
            await _settle(process, reading)
        finally:
            # Whatever happened, a further cancellation included, nothing of the group goes on.
            _signal_group(process, signal.SIGKILL)
    code = process.returncode if process.returncode is not None else -signal.SIGKILL
    return Ended(code if code >= 0 else 128 - code, kept.output(), time.monotonic() - started, timed_out)


class _Kept:
    """The first and the last bytes of a stream."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.tail = bytearray()
        self.left_out = 0

    def add(self, piece: bytes) -> None:
        room = _HEAD_BYTES - len(self.head)
        self.head += piece[:room]
        self.tail += piece[room:]
        if (surplus := len(self.tail) - _TAIL_BYTES) > 0:
            self.left_out += surplus
            del self.tail[:surplus]

    def output(self) -> bytes:
        note = f"\n[... {self.left_out:,} bytes left out ...]\n".encode() if self.left_out else b""
        return bytes(self.head) + note + bytes(self.tail)


async def _read(descriptor: int, kept: _Kept, show: Callable[[str], None]) -> None:
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", buffering=0)
    )
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        while piece := await stream.read(16 * 1024):
            kept.add(piece)
            if text := decoder.decode(piece):
                show(text)
    finally:
        transport.close()


async def _settle(process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
    reading.cancel()
    await asyncio.wait({reading})
    if process.returncode is None:
        await asyncio.shield(_end(process))


async def _end(process: asyncio.subprocess.Process) -> None:
    _signal_group(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _GRACE_S)
    except TimeoutError:
        _signal_group(process, signal.SIGKILL)
        await process.wait()


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def ends_well(argv: Sequence[str], *, timeout_s: float = 5.0) -> bool:
    """True when a small program of the system ends with 0: for finding out what the machine can do."""
    try:
        return subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout_s).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
