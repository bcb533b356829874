"""One life of a model's child process, seen from the parent: spawn, frames, its last words, its end.

Invariant: every open call gets exactly one end (Done, Problem or Died); a process that was started is always reaped.
"""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import hybridcode
from hybridcode.domain.errors import ModelCrashed, ModelError
from hybridcode.models.framing import (
    LOADING,
    Done,
    FrameError,
    Load,
    Piece,
    Problem,
    Ready,
    Stop,
    ToChild,
    ToParent,
    decode_to_parent,
    encode,
    read_body,
)
from hybridcode.models.problems import error_of

CANCEL_GRACE_S = 1.0
"""Seconds a child has to end a cancelled call, or to exit, before it is killed."""
LOG_LINES = 40
"""Lines of the child's stderr that are kept."""
LOG_LINE_CHARS = 400
"""Characters of one such line that are kept."""

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "SYSTEMROOT", "TEMP", "TMP")


@dataclass(frozen=True)
class ChildCommand:
    """Which module to run, what to load first, and the variables it sees besides the usual few."""

    module: str
    load: Load
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Died:
    """Put into every open call's queue when the child is gone."""

    error: ModelError


Answers = asyncio.Queue[Piece | Done | Problem | Died]


class ChildProcess:
    """One life of the child process."""

    def __init__(self, process: asyncio.subprocess.Process, module: str) -> None:
        self._process, self._module = process, module
        self._calls: dict[int, Answers] = {}
        self._loaded: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._is_stopping = False
        self.is_gone = False
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    @classmethod
    async def start(cls, command: ChildCommand) -> "ChildProcess":
        """Spawn the child in a group of its own and wait until its model is loaded.

        Raises:
            ModelError: when it cannot be loaded; nothing is left running.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            command.module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=child_environment(command.environment),
            cwd=Path(sys.executable).anchor,
            start_new_session=True,
            limit=1024 * 1024,
        )
        child = cls(process, command.module)
        try:
            child.send(command.load)
            await asyncio.shield(child._loaded)
        except BaseException:
            await child.stop()
            raise
        return child

    @property
    def pid(self) -> int:
        """Process id, also after its end."""
        return self._process.pid

    @property
    def ready(self) -> Ready:
        """What the child said when it had loaded."""
        return self._loaded.result()

    @property
    def has_crashed(self) -> bool:
        """True when it ended although nobody here asked for that."""
        return self.is_gone and not self._is_stopping

    def open(self, ask_id: int) -> Answers:
        """A queue for what is answered to one Ask; its last element is never a Piece."""
        queue: Answers = asyncio.Queue()
        self._calls[ask_id] = queue
        if self.is_gone:
            queue.put_nowait(Died(self._crash()))
        return queue

    def forget(self, ask_id: int) -> None:
        """Drop whatever still comes for a call."""
        self._calls.pop(ask_id, None)

    def send(self, message: ToChild) -> None:
        """Write a frame; a child that is gone is noticed by its reader, not here."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(encode(message))

    async def kill(self) -> None:
        """End the process at once, with everything it started, and wait until it is reaped."""
        self._is_stopping = True
        _kill_group(self._process)
        await asyncio.wait([self._watching])

    async def stop(self) -> None:
        """Ask the process to exit, then insist."""
        self._is_stopping = True
        self.send(Stop())
        try:
            await asyncio.wait([self._watching], timeout=CANCEL_GRACE_S)
        finally:
            await self.kill()

    async def _watch(self) -> None:
        """Pass frames on until the stream ends; then reap the process and tell every open call."""
        logging = asyncio.get_running_loop().create_task(self._read_log())
        try:
            await self._read_frames()
        finally:
            _kill_group(self._process)
            await self._process.wait()
            await asyncio.wait([logging], timeout=CANCEL_GRACE_S)
            logging.cancel()
            self.is_gone = True
            self._tell_all(self._crash())

    async def _read_frames(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            while (body := await read_body(stdout)) is not None:
                self._pass_on(decode_to_parent(body))
        except FrameError as error:
            self._log.append(str(error))

    def _pass_on(self, message: ToParent) -> None:
        match message:
            case Ready():
                if not self._loaded.done():
                    self._loaded.set_result(message)
            case Problem(id=ask_id) if ask_id == LOADING:
                if not self._loaded.done():
                    self._loaded.set_exception(error_of(message))
            case Piece(id=ask_id) | Done(id=ask_id) | Problem(id=ask_id):
                if queue := self._calls.get(ask_id):
                    queue.put_nowait(message)

    async def _read_log(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        rest = b""
        while data := await stderr.read(65_536):
            *lines, rest = (rest + data).split(b"\n")
            self._log.extend(_log_line(line) for line in lines if line.strip())
            rest = rest[-LOG_LINE_CHARS * 4 :]
        if rest.strip():
            self._log.append(_log_line(rest))

    def _tell_all(self, error: ModelCrashed) -> None:
        if not self._loaded.done():
            self._loaded.set_exception(error)
            self._loaded.exception()  # somebody may have stopped waiting
        for queue in self._calls.values():
            queue.put_nowait(Died(error))

    def _crash(self) -> ModelCrashed:
        if self._is_stopping:
            return ModelCrashed("The model's process was stopped.", "Ask again to start it anew.")
        tail = "\n".join(list(self._log)[-5:])
        how = _how_it_ended(self._process.returncode)
        return ModelCrashed(
            f"The model's process ({self._module}) {how}." + (f" Its last words:\n{tail}" if tail else ""),
            "It is started again for the next call. If it is killed, memory may be short: lower n_ctx or gpu_layers.",
        )


def child_environment(extra: Mapping[str, str], parent: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables a child sees: a few of the parent's, `extra`, and what makes Python find this package."""
    kept = {name: parent[name] for name in _KEPT_VARIABLES if name in parent}
    fixed = {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "GGML_NO_BACKTRACE": "1"}
    root = Path(hybridcode.__file__).resolve().parents[1]
    if root.name not in ("site-packages", "dist-packages"):
        fixed["PYTHONPATH"] = str(root)
    return {**kept, **extra, **fixed}


def _kill_group(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        pass


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "is gone"
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _log_line(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip()[:LOG_LINE_CHARS]
