"""The first start, question by question: models, trust, check, and then what shall be written.

Invariant: every question can be left as it is; nothing is written before the `y` under the whole of it, and that
guards itself like a pane.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar

import msgspec
from textual import events
from textual.binding import Binding, BindingType

from hybridcode.config.load import read
from hybridcode.config.paths import expanded
from hybridcode.config.rewriting import Rewrite
from hybridcode.config.trust_effects import TrustEffect, effects_of_trust
from hybridcode.domain.errors import ConfigError, HybridcodeError
from hybridcode.tui.amounts import plural
from hybridcode.tui.answers import Answers
from hybridcode.tui.applying import show_settings
from hybridcode.tui.choices import Choices, Kept
from hybridcode.tui.desk import Desk
from hybridcode.tui.diff_text import diff_parts
from hybridcode.tui.first_run import (
    ASKS,
    KEEP,
    STEPS,
    Option,
    Step,
    check_options,
    frontier_options,
    local_changes,
    local_options,
    trust_options,
    trust_view,
)
from hybridcode.tui.found import Found, ask_server
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, clip_left, fit, width, wrap
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.line import LineScreen, say_in_full
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.screens.text import Line, TextScreen
from hybridcode.tui.setup_lines import LINES, judge
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.finder import Finder
from hybridcode.tui.widgets.rows import Row, Rows, RowTone

_SAID_CELLS = 16
"""Least room for what stands behind an answer."""


class SetupScreen(ListScreen):
    """One question at a time; the last one shows the whole."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "step(1)", "next question, this one stays as it is", id="setup.next"),
        Binding("p", "step(-1)", "question before", id="setup.previous"),
        Binding("a", "ask", "ask a server on this machine which model it serves", id="setup.ask"),
        Binding("c", "copy", "copy the command that is shown", id="setup.copy"),
        Binding("y", "write", "write what is shown, at the last question", id="setup.write"),
    ]

    def __init__(
        self,
        choices: Choices,
        found: Found,
        effects: tuple[TrustEffect, ...],
        *,
        guard: KeyGuard,
        done: Callable[[Sequence[Rewrite], bool, Kept], None],
    ) -> None:
        super().__init__()
        self._choices, self._found, self._effects, self._guard, self._done = choices, found, effects, guard, done
        self._view = trust_view(choices)
        self._answers = Answers(choices)
        self._taken: dict[Step, str] = {}
        """By question: key of the answer."""
        self._at = 0
        self._server = self._said = ""
        self._rewrites: tuple[Rewrite, ...] = ()
        self._is_writing = False

    @property
    def step(self) -> Step:
        """The question that is asked."""
        return STEPS[self._at]

    def options(self) -> list[Option]:
        """The answers there are to it."""
        match self.step:
            case "frontier":
                return frontier_options(self._choices, self._found)
            case "local":
                return local_options(self._choices, self._found, self._server, self._said)
            case "trust":
                return trust_options(self._choices, self._view, self._effects)
            case "check":
                return check_options(self._choices, self._found)
            case "write":
                return []

    def _option(self, key: str) -> Option | None:
        return next((option for option in self.options() if option.key == key), None)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Which question it is."""
        left = (f"setup {self._at + 1}/{len(STEPS)} ", "bold $accent"), (f"{self.step}: {ASKS[self.step]}", "bold")
        return left, [(0, "not written yet")]

    def hints(self) -> Keys:
        """What keys do at this question."""
        around = (Hint("n", "leave it", is_needed=True), Hint("p", "question before", "before"))
        if self.step == "write":
            return (Hint("y", "write it", is_needed=True), around[1]) if self._is_change else (around[1],)
        own = (Hint("a", "ask it"),) if self.step == "local" and self._server else ()
        return (Hint("Enter", "take", is_needed=True), *around, *own, Hint("/", "search"))

    @property
    def _is_change(self) -> bool:
        return bool(self._rewrites or self._answers.trusts)

    def rows(self, cells: int) -> Sequence[Row]:
        """The answers, the one that was taken marked; at the end what would be written."""
        if self.step == "write":
            return self._summary(self.size.width - 3)
        taken = self._taken.get(self.step, KEEP)
        options = self.options()
        column = min(max(width(option.text) for option in options), max(cells - _SAID_CELLS, 20))
        return [
            Row(
                option.key,
                (
                    (f"{'●' if option.key == taken else '○'} " if _is_answer(option) else "  ", "accent"),
                    (fit(option.text, column), "plain" if _is_answer(option) else "quiet"),
                    (f"  {clip(option.said, max(cells - column - 6, 8))}" if option.said else "", "quiet"),
                ),
            )
            for option in options
        ]

    def _summary(self, cells: int) -> list[Row]:
        """Every line that would be written, and what would be trusted."""
        parts: list[Part] = []
        for rewrite in self._rewrites:
            parts += [*diff_parts(rewrite, self._choices.within(str(rewrite.path)), cells), ("\n", "")]
        if self._answers.trusts:
            count = plural(len(self._view.files), "file")
            parts += [
                (f"trust {count} of this repository\n", "bold"),
                (f"+ sha256 {self._answers.trusts}\n", "$diff-add"),
            ]
        if not parts:
            return [Row("nothing", (("nothing was changed: there is nothing to write", "quiet"),))]
        rows: list[Row] = []
        for text, style in parts:
            for line in wrap(text.rstrip("\n"), cells):
                rows.append(Row(f"{len(rows)}", ((line, _tone(style)),)))
        return rows

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """What an answer means."""
        if self.step == "write":
            return [
                ("y", "bold $accent"),
                " writes exactly this. ",
                ("Esc", "bold $accent"),
                " leaves, nothing is written.",
            ]
        option = self._option(key)
        return [(f"{clip_left(option.text.strip(), cells)}\n\n", "bold $accent"), *option.about] if option else []

    def on_finder_typed(self, event: Finder.Typed) -> None:
        """Stand on the first match."""
        del event
        self.query_one(Rows).action_jump(0)

    # answering

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Take an answer, or ask for what it needs."""
        event.stop()
        option = self._option(event.key)
        if option is None:
            return
        kind, _, rest = option.key.partition(":")
        if kind == "see":
            text = self._choices.loaded.repository.files[rest].decode("utf-8", "replace")
            self.program.push_screen(TextScreen(f".hybridcode/{rest}", [Line(line) for line in text.splitlines()]))
        elif kind == "pull":
            say_in_full(self, f"nothing is downloaded here; in a shell: {option.command} (c copies it)")
        elif kind == "ask":
            self._ask_line(rest)
        elif option.changes is not None:
            self._take(option)

    def _take(self, option: Option) -> None:
        kind, _, rest = option.key.partition(":")
        match self.step:
            case "frontier" | "local":
                self._answers.user[self.step] = option.changes or {}
            case "trust":
                self._answers.trusts = self._view.digest if option.key == "trust" else ""
            case "check":
                self._answers.check = rest if kind == "run" else None
            case "write":
                return
        self._taken[self.step] = option.key
        self._go(1)

    def _ask_line(self, what: str) -> None:
        title, about, _ = LINES[what]
        check = judge(what)
        shown = self._server if what == "server" else ""
        self.program.push_screen(LineScreen(title, (about,), shown, check), lambda text: self._answer(what, text))

    def _answer(self, what: str, text: str | None) -> None:
        """Take what was written."""
        text = (text or "").strip()
        if not text:
            return
        self._taken[self.step] = f"ask:{what}"
        match what:
            case "frontier":
                self._answers.user["frontier"] = {"models.frontier.model": text}
            case "path":
                path = str(expanded(text).resolve())
                self._answers.user["local"] = local_changes(self._choices, {"path": path})
            case "server":
                self._answers.user["local"] = local_changes(self._choices, {"base_url": text})
                self._server, self._said = text, ""
                self.repaint()
                return
            case _:
                self._answers.check = text
        self._go(1)

    def action_step(self, by: int) -> None:
        """Another question; what was taken here stays taken."""
        self._go(by)

    def _go(self, by: int) -> None:
        at = min(max(self._at + by, 0), len(STEPS) - 1)
        if STEPS[at] == "write":
            try:
                self._rewrites = self._answers.rewrites()
            except HybridcodeError as error:
                say_in_full(self, error.advice)
                return
            self._guard.appear(self.call_after_refresh)
        self._at = at
        self.set_class(self.step == "write", "-summary")
        self.forget_words()
        self.repaint()
        rows = self.query_one(Rows)
        rows.go_to("0" if self.step == "write" else self._taken.get(self.step, KEEP))

    def action_ask(self) -> None:
        """Ask the server that was named, if it is on this machine."""
        if self.step != "local" or not self._server:
            self.flash("first name a server: Enter on that row")
            return
        self._said = "asking …"
        self.repaint()
        self._begin(self._ask(self._server))

    async def _ask(self, url: str) -> None:
        try:
            self._said = f"✓ {await ask_server(url)}"
        except HybridcodeError as error:
            self._said = f"! {error.advice}"
        self.repaint()

    def action_copy(self) -> None:
        """Hand a command to the clipboard."""
        option = self._option(self.key)
        if option is not None and option.command:
            self.program.copy_to_clipboard(option.command)
            self.flash(f"copied: {option.command}")

    # writing

    def on_key(self, event: events.Key) -> None:
        """Every key keeps a sleeping guard asleep; Textual calls this beside the handler of `Framed`."""
        del event
        self._guard.press()

    def on_screen_resume(self) -> None:
        """Sleep again whenever this comes to the front."""
        self._guard.appear(self.call_after_refresh)

    def action_write(self) -> None:
        """Write what is shown, once."""
        if self.step != "write":
            self.flash(f"y writes at the last question: this is {self._at + 1} of {len(STEPS)}")
        elif not self._is_change:
            self.flash("there is nothing to write")
        elif refusal := self._guard.refusal():
            self.flash(refusal)
        elif not self._is_writing:
            self._is_writing = True
            self._begin(self._write())

    async def _write(self) -> None:
        try:
            kept = await self._answers.carry_out(self._rewrites)
        finally:
            self._is_writing = False
        self.dismiss()
        self._done(self._rewrites, bool(self._answers.trusts), kept)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except HybridcodeError as error:
                say_in_full(self, error.advice)

        self.program.run_worker(guarded(), group="setup")


def _is_answer(option: Option) -> bool:
    return option.changes is not None or option.key.startswith("ask:")


def _tone(style: str) -> RowTone:
    tones: dict[str, RowTone] = {"$diff-add": "good", "$diff-delete": "bad", "bold": "strong", "$quiet": "quiet"}
    return tones.get(style, "plain")


def open_setup(desk: Desk, argument: str) -> SetupScreen | None:
    """The questions, over the settings as they are now."""
    del argument
    choices = desk.conversation.choices
    try:
        choices.reload()
        sources = choices.loaded.sources
        effects = effects_of_trust(lambda trusted: read(msgspec.structs.replace(sources, trust_now=trusted)))
    except ConfigError as error:
        desk.say(error)
        return None

    def done(rewrites: Sequence[Rewrite], is_trusted: bool, kept: Kept) -> None:
        show_settings(desk)
        written = [choices.within(str(rewrite.path)) for rewrite in rewrites]
        said = f"written: {', '.join(written)}" if written else ""
        if is_trusted:
            said += f"{'; ' if said else ''}this repository's files are trusted as they are"
        desk.tell("✓", said, "good")
        when = "type a task" if kept.is_at_work else "counts from the next session on: /clear begins one"
        facts = desk.facts
        desk.tell("", f"frontier {facts.frontier or 'none'} · local {facts.local or 'none'} · {when}", "quiet")

    return SetupScreen(choices, choices.look(), effects, guard=desk.guard(), done=done)
