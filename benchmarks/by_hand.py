"""Tasks whose requests somebody answers by hand (or any model does) behind two OpenAI-compatible endpoints: what each
role was asked and answered, how the run ended, and what tests say that were not shown.

Invariant: a run sees a copy of the case, never what judges it, and a home of its own that is empty; the numbers come
from its journal, not from the endpoints. Prints one row, a JSON document on one line.

    python -m benchmarks.by_hand CASE --frontier URL --local URL
    python -m benchmarks.by_hand CASE --relay 'PROGRAM' --requests FOLDER
    python -m benchmarks.by_hand --table ROWS ...

CASE is a folder with `repo` (a git work tree), `task.txt`, `check.txt` (the command for --test-cmd) and `hidden.sh`,
which is run in the tree that is left and ends with 0 where the task is solved. `PROGRAM serve FOLDER` prints the base
URL of an endpoint on its first line and serves until it is terminated. What stands behind `--` goes to
`hybridcode run`.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import tomlkit

_PROGRAM = str(Path(sys.executable).parent / "hybridcode")
_KEY = "BY_HAND_KEY"
_BYTES_PER_TOKEN = 4
_RULE = "|---|---|---|---|---|"


class Amount(msgspec.Struct, frozen=True):
    """Requests, also those of further tries, and the tokens they hold together, as bytes / 4."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @classmethod
    def of(cls, account: Mapping[str, Any]) -> "Amount":
        """One account of `hybridcode cost --json`."""
        sizes = (account[name] // _BYTES_PER_TOKEN for name in ("input_bytes", "output_bytes"))
        return cls(account["calls"], *sizes)

    def __add__(self, other: "Amount") -> "Amount":
        """Both together."""
        tokens = (self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)
        return Amount(self.requests + other.requests, *tokens)


class Side(msgspec.Struct, frozen=True):
    """What one of the two models was asked."""

    all: Amount
    roles: dict[str, Amount]
    """By role: plan, revise, draft, hint, judge."""

    @classmethod
    def of(cls, accounts: Mapping[str, Any]) -> "Side":
        """One side of `hybridcode cost --json`."""
        roles: dict[str, Amount] = {}
        for model in accounts["models"].values():
            for role, account in model["roles"].items():
                roles[role] = roles.get(role, Amount()) + Amount.of(account)
        return cls(Amount.of(accounts), roles)


class Row(msgspec.Struct, frozen=True):
    """One run of a case."""

    case: str
    exit_code: int
    """Of `hybridcode run`."""
    hidden: int
    """Exit code of hidden.sh; 0 = solved."""
    hidden_says: str
    """Its last line."""
    seconds: float
    """Wall time, the time for answering included."""
    frontier: Side
    local: Side

    @property
    def planned_by(self) -> str:
        """Who was asked for a plan, in the order in which they are asked."""
        asked = [name for name, side in (("local", self.local), ("frontier", self.frontier)) if "plan" in side.roles]
        return ", then ".join(asked) or "nobody"

    @property
    def ended(self) -> str:
        """How it came out, in words."""
        match self.exit_code, self.hidden:
            case 0, 0:
                return "solved"
            case 0, _:
                return "done, but hidden tests fail"
            case code, 0:
                return f"exit {code}, hidden tests pass"
            case code, _:
                return f"exit {code}"


def run_case(
    case: Path, *, frontier: str, local: str, scratch: Path, wait_s: float = 3_000, more: Sequence[str] = ()
) -> Row:
    """Run one case in a copy below `scratch`; `frontier` and `local` are base URLs, `wait_s` bounds each answer.

    Raises:
        RuntimeError: hybridcode left no journal.
    """
    tree, env = scratch / "tree", _environment(scratch)
    shutil.copytree(case / "repo", tree, symlinks=True)
    _write_config(scratch, frontier=frontier, local=local, wait_s=wait_s)
    check, task = ((case / name).read_text(encoding="utf-8").strip() for name in ("check.txt", "task.txt"))
    line = [_PROGRAM, "run", "--yes", "--cwd", str(tree), "--test-cmd", check, *more, "--", task]
    start = time.monotonic()
    with (scratch / "run.txt").open("wb") as log:
        run = subprocess.run(line, cwd=scratch, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
    seconds = round(time.monotonic() - start, 1)
    cost = subprocess.run(
        [_PROGRAM, "cost", "--json", "--cwd", str(tree)],
        cwd=scratch,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if cost.returncode:
        raise RuntimeError(f"no journal: {cost.stderr.strip()}\n{(scratch / 'run.txt').read_text(encoding='utf-8')}")
    accounts = json.loads(cost.stdout)
    judged = subprocess.run(
        ["bash", str((case / "hidden.sh").resolve())], cwd=tree, capture_output=True, text=True, check=False
    )
    said = (judged.stdout + judged.stderr).strip().splitlines()
    return Row(
        case=case.resolve().name,
        exit_code=run.returncode,
        hidden=judged.returncode,
        hidden_says=said[-1] if said else "",
        seconds=seconds,
        frontier=Side.of(accounts["frontier"]),
        local=Side.of(accounts["local"]),
    )


def table(rows: Iterable[Row]) -> str:
    """Rows as Markdown, with their sum."""
    rows = list(rows)
    lines = ["| task | planned by | frontier in / out | local in / out | ended |", _RULE]
    for row in rows:
        lines.append(_line(row.case, row.planned_by, row.frontier.all, row.local.all, row.ended))
    frontier = sum((row.frontier.all for row in rows), Amount())
    local = sum((row.local.all for row in rows), Amount())
    solved = sum(not row.hidden for row in rows)
    lines.append(_line("all", "", frontier, local, f"hidden tests pass in {solved} of {len(rows)}"))
    return "\n".join(lines)


def _line(name: str, planned_by: str, frontier: Amount, local: Amount, ended: str) -> str:
    used = [f"{amount.input_tokens:,} / {amount.output_tokens:,}" for amount in (frontier, local)]
    return f"| {' | '.join([name, planned_by, *used, ended])} |"


def _environment(scratch: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "PYTHONPATH") if name in os.environ}
    xdg = {f"XDG_{kind}_HOME": str(scratch / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    return {**kept, **xdg, "HOME": str(scratch / "home"), "NO_COLOR": "1", _KEY: "none"}


def _write_config(scratch: Path, *, frontier: str, local: str, wait_s: float) -> None:
    patience: dict[str, Any] = {"timeout_s": wait_s}
    models = {
        "frontier": {
            "model": "openai/frontier",
            "api_base": frontier,
            "api_key_env": _KEY,
            "max_retries": 0,
            **patience,
        },
        "local": {"name": "local", "base_url": local, **patience},
    }
    (scratch / "home").mkdir()
    config = scratch / "config" / "hybridcode" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(tomlkit.dumps({"models": models}), encoding="utf-8")


@contextmanager
def _relay(program: str, folder: Path) -> Generator[str]:
    """The base URL of an endpoint that keeps its requests in `folder`."""
    folder.mkdir(parents=True)
    line = [*shlex.split(program), "serve", str(folder)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"{program} printed no URL")
            print(f"{url} keeps its requests in {folder}", file=sys.stderr, flush=True)
            yield url
        finally:
            process.terminate()


@contextmanager
def _endpoints(chosen: argparse.Namespace) -> Generator[tuple[str, str]]:
    if not chosen.relay:
        yield chosen.frontier, chosen.local
        return
    with (
        _relay(chosen.relay, chosen.requests / "frontier") as frontier,
        _relay(chosen.relay, chosen.requests / "local") as local,
    ):
        yield frontier, local


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path, nargs="?", metavar="CASE")
    parser.add_argument("--frontier", metavar="URL", help="base URL of the frontier's endpoint, ending in /v1")
    parser.add_argument("--local", metavar="URL", help="base URL of the local model's endpoint")
    parser.add_argument("--relay", metavar="PROGRAM", help="start this program once for each of the two instead")
    parser.add_argument("--requests", type=Path, metavar="FOLDER", help="where the two keep their requests")
    parser.add_argument("--wait", type=float, default=3_000, metavar="SECONDS", help="for an answer, at most")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave tree, journal and output in this new folder")
    parser.add_argument("--table", type=Path, nargs="+", metavar="ROWS", help="join rows of these files into a table")
    split = words.index("--") if "--" in words else len(words)
    chosen = parser.parse_args(words[:split])
    chosen.more = words[split + 1 :]
    if chosen.table is None and chosen.case is None:
        parser.error("a case, or --table")
    has_endpoints = all((chosen.relay, chosen.requests)) or all((chosen.frontier, chosen.local))
    if chosen.table is None and not has_endpoints:
        parser.error("--frontier and --local, or --relay and --requests")
    return chosen


def main(words: Sequence[str] | None = None) -> None:
    """Run one case and print its row, or print rows as a table."""
    chosen = _parsed(sys.argv[1:] if words is None else words)
    if chosen.table is not None:
        lines = (line for path in chosen.table for line in path.read_text(encoding="utf-8").splitlines() if line)
        print(table(msgspec.json.decode(line, type=Row) for line in lines))
        return
    with tempfile.TemporaryDirectory(prefix="hybridcode-by-hand-") as folder, _endpoints(chosen) as (frontier, local):
        scratch = chosen.keep.resolve() if chosen.keep else Path(folder)
        scratch.mkdir(parents=True, exist_ok=not chosen.keep)
        row = run_case(
            chosen.case, frontier=frontier, local=local, scratch=scratch, wait_s=chosen.wait, more=chosen.more
        )
    print(msgspec.json.encode(row).decode())


if __name__ == "__main__":
    main()
