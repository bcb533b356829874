"""What a long session costs in the transcript: adding, another width, unfolding, searching, jumping, memory.

Invariant: the real transcript in a real app of Textual's without a terminal; figures are processor milliseconds, the
best of some tries; prints JSON.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App, ComposeResult

from hybridcode.tui.entry import Entry, Fold
from hybridcode.tui.markdown_rows import markdown_rows
from hybridcode.tui.seeking import Search
from hybridcode.tui.stack import Stack
from hybridcode.tui.themes import load_themes, shipped_dir, textual_theme
from hybridcode.tui.widgets.transcript import Transcript

_THEME = "hybridcode-dark"
_TRIES = 5


def _answer(number: int) -> str:
    return (
        f"# Answer {number}\n\n`Cart.total` is a **sum** of floats; see [the tests](tests/test_cart.py).\n\n"
        "1. cents are kept as integers\n   - and rounded where a percentage is taken\n2. nothing else changes\n\n"
        "```python\ndef total(self) -> Money:\n    return sum((i.price * i.qty for i in self.items), Money(0))\n```\n\n"
        "| where | rounds |\n|:--|--:|\n| `Cart.total` | 1 |\n| `discount` | 2 |\n"
    )


def paragraphs(count: int) -> list[Entry]:
    """One answer in twenty, four outputs of 25 lines, the rest a line or two."""
    output = "\n".join(f"tests/test_cart.py::test_{number} PASSED" for number in range(24))
    found: list[Entry] = []
    for number in range(count):
        match number % 20:
            case 0:
                found.append(Entry("answer", _answer(number), form="markdown", fold=Fold(first=40)))
            case 1 | 2 | 3 | 4:
                found.append(Entry("", f"{output}\n{number} passed", "code", fold=Fold(last=6)))
            case 5 | 6 | 7 | 8 | 9:
                found.append(Entry("·", f"notice {number} that goes on over the end of its line " * 3, "quiet"))
            case _:
                found.append(Entry("", f"window 3.1k tok of 4,000 · 2 excerpts · sha {number:08x}", "quiet"))
    return found


def _best(work: Callable[[], object]) -> float:
    spent: list[float] = []
    for _ in range(_TRIES):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return round(min(spent) * 1000, 2)


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def stack_figures(entries: list[Entry]) -> dict[str, float]:
    """Without a screen."""
    stack = Stack()
    widths = [60, 100]

    def fit() -> None:
        widths.reverse()
        stack.fit(widths[0])
        stack.measure_up(40)
        assert stack.height

    def unfold() -> None:
        stack.unfold_all(is_open=not stack.is_open)
        stack.measure_up(40)
        assert stack.height

    def add() -> None:
        stack.add(entries[5:6])
        stack.measure_up(40)
        assert stack.height

    stack.add(entries)
    text = _answer(1) * 20
    return {
        "another_width_ms": _best(fit),
        "unfold_or_fold_all_ms": _best(unfold),
        "add_one_ms": _best(add),
        "search_ms": _best(lambda: Search("test_7", entries)),
        "markdown_ms_per_kb": round(_best(lambda: markdown_rows(text, 90)) * 1000 / len(text), 2),
        "markdown_of_100_kb_ms": _best(lambda: markdown_rows(text * 10, 90)),
    }


class _Bench(App[None]):
    CSS_PATH = sorted((Path(__file__).parent.parent / "hybridcode/tui/widgets").glob("transcript.tcss"))

    def compose(self) -> ComposeResult:
        """The transcript alone."""
        yield Transcript()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our tokens."""
        return dict(load_themes((shipped_dir(),))[0][_THEME].variables)


async def screen_figures(entries: list[Entry]) -> dict[str, float]:
    """With a screen of 120x40: jumps to places that were not looked at, each with its rows."""
    app = _Bench()
    app.register_theme(textual_theme(load_themes((shipped_dir(),))[0][_THEME]))
    app.theme = _THEME
    async with app.run_test(size=(120, 40)) as pilot:
        transcript = app.query_one(Transcript)
        before = _memory_mb()
        transcript.add(entries)
        await pilot.pause()
        spent: list[float] = []
        for jump in range(60):
            began = time.process_time()
            transcript.scroll_to(y=jump * 991 % transcript.max_scroll_y, animate=False, immediate=True)
            for y in range(transcript.size.height):
                transcript.render_line(y)
            spent.append((time.process_time() - began) * 1000)
            await asyncio.sleep(0.01)
        spent.sort()
        return {
            "jump_ms_p50": round(spent[30], 2),
            "jump_ms_p95": round(spent[57], 2),
            "memory_mb": _memory_mb(),
            "memory_of_layout_mb": round(_memory_mb() - before, 1),
        }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paragraphs", type=int, default=10_000)
    count = parser.parse_args().paragraphs
    entries = paragraphs(count)
    figures = stack_figures(entries) | asyncio.run(screen_figures(entries))
    print(json.dumps({"paragraphs": count, "load": os.getloadavg()[0], **figures}, indent=1))


if __name__ == "__main__":
    main()
