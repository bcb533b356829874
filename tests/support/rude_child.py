"""A model's child process that misbehaves on request: each word of the prompt is an order.

Invariant: run only as `python -m tests.support.rude_child`, by tests of the parent's side.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time

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
            case "flood":
                for _ in range(int(argument)):
                    emit("x", False)
                    await asyncio.sleep(0.001)
            case _:
                raise Trouble("invalid", f"unknown order {order}")


def _block(seconds: float) -> None:
    """Hold the event loop up, as native code would."""
    time.sleep(seconds)


def _spawn() -> int:
    return subprocess.Popen(["sleep", "60"]).pid


if __name__ == "__main__":
    run(RudeBackend)
