"""The inside of `benchmarks.tui_diff`: one app that opens one diff, scrolls it, and writes down what that cost.

Invariant: a frame counts from the moment its bytes are handed to the terminal driver.
"""

import asyncio
import gc
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.scroll_view import ScrollView
from textual.widgets import Log, RichLog

from hybridcode.config.load import load
from hybridcode.domain.action import ChangeSet, FileChange, Proposal, Ruling
from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.highlight import warm
from hybridcode.tui.live import LiveConversation
from hybridcode.tui.reviewing import Review
from hybridcode.tui.screens.review import ReviewPane
from hybridcode.tui.widgets.diff_view import DiffView

_SIGN = "await"
"""Stands in added lines only, so that a frame that has it is a frame of the diff."""
_QUIET_S = 0.3
_WORDS = ("value", "total", "index", "result", "items", "config", "session", "buffer", "token", "stream", "parser")

Frame = tuple[float, float, str]
"""When, processor seconds by then, and what was written."""
FRAMES: list[Frame] = []
WRITTEN = asyncio.Event()
"""Set after each write."""


class Recording(LinuxDriver):
    """The real driver, and a list of what went through it."""

    def write(self, data: str) -> None:
        """Write, and remember when."""
        super().write(data)
        FRAMES.append((time.perf_counter(), time.process_time(), data))
        WRITTEN.set()


async def _next_write(within_s: float) -> bool:
    """Wait for a write; False if there was none."""
    WRITTEN.clear()
    try:
        await asyncio.wait_for(WRITTEN.wait(), within_s)
    except TimeoutError:
        return False
    return True


def sides(rows: int) -> tuple[bytes, bytes]:
    """A file before and after, every third line changed: a diff of about so many rows, the same each time."""
    chance = random.Random(1)

    def word() -> str:
        return chance.choice(_WORDS)

    before = [
        f"    {word()}_{number} = {word()}({word()!r}, {chance.randint(0, 9999)})  # {word()} {number}\n"
        if number % 12
        else f"def {word()}_{number}(self, {word()}):\n"
        for number in range(int(rows * 0.77))
    ]
    after = list(before)
    for number in range(0, len(after), 3):
        old = after[number]
        after[number] = old.replace("=", f"= {_SIGN}", 1) if "=" in old else old.replace(":", f":  # {_SIGN}", 1)
    return "".join(before).encode(), "".join(after).encode()


def unified_rows(before: bytes, after: bytes) -> list[str]:
    """The rows of the same diff as plain text, for widgets that take text."""
    rows: list[str] = []
    for old, new in zip(before.decode().splitlines(), after.decode().splitlines(), strict=True):
        rows += [f" {old}"] if old == new else [f"-{old}", f"+{new}"]
    return rows


async def _painted(since: float) -> tuple[Frame, Frame]:
    """The first frame of the diff after `since`, and the last one of its burst (with the colours)."""

    def first() -> Frame | None:
        return next((frame for frame in FRAMES if frame[0] > since and _SIGN in frame[2]), None)

    while await _next_write(_QUIET_S) or first() is None:
        pass
    found = first()
    assert found is not None
    return found, FRAMES[-1]


async def _scrolled(scroller: ScrollView, pages: int) -> list[float]:
    """Processor milliseconds of each jump with its repaint; far and near ones in turn."""
    used: list[float] = []
    for page in range(pages):
        far = int(scroller.max_scroll_y * ((page * 37) % pages) / pages)
        cpu = time.process_time()
        scroller.scroll_to(y=far if page % 2 else scroller.scroll_offset.y + 3, animate=False, force=True)
        await _next_write(1.0)
        used.append((FRAMES[-1][1] - cpu) * 1000)
        await asyncio.sleep(0.03)
    return sorted(used)


async def open_pane(app: App[str], before: bytes, after: bytes, *, is_split: bool) -> ScrollView:
    """As the program does it: the review is made in a thread, then the pane is put in front."""
    ruling = Ruling("ask", "changes ask", "files.ask")
    proposal = Proposal("1.1", "1", ChangeSet(()), "0" * 64, ruling, "module.py")
    review = await asyncio.to_thread(Review.of, proposal, [FileChange("module.py", before, after)])
    guard = KeyGuard(time.monotonic, str)
    pane = ReviewPane(review, guard, seal=lambda _: ChangeSet(()), is_split=is_split)
    await app.push_screen(pane)
    return pane.query_one(DiffView)


async def open_log(app: App[str], rows: list[str], log: Log | RichLog) -> ScrollView:
    """A widget of Textual's that shows text, in the same app."""
    await app.screen.mount(log)
    log.styles.layer, log.styles.height = "front", "1fr"
    log.auto_scroll = False
    if isinstance(log, Log):
        log.write_lines(rows)
    else:
        for row in rows:
            log.write(row)
    return log


async def measure(app: App[str], kind: str, lines: int, pages: int) -> dict[str, float]:
    """Open the diff in one way, scroll it; processor milliseconds and megabytes."""
    before, after = sides(lines)
    rows = unified_rows(before, after)
    held, cpu, since = _resident_mb(), time.process_time(), time.perf_counter()
    match kind:
        case "unified" | "split":
            scroller = await open_pane(app, before, after, is_split=kind == "split")
        case "log":
            scroller = await open_log(app, rows, Log())
        case _:
            scroller = await open_log(app, rows, RichLog())
    first, last = await _painted(since)
    extra = _resident_mb() - held
    used = await _scrolled(scroller, pages)
    return {
        "rows": len(rows),
        "first_frame_cpu_ms": (first[1] - cpu) * 1000,
        "first_frame_wall_ms": (first[0] - since) * 1000,
        "coloured_cpu_ms": (last[1] - cpu) * 1000,
        "extra_mb": extra,
        "scroll_cpu_ms_p50": statistics.median(used),
        "scroll_cpu_ms_p95": used[int(len(used) * 0.95) - 1],
    }


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Bench(HybridcodeApp):
    """The app; after its first paint it measures once and stays."""

    then: Callable[[App[str]], object]

    def get_driver_class(self) -> type[Driver]:
        """The recording one."""
        return Recording

    def on_ready(self) -> None:
        """Let the start come to rest first, and do what the program does by the time a draft is there."""
        warm()
        gc.freeze()
        self.set_timer(1.0, lambda: self.then(self))


def main() -> None:
    """Arguments: kind, lines, pages, file for the result."""
    kind, lines, pages, result = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    here = Path.home()
    app = Bench(LiveConversation(here, load(here)))

    async def work() -> None:
        found = await measure(app, kind, lines, pages)
        partial = result.with_suffix(".part")
        partial.write_text(json.dumps(found))
        partial.rename(result)

    app.then = lambda app: app.run_worker(work())
    app.run()


if __name__ == "__main__":
    main()
