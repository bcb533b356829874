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

from hybridcode.gate.sandbox_launch import descendants

_HEAD_BYTES = _TAIL_BYTES = 128 * 1024
_GRACE_S = 2.0
_PIECE_BYTES = 64 * 1024
_SHOWN_BYTES = 1024 * 1024
_SHOWN_BYTES_A_SECOND = 64 * 1024
_FLOOD_BYTES = 16 * 1024 * 1024
_PAUSE_S = 0.002
_DROPPED = re.compile(
    r"LD_.*|DYLD_.*|GLIBC_.*|MALLOC_.*|GCONV_PATH|NLSPATH|LOCPATH|HOSTALIASES|RES_OPTIONS|LOCALDOMAIN|GETCONF_DIR|"
    r"BASH.*|ENV|PROMPT.*|PS[0-4]|SHELLOPTS|IFS|CDPATH|GLOBIGNORE|EXECIGNORE|INPUTRC|HIST.*|ZDOTDIR|FPATH|TERMINFO.*|"
    r"TERMCAP|POSIXLY_CORRECT|GIT_.*|.*PAGER|LESS.*|MORE|.*EDITOR|VISUAL|BROWSER|EXINIT|VIMINIT|MAKE(?:FLAGS|FILES)|MFLAGS|"
    r"PYTHON(?:STARTUP|HOME|BREAKPOINT|INSPECT|WARNINGS|EXECUTABLE|PLATLIBDIR|USERBASE)|NODE_OPTIONS|PERL5.*|PERLLIB|"
    r"RUBY(?:OPT|LIB)|_?JAVA.*_OPTIONS|JDK_JAVA_OPTIONS|LUA_INIT.*|AWK(?:PATH|LIBPATH)|GAWK.*|RIPGREP_CONFIG_PATH|"
    r"TAR_OPTIONS|GREP_OPTIONS|GZIP|BZIP2?|XZ_(?:DEFAULTS|OPT)|ZIPOPT|UNZIP|SSH_.*|GPG_.*|DBUS_.*|AT_SPI_.*|"
    r"XDG_RUNTIME_DIR|.*_SOCK(?:ET)?|DISPLAY|WAYLAND_.*|.*AUTHORITY|TMUX.*|STY|VSCODE_.*|DOCKER_.*|CONTAINER_HOST|"
    r"KUBECONFIG|SUDO_.*|HYBRIDCODE_.*|OLDPWD|PWD|_|SHLVL|COLUMNS|LINES|TMPDIR|TMP|TEMP|"
    r".*(?:KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|COOKIE|SESSION|PRIVATE).*"
)
_HOLDS_A_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_FIXED = {
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "true",
    "GIT_ASKPASS": "false",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "EDITOR": "false",
    "VISUAL": "false",
    "TERM": "dumb",
}
_GIT_FIXED = (("core.fsmonitor", "false"), ("credential.helper", ""))
_GIT_READS = ("core.hooksPath", os.devnull)
"""For commands that only read: no hook runs."""


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
    return tuple(
        sorted(
            name
            for name, value in known.items()
            if name.isidentifier() and not _DROPPED.fullmatch(name.upper()) and not _HOLDS_A_PASSWORD.search(value)
        )
    )


def environment(
    names: Sequence[str], *, workspace: Path, keep_path: bool = False, is_reader: bool = False
) -> dict[str, str]:
    """What a command sees: the approved names, fixed answers for pagers and prompts, and a PATH of absolute folders.

    Folders of the workspace leave PATH unless `keep_path`: a program of the repository must not stand in for `ls`.
    """
    wanted = set(environment_names()).intersection(names or environment_names())
    found = {name: os.environ[name] for name in sorted(wanted)}
    settings = (*_GIT_FIXED, _GIT_READS) if is_reader else _GIT_FIXED
    return found | _FIXED | _git_settings(settings) | {"PATH": _path(workspace, keep_path=keep_path)}


def _git_settings(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Settings that beat those of every configuration file of git."""
    said = {"GIT_CONFIG_COUNT": str(len(settings))}
    for at, (key, value) in enumerate(settings):
        said |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
    return said


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
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    show: Callable[[str], None],
    stop: asyncio.Event | None = None,
) -> Ended:
    """Run to the end, to the timeout, to `stop` or to cancellation; pieces of output go to `show` as they come.

    What is stopped ends like any other, with what it printed; a cancellation passes on.

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
        if not await _ends_by_itself(process, timeout_s, stop):
            timed_out = stop is None or not stop.is_set()
            await _end(process)
        # Children that left the group may hold the pipe open for ever; a moment is enough for what is in it.
        await asyncio.wait({reading}, timeout=1.0)
        if reading.done():
            reading.result()
    finally:
        try:
            await _settle(process, reading)
        finally:
            # Whatever happened, a further cancellation included, nothing goes on.
            _kill(process)
    code = process.returncode if process.returncode is not None else -signal.SIGKILL
    return Ended(code if code >= 0 else 128 - code, kept.output(), time.monotonic() - started, timed_out)


async def _ends_by_itself(process: asyncio.subprocess.Process, timeout_s: float, stop: asyncio.Event | None) -> bool:
    """Wait for the process; False when its time is up or it is to stop."""
    ending = asyncio.ensure_future(process.wait())
    waiting = {ending} if stop is None else {ending, asyncio.ensure_future(stop.wait())}
    try:
        await asyncio.wait(waiting, timeout=timeout_s if timeout_s > 0 else None, return_when=asyncio.FIRST_COMPLETED)
        return ending.done()
    finally:
        for each in waiting:
            each.cancel()


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


class _Shown:
    """Passes output on for display; of a flood only what eyes could follow."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._room = float(_SHOWN_BYTES)
        self._at = time.monotonic()
        self._skipped = 0

    def add(self, piece: bytes) -> None:
        now = time.monotonic()
        self._room = min(_SHOWN_BYTES, self._room + (now - self._at) * _SHOWN_BYTES_A_SECOND)
        self._at = now
        if self._room < len(piece):
            self._skipped += len(piece)
            return
        self._room -= len(piece)
        if self._skipped:
            self._show(f"\n[... {self._skipped:,} bytes not shown ...]\n")
            self._skipped = 0
            self._decoder.reset()
        if text := self._decoder.decode(piece):
            self._show(text)


async def _read(descriptor: int, kept: _Kept, show: Callable[[str], None]) -> None:
    """Read to the end. A flood is taken in slowly, so that the event loop has time for others."""
    shown = _Shown(show)
    loop = asyncio.get_running_loop()
    os.set_blocking(descriptor, False)
    total = 0
    try:
        while True:
            try:
                piece = os.read(descriptor, _PIECE_BYTES)
            except BlockingIOError:
                await _readable(loop, descriptor)
                continue
            if not piece:
                return
            total += len(piece)
            kept.add(piece)
            shown.add(piece)
            await asyncio.sleep(_PAUSE_S if total > _FLOOD_BYTES else 0)
    finally:
        os.close(descriptor)


async def _readable(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    ready = loop.create_future()
    loop.add_reader(descriptor, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


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
        _kill(process)
        await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    """End the group, and what left it, as far as it still hangs on the process."""
    strayed = list(descendants(process.pid)) if process.returncode is None else []
    _signal_group(process, signal.SIGKILL)
    for child in strayed:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child, signal.SIGKILL)


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def ends_well(argv: Sequence[str], *, timeout_s: float = 5.0) -> bool:
    """True when a small program of the system ends with 0: for finding out what the machine can do."""
    try:
        return subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout_s).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
