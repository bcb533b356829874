"""The rules that hold, where each of them stands, how often it spoke here; and what they say of a command or a file.

Invariant: looking and asking are pure; the only thing that can be changed here is to take back what a person allowed in
this session, which makes it stricter.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from hybridcode.config.rules import WrittenRule
from hybridcode.domain.action import Verdict
from hybridcode.domain.errors import HybridcodeError
from hybridcode.gate.rules import Rule
from hybridcode.session.state import SessionState
from hybridcode.tui.amounts import plural
from hybridcode.tui.desk import Desk
from hybridcode.tui.fittings import Fittings, RulesShown
from hybridcode.tui.hints import Hint
from hybridcode.tui.modes import MODE_WORDS
from hybridcode.tui.paint import Part, fit, wrap
from hybridcode.tui.policy_text import SIGNS, action_of, explained_lines
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.screens.text import Line, TextScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.in_order import LineBox
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.rows import Row, Rows, RowTone

_TONES: dict[Verdict, RowTone] = {"allow": "good", "ask": "warn", "deny": "bad"}
_STYLES: dict[Verdict, str] = {"allow": "$success", "ask": "$warning", "deny": "$error"}
_VERDICT_CELLS = 9
_USED_CELLS = 10


class PolicyScreen(ListScreen):
    """Explanations asked for here, rules of this session, rules of files, built-in ones that spoke, the sandbox."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "explain", "what the rules say of a command or a file", id="policy.explain"),
        Binding("x", "withdraw", "take back what you allowed in this session", id="policy.take-back"),
        Binding("c", "copy", "copy this rule", id="policy.copy"),
    ]
    HINTS: ClassVar[Keys] = (
        Hint("e", "explain", is_needed=True),
        Hint("x", "take back"),
        Hint("Enter", "in full"),
        Hint("/", "search"),
        Hint("c", "copy"),
    )
    NOTHING: ClassVar[str] = "reading …"

    def __init__(self, fittings: Fittings, state: Callable[[], SessionState], *, asked: str = "") -> None:
        super().__init__()
        self._fittings, self._state, self._first = fittings, state, asked
        self._shown: RulesShown | None = None
        self._texts: dict[str, list[str]] = {}
        """By key of a row: everything there is to say of it."""
        self._explained: dict[str, tuple[Verdict, list[str]]] = {}

    def on_mount(self) -> None:
        """The rules follow the first frame."""
        self.run_worker(self._read(), group="rules", exclusive=True)
        if self._first:
            self.run_worker(self._explain(self._first), group="explain")

    async def _read(self) -> None:
        try:
            self._shown = await self._fittings.rules()
        except HybridcodeError as error:
            self.flash(error.advice)
            return
        self.repaint()

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """The mode, and how many rules of each kind there are."""
        if self._shown is None:
            return (("policy ", "bold $accent"), ("the rules that hold", "bold")), []
        policy = self._shown.policy
        counts = Counter(rule.verdict for rule in policy.rules)
        items: list[Item] = [(0, f"{verdict} {counts[verdict]}") for verdict in ("deny", "ask", "allow")]
        return (("policy ", "bold $accent"), (f"mode: {MODE_WORDS[policy.mode]}", "bold")), items

    def rows(self, cells: int) -> Sequence[Row]:
        """Everything in its order; a heading says how many there are."""
        shown = self._shown
        if shown is None:
            return []
        self._texts = {key: lines for key, (_, lines) in self._explained.items()}
        used = Counter({rule: ruled.times for rule, ruled in self._state().ruled.items()})
        rows = [
            Row(key, ((fit(SIGNS[verdict], _VERDICT_CELLS), _TONES[verdict]), (fit(key, cells - 11), "strong")))
            for key, (verdict, _) in reversed(self._explained.items())
        ]
        rows = [_heading("asked here", len(rows)), *rows] if rows else []
        of_session = [rule for rule in shown.policy.rules if rule.is_of_session]
        written = [rule for rule in shown.policy.rules if not rule.is_of_session]
        for title, rules in (("allowed by you in this session", of_session), ("rules that stand in files", written)):
            rows.append(_heading(title, len(rules)))
            rows += [self._rule_row(f"{title} {n}", rule, used, cells) for n, rule in enumerate(rules)]
        rows += self._ignored_rows(shown.ignored, cells)
        rows += self._built_in_rows(used, cells)
        return [*rows, *self._sandbox_rows(shown, cells)]

    def _rule_row(self, key: str, rule: Rule, used: Counter[str], cells: int) -> Row:
        count = used[f"user:{rule.text}"]
        self._texts[key] = [
            f"{rule.verdict}: {rule.text}",
            f"from {rule.source}",
            *([f"why: {rule.reason}"] if rule.reason else []),
            f"it ruled {plural(count, 'proposal')} of this session",
            *(["x takes it back: then you are asked again"] if rule.is_of_session else []),
        ]
        return _row(key, rule.verdict, rule.text, count, cells, also=f"{rule.source} {rule.reason}")

    def _ignored_rows(self, ignored: Iterable[WrittenRule], cells: int) -> list[Row]:
        rows: list[Row] = []
        for number, rule in enumerate(ignored):
            key = f"ignored {number}"
            text = ", ".join(rule.match)
            self._texts[key] = [f"{rule.verdict}: {text}", f"from {rule.source}", "it does not count here"]
            rows.append(Row(key, ((fit("· void ", _VERDICT_CELLS), "quiet"), (fit(text, cells - 11), "quiet"))))
        return [_heading("rules that do not count here", len(rows)), *rows] if rows else []

    def _built_in_rows(self, used: Counter[str], cells: int) -> list[Row]:
        rows: list[Row] = []
        for ruling in (ruled.ruling for ruled in self._state().ruled.values()):
            key = f"built in {ruling.rule}"
            if ruling.rule.startswith("user:") or key in self._texts:
                continue
            self._texts[key] = [
                f"{ruling.verdict}: {ruling.rule}",
                f"built in; last it said: {ruling.reason}",
                f"it ruled {plural(used[ruling.rule], 'proposal')} of this session",
            ]
            rows.append(_row(key, ruling.verdict, ruling.rule, used[ruling.rule], cells))
        return [_heading("built in, as far as they spoke in this session", len(rows)), *rows] if rows else []

    def _sandbox_rows(self, shown: RulesShown, cells: int) -> list[Row]:
        has_one = shown.sandbox != "none"
        self._texts["sandbox"] = [
            f"commands run in: {shown.sandbox}" if has_one else "commands run without a sandbox",
            *(f"it does not keep a command from: {what}" for what in shown.unenforced),
            *(f"no better one: {why}" for why in shown.missing),
            f"your own rules stand in {shown.policy_file}",
        ]
        sign: tuple[str, RowTone] = ("✓ on", "good") if has_one else ("! off", "warn")
        about = f"{shown.sandbox}{', with gaps' if shown.unenforced and has_one else ''}"
        row = Row("sandbox", ((fit(sign[0], _VERDICT_CELLS), sign[1]), (fit(about, cells - 11), "plain")))
        return [_heading("sandbox", None), row]

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """All of it."""
        lines = self._texts.get(key, [])
        first = [(f"{line}\n", "bold") for text in lines[:1] for line in wrap(text, cells)]
        return [*first, *(f"{line}\n" for text in lines[1:] for line in wrap(text, cells))]

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """The same in full, to be searched and copied."""
        event.stop()
        lines = self._texts.get(event.key, [])
        self.program.push_screen(TextScreen("policy", [Line(line) for line in lines]))

    def action_explain(self) -> None:
        """Ask for a command or a file."""
        self.program.push_screen(ExplainScreen(self._fittings), self._asked)

    def _asked(self, text: str | None) -> None:
        if text:
            self.run_worker(self._explain(text), group="explain")

    async def _explain(self, text: str) -> None:
        action = action_of(text)
        if action is None:
            return
        try:
            told = await self._fittings.explain(action)
            self._shown = self._shown or await self._fittings.rules()
        except HybridcodeError as error:
            self.flash(error.advice)
            return
        key = text.strip()
        self._explained.pop(key, None)
        self._explained[key] = told.ruling.verdict, list(explained_lines(text, told, self._shown.policy_file))
        self.repaint()
        self.go_to(key)

    def action_withdraw(self) -> None:
        """Take the rule under the cursor back, if it was made here."""
        rule = self._rule
        if rule is None or not rule.is_of_session:
            self.flash(
                "only what you allowed in this session is taken back here; other rules are changed in their files"
            )
        else:
            self.run_worker(self._withdraw(rule.text), group="withdraw")

    async def _withdraw(self, rule: str) -> None:
        try:
            await self._fittings.withdraw(rule)
        except HybridcodeError as error:
            self.flash(error.advice)
            return
        await self._read()
        self.flash(f"{rule} is asked again from now on")

    @property
    def _rule(self) -> Rule | None:
        """The rule under the cursor."""
        rules = self._shown.policy.rules if self._shown else ()
        said = self._texts.get(self.key, [""])[:2]
        return next((one for one in rules if said == [f"{one.verdict}: {one.text}", f"from {one.source}"]), None)

    def action_copy(self) -> None:
        """Hand the row's text to the clipboard."""
        rule = self._rule
        self.program.copy_to_clipboard(rule.text if rule else "\n".join(self._texts.get(self.key, [])))
        self.flash("copied")


class ExplainScreen(ModalScreen[str | None]):
    """A line for a command or a file, with the verdict below it as it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "back", id="explain.back")]

    def __init__(self, fittings: Fittings) -> None:
        super().__init__()
        self._fittings = fittings

    def compose(self) -> ComposeResult:
        """The line, the verdict, the keys."""
        with Vertical(classes="question"):
            yield Painted(("What do the rules say of this?", "bold"))
            yield LineBox(placeholder="a command, or @ and a path", id="answer")
            yield Painted(("nothing is run or written by asking", "$quiet"), ident="verdict")
            yield Painted(
                *(("\nEnter", "bold $accent"), (" says why   ", "$quiet")),
                *(("Esc", "bold $accent"), (" back", "$quiet")),
                ident="hint",
            )

    def on_mount(self) -> None:
        """Nothing blinks."""
        self.query_one(LineBox).cursor_blink = False

    def on_input_changed(self, event: Input.Changed) -> None:
        """The verdict follows."""
        event.stop()
        self.run_worker(self._judge(event.value), group="judge", exclusive=True)

    async def _judge(self, text: str) -> None:
        verdict = self.query_one("#verdict", Painted)
        action = action_of(text)
        if action is None:
            verdict.paint(("nothing is run or written by asking", "$quiet"))
            return
        ruling = (await self._fittings.explain(action)).ruling
        verdict.paint((f"{SIGNS[ruling.verdict].strip()}: {ruling.reason}", f"bold {_STYLES[ruling.verdict]}"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Why, in full."""
        event.stop()
        self.dismiss(event.value.strip() or None)


def _heading(title: str, count: int | None) -> Row:
    number = "" if count is None else f": {count or 'none'}"
    return Row("", ((f" {title}{number}", "accent"),))


def _row(key: str, verdict: Verdict, text: str, count: int, cells: int, *, also: str = "") -> Row:
    used = f"{count:>5} times" if count != 1 else "    1 time"
    room = max(cells - _VERDICT_CELLS - _USED_CELLS - 4, 8)
    return Row(
        key,
        ((fit(SIGNS[verdict], _VERDICT_CELLS), _TONES[verdict]), (fit(text, room), "plain"), (f" {used}", "quiet")),
        also=also,
    )


def open_policy(desk: Desk, argument: str) -> PolicyScreen:
    """The rules; an argument is a command, or a path behind an `@`, to be explained."""
    return PolicyScreen(desk.conversation.fittings, lambda: desk.state, asked=argument)
