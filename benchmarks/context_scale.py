"""What a context window costs on big trees: processor seconds, memory and the size of the index.

Invariant: processor time is that of the program and of the processes it starts, from its own accounting, so that other
work on the machine moves it little; the answers of all runs about the same tree are the same, or it ends with an error.

For each tree: `cold` is a first query with an empty cache, the start of the process included; `warm` the same query
again in that process; `edited` the query after blank lines were added to the file ranked first; `process` a whole run
of `hybridcode context --hash` over the same cache. Where there are several runs the median counts; `cold_least_s` and
`cold_most_s` tell how far apart the machine moved the cold ones. `peak_mb` is the most that the process and its
children were seen to hold together, `process_peak_mb` the most that it held itself.
What is measured is a copy, a clone of the tree's last commit with all of its history; with `--parts`, copies of growing
parts of its files in one commit each, so that growth shows.
"""

import argparse
import hashlib
import json
import os
import platform
import resource
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import msgspec

from benchmarks.context_family import spent_by
from benchmarks.context_worker import Reply, Request, Tree

_PROGRAM = str(Path(sys.executable).parent / "hybridcode")
_QUERY = "fix the wrong line number that an error reports when a comment precedes a nested function definition"
_BUDGET = 8_000
_LOOK_S = 0.2
_REST_S = 4.0
"""A file written within the last seconds is read again at each look; those of a tree at rest are not."""


class Service:
    """A worker process with a cache folder of its own."""

    def __init__(self, cache: Path, query: str) -> None:
        self._cache = cache
        self._query = query
        self._spent_s = 0.0
        self.peak_mb = 0.0
        """The most memory that the worker and its children were seen to hold together."""
        command = [sys.executable, "-m", "benchmarks.context_worker"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, tree: Path) -> tuple[Reply, float]:
        """The answer about a tree, and the processor seconds it took since the one before.

        Raises: RuntimeError if there is none.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        request = Request(dir=str(tree), query=self._query, budget=_BUDGET, cache=str(self._cache))
        self._process.stdin.write(msgspec.json.encode(request) + b"\n")
        self._process.stdin.flush()
        while not select.select([self._process.stdout], [], [], _LOOK_S)[0]:
            self.peak_mb = max(self.peak_mb, spent_by(self._process.pid).resident_mb)
        reply = msgspec.json.decode(self._process.stdout.readline() or b'{"error": "it ended"}', type=Reply)
        if reply.error or not reply.files:
            raise RuntimeError(f"no answer about {tree}: {reply.error or 'nothing found'}")
        before, spent = self._spent_s, spent_by(self._process.pid)
        self._spent_s = spent.cpu_s
        self.peak_mb = max(self.peak_mb, spent.resident_mb)
        return reply, spent.cpu_s - before


def measured(tree: Path, query: str, *, runs: int, cold: int = 1) -> dict[str, object]:
    """All figures of one tree.

    Raises: RuntimeError if one run answers other than another.
    """
    others = [_cold(tree, query) for _ in range(cold - 1)]
    with tempfile.TemporaryDirectory(prefix="hybridcode-bench-") as folder:
        cache = Path(folder)
        with Service(cache, query) as service:
            first, first_s = service.ask(tree)
            colds = [first_s, *(spent for _, spent in others)]
            warm = [service.ask(tree) for _ in range(runs)]
            edited = [_edited(service, tree, first.files[0].path, count) for count in range(1, runs + 1)]
            last, _ = service.ask(tree)
        process = [_process_run(tree, query, cache) for _ in range(runs)]
        answers = {
            first.sha256,
            last.sha256,
            *(one.sha256 for one, _ in [*warm, *others]),
            *(sha for sha, _ in process),
        }
        if len(answers) != 1:
            raise RuntimeError(f"{len(answers)} different answers about {tree}")
        return {
            "tree": tree.name,
            **_sizes(first.tree),
            "cold_cpu_s": _median(colds),
            "cold_least_s": round(min(colds), 2),
            "cold_most_s": round(max(colds), 2),
            "cold_wall_s": round(first.seconds, 2),
            "warm_cpu_s": _median(spent for _, spent in warm),
            "edited_cpu_s": _median(edited),
            "process_cpu_s": _median(spent for _, spent in process),
            "peak_mb": round(max(service.peak_mb, last.rss_mb * 2**20 / 1e6)),
            "process_peak_mb": round(last.rss_mb * 2**20 / 1e6),
            "cache_mb": round(sum(file.stat().st_size for file in cache.rglob("*") if file.is_file()) / 1e6, 1),
            "load": round(os.getloadavg()[0], 1),
        }


def _cold(tree: Path, query: str) -> tuple[Reply, float]:
    """A first answer in a process of its own with an empty cache, and its processor seconds."""
    with tempfile.TemporaryDirectory(prefix="hybridcode-bench-") as folder, Service(Path(folder), query) as service:
        return service.ask(tree)


def _edited(service: Service, tree: Path, path: str, count: int) -> float:
    """Processor seconds of an answer after `count` blank lines were added to a file."""
    file = tree / path
    before = file.read_bytes()
    try:
        file.write_bytes(before + b"\n" * count)
        return service.ask(tree)[1]
    finally:
        file.write_bytes(before)


def _process_run(tree: Path, query: str, cache: Path) -> tuple[str, float]:
    """What `hybridcode context --hash` prints, and the processor seconds of the whole process."""
    before = _children_s()
    command = [_PROGRAM, "context", "--repo", str(tree), "--query", query, "--budget", str(_BUDGET), "--hash"]
    done = subprocess.run(
        command, env={**os.environ, "XDG_CACHE_HOME": str(cache)}, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip(), _children_s() - before


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _sizes(tree: Tree | None) -> dict[str, object]:
    if tree is None:
        return {}
    return {
        "files": tree.files,
        "mb": round(tree.bytes / 1e6, 1),
        "ranked_files": tree.ranked,
        "ranked_mb": round(tree.ranked_bytes / 1e6, 1),
        "code_mb": round(tree.code_bytes / 1e6, 1),
    }


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 2)


def copy_of(tree: Path, folder: Path) -> Path:
    """A clone of a tree's last commit, which shares its objects."""
    _git(folder, "clone", "-q", "--shared", str(tree), tree.name)
    return folder / tree.name


def part_of(tree: Path, folder: Path, *, quarters: int) -> Path:
    """A repository with `quarters` quarters of a tree's tracked files, spread evenly, in one commit."""
    part = folder / f"{tree.name}-{quarters}of4"
    _git(tree, "init", "-q", str(part))
    for name in _git(tree, "ls-files", "-z").split("\0"):
        if name and int(hashlib.sha256(name.encode()).hexdigest(), 16) % 4 < quarters and (tree / name).is_file():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tree / name, part / name)
    _git(part, "add", "--all", "--force")
    _git(part, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-q", "--no-verify", "-m", "part")
    return part


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True).stdout


def _print(figures: dict[str, object]) -> None:
    print(json.dumps(figures), flush=True)


def main() -> None:
    """Measure and print, a line for each tree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "trees", type=Path, nargs="+", metavar="TREE", help="the root of a git work tree; it is not touched"
    )
    parser.add_argument("--query", default=_QUERY, help="the task")
    parser.add_argument("--runs", type=int, default=3, help="runs of each kind but cold, of which the median counts")
    parser.add_argument("--cold", type=int, default=1, help="cold runs, of which the median counts")
    parser.add_argument("--parts", action="store_true", help="a quarter, a half and all of each tree instead")
    chosen = parser.parse_args()
    _print({"python": platform.python_version(), "machine": f"{platform.machine()}, {os.cpu_count()} cores"})
    for tree in (tree.resolve() for tree in chosen.trees):
        for quarters in (1, 2, 4) if chosen.parts else (0,):
            with tempfile.TemporaryDirectory(prefix="hybridcode-bench-") as name:
                folder = Path(name)
                copy = part_of(tree, folder, quarters=quarters) if quarters else copy_of(tree, folder)
                time.sleep(_REST_S)
                _print(measured(copy, chosen.query, runs=chosen.runs, cold=chosen.cold))


if __name__ == "__main__":
    main()
