"""How long a verdict takes: in a process that judges many, and as the command `hybridcode policy check`.

Invariant: nothing that is judged is run; prints one JSON document with medians.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from hybridcode.agent.commands import shell_command
from hybridcode.config.load import load
from hybridcode.gate.policy import Policy

LINES = (
    "git status",
    "rg -n --type py 'def main' src | head -20",
    "cd src && ls -la && wc -l *.py",
    "make test",
    'for f in *.py; do head -3 "$f"; done',
    "find . -name '*.py' -newer setup.cfg | xargs grep -l main",
)


def in_process(folder: Path, rounds: int) -> dict[str, float]:
    """Milliseconds of one judgement, over ordinary command lines."""
    policy = Policy.load(load(folder).settings, folder)
    times: list[float] = []
    for _ in range(rounds):
        for line in LINES:
            start = time.perf_counter()
            policy.judge(shell_command(line, timeout_s=1.0, purpose="step", env_names=()))
            times.append((time.perf_counter() - start) * 1_000)
    return {"median_ms": round(statistics.median(times), 3), "p95_ms": round(statistics.quantiles(times, n=20)[-1], 3)}


def as_command(folder: Path, runs: int) -> dict[str, float]:
    """Milliseconds of wall and processor for one `policy check`."""
    command = [sys.executable, "-m", "hybridcode", "policy", "check", "--command", "git status", "--json"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    walls: list[float] = []
    processor: list[float] = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        pid = os.posix_spawn(command[0], command, {**env, "HOME": str(folder)}, file_actions=quiet)
        _, status, used = os.wait4(pid, 0)
        if status:
            raise RuntimeError(f"policy check ended with {os.waitstatus_to_exitcode(status)}")
        walls.append((time.perf_counter() - start) * 1_000)
        processor.append((used.ru_utime + used.ru_stime) * 1_000)
    return {
        "wall_median_ms": round(statistics.median(walls[1:]), 1),
        "cpu_median_ms": round(statistics.median(processor[1:]), 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--runs", type=int, default=15)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hybridcode-bench-") as folder:
        report = {
            "load": round(os.getloadavg()[0], 2),
            "in_process": in_process(Path(folder), chosen.rounds),
            "command": as_command(Path(folder), chosen.runs),
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
