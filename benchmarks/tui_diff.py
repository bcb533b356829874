"""What it costs to open, scroll and press keys in the diff pane, beside the Textual widgets that could show a diff.

Invariant: the real pane in the real app on a pseudo-terminal, each measurement in a process of its own; prints JSON.
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.terminal import Terminal
from hybridcode.launcher import FRAMES_PER_S

KINDS = ("unified", "split", "log", "richlog")
_KEYS = (b"\x1b[B", b"J", b"\x1b[6~", b"K", b"\x1b[A")
"""Down, next hunk, page down, previous hunk, up."""
_PANES = ("unified", "split")


def one_run(kind: str, lines: int, *, pages: int, keys: int) -> dict[str, float]:
    """Open one pane in a process of its own.

    Raises:
        RuntimeError: it did not finish within 120 s.
    """
    with tempfile.TemporaryDirectory(prefix="hybridcode-bench-") as folder:
        result = Path(folder) / "result.json"
        inside = ("-m", "benchmarks.tui_diff_inside", kind, str(lines), str(pages), str(result))
        with Terminal([sys.executable, *inside], env=_environment(folder), cwd=Path.cwd()) as terminal:
            if not terminal.wait_until(result.exists, timeout_s=120):
                raise RuntimeError(f"{kind} did not finish: {terminal.text[-500:]}")
            found: dict[str, float] = json.loads(result.read_text())
            if kind in _PANES and keys:
                found |= _key_times(terminal, keys)
    return found


def _key_times(terminal: Terminal, keys: int) -> dict[str, float]:
    """Milliseconds from a key to the first byte it paints; gaps are uneven, so as not to meet a timer's beat."""
    uneven, times = random.Random(7), list[float]()
    terminal.rest(0.5)
    for number in range(keys):
        began = time.perf_counter()
        terminal.press(_KEYS[number % len(_KEYS)])
        if terminal.read(1.0):
            times.append((time.perf_counter() - began) * 1000)
        terminal.rest(0.12 * uneven.uniform(0.7, 1.7))
    times.sort()
    return {
        "key_ms_p50": statistics.median(times),
        "key_ms_p95": times[int(len(times) * 0.95) - 1],
        "keys_unanswered": keys - len(times),
    }


def _environment(folder: str) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "PYTHONPATH")}
    return kept | {"HOME": folder, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_FPS": FRAMES_PER_S}


def _median(results: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(result[name] for result in results), 1) for name in results[0]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--runs", type=int, default=3, help="runs of each; medians are printed")
    parser.add_argument("--pages", type=int, default=40, help="jumps through the file")
    parser.add_argument("--keys", type=int, default=60, help="keys pressed while the pane is open")
    chosen = parser.parse_args()
    runs: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(chosen.runs):
        for lines in chosen.lines:
            for kind in chosen.kinds:
                found = one_run(kind, lines, pages=chosen.pages, keys=chosen.keys)
                runs.setdefault((kind, lines), []).append(found)
    report = {
        "conditions": {
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "load": round(os.getloadavg()[0], 2),
            "runs": chosen.runs,
        },
        "rows": [{"kind": kind, "lines": lines, **_median(results)} for (kind, lines), results in runs.items()],
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
