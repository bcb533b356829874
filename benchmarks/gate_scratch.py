"""What a scratch copy of a tree costs before a check runs in it: the first one, and later ones of one session.

Invariant: a real git repository of generated files, on the file system of the temporary folder; no check runs, so that
the figures are those of the copy and of the two looks at the tree that a proof needs; prints one JSON document.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from hybridcode.context.index import Index
from hybridcode.domain.action import FileChange
from hybridcode.gate.sandbox import Sandbox, probe
from hybridcode.gate.scratch import Scratch
from hybridcode.session.watchers import NullWatcher

_FOLDER_FILES = 20
_RESTED_S = 2.5
"""Files younger than two seconds are copied anew: wait until they are not."""


def make_tree(root: Path, files: int, size: int) -> None:
    """A repository with so many files of about `size` bytes, twenty in each folder."""
    root.mkdir()
    for number in range(files):
        path = root / f"package{number // _FOLDER_FILES}" / f"module{number}.py"
        path.parent.mkdir(exist_ok=True)
        line = f"VALUE_{number} = {number}\n"
        path.write_text(line * (size // len(line)))
    for arguments in (("init", "-q"), ("add", "-A")):
        subprocess.run(("git", *arguments), cwd=root, check=True)


async def timed(work: Callable[[], Awaitable[object]]) -> dict[str, float]:
    """Wall and processor seconds, children included."""
    began, before = time.perf_counter(), os.times()
    await work()
    after = os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    return {"wall_s": round(time.perf_counter() - began, 3), "cpu_s": round(cpu, 3)}


async def measure(root: Path, *, runs: int) -> dict[str, object]:
    """The first copy of a tree, then later ones with another draft each."""
    box = probe()
    scratch = Scratch(
        root, box if box.kind != "none" else Sandbox("landlock"), NullWatcher(), base=root.parent / "copy"
    )
    index = Index.in_memory()
    path = "package0/module0.py"
    before = (root / path).read_bytes()

    async def once(number: int) -> None:
        _ = index.take(root).digest  # of what the draft is laid over
        await scratch.prepare([FileChange(path, before, before + b"# %d\n" % number)], tree=str(number))
        await scratch.settle()
        _ = index.take(root).digest  # after it was applied: is it the proven tree?

    try:
        first = await timed(lambda: once(0))
        later = [await timed(lambda number=number: once(number)) for number in range(1, runs + 1)]
    finally:
        scratch.close()
        index.close()
    medians = {name: statistics.median(run[name] for run in later) for name in ("wall_s", "cpu_s")}
    return {"sandbox": box.kind, "first": first, "later_median": medians}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--bytes", type=int, default=4_000, help="size of each file")
    parser.add_argument("--runs", type=int, default=10, help="later copies")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hybridcode-bench-") as folder:
        root = Path(os.path.realpath(folder)) / "tree"
        make_tree(root, given.files, given.bytes)
        time.sleep(_RESTED_S)
        result = asyncio.run(measure(root, runs=given.runs))
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({"files": given.files, "bytes_each": given.bytes, "load": load, **result}, indent=1))


if __name__ == "__main__":
    main()
