"""Segments of many files, built here or by worker processes.

Invariant: which files share a segment, and who built it, shows in no answer. A file that ends a worker is taken by
lines, and ends nothing else.
"""

import contextlib
import os
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path

from hybridcode.context.segments import Segment, Source, build_segment
from hybridcode.context.worker import receive, send

_BATCH_BYTES = 10_000_000
"""Source in one segment: an interrupted run loses at most this much work."""
_WORKER_BATCH_BYTES = 3_000_000
_WORTH_WORKERS = 8_000_000
"""Bytes of source from which on workers save more time than their start takes (a quarter of a second each)."""
_MOST_WORKERS = 8
_PATIENCE_S = 5.0


def segments(sources: Iterable[Source], *, total: int) -> Iterator[Segment]:
    """Segments of `total` bytes of sources, each as soon as it is built. Closing the iterator ends the workers."""
    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    if total < _WORTH_WORKERS or workers < 2:
        return map(build_segment, batches(sources, _BATCH_BYTES))
    return _by_workers(batches(sources, _WORKER_BATCH_BYTES), workers)


def _by_workers(work: Iterable[Sequence[Source]], workers: int) -> Iterator[Segment]:
    """Each worker has one batch at a time; results come in the order of the batches."""
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(_worker()) for _ in range(workers)]
        busy: deque[tuple[_Worker, Sequence[Source]]] = deque()
        for batch in work:
            if not idle:
                worker, given = busy.popleft()
                yield from _answer(worker, given)
                idle.append(worker if worker.is_alive else stack.enter_context(_worker()))
            worker = idle.pop()
            worker.give(batch)
            busy.append((worker, batch))
        while busy:
            yield from _answer(*busy.popleft())


class _Worker:
    """One process and what it was given."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.is_alive = True

    def give(self, batch: Sequence[Source]) -> None:
        """Hand over a batch."""
        assert self._process.stdin is not None
        try:
            send(self._process.stdin, batch)
        except OSError:
            self.is_alive = False

    def take(self) -> Segment | None:
        """The segment of the batch; None if the process died over it."""
        assert self._process.stdout is not None
        found = receive(self._process.stdout, Segment) if self.is_alive else None
        self.is_alive = found is not None
        return found


def _answer(worker: _Worker, batch: Sequence[Source], *, is_alone: bool = False) -> Iterator[Segment]:
    """The segment of a batch; of its halves, each in a process of its own, if the worker died over it."""
    if (found := worker.take()) is not None:
        yield found
    elif len(batch) == 1 and is_alone:
        yield build_segment([batch[0]._replace(breaks_parser=True)])
    else:
        middle = (len(batch) + 1) // 2
        for half in filter(None, (batch[:middle], batch[middle:])):
            with _worker() as other:
                other.give(half)
                yield from _answer(other, half, is_alone=True)


@contextlib.contextmanager
def _worker() -> Generator[_Worker]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "hybridcode.context.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(sys.executable).anchor,
    )
    try:
        yield _Worker(process)
    finally:
        process.kill()
        process.communicate(timeout=_PATIENCE_S)


def batches(sources: Iterable[Source], most: int) -> Iterator[list[Source]]:
    """Sources in lists of about `most` bytes."""
    batch: list[Source] = []
    size = 0
    for source in sources:
        batch.append(source)
        size += len(source.data)
        if size >= most:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
