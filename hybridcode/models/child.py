"""The life of a model's child process: frames in, frames out, cancellation, and an end when the parent ends.

Invariant: only this module writes to the pipe; whatever libraries print goes to stderr.
"""

import asyncio
import ctypes
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine
from typing import NoReturn, Protocol

import msgspec

from hybridcode.domain.model import Finished, ModelRequest, Timing, Usage
from hybridcode.models.framing import (
    LOADING,
    Alive,
    Ask,
    Cancel,
    Done,
    FrameError,
    Load,
    Piece,
    Problem,
    Ready,
    Stop,
    ToChild,
    ToParent,
    decode_to_child,
    encode,
    read_body_blocking,
)
from hybridcode.models.problems import Trouble

PIECE_INTERVAL_S = 1 / 30
"""Pieces of one answer leave at most this often."""
BEAT_S = 0.5
"""Seconds between two signs of life while something is owed."""
_PR_SET_PDEATHSIG = 1

Emit = Callable[[str, bool], None]
"""Called, from any thread, with some text and whether it is reasoning."""


class Backend(Protocol):
    """What a kind of child can do."""

    async def load(self, load: Load) -> Ready:
        """Make ready to answer. Raises: Trouble."""
        ...

    async def answer(self, request: ModelRequest, emit: Emit) -> Finished:
        """Answer one request; being cancelled ends it soon. The caller fills in timing and bytes. Raises: Trouble."""
        ...


def run(make_backend: Callable[[], Backend]) -> NoReturn:
    """Serve one parent until it says Stop or goes away."""
    _die_with_parent()
    reading, writing = _claim_pipes()
    asyncio.run(_Service(make_backend(), _Pipe(writing)).serve(reading))
    raise AssertionError("a child ends by _exit only")


class _Pipe:
    """The writing end; frames are whole, whoever writes."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def send(self, message: ToParent) -> None:
        frame = memoryview(encode(message))
        with self._lock:
            while frame:
                frame = frame[os.write(self._fd, frame) :]


class _Pulse:
    """Signs of life from a thread of its own: they go on while native code works, and stop with the process."""

    def __init__(self, pipe: _Pipe) -> None:
        self._pipe = pipe
        self._owing = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def owe(self, is_owing: bool) -> None:
        """Start or stop."""
        if is_owing:
            self._owing.set()
        else:
            self._owing.clear()

    def _beat(self) -> None:
        while self._owing.wait():
            try:
                self._pipe.send(Alive())
            except OSError:  # the parent is gone; the thread that reads from it ends the process
                return
            time.sleep(BEAT_S)


class _Pieces:
    """Joins the pieces of one answer so that at most 30 frames a second leave, and keeps the clock of the answer.

    The event loop is woken once for a frame and not for each token, from whatever thread the text comes.
    """

    def __init__(self, ask_id: int, pipe: _Pipe) -> None:
        self._id, self._pipe = ask_id, pipe
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, bool]] = []
        self._is_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._last = -1.0
        self.output_bytes = 0
        self.first_at: float | None = None

    def emit(self, text: str, reasoning: bool) -> None:
        if not text:
            return
        data = text.encode("utf-8", "replace")
        with self._lock:
            self.first_at = self.first_at or time.monotonic()
            if not reasoning:
                self.output_bytes += len(data)
            self._waiting.append((data.decode(), reasoning))
            was_due, self._is_due = self._is_due, True
        if not was_due:
            self._loop.call_soon_threadsafe(self._schedule)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        with self._lock:
            waiting, self._waiting, self._is_due = self._waiting, [], False
        for text, reasoning in _joined(waiting):
            self._pipe.send(Piece(self._id, text, reasoning))
        self._last = time.monotonic()

    def _schedule(self) -> None:
        if self._is_due and self._timer is None:
            self._timer = self._loop.call_later(max(0.0, self._last + PIECE_INTERVAL_S - time.monotonic()), self.flush)


def _joined(pieces: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Neighbours of the same kind as one."""
    runs: list[tuple[list[str], bool]] = []
    for text, reasoning in pieces:
        if runs and runs[-1][1] is reasoning:
            runs[-1][0].append(text)
        else:
            runs.append(([text], reasoning))
    return [("".join(texts), reasoning) for texts, reasoning in runs]


class _Service:
    """Turns frames into tasks of the backend."""

    def __init__(self, backend: Backend, pipe: _Pipe) -> None:
        self._backend, self._pipe, self._pulse = backend, pipe, _Pulse(pipe)
        self._tasks: dict[int, asyncio.Task[ToParent]] = {}

    async def serve(self, reading: int) -> NoReturn:
        """Read frames until one of them, or the end of the pipe, ends the process."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=_read_frames, args=(reading, loop, self._take), daemon=True).start()
        while True:
            await asyncio.Event().wait()

    def _take(self, message: ToChild) -> None:
        match message:
            case Ask(id=ask_id, request=request):
                self._start(ask_id, self._answer(ask_id, request))
            case Cancel(id=ask_id):
                if task := self._tasks.get(ask_id):
                    task.cancel()
            case Stop():
                _exit()
            case _:
                self._start(LOADING, self._load(message))

    def _start(self, ask_id: int, work: Coroutine[None, None, ToParent]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[ask_id] = task
        self._pulse.owe(True)
        task.add_done_callback(lambda ended: self._finish(ask_id, ended))

    def _finish(self, ask_id: int, task: asyncio.Task[ToParent]) -> None:
        """Every way a task can end becomes exactly one frame: this is the edge of the process."""
        self._tasks.pop(ask_id, None)
        self._pulse.owe(bool(self._tasks))
        try:
            self._pipe.send(_end_of(ask_id, task))
        except FrameError as error:
            self._pipe.send(Problem(ask_id, "crashed", f"The model's process cannot say how a call ended: {error}"))

    async def _load(self, load: Load) -> ToParent:
        return await self._backend.load(load)

    async def _answer(self, ask_id: int, request: ModelRequest) -> ToParent:
        pieces, started = _Pieces(ask_id, self._pipe), time.monotonic()
        try:
            end = await self._backend.answer(request, pieces.emit)
        finally:
            pieces.flush()
        return Done(ask_id, _measured(end, request, pieces, started=started))


def _end_of(ask_id: int, task: asyncio.Task[ToParent]) -> ToParent:
    if task.cancelled():
        return Done(ask_id, Finished("cancelled", Usage(), Timing()))
    match task.exception():
        case None:
            return task.result()
        case Trouble() as trouble:
            return trouble.on(ask_id)
        case error:
            traceback.print_exception(error)
            words = f"{type(error).__name__} in the model's process: {error}"
            return Problem(ask_id, "crashed", words, "This is a defect of hybridcode or of the library.")


def _measured(end: Finished, request: ModelRequest, pieces: _Pieces, *, started: float) -> Finished:
    now, first = time.monotonic(), pieces.first_at
    tokens = end.usage.output_tokens
    known = end.timing
    if known.first_token_s is None and first is not None:
        tps = (tokens - 1) / (now - first) if tokens > 1 and now > first else None
        known = msgspec.structs.replace(known, first_token_s=first - started, decode_tps=tps)
    timing = msgspec.structs.replace(known, total_s=now - started)
    usage = msgspec.structs.replace(end.usage, input_bytes=request.prompt_bytes, output_bytes=pieces.output_bytes)
    return msgspec.structs.replace(end, usage=usage, timing=timing)


def _read_frames(fd: int, loop: asyncio.AbstractEventLoop, take: Callable[[ToChild], None]) -> None:
    """Pass frames on; a parent that is gone, or talks nonsense, ends the process, whatever native code is doing."""
    try:
        while (body := read_body_blocking(lambda size: os.read(fd, size))) is not None:
            loop.call_soon_threadsafe(take, decode_to_child(body))
    except FrameError as error:
        print(error, file=sys.stderr)
    _exit()


def _exit() -> NoReturn:
    """End at once: running answers and native code are not waited for."""
    sys.stderr.flush()
    os._exit(0)


def _claim_pipes() -> tuple[int, int]:
    """Take standard input and output for frames, and leave to libraries an empty input and stderr as output."""
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return reading, writing


def _die_with_parent() -> None:
    """Ask Linux for SIGKILL when the parent dies; elsewhere the end of standard input does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
