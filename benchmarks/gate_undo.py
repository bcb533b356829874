"""What undo of commands costs: the look before a person is asked, the look before a command and the one after it.

Invariant: a clean git tree of FILES files that rests for three seconds, a journal on disk, the product's own code;
prints one JSON document with the median of several rounds and the first round of the session.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from hybridcode.domain.action import ShellCommand
from hybridcode.gate.traces import Traces
from hybridcode.journal.store import Journal

_IDENTITY = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false")


def lay_out(root: Path, *, files: int, size: int) -> None:
    """A repository with one commit of random text."""
    for number in range(files):
        path = root / f"d{number % 40}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size // 2).hex().encode())
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "start")):
        subprocess.run(["git", *_IDENTITY, *command], cwd=root, check=True)


def processor_s() -> float:
    """Processor seconds of this process and of the git processes that it waited for."""
    return sum(os.times()[:4])


async def one_round(traces: Traces, number: int, root: Path) -> dict[str, float]:
    """Seconds of each look around a command that changes one file, and processor seconds of the two around it."""
    started = time.perf_counter()
    await traces.limits(ShellCommand(script="make"), sandbox="bwrap")
    asked, used = time.perf_counter(), processor_s()
    manifest = await traces.begin(f"p{number}")
    begun = time.perf_counter()
    (root / "d0" / "f0.txt").write_text(f"round {number}\n")
    ran = time.perf_counter()
    await traces.end(f"p{number}", manifest)
    after, spent = time.perf_counter() - ran, processor_s() - used
    return {"asked_s": asked - started, "before_s": begun - asked, "after_s": after, "around_cpu_s": spent}


async def measure(*, files: int, size: int, rounds: int) -> dict[str, object]:
    """The first round and the median of the later ones."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "ws"
        lay_out(root, files=files, size=size)
        await asyncio.sleep(3)
        with Journal.open(Path(folder) / "state" / "journal.db") as journal:
            traces = Traces(root, journal.session("s"))
            rows = [await one_round(traces, number, root) for number in range(rounds + 1)]
            stored = sum(length for (length,) in journal.rows("SELECT length(data) FROM blob"))
    later = {name: statistics.median(row[name] for row in rows[1:]) for name in rows[0]}
    return {
        "files": files,
        "first": rows[0],
        "later_median": later,
        "around_a_command_s": later["before_s"] + later["after_s"],
        "journal_blob_bytes": stored,
        "load": os.getloadavg()[0],
        "cores": os.cpu_count(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--size", type=int, default=5_000, help="bytes of each file")
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    print(json.dumps(asyncio.run(measure(files=chosen.files, size=chosen.size, rounds=chosen.rounds)), indent=2))
