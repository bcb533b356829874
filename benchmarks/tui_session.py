"""What the session screen costs: keys while text streams, a long session opened and held, eight hours, idling.

Invariant: the real program with its journal on disk, on a pseudo-terminal, measured from outside; prints JSON.
"""

import argparse
import json
import os
import platform
import random
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.recorded_session import LAST, record
from benchmarks.terminal import Terminal
from benchmarks.tui_session_inside import SIGN
from hybridcode.launcher import FRAMES_PER_S

PARTS = ("keys", "open", "events", "hours")
_INSIDE = (sys.executable, "-m", "benchmarks.tui_session_inside")
_CLEAR = b"\x15"
_IDLE_S = 5.0


def keys_while_streaming(home: Path, presses: int) -> dict[str, float]:
    """Milliseconds from a key to its letter on the screen, at 150 tokens a second; gaps are uneven.

    Raises:
        RuntimeError: the draft did not begin.
    """
    uneven, times = random.Random(7), list[float]()
    with Terminal([*_INSIDE, "type"], env=_environment(home), cwd=Path.cwd()) as terminal:
        if not terminal.wait_until(lambda: SIGN in terminal.text, timeout_s=60):
            raise RuntimeError(f"no draft began: {terminal.text[-800:]}")
        terminal.rest(2.0)
        began, used = terminal.seconds, terminal.use().cpu_s
        for number in range(presses):
            letter = string.ascii_uppercase[number % 26]
            mark, pressed = terminal.received, time.perf_counter()
            terminal.press(letter.encode())
            while letter not in terminal.text_since(mark) and time.perf_counter() < pressed + 1.0:
                terminal.read(0.05)
            times.append((time.perf_counter() - pressed) * 1000)
            terminal.rest(0.12 * uneven.uniform(0.7, 1.7))
            if letter == "Z":
                terminal.press(_CLEAR)
                terminal.rest(0.3)
        share = 100 * (terminal.use().cpu_s - used) / (terminal.seconds - began)
    times.sort()
    return {
        "key_ms_p50": statistics.median(times),
        "key_ms_p95": times[int(len(times) * 0.95) - 1],
        "key_ms_max": times[-1],
        "cpu_percent_meanwhile": share,
    }


def opened(home: Path, *, events: int = 0, size: int = 0) -> dict[str, float]:
    """A recorded session, resumed by the real command: seconds until its last line is there, memory, idling.

    Raises:
        RuntimeError: its last line was never painted.
    """
    work = home / "work"
    session = _recorded(home, events=events, size=size)
    command = [sys.executable, "-m", "hybridcode", "--cwd", str(work), "-r", session]
    with Terminal(command, env=_environment(home), cwd=Path.cwd()) as terminal:
        if not terminal.wait_until(lambda: LAST in terminal.text, timeout_s=60):
            raise RuntimeError(f"the session was not shown: {terminal.text[-800:]}")
        wall, cpu = terminal.seconds, terminal.use().cpu_s
        terminal.rest(_IDLE_S)
        settled = terminal.use()
        terminal.rest(_IDLE_S)
        idle = terminal.use()
    return {
        "paint_wall_s": wall,
        "paint_cpu_s": cpu,
        "settled_cpu_s": settled.cpu_s,
        "rss_mb": idle.rss_mb,
        "idle_cpu_percent": 100 * (idle.cpu_s - settled.cpu_s) / _IDLE_S,
    }


def _recorded(home: Path, *, events: int, size: int) -> str:
    os.environ["XDG_STATE_HOME"] = str(home / ".local/state")
    return record(home / "work", events=events, size=size)


def hours(home: Path, count: int, events: int) -> dict[str, float]:
    """Simulated hours of events and live text, as fast as the program takes them.

    Raises:
        RuntimeError: it did not come to its end within ten minutes.
    """
    result = home / "hours.json"
    inside = [*_INSIDE, "hours", str(count), str(events), str(result)]
    with Terminal(inside, env=_environment(home), cwd=Path.cwd()) as terminal:
        if not terminal.wait_until(result.exists, timeout_s=600):
            raise RuntimeError(f"it did not end: {terminal.text[-800:]}")
        found = json.loads(result.read_text())
        wall = terminal.seconds
    resident: list[float] = found["resident_mb"]
    return {
        "hours": count,
        "events": found["events"],
        "tokens": found["tokens"],
        "wall_s": wall,
        "rss_mb_after_1_h": resident[0],
        "rss_mb_at_the_end": resident[-1],
        "growth_mb": resident[-1] - resident[0],
    }


def _environment(home: Path) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "PYTHONPATH")}
    return kept | {
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TEXTUAL_FPS": FRAMES_PER_S,
    }


def _measure(part: str, presses: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="hybridcode-bench-") as folder:
        home = Path(folder)
        (home / "work").mkdir()
        match part:
            case "keys":
                found = keys_while_streaming(home, presses)
            case "open":
                found = opened(home, size=5_000_000)
            case "events":
                found = opened(home, events=10_000)
            case _:
                found = hours(home, 8, int(part.removeprefix("hours_")))
    return {name: round(value, 3) for name, value in found.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--presses", type=int, default=156, help="keys pressed while text streams")
    parser.add_argument("--events", type=int, nargs="+", default=[10_000, 500], help="events in the simulated hours")
    parser.add_argument("--runs", type=int, default=1, help="runs of each part; medians are printed")
    chosen = parser.parse_args()
    report: dict[str, object] = {
        "conditions": {
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "load": round(os.getloadavg()[0], 2),
            "runs": chosen.runs,
        }
    }
    measured: list[str] = [part for part in chosen.parts if part != "hours"]
    measured += [f"hours_{count}" for count in chosen.events] if "hours" in chosen.parts else []
    for part in measured:
        results = [_measure(part, chosen.presses) for _ in range(chosen.runs)]
        report[part] = {name: round(statistics.median(one[name] for one in results), 3) for name in results[0]}
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
