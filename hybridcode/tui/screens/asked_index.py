"""What the index would show a model for a question: the same answer for the same tree.

Invariant: reads only; works off the event loop and says how far it is.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from hybridcode.domain.errors import HybridcodeError
from hybridcode.tui.amounts import plural, short, size, tokens
from hybridcode.tui.archive import Archive, IndexAnswer
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, clip_left, fit
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.screens.text import Line, TextScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row, Rows

_LOOK_S = 0.2


class AskedIndexScreen(ListScreen):
    """Excerpts in order of rank, each with its lines."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "copy the digest of the window", id="question.copy"),
    ]
    HINTS: ClassVar[Keys] = (Hint("Enter", "its lines", is_needed=True), Hint("/", "search"), Hint("c", "copy digest"))
    NOTHING: ClassVar[str] = "nothing here fits the question, or it is not answered yet"

    def __init__(self, archive: Archive, question: str) -> None:
        super().__init__()
        self._archive, self._question = archive, question
        self._answer: IndexAnswer | None = None
        self._said = "looking"
        self._done = (0, 0)

    def on_mount(self) -> None:
        """Ask at once; say how far it is."""
        self.run_worker(self._ask())
        self.set_interval(_LOOK_S, self._tick)

    async def _ask(self) -> None:
        try:
            self._answer = await self._archive.ask_index(self._question, self._hear)
        except HybridcodeError as error:
            self._said = f"{error.message} {error.hint}".strip()
        self.repaint()

    def _hear(self, done: int, total: int) -> None:
        self._done = (done, total)

    def _tick(self) -> None:
        if self._answer is None and self._done[1]:
            self._said = f"indexing: {size(self._done[0])} of {size(self._done[1])}"
            self.repaint()

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """The question, and how much it fills."""
        left = (("context ", "bold $accent"), (clip(self._question, max(self.size.width // 2, 12)), "bold"))
        found = self._answer
        if found is None:
            return left, [(0, self._said)]
        missing = [(1, f"nowhere: {', '.join(found.unmatched)}")] if found.unmatched else []
        return left, [(0, f"{short(found.used)} of {tokens(found.budget)}"), *missing]

    def rows(self, cells: int) -> Sequence[Row]:
        """Excerpts with a bar for their score, then what was cut."""
        found = self._answer
        if found is None:
            return ()
        best = max((excerpt.score for excerpt, _ in found.excerpts), default=1) or 1
        rows: list[Row] = []
        for number, (excerpt, _) in enumerate(found.excerpts):
            bar = "█" * max(1, round(8 * excerpt.score / best))
            lines = f"{excerpt.start}-{excerpt.end}"
            room = max(cells - 12 - len(lines), 8)
            rows.append(
                Row(
                    f"{number}", ((f" {fit(bar, 8)} ", "accent"), (f"{clip_left(excerpt.path, room)} {lines}", "plain"))
                )
            )
        if found.cut:
            rows.append(Row("", ((f" {plural(len(found.cut), 'place')} left out for want of room", "quiet"),)))
        return rows

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """Why, and the first lines."""
        if self._answer is None or not key:
            return []
        excerpt, text = self._answer.excerpts[int(key)]
        signals = [f"{name} {value / 1e6:.2f}" for name, value in sorted(excerpt.signals.items(), key=_strength)[:4]]
        parts: list[Part | str] = [
            (f"{clip_left(excerpt.path, cells)}\n", "bold"),
            (f"{clip(excerpt.reason, cells)}\nscore {excerpt.score / 1e6:.2f}: {', '.join(signals)}\n\n", "$quiet"),
        ]
        return [*parts, text]

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """The lines in full."""
        event.stop()
        if self._answer is not None:
            excerpt, text = self._answer.excerpts[int(event.key)]
            lines = [Line(line) for line in text.split("\n")]
            self.program.push_screen(TextScreen(f"{excerpt.path} {excerpt.start}-{excerpt.end}", lines))

    def action_copy(self) -> None:
        """Copy the digest that tells whether two answers are the same bytes."""
        if self._answer is not None:
            self.program.copy_to_clipboard(self._answer.digest)
            self.flash("copied the digest of the window")


def _strength(signal: tuple[str, int]) -> tuple[int, str]:
    return -abs(signal[1]), signal[0]
