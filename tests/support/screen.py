"""The program on a real pseudo-terminal, with the screen as a person would see it."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import pexpect
import pyte

from tests.support.processes import Program


class _Child(Protocol):
    def read_nonblocking(self, size: int, timeout: float) -> bytes: ...
    def send(self, text: str) -> int: ...
    def kill(self, number: int) -> None: ...
    @property
    def pid(self) -> int: ...
    @property
    def child_fd(self) -> int: ...
    def isalive(self) -> bool: ...
    def close(self, force: bool) -> None: ...


class _Terminal(pyte.Screen):
    """A screen that answers where its cursor is, as terminals do."""

    reply: Callable[[str], object]

    def write_process_input(self, data: str) -> None:
        """What the terminal says to the program."""
        self.reply(data)


class Screen:
    """A running program and what its terminal shows."""

    def __init__(
        self,
        program: Program,
        *arguments: str,
        cwd: Path,
        size: tuple[int, int] = (30, 100),
        start: tuple[str, ...] = ("-m", "hybridcode"),
        is_answering: bool = True,
    ) -> None:
        env = {**program.environment(), "TERM": "xterm-256color"}
        if "NO_COLOR" not in program.env:
            env.pop("NO_COLOR", None)
        self._child = cast(
            _Child,
            pexpect.spawn(sys.executable, [*start, *arguments], cwd=str(cwd), env=env, dimensions=size),
        )
        self.raw = b""
        """Every byte that reached the terminal."""
        self._terminal = _Terminal(size[1], size[0])
        self._terminal.reply = self._child.send if is_answering else str
        self._stream = pyte.ByteStream(self._terminal)
        self._drawn: str | None = None

    @property
    def text(self) -> str:
        """The screen, line by line."""
        if self._drawn is None:
            self._drawn = "\n".join(line.rstrip() for line in self._terminal.display)
        return self._drawn

    def see(self, *words: str, within: float = 60) -> str:
        """Wait until all these words stand on the screen; returns the screen."""
        deadline = time.monotonic() + within
        while not all(word in self.text for word in words):
            assert time.monotonic() < deadline, f"never saw {words} in:\n{self.text}"
            self._pump(0.05)
        return self.text

    def wait(self, seconds: float) -> str:
        """Let time pass; returns the screen after it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._pump(0.05)
        return self.text

    def drain(self) -> bytes:
        """Read to the end of a program that ends by itself, without drawing; returns every byte of it."""
        while True:
            try:
                self.raw += self._child.read_nonblocking(65536, 5)
            except (pexpect.TIMEOUT, pexpect.EOF):
                return self.raw

    def press(self, keys: str) -> None:
        """Type."""
        self._child.send(keys)

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._child.pid

    def stand_still(self, *, seconds: float, typing: str = "") -> None:
        """Stop the program's process for a while, as a machine out of memory does; what is typed waits for it."""
        self._child.kill(signal.SIGSTOP)
        self.press(typing)
        time.sleep(seconds)
        self._child.kill(signal.SIGCONT)

    def hang_up(self) -> None:
        """Close the terminal under the program, as a window that is closed."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, self._child.child_fd)
        os.close(nowhere)

    @property
    def state(self) -> str:
        """What the system says of the program's process: `T` is stopped."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def clear(self) -> None:
        """Forget what is drawn, as the shell's own lines would hide it."""
        self._terminal.reset()
        self._drawn = None

    def is_alive(self) -> bool:
        """True while the program runs."""
        return self._child.isalive()

    def kill(self) -> None:
        """End the program with SIGKILL."""
        self._child.kill(9)
        while self._child.isalive():
            time.sleep(0.02)

    def close(self) -> None:
        """End the program in any way."""
        self._child.close(force=True)

    def _pump(self, timeout: float) -> None:
        try:
            data = self._child.read_nonblocking(65536, timeout)
            self.raw += data
            self._stream.feed(data)
            self._drawn = None
        except (pexpect.TIMEOUT, pexpect.EOF):
            time.sleep(0.01)
