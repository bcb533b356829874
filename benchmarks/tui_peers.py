"""What a person at a terminal feels, of this program and of others, side by side in one run.

Invariant: every program starts in a home of its own that is empty and in a small repository, is seen from outside only,
and takes its turn in each round; prints one JSON document.

    python -m benchmarks.tui_peers --peer 'other=/path/to/other --flag' --peer 'third=env KEY=none /path/to/third'

`--before 'other=\\r'` types that first, to leave a screen that asks for something.
"""

import argparse
import json
import os
import platform
import random
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.terminal import Terminal

_OURS = str(Path(sys.executable).parent / "hybridcode")
_PAINTED = 40
"""Letters and signs on the screen that count as a first paint."""
_QUIET_S = 1.5
_LETTERS = "qzjxkvwy"


def one_run(command: Sequence[str], *, before: str, keys: int, idle_s: float, scratch: Path | None) -> dict[str, float]:
    """Start one program, wait until it rests, look at it idle, then type into it."""
    with tempfile.TemporaryDirectory(prefix="hybridcode-peer-", dir=scratch) as folder:
        home, workspace = Path(folder) / "home", Path(folder) / "shop"
        home.mkdir()
        _repository(workspace)
        with Terminal(command, env=_environment(home), cwd=workspace) as terminal:
            if not terminal.wait_until(lambda: _signs(terminal) >= _PAINTED, timeout_s=60):
                raise RuntimeError(f"{command[0]} painted nothing: {terminal.text[-500:]}")
            found = {"first_paint_wall_s": terminal.seconds, "first_paint_cpu_s": terminal.use().cpu_s}
            _settle(terminal, 30)
            for text in before:
                terminal.press(text.encode())
                _settle(terminal, 10)
            resting = terminal.use()
            terminal.rest(idle_s)
            idle = terminal.use()
            found |= {
                "idle_rss_mb": idle.rss_mb,
                "processes": idle.processes,
                "idle_cpu_percent": 100 * (idle.cpu_s - resting.cpu_s) / idle_s,
            }
            return found | _key_times(terminal, keys)


def _signs(terminal: Terminal) -> int:
    return sum(not sign.isspace() for sign in terminal.text)


def _settle(terminal: Terminal, most_s: float) -> None:
    """Read until nothing came for a while; what never rests gets `most_s` seconds."""
    limit = terminal.seconds + most_s
    while terminal.seconds < limit and terminal.read(_QUIET_S):
        pass


def _key_times(terminal: Terminal, keys: int) -> dict[str, float]:
    """Milliseconds from a letter to its echo; each is taken back, and gaps are uneven, to miss timers' beats."""
    uneven, times = random.Random(7), list[float]()
    for number in range(keys):
        letter, seen = _LETTERS[number % len(_LETTERS)], terminal.received
        began = time.perf_counter()
        terminal.press(letter.encode())
        while time.perf_counter() - began < 1.0 and not terminal.ended:
            if terminal.read(0.2) and letter in terminal.text_since(seen):
                times.append((time.perf_counter() - began) * 1000)
                break
        terminal.rest(0.05 * uneven.uniform(0.7, 1.7))
        terminal.press(b"\x7f")
        terminal.rest(0.12 * uneven.uniform(0.7, 1.7))
    if not times:
        return {"keys_unanswered": keys}
    times.sort()
    return {
        "key_ms_p50": statistics.median(times),
        "key_ms_p95": times[max(int(len(times) * 0.95) - 1, 0)],
        "keys_unanswered": keys - len(times),
    }


def _repository(folder: Path) -> None:
    """Three files and a commit."""
    folder.mkdir()
    (folder / "README.md").write_text("# shop\n")
    (folder / "cart.py").write_text("def total(items):\n    return sum(item.price for item in items)\n")
    (folder / "test_cart.py").write_text("from cart import total\n\n\ndef test_empty():\n    assert total([]) == 0\n")
    person = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for arguments in (("init", "-q"), ("add", "."), (*person, "commit", "-qm", "start")):
        subprocess.run(("git", *arguments), cwd=folder, check=True, env=_environment(folder.parent / "home"))


def _environment(home: Path) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "PYTHONPATH")}
    return kept | {"HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def _named(pairs: Sequence[str]) -> dict[str, str]:
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def _median(results: list[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for result in results for name in result)
    kept = {name: [result[name] for result in results if name in result] for name in names}
    return {name: round(statistics.median(values), 2) for name, values in kept.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], help="NAME=COMMAND of another program; repeatable")
    parser.add_argument("--before", action="append", default=[], help="NAME=KEYS typed before it is measured idle")
    parser.add_argument("--runs", type=int, default=3, help="runs of each after a first one that is not counted")
    parser.add_argument("--keys", type=int, default=40, help="letters typed in each run")
    parser.add_argument("--idle", type=float, default=5.0, help="seconds of nothing")
    parser.add_argument("--scratch", type=Path, help="where homes are made: some programs refuse /tmp")
    chosen = parser.parse_args()
    commands = {"hybridcode": [_OURS], "bare Textual": [sys.executable, "-m", "benchmarks.tui_bare"]}
    commands |= {name: shlex.split(command) for name, command in _named(chosen.peer).items()}
    before = {name: keys.encode().decode("unicode_escape") for name, keys in _named(chosen.before).items()}
    results: dict[str, list[dict[str, float]]] = {}
    load = os.getloadavg()[0]
    for turn in range(chosen.runs + 1):
        for name, command in commands.items():
            keys = before.get(name, "")
            found = one_run(command, before=keys, keys=chosen.keys, idle_s=chosen.idle, scratch=chosen.scratch)
            if turn:
                results.setdefault(name, []).append(found)
    report = {
        "conditions": {
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "load": round(load, 2),
            "runs": chosen.runs,
        },
        "rows": [{"program": name, **_median(found)} for name, found in results.items()],
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
