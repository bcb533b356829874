"""A pseudo-terminal that starts a program, answers what programs ask a terminal, and reads what it cost.

Invariant: measures from outside only; nothing of the measured program is imported. Linux: reads /proc.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_ESCAPE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ\\`a-~])")
_QUESTIONS: Mapping[re.Pattern[bytes], bytes] = {
    re.compile(rb"\x1b\[0?c"): b"\x1b[?62;22c",
    re.compile(rb"\x1b\[>0?c"): b"\x1b[>1;4000;0c",
    re.compile(rb"\x1b\[6n"): b"\x1b[1;1R",
    re.compile(rb"\x1b\[\?u"): b"\x1b[?0u",
    re.compile(rb"\x1b\]10;\?(?:\x07|\x1b\\)"): b"\x1b]10;rgb:eeee/eeee/eeee\x1b\\",
    re.compile(rb"\x1b\]11;\?(?:\x07|\x1b\\)"): b"\x1b]11;rgb:1010/1010/1010\x1b\\",
}
_MODE_QUESTION = re.compile(rb"\x1b\[\?(\d+)\$p")


@dataclass(frozen=True)
class Use:
    """What a process and its children hold and have used."""

    cpu_s: float
    rss_mb: float
    processes: int


class Terminal:
    """A running program on a pseudo-terminal; as a context manager it ends the program."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, columns: int = 120, rows: int = 40
    ) -> None:
        self._start = time.perf_counter()
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            _become(command, env, cwd)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._raw = bytearray()
        self.ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in _family(self.pid):
            _end(process)
        os.close(self._descriptor)
        os.waitpid(self.pid, 0)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self._start

    @property
    def text(self) -> str:
        """Everything printed so far, without escape sequences."""
        return _ESCAPE.sub(b"", self._raw).decode("utf-8", "replace")

    @property
    def received(self) -> int:
        """Bytes printed so far."""
        return len(self._raw)

    def text_since(self, received: int) -> str:
        """What was printed after so many bytes, without escape sequences."""
        return _ESCAPE.sub(b"", self._raw[received:]).decode("utf-8", "replace")

    def read(self, timeout_s: float) -> bool:
        """Take what the program prints within `timeout_s` and answer its questions; False if there was nothing."""
        if self.ended or not select.select([self._descriptor], [], [], timeout_s)[0]:
            return False
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:
            data = b""
        self.ended = not data
        self._raw += data
        for question, answer in _QUESTIONS.items():
            self._answer(answer * len(question.findall(data)))
        for mode in _MODE_QUESTION.findall(data):
            self._answer(b"\x1b[?" + mode + b";2$y")
        return bool(data)

    def wait_until(self, condition: Callable[[], bool], *, timeout_s: float) -> bool:
        """Read until `condition` holds; False if the program ended or time ran out before."""
        limit = self.seconds + timeout_s
        while not condition():
            if self.ended or self.seconds > limit:
                return False
            self.read(0.01)
        return True

    def rest(self, seconds: float) -> None:
        """Keep reading for a while."""
        limit = self.seconds + seconds
        while self.seconds < limit and not self.ended:
            self.read(0.05)

    def press(self, keys: bytes) -> None:
        """Send what a keyboard would."""
        self._answer(keys)

    def use(self) -> Use:
        """What the program and its children use now."""
        used = [found for process in _family(self.pid) if (found := _use_of(process))]
        return Use(sum(one.cpu_s for one in used), sum(one.rss_mb for one in used), len(used))

    def _answer(self, data: bytes) -> None:
        if data and not self.ended:
            os.write(self._descriptor, data)


def _become(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
    try:
        os.chdir(cwd)
        os.execvpe(command[0], list(command), env)
    finally:
        os._exit(127)


def _end(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def _stat(process: int) -> list[str] | None:
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _family(root: int) -> list[int]:
    """`root` and all its descendants."""
    parents = {
        int(entry.name): int(fields[1])
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (fields := _stat(int(entry.name)))
    }
    return [root, *_descendants(root, parents)]


def _descendants(root: int, parents: Mapping[int, int]) -> Iterator[int]:
    for process, parent in parents.items():
        if parent == root:
            yield process
            yield from _descendants(process, parents)


def _use_of(process: int) -> Use | None:
    fields = _stat(process)
    if fields is None or fields[0] == "Z":
        return None
    cpu_s = sum(int(ticks) for ticks in fields[11:15]) / _TICKS_PER_S
    return Use(cpu_s, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
