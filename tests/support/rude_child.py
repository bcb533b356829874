"""A model's child process that misbehaves on request: each word of the prompt is an order.

Invariant: run only as `python -m tests.support.rude_child`, by tests of the parent's side.
"""

import asyncio
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from hybridcode.domain.model import Finished, ModelRequest, Timing, Usage
from hybridcode.models.child import Emit, run
from hybridcode.models.framing import Load, Ready
from hybridcode.models.problems import Trouble


class RudeBackend:
    async def load(self, load: Load) -> Ready:
        if os.environ.get("RUDE_AT_LOAD") == "die":
            print("the weights are cursed", file=sys.stderr)
            os.kill(os.getpid(), signal.SIGABRT)
        if os.environ.get("RUDE_AT_LOAD") == "refuse":
            raise Trouble("unavailable", "not today", "try tomorrow")
        await asyncio.sleep(float(os.environ.get("RUDE_SLEEP", "0")))
        return Ready("rude")

    async def answer(self, request: ModelRequest, emit: Emit) -> Finished:
        for order in request.messages[-1].content.split():
            await self._obey(order, emit)
        return Finished("stop", Usage(output_tokens=1), Timing(), 0.0)

    async def _obey(self, order: str, emit: Emit) -> None:
        verb, _, argument = order.partition(":")
        match verb:
            case "say":
                emit(argument, False)
                await asyncio.sleep(0.05)
            case "print":
                print(argument, flush=True)
                os.write(1, b"raw bytes to standard output\n")
            case "complain":
                print(argument, file=sys.stderr, flush=True)
            case "signal":
                os.kill(os.getpid(), getattr(signal, argument))
                await asyncio.sleep(5)
            case "exit":
                os._exit(int(argument))
            case "raise":
                raise ValueError(argument)
            case "block":
                _block(float(argument))
            case "spawn":
                emit(str(_spawn()), False)
                await asyncio.sleep(60)
            case "spawn_free":
                emit(str(_spawn(is_free=True)), False)
                await asyncio.sleep(60)
            case "half":
                emit("half \ud800 a character", False)
            case "garbage":
                os.write(_pipe_to_parent(), b"GGML_ASSERT" * int(argument))
                await asyncio.sleep(60)
            case "begin":
                os.write(_pipe_to_parent(), b"\0\1\0\0{")
                await asyncio.sleep(60)
            case "shout":
                for _ in range(int(argument)):
                    os.write(1, b"x" * 1_000_000)
            case "flood":
                for _ in range(int(argument)):
                    emit("x", False)
                    await asyncio.sleep(0.001)
            case _:
                raise Trouble("invalid", f"unknown order {order}")


def _block(seconds: float) -> None:
    """Hold the event loop up, as native code would."""
    time.sleep(seconds)


def _spawn(*, is_free: bool = False) -> int:
    """A process that inherits stderr; a free one has a session of its own, where no signal to the group reaches it."""
    return subprocess.Popen(["sleep", "60"], start_new_session=is_free).pid


def _pipe_to_parent() -> int:
    """The descriptor behind which frames go out, as a library that writes where it should not might hit it."""
    numbers = (int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    return next(fd for fd in sorted(numbers) if fd > 2 and _is_writable_pipe(fd))


def _is_writable_pipe(fd: int) -> bool:
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(fd).st_mode)
        return is_pipe and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
    except OSError:
        return False


if __name__ == "__main__":
    run(RudeBackend)
