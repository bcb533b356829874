"""How long hybridcode takes to answer `--version`, to paint its first screen and to send its first request, and what it
holds when idle.

Invariant: the median of several runs of the installed program in an empty home; prints one JSON document.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from benchmarks.loop_overhead import made
from benchmarks.terminal import Terminal
from tests.support.chat_server import Exchange, serving

_PROGRAM = str(Path(sys.executable).parent / "hybridcode")


def version_run(home: Path) -> dict[str, float]:
    """One `hybridcode --version`: wall and processor seconds.

    Raises:
        RuntimeError: it failed.
    """
    start = time.perf_counter()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(_PROGRAM, [_PROGRAM, "--version"], _empty_home(home), file_actions=quiet)
    _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"hybridcode --version ended with {os.waitstatus_to_exitcode(status)}")
    return {"wall_s": time.perf_counter() - start, "cpu_s": used.ru_utime + used.ru_stime}


def screen_run(home: Path, *, sign: str, idle_s: float) -> dict[str, float]:
    """One start of the terminal program: first paint of `sign`, then `idle_s` seconds of nothing.

    Raises:
        RuntimeError: `sign` was not painted within 30 s.
    """
    with Terminal([_PROGRAM], env=_empty_home(home), cwd=home) as terminal:
        if not terminal.wait_until(lambda: sign in terminal.text, timeout_s=30):
            raise RuntimeError(f"{sign!r} was never painted; the screen says: {terminal.text[-500:]}")
        painted_s, paint_cpu_s = terminal.seconds, terminal.use().cpu_s
        terminal.rest(idle_s)
        settled = terminal.use()
        terminal.rest(idle_s)
        idle = terminal.use()
    return {
        "first_paint_wall_s": painted_s,
        "first_paint_cpu_s": paint_cpu_s,
        "idle_rss_mb": idle.rss_mb,
        "idle_cpu_percent": 100 * (idle.cpu_s - settled.cpu_s) / idle_s,
        "processes": idle.processes,
    }


def request_run(home: Path, *, files: int) -> dict[str, float]:
    """One `hybridcode run` in so many files: seconds from its start to the outline, to the record of the first request,
    and until a provider on this machine has it.

    Raises:
        RuntimeError: no request arrived.
    """
    arrived: list[float] = []

    def answer(exchange: Exchange) -> None:
        arrived.append(time.time())
        exchange.send_json(400, {"error": {"message": "that was all"}})

    tree = home / "tree"
    if not tree.exists():
        tree.mkdir()
        made(tree, files)
    with serving() as server:
        server.answer = answer
        chosen = {"model": "openai/none", "api_base": server.base_url, "api_key_env": "NO_KEY", "max_retries": 0}
        words = [f"--set=models.frontier.{name}={value}" for name, value in chosen.items()]
        line = [_PROGRAM, "run", *words, "--output-format", "stream-json", "Set RATE_3 to 7 and RATE_9 to 8"]
        start = time.time()
        run = subprocess.run(line, env=_empty_home(home) | {"NO_KEY": "none"}, cwd=tree, capture_output=True, text=True)
    events = [msgspec.json.decode(row) for row in run.stdout.splitlines()]
    at = {row["event"]["type"]: datetime.fromisoformat(row["at"]).timestamp() for row in events if "event" in row}
    if not arrived:
        raise RuntimeError(f"no request arrived: {run.stdout[-500:]}{run.stderr[-500:]}")
    marks = {"task_s": at["TaskGiven"], "outline_s": at["OutlineMade"], "record_s": at["ModelAsked"]}
    return {name: when - start for name, when in marks.items()} | {"first_request_s": arrived[0] - start}


def _empty_home(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL")}
    return kept | {"HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def _median(runs: int, run: Callable[[Path], Mapping[str, float]]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="hybridcode-bench-") as home:
        run(Path(home))
        results = [run(Path(home)) for _ in range(runs)]
    return {name: round(statistics.median(result[name] for result in results), 3) for name in results[0]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each kind after a first one that is not counted")
    parser.add_argument("--sign", default="hybridcode", help="text that marks the first paint")
    parser.add_argument("--idle", type=float, default=3.0, help="seconds to settle, and seconds of idling")
    parser.add_argument(
        "--first-request", type=int, metavar="FILES", help="instead: the first request of a run in so many files"
    )
    parser.add_argument("--version-only", action="store_true", help="leave the terminal program out")
    chosen = parser.parse_args()
    report: dict[str, object] = {
        "conditions": {
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "load": round(os.getloadavg()[0], 2),
            "runs": chosen.runs,
        },
    }
    if not chosen.first_request:
        report["version"] = _median(chosen.runs, version_run)
    if chosen.first_request:
        report["first request"] = _median(chosen.runs, lambda home: request_run(home, files=chosen.first_request))
    elif not chosen.version_only:
        report["screen"] = _median(chosen.runs, lambda home: screen_run(home, sign=chosen.sign, idle_s=chosen.idle))
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
