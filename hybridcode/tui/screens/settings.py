"""Every setting with its value, where that comes from, and another value for it.

Invariant: only what the loader takes is written, to the file that stands in the title; a change that lets more through
needs a yes of its own.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from hybridcode.config.keys import KEYS, SECTIONS, Key
from hybridcode.config.rewriting import Rewrite
from hybridcode.domain.errors import ConfigError, HybridcodeError
from hybridcode.tui.applying import LIVE, show_settings
from hybridcode.tui.choices import Choices, Kept, Target, allows_more, read_choice, read_items, shown, strings
from hybridcode.tui.desk import Desk
from hybridcode.tui.diff_text import diff_parts
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, clip_left
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.line import ChoiceScreen, LineScreen, say_in_full
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.screens.questions import EditScreen, SureScreen
from hybridcode.tui.setting_text import may_be, meaning, section_words, setting_parts, setting_row
from hybridcode.tui.views import open_view
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.finder import Finder
from hybridcode.tui.widgets.rows import Row, Rows

ELSEWHERE = {
    ">keys": ("keys", "keys.toml"),
    ">theme": ("themes", "with a preview"),
    ">setup": ("setup", "step by step"),
}
"""Rows that open another screen: what they are called and what stands there."""
_WARNING = "!"


class SettingsScreen(ListScreen):
    """Settings by section."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,backspace", "reset", "take it out of the file", key_display="Del", id="settings.reset"),
        Binding("t", "target", "write to your file, or to this repository's local one", id="settings.target"),
        Binding("c", "changed", "only what is not the default, or all", id="settings.changed"),
    ]
    HINTS: ClassVar[Keys] = (
        Hint("Enter", "change", is_needed=True),
        Hint("Del", "take out"),
        Hint("/", "search"),
        Hint("c", "changed ones"),
        Hint("t", "file"),
    )

    def __init__(
        self,
        choices: Choices,
        *,
        guard: Callable[[], KeyGuard],
        follow: Callable[[], None],
        go_to: Callable[[str], None],
        at: str = "",
    ) -> None:
        super().__init__()
        self._first = at
        self._choices, self._guard, self._follow, self._go_to = choices, guard, follow, go_to
        self._target: Target = "user"
        self._is_only_changed = False

    def on_mount(self) -> None:
        """The cursor on the setting that was asked for."""
        if self._first:
            self.call_after_refresh(lambda: self.query_one(Rows).go_to(self._first))

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Which file is written, and how much is not the default."""
        path = self._choices.within(str(self._choices.path(self._target)))
        where = clip_left(path, max(self.size.width // 2, 20))
        changed = sum(self._is_changed(name) for name in KEYS)
        items: list[Item] = [(1, f"{changed} not the default")]
        if self._choices.loaded.warnings:
            items.append((0, f"{len(self._choices.loaded.warnings)} ignored"))
        return (("settings ", "bold $accent"), (f"→ {where}", "bold")), items

    @property
    def _warnings(self) -> list[str]:
        return [self._choices.within(text) for text in self._choices.loaded.warnings]

    def on_finder_typed(self, event: Finder.Typed) -> None:
        """Stand on the first match."""
        del event
        self.query_one(Rows).action_jump(0)

    def _is_changed(self, name: str) -> bool:
        return self._choices.value(name) != KEYS[name].default

    def rows(self, cells: int) -> Sequence[Row]:
        """Sections with their settings, then what was ignored, then what stands elsewhere."""
        own = self._own()
        rows: list[Row] = []
        for section in SECTIONS:
            names = [
                name
                for name in KEYS
                if name.rpartition(".")[0] == section and (self._is_changed(name) or not self._is_only_changed)
            ]
            if names:
                head = clip(f" {section_words(section)}", max(cells - len(section) - 4, 0))
                rows.append(Row("", ((f"[{section}]", "accent"), (head, "quiet"))))
                rows += [setting_row(self._choices, name, cells, own.get(name)) for name in names]
        if self._choices.loaded.warnings:
            rows.append(Row("", (("ignored", "warn"),)))
            for number, text in enumerate(self._warnings):
                rows.append(Row(f"{_WARNING}{number}", ((f"! {clip(text, cells - 4)}", "warn"),), also=text))
        rows.append(Row("", (("elsewhere", "accent"),)))
        for key, (word, said) in ELSEWHERE.items():
            rows.append(Row(key, ((f"  {word:<21} ", "plain"), (said, "quiet"))))
        return rows

    def _own(self) -> dict[str, object]:
        try:
            return dict(self._choices.own(self._target))
        except ConfigError:  # said in the details
            return {}

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """Everything about the setting."""
        if key in KEYS:
            return setting_parts(self._choices, key, self._target, cells)
        if key.startswith(_WARNING):
            return [("ignored\n", "bold $warning"), self._warnings[int(key.removeprefix(_WARNING))]]
        return [("Enter", "bold $accent"), (" opens it", "$quiet")]

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Change it, or open what stands elsewhere."""
        event.stop()
        if event.key in ELSEWHERE:
            self._go_to(event.key.removeprefix(">"))
        elif event.key in KEYS:
            self._edit(KEYS[event.key])

    def _edit(self, key: Key) -> None:
        name, value = key.name, self._choices.value(key.name)
        about: list[Part | str] = [(f"{meaning(name)}\n", "$quiet"), (f"{may_be(key)}", "$quiet")]
        if name == "ui.theme":
            self._go_to("theme")
        elif key.type is bool:
            self._change(name, not value)
        elif key.choices:
            words = [(word, "the default" if word == key.default else "") for word in key.choices if word != "bypass"]
            self.program.push_screen(
                ChoiceScreen(name, [(meaning(name), "$quiet")], words, str(value)), self._take_word(name)
            )
        elif key.is_list:
            own = self._own().get(name)
            screen = EditScreen(f"{name}: one a line", "\n".join(strings(own)), lambda text: _wrong_items(name, text))
            self.program.push_screen(screen, self._take_items(name))
        else:
            text = "" if value is None or shown(value) != _plain(value) else str(value)
            self.program.push_screen(LineScreen(name, about, text, lambda text: _verdict(name, text)), self._take(name))

    def _take(self, name: str) -> Callable[[str | None], None]:
        return lambda text: self._change(name, read_choice(name, text)) if text is not None else None

    def _take_word(self, name: str) -> Callable[[str | None], None]:
        return lambda word: self._change(name, word) if word is not None else None

    def _take_items(self, name: str) -> Callable[[str | None], None]:
        def take(text: str | None) -> None:
            if text is not None:
                self._change(name, read_items(name, text) or None)

        return take

    def action_reset(self) -> None:
        """Take the setting out of the file: what another layer says holds then, or the default."""
        if self.key not in KEYS:
            return
        if self.key not in self._own():
            self.flash("it does not stand in this file")
        else:
            self._change(self.key, None)

    def action_target(self) -> None:
        """The other file."""
        self._target = "local" if self._target == "user" else "user"
        self.repaint()
        self.flash(f"changes go to {self._choices.within(str(self._choices.path(self._target)))}")

    def action_changed(self) -> None:
        """Fewer rows, or all."""
        self._is_only_changed = not self._is_only_changed
        self.repaint()

    def _change(self, name: str, value: object) -> None:
        try:
            rewrite = self._choices.foresee({name: value}, self._target)
        except HybridcodeError as error:
            say_in_full(self, error.advice)
            return
        if rewrite.after == (rewrite.before or b""):
            self.flash("it is like that already")
            return
        after = KEYS[name].default if value is None else value
        current = self._own().get(name, ()) if KEYS[name].is_list else self._choices.value(name)
        if not allows_more(name, after, current):
            self._begin(self._keep(name, rewrite))
            return
        said: tuple[Part | str, ...] = (
            *diff_parts(rewrite, self._choices.within(str(rewrite.path)), 70),
            ("\n\n! this lets through more than now", "$warning"),
        )
        self.program.push_screen(
            SureScreen(f"Change {name}?", *said, guard=self._guard()),
            lambda is_yes: self._begin(self._keep(name, rewrite)) if is_yes else None,
        )

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except HybridcodeError as error:
                say_in_full(self, error.advice)

        self.program.run_worker(guarded(), group="settings")

    async def _keep(self, name: str, rewrite: Rewrite) -> None:
        kept = await self._choices.keep((rewrite,))
        self._follow()
        self.repaint()
        say_in_full(self, self._outcome(name, kept))

    def _outcome(self, name: str, kept: Kept) -> str:
        """What came of it, in a sentence."""
        origin = self._choices.origin(name)
        own = self._own().get(name)
        if not kept.is_counted and origin.layer != "local":
            return "written; it counts once this repository's files are trusted: /setup"
        if own is not None and own != self._choices.value(name) and not KEYS[name].is_list:
            return f"written, but {self._choices.within(str(origin))} overrules it"
        if name in LIVE:
            return "written, and so it is from now on"
        if kept.is_at_work:
            return "written, counts from the next task on"
        return "written, counts from the next session on: /clear begins one"


def _plain(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else shown(value)


def _verdict(name: str, text: str) -> tuple[bool, str]:
    try:
        value = read_choice(name, text)
    except HybridcodeError as error:
        return False, f"{error.message}\n  {error.hint}"
    return True, "takes it out of the file" if value is None else shown(value)


def _wrong_items(name: str, text: str) -> str:
    try:
        read_items(name, text)
    except HybridcodeError as error:
        return error.advice
    return ""


def open_settings(desk: Desk, argument: str) -> SettingsScreen | None:
    """All settings; the argument is the one to stand on."""
    choices = desk.conversation.choices
    try:
        choices.reload()
    except ConfigError as error:
        desk.say(error)
        return None
    return SettingsScreen(
        choices,
        guard=desk.guard,
        follow=lambda: show_settings(desk),
        go_to=lambda name: open_view(desk, name),
        at=argument,
    )
