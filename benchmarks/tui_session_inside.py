"""The insides of `benchmarks.tui_session`: the real program over models that write at a steady pace, and eight hours.

Invariant: the program is the real one, with its journal on disk; only the models and the clock are the benchmark's.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from msgspec import to_builtins

from benchmarks.recorded_session import Story
from hybridcode.config.load import load
from hybridcode.config.settings import Settings
from hybridcode.domain.events import Event, ModelAsked, TaskEnded
from hybridcode.domain.model import Chunk, Finished, ModelInfo, ModelRequest, TextDelta, Timing, Usage
from hybridcode.domain.plan import Plan, Step
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.session.watchers import Piece
from hybridcode.session.written import History
from hybridcode.tui.live import LiveConversation
from hybridcode.tui.start import Program, run_app

SIGN = "draft"
"""Stands in the first words of the text that is written."""
TOKENS_PER_S = 150
_TOKEN = "item "
_TASK = "Write the catalogue of everything."


class Paced:
    """A local model that writes one token after the other, so many a second, until it is stopped."""

    info = ModelInfo(name="paced-local", backend="local")

    def route(self) -> "Paced":
        """Itself."""
        return self

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """Ten minutes of text at most; a token that is late is followed by the next one at once."""
        yield TextDelta(f"```python\n# {SIGN}\n")
        begin = time.monotonic()
        for number in range(600 * TOKENS_PER_S):
            await asyncio.sleep(max(0.0, begin + number / TOKENS_PER_S - time.monotonic()))
            yield TextDelta(_TOKEN if number % 12 else "\n")
        yield Finished("length", Usage(request.prompt_bytes // 4, 600 * TOKENS_PER_S), Timing())

    async def close(self) -> None:
        """Nothing to give back."""


def models(settings: Settings) -> Models:
    """A frontier whose plan was written beforehand, and the paced writer."""
    del settings
    plan = Plan((Step("1", "Write the catalogue.", "create", ("catalogue.py",)),))
    info = ModelInfo(name="scripted-frontier", backend="frontier")
    return Models(ScriptedModel(info, lambda request: json.dumps(to_builtins(plan))), Paced())


class Fast(LiveConversation):
    """A conversation whose events come from a story."""

    def append(self, event: Event) -> None:
        """Onto disk and, by the way of every event, onto the screen."""
        self._session().log.append(event)


@dataclass
class Clock:
    """A clock that is set."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Hours(Program):
    """The program, which lives through some hours in a minute or two."""

    talk: Fast
    result: Path
    time: Clock
    hours: int
    events: int

    def on_ready(self) -> None:
        """Begin when the start has come to rest."""
        super().on_ready()
        self.set_timer(2.0, lambda: self.run_worker(self._live()))

    async def _live(self) -> None:
        seconds = self.hours * 3600
        story, call, resident = Story().events(), "", list[float]()
        for number in range(1, self.events + 1):
            event = next(story)
            self.talk.append(event)
            call = event.call_id if isinstance(event, ModelAsked) else call
            for _ in range(round(TOKENS_PER_S * seconds / self.events)):
                self.talk.live.put(Piece("text", call, _TOKEN, "1"))
            self.time.now = seconds * number / self.events
            await asyncio.sleep(0.05 if number % 8 == 0 or isinstance(event, TaskEnded) else 0)
            if self.time.now >= 3600 * (len(resident) + 1):
                resident.append(resident_mb())
        finished = {"resident_mb": resident, "events": self.events, "tokens": TOKENS_PER_S * seconds}
        partial = self.result.with_suffix(".part")
        partial.write_text(json.dumps(finished))
        partial.rename(self.result)


def resident_mb() -> float:
    """Of this process, now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def live_through(hours: int, events: int, result: Path) -> None:
    """Run the program over a story; the hourly memory goes into `result`."""
    here = Path.home() / "work"
    talk = Fast(here, load(here), frontier_name="scripted-frontier", make_models=models)
    clock = Clock()
    app = Hours(talk, clock=clock)
    app.time, app.live, app.talk, app.result, app.hours, app.events = clock, talk, talk, result, hours, events
    app.history = History(Path.home() / "written.jsonl")
    app.run()


def type_along() -> None:
    """Run the program over a task whose draft goes on and on."""
    here = Path.home() / "work"
    run_app(here, load(here, flags={"approval.mode": "acceptEdits"}), make_models=models, prompt=_TASK)


def main() -> None:
    """`type`, or `hours HOURS EVENTS RESULT`."""
    match sys.argv[1:]:
        case ["hours", hours, events, result]:
            live_through(int(hours), int(events), Path(result))
        case _:
            type_along()


if __name__ == "__main__":
    main()
