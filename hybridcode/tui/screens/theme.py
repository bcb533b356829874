"""Themes, each shown while the cursor stands on it.

Invariant: leaving without Enter gives the colours back that were there before; Enter writes the person's own file.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from hybridcode.domain.errors import HybridcodeError
from hybridcode.tui.amounts import plural
from hybridcode.tui.applying import show_settings
from hybridcode.tui.choices import Choices
from hybridcode.tui.commands import choose_theme
from hybridcode.tui.desk import Desk
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, fit
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row, Rows

_NAME_CELLS = 22
_CODE: tuple[tuple[str, str, tuple[Part, ...]], ...] = (
    (" ", "", (("class", "$syntax-keyword"), (" ", ""), ("Cart", "$syntax-name"), (":", ""))),
    (" ", "", (("    # what it costs", "$syntax-comment"),)),
    ("-", "delete", (("    total: ", ""), ("float", "on $diff-delete-word"), (" = ", ""), ("0.0", "$syntax-number"))),
    ("+", "add", (("    total: ", ""), ("Money", "on $diff-add-word"), (" = ", ""), ("Money(0)", ""))),
    (" ", "", (("    unit = ", ""), ('"cents"', "$syntax-string"))),
)
"""A few lines of a diff: sign, kind, runs."""


class ThemeScreen(ListScreen):
    """Names of themes, and a sample."""

    HINTS: ClassVar[Keys] = (Hint("Enter", "keep", is_needed=True), Hint("↑↓", "try"), Hint("/", "search"))

    def __init__(
        self, names: Sequence[tuple[str, str]], *, at: str, wear: Callable[[str], None], keep: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._names, self._before, self._wear, self._keep = names, at, wear, keep
        self._is_ready = False

    def on_mount(self) -> None:
        """The cursor on what is worn."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.query_one(Rows).go_to(self._before)
        self._is_ready = True

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """What this is."""
        return (("theme ", "bold $accent"), (f"now {self._before}", "bold")), [(0, plural(len(self._names), "theme"))]

    def rows(self, cells: int) -> Sequence[Row]:
        """Name, whose it is, and which one was worn before."""
        del cells
        return [
            Row(
                name,
                (
                    (f"{'●' if name == self._before else '○'} ", "accent"),
                    (fit(name, _NAME_CELLS), "plain"),
                    (f" {whose}", "quiet"),
                ),
            )
            for name, whose in self._names
        ]

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """A diff, code, and the marks that stand for how things are."""
        return [(f"{clip(key, cells)}\n\n", "bold $accent"), *sample_parts(cells)]

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Wear it while the cursor stands there."""
        if self._is_ready and event.key:
            self._wear(event.key)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Keep it."""
        event.stop()
        self._before = event.key
        self._keep(event.key)
        self.dismiss()

    async def action_dismiss(self, result: None = None) -> None:
        """Give back what was worn before."""
        self._wear(self._before)
        await super().action_dismiss(result)


def sample_parts(cells: int) -> list[Part | str]:
    """A sample of everything that a theme colours."""
    parts: list[Part | str] = []
    for number, (sign, kind, runs) in enumerate(_CODE, 41):
        ground = f" on $diff-{kind}-background" if kind else ""
        parts.append((f"{number:>4} ", "$quiet"))
        parts.append((f"{sign} ", f"$diff-{kind}{ground}" if kind else ""))
        parts += [
            (text, style if " on " in f" {style}" else f"{style or '$foreground'}{ground}") for text, style in runs
        ]
        used = sum(len(text) for text, _ in runs) + 7
        parts += [(" " * max(min(cells, 44) - used, 0), ground.strip()), "\n"]
    parts += ["\n", ("text ", ""), ("quiet ", "$quiet"), ("strong ", "bold"), ("accent ", "bold $accent"), "\n"]
    parts += [("✓ passed  ", "$success"), ("! to look at  ", "$warning"), ("✗ failed", "$error"), "\n"]
    parts += [("▌ the row under the cursor ", "on $cursor-background"), ("\n────────────────\n", "$line")]
    return [*parts, (" a panel ", "on $panel"), ("\n", "")]


def open_theme(desk: Desk, argument: str) -> ThemeScreen | None:
    """The themes; an argument is the name of one to wear for this start."""
    if argument:
        choose_theme(desk, argument)
        return None

    def wear(name: str) -> None:
        desk.app.theme = name

    def keep(name: str) -> None:
        wear(name)
        desk.call(_write(desk, desk.conversation.choices, name))

    return ThemeScreen(_named(desk), at=desk.app.theme, wear=wear, keep=keep)


async def _write(desk: Desk, choices: Choices, name: str) -> None:
    try:
        await choices.keep((choices.foresee({"ui.theme": name}, "user"),))
    except HybridcodeError as error:
        desk.tell("!", f"theme {name} for this start only: {error.advice}", "warn")
        return
    if choices.value("ui.theme") != name:
        desk.tell(
            "!", f"theme {name} is written, but {choices.origin('ui.theme')} overrules it at the next start", "warn"
        )
        desk.take_facts()
        return
    show_settings(desk)


def _named(desk: Desk) -> list[tuple[str, str]]:
    """Ours first, then a person's own, then those of Textual; each with whose it is."""
    files = desk.themes
    ours = [name for name in files.themes if not files.place(name)]
    own = [name for name in files.themes if files.place(name)]
    others = sorted(name for name in desk.app.available_themes if name not in files.themes)
    return [
        *((name, "") for name in sorted(ours)),
        *((name, "yours") for name in sorted(own)),
        *((name, "of Textual") for name in others),
    ]
