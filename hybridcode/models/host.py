"""One life of a model's child process, seen from the parent: spawn, frames, signs of life, its last words, its end.

Invariant: every open call gets exactly one end (Done, Problem or Died); a process that was started is always reaped;
one that owes an answer and gives no sign of life is killed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import hybridcode
from hybridcode.domain.errors import ModelCrashed, ModelError, ModelUnavailable
from hybridcode.models.framing import (
    LOADING,
    Alive,
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
from hybridcode.models.last_words import LastWords
from hybridcode.models.problems import error_of

CANCEL_GRACE_S = 1.0
"""Seconds a child has to end a cancelled call, or to exit, before it is killed."""
KILL_LIMIT_S = 5.0
"""Seconds to wait for the end of a killed process; one that the kernel holds is left to it."""
TICK_S = 0.5
"""Seconds between two looks at whether the child gave a sign of life."""

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "SYSTEMROOT", "TEMP", "TMP")


@dataclass(frozen=True)
class ChildCommand:
    """Which module to run, what to load first, and the variables it sees besides the usual few."""

    module: str
    load: Load
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    first_sign_s: float = 60.0
    """Seconds until its first sign of life: Python starts and imports what it needs."""
    loading_s: float = 1_800.0
    """Seconds until its model is loaded."""

    @property
    def silence_s(self) -> float:
        """Seconds without a sign of life, while it owes one, after which it is killed."""
        return max(self.load.settings.timeout_s, 4 * TICK_S)


@dataclass(frozen=True)
class Died:
    """Put into every open call's queue when the child is gone."""

    error: ModelError


Answers = asyncio.Queue[Piece | Done | Problem | Died]


class ChildProcess:
    """One life of the child process."""

    def __init__(self, process: asyncio.subprocess.Process, command: ChildCommand, words: LastWords) -> None:
        self._process, self._command, self._words = process, command, words
        self._calls: dict[int, Answers] = {}
        self._loaded: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._is_stopping = False
        self._verdict = ""
        self.is_gone = False
        self._age_s = self._silent_s = 0.0
        self._was_heard = False
        self._next_look: asyncio.TimerHandle | None = None
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    @classmethod
    async def start(cls, command: ChildCommand) -> "ChildProcess":
        """Spawn the child in a group of its own and wait until its model is loaded.

        Raises:
            ModelError: when it cannot be started or loaded; nothing is left running.
        """
        child = await cls._spawn(command)
        try:
            child.send(command.load)
            child._expect()
            await asyncio.shield(child._loaded)
        except BaseException:
            await child.stop()
            raise
        return child

    @classmethod
    async def _spawn(cls, command: ChildCommand) -> "ChildProcess":
        words: LastWords | None = None
        try:
            words = await LastWords.open()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                command.module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=words.their_end,
                env=child_environment(command.environment),
                cwd=Path(sys.executable).anchor,
                start_new_session=True,
                limit=1024 * 1024,
            )
        except BaseException as error:
            if words is not None:
                words.close()
            if isinstance(error, OSError | RuntimeError):  # no memory, processes, threads or descriptors are left
                raise ModelUnavailable(
                    f"The model's process cannot be started: {error}",
                    "End other programs, or raise the limits of processes, memory and open files (ulimit).",
                ) from error
            raise
        words.started(process)
        return cls(process, command, words)

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
        else:
            self._expect()
        return queue

    def forget(self, ask_id: int) -> None:
        """Drop whatever still comes for a call."""
        self._calls.pop(ask_id, None)

    def send(self, message: ToChild) -> None:
        """Write a frame; a child that is gone is noticed by its reader, not here.

        Raises:
            ModelError: when the message cannot be put into a frame.
        """
        try:
            frame = encode(message)
        except FrameError as error:
            raise ModelError(
                f"The model's process cannot be told: {error}", "Ask for less, or in other words."
            ) from error
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(frame)

    async def kill(self) -> None:
        """End the process at once, with everything it started, and wait until it is reaped."""
        self._is_stopping = True
        _kill_group(self._process)
        await asyncio.wait([self._watching], timeout=KILL_LIMIT_S)

    async def stop(self) -> None:
        """Ask the process to exit, then insist."""
        self._is_stopping = True
        self.send(Stop())
        try:
            await asyncio.wait([self._watching], timeout=CANCEL_GRACE_S)
        finally:
            await self.kill()

    def _expect(self) -> None:
        """From now on something is owed: a sign of life, until the model is loaded and the last call has ended."""
        self._silent_s = 0.0
        if self._next_look is None:
            self._next_look = asyncio.get_running_loop().call_later(TICK_S, self._look)

    def _look(self) -> None:
        """Count the ticks since the last sign of life: time in which this process stood still is not the child's."""
        self._next_look = None
        is_loading = not self._loaded.done()
        if self.is_gone or not (is_loading or self._calls):
            return
        self._age_s, self._silent_s = self._age_s + TICK_S, self._silent_s + TICK_S
        limit = self._command.silence_s if self._was_heard else self._command.first_sign_s
        if self._silent_s > limit:
            self._end(f"gave no sign of life for {limit:g} s and was killed")
        elif is_loading and self._age_s > self._command.loading_s:
            self._end(f"did not load its model within {self._command.loading_s:g} s and was killed")
        else:
            self._next_look = asyncio.get_running_loop().call_later(TICK_S, self._look)

    def _end(self, verdict: str) -> None:
        self._verdict = verdict
        _kill_group(self._process)

    async def _watch(self) -> None:
        """Pass frames on until the stream ends; then reap the process and tell every open call."""
        logging = asyncio.get_running_loop().create_task(self._words.read())
        try:
            await self._read_frames()
        finally:
            _kill_group(self._process)
            await self._process.wait()
            await asyncio.wait([logging], timeout=CANCEL_GRACE_S)
            logging.cancel()
            self._words.close()
            self.is_gone = True
            if self._next_look is not None:
                self._next_look.cancel()
            self._tell_all(self._crash())

    async def _read_frames(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            while (body := await read_body(stdout)) is not None:
                self._was_heard, self._silent_s = True, 0.0
                self._pass_on(decode_to_parent(body))
        except FrameError as error:
            self._verdict = f"wrote what is no message ({error}) and was killed"

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
            case Alive():
                pass

    def _tell_all(self, error: ModelCrashed) -> None:
        if not self._loaded.done():
            self._loaded.set_exception(error)
            self._loaded.exception()  # somebody may have stopped waiting
        for queue in self._calls.values():
            queue.put_nowait(Died(error))

    def _crash(self) -> ModelCrashed:
        if self._is_stopping:
            return ModelCrashed("The model's process was stopped.", "Ask again to start it anew.")
        tail = self._words.tail
        how = self._verdict or _how_it_ended(self._process.returncode)
        return ModelCrashed(
            f"The model's process ({self._command.module}) {how}." + (f" Its last words:\n{tail}" if tail else ""),
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
