"""What the loop itself costs: steps over models that answer at once, with the real index, journal, gate and files.

    python benchmarks/loop_overhead.py                       both measurements
    python benchmarks/loop_overhead.py --steps 50 --files 50

Invariant: nothing of ours is replaced; the models answer from a rule, so what is measured is everything but models.
"""

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from hybridcode.config.load import load
from hybridcode.domain.events import Event, RungTaken, StepEnded, StepStarted, WindowAssembled
from hybridcode.domain.model import ModelInfo, ModelRequest
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.approvers import PolicyOnly
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.session.session import Session, SessionOptions

MOST_MS, MOST_MB = 50.0, 300.0
BODY = '''"""Module {n} of the tree."""

RATE_{n} = 1


def total_{n}(items: list[int]) -> int:
    """The sum of the items, with the rate of module {n}."""
    found = 0
    for item in items:
        found += item * RATE_{n}
    return found


class Cart_{n}:
    """Holds items."""

    def __init__(self) -> None:
        self.items: list[int] = []

    def add(self, item: int) -> None:
        self.items.append(item)

    def total(self) -> int:
        return total_{n}(self.items)
'''


def made(folder: Path, files: int) -> Path:
    """A repository with one commit."""
    for n in range(files):
        place = folder / f"pkg_{n // 50}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"module_{n}.py").write_text(BODY.format(n=n))
    who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "begin"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def plan_of(steps: int, files: int) -> Plan:
    """One step for one constant in each of the first files, over and over."""
    numbers = [n % files for n in range(steps)]
    return Plan(
        tuple(
            Step(str(place), f"set RATE_{n} to {place + 2}", touches=(f"pkg_{n // 50}/module_{n}.py#RATE_{n}",))
            for place, n in enumerate(numbers)
        )
    )


def models_for(plan: Plan) -> Models:
    """A frontier that plans and judges, and a local model that sets the constant."""
    names = {step.id: step.touches[0].partition("#")[2] for step in plan.steps}

    def write(request: ModelRequest) -> str:
        name = request.step or ""
        return f"```python\n{names[name]} = {int(name) + 2}\n```"

    def decide(request: ModelRequest) -> str:
        return msgspec.json.encode(plan).decode() if request.role == "plan" else "good"

    frontier = ScriptedModel(ModelInfo("frontier", "frontier"), decide)
    return Models(frontier, ScriptedModel(ModelInfo("local", "local"), write))


async def measure(folder: Path, steps: int, files: int) -> dict[str, float]:
    """Milliseconds for each step, and the most memory that the process had."""
    plan = plan_of(steps, files)
    outside = folder.parent / "outside"
    flags: dict[str, object] = {
        "audit.state_dir": str(outside / "state"),
        "limits.max_steps": steps,
        "routing.draft": "off",
    }
    loaded = load(
        folder,
        flags=flags,
        env={},
        user_config=outside / "config.toml",
        managed_config=outside / "managed.toml",
        trust_store=outside / "trust",
    )
    session = Session.open(
        SessionOptions(
            folder,
            loaded,
            make_approver=lambda approvals, sandbox: PolicyOnly(is_sandboxed=False),
            make_models=lambda _: models_for(plan),
        )
    )
    marks: list[tuple[float, float]] = []
    windows: list[float] = []

    def look(event: Event) -> None:
        match event:
            case StepStarted() | StepEnded():
                marks.append((time.perf_counter(), time.process_time()))
            case RungTaken():
                windows.append(-time.process_time())
            case WindowAssembled():
                windows[-1] += time.process_time()
            case _:
                pass

    session.subscribe(lambda envelope: look(envelope.event))
    outcome = await session.run("set every rate")
    await session.close()
    assert outcome.code == 0, outcome.message
    first, last = marks[0], marks[-1]
    spans = sorted(end[0] - begin[0] for begin, end in zip(marks[::2], marks[1::2], strict=True))
    return {
        "wall_ms": 1_000 * (last[0] - first[0]) / steps,
        "median_ms": 1_000 * spans[len(spans) // 2],
        "worst_ms": 1_000 * spans[-1],
        "cpu_ms": 1_000 * (last[1] - first[1]) / steps,
        "window_ms": 1_000 * sum(windows) / steps,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / (1_000_000 if sys.platform == "darwin" else 1_024),
        "events": len(session.state.envelopes),
    }


def main() -> None:
    """Measure in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--files", type=int, default=0)
    wanted = parser.parse_args()
    sizes = [(wanted.steps, wanted.files or wanted.steps)] if wanted.steps else [(50, 50), (200, 2_000)]
    for steps, files in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "tree"
            folder.mkdir()
            os.environ["XDG_CACHE_HOME"] = str(Path(name) / "cache")
            found = asyncio.run(measure(made(folder, files), steps, files))
        print(
            f"{steps} steps, {files:,} files: {found['wall_ms']:.1f} ms a step (median {found['median_ms']:.1f}, "
            f"worst {found['worst_ms']:.1f}), CPU {found['cpu_ms']:.1f} ms a step (limit {MOST_MS:.0f} ms), "
            f"{found['window_ms']:.1f} of it for looking at the tree and assembling the window; "
            f"{found['rss_mb']:.0f} MB (limit {MOST_MB:.0f} MB); {found['events']:,.0f} events"
        )


if __name__ == "__main__":
    main()
