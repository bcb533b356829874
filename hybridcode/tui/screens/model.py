"""The two models, who plays which part and why, and choosing another one until the program ends.

Invariant: Enter only asks; a choice is made by `y` under the guard of a pane, counts from the next task on, and writes
no file.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from hybridcode.domain.errors import HybridcodeError
from hybridcode.models.pricing import Price
from hybridcode.session.choosing import Choice, ModelShown, ModelsShown, RoleShown
from hybridcode.tui.desk import Desk
from hybridcode.tui.fittings import Fittings
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, fit, wrap
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.screens.questions import SureScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row, Rows, RowTone

LOOK_S = 1.0
"""Seconds between two looks at where the models stand."""
_DOES = {"frontier": "decides", "local": "writes"}
_NAME_CELLS = 34
_LEAST_ABOUT = 14
_STATE_WORDS = {
    "none": "none",
    "not started": "not loaded yet",
    "loading": "loading …",
    "ready": "loaded",
    "ended": "its process is gone; the next request starts it again",
    "scripted": "a script, not a model",
}


class ModelScreen(ListScreen):
    """What is at work, what could be, and the parts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "load", "load the models now", id="model.load"),
    ]
    HINTS: ClassVar[Keys] = (Hint("Enter", "choose", is_needed=True), Hint("l", "load now"), Hint("/", "search"))
    NOTHING: ClassVar[str] = "reading …"

    def __init__(
        self,
        fittings: Fittings,
        *,
        is_running: Callable[[], bool],
        guard: Callable[[], KeyGuard],
        after: Callable[[], None],
        at: str = "",
    ) -> None:
        super().__init__()
        self._at = at.casefold()
        self._fittings, self._is_running, self._guard, self._after = fittings, is_running, guard, after
        self._shown: ModelsShown | None = None
        self._said = ""

    def on_mount(self) -> None:
        """The models follow the first frame, and are looked at from time to time."""
        self._look()
        self.set_interval(LOOK_S, self._look_again)

    def _look_again(self) -> None:
        if self.is_current:
            self._look()

    def _look(self) -> None:
        self.run_worker(self._read(), group="models", exclusive=True)

    async def _read(self) -> None:
        shown = await self._fittings.models()
        if shown != self._shown:
            self._shown = shown
            self.repaint()
        if self._at:
            first = next((one.id for one in shown.choices if self._at in one.title.casefold()), "")
            self._at = ""
            self.go_to(first)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Since when a choice counts."""
        left = (("models ", "bold $accent"), ("of this program", "bold"))
        return left, [(1, "a task runs: a choice counts from the next one on")] if self._is_running() else []

    def rows(self, cells: int) -> Sequence[Row]:
        """Each model with what could take its place, then the parts."""
        if self._shown is None:
            return []
        rows: list[Row] = []
        for model in self._shown.models:
            rows.append(Row("", ((f" {model.part}: {_DOES[model.part]}", "accent"),)))
            rows.append(_now_row(model, cells - 2))
            rows += [
                _choice_row(choice, cells - 2)
                for choice in self._shown.choices
                if choice.part == model.part and not self._shown.is_now(choice)
            ]
        rows.append(Row("", ((" who does what", "accent"),)))
        return [*rows, *(_role_row(role, cells - 2) for role in self._shown.roles)]

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """Everything that is known of a row."""
        shown = self._shown
        if shown is None:
            return []
        for model in shown.models:
            if key == f"now {model.part}":
                return [*_model_parts(model, cells), *([(f"\n! {self._said}\n", "$warning")] if self._said else [])]
        for role in shown.roles:
            if key == f"role {role.role}":
                return [(f"{role.role}\n", "bold"), f"{role.plays or 'nobody'}\n", *_wrapped(role.why, cells)]
        choice = self._choice(key)
        if choice is None:
            return []
        parts: list[Part | str] = [(f"{choice.title}\n", "bold"), *_wrapped(choice.about, cells)]
        if choice.problem:
            return [*parts, *_wrapped(f"! cannot be chosen: {choice.problem}", cells, "$warning")]
        return [*parts, *_wrapped(f"Enter asks whether it {_DOES[choice.part]} from the next task on", cells, "$quiet")]

    def _choice(self, key: str) -> Choice | None:
        return next((one for one in self._shown.choices if one.id == key), None) if self._shown else None

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Ask whether this one shall take over."""
        event.stop()
        choice = self._choice(event.key)
        if choice is None:
            self.flash("this is so already; another row of the list can take its place")
        elif choice.problem:
            self.flash(f"it cannot be chosen: {choice.problem}")
        else:
            said: list[Part | str] = [(f"{choice.title}\n", "$accent"), f"{choice.about}\n"]
            said.append(("it counts from the next task on, until you leave the program; no file is written", "$quiet"))
            question = f"Shall this be the model that {_DOES[choice.part]}?"
            self.program.push_screen(
                SureScreen(question, *said, guard=self._guard()),
                lambda is_yes: self._begin(self._choose(choice)) if is_yes else None,
            )

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background, also past this screen's end; an error stands in the bottom line."""

        async def guarded() -> None:
            try:
                await work
            except HybridcodeError as error:
                self._said = error.advice
                if self.is_mounted:
                    self.flash(error.advice)
                    self.repaint()

        self.program.run_worker(guarded(), group="choosing")

    async def _choose(self, choice: Choice) -> None:
        self._said = ""
        await self._fittings.choose(choice)
        self._after()
        await self._read()
        self.flash(f"{choice.title}: from the next task on")

    def action_load(self) -> None:
        """Load them now instead of at the first request."""
        self._said = ""
        self.flash("loading …")
        self._begin(self._load())

    async def _load(self) -> None:
        await self._fittings.start()
        await self._read()
        self.flash("the models are loaded")


def _now_row(model: ModelShown, cells: int) -> Row:
    name = model.name or f"no {model.part} model"
    about = " · ".join(filter(None, (_STATE_WORDS[model.state], model.host, _price_words(model))))
    return Row(f"now {model.part}", (("● ", "good"), *_columns(name, about if model.name else "", cells, "strong")))


def _choice_row(choice: Choice, cells: int) -> Row:
    about = f"! {choice.problem}" if choice.problem else choice.about
    name, rest = _columns(choice.title, about, cells, "plain")
    return Row(choice.id, (("  ", "plain"), name, (rest[0], "warn") if choice.problem else rest))


def _role_row(role: RoleShown, cells: int) -> Row:
    head = fit(role.role, 8), "strong"
    return Row(
        f"role {role.role}", (("  ", "plain"), head, *_columns(role.plays or "nobody", role.why, cells - 8, "plain"))
    )


def _columns(name: str, about: str, cells: int, tone: RowTone) -> tuple[tuple[str, RowTone], tuple[str, RowTone]]:
    """A name, and beside it what there is room for."""
    room = cells - 2
    first = min(_NAME_CELLS, max(room - _LEAST_ABOUT, 12))
    return (fit(name, first), tone), (fit(f"  {about}", max(room - first, 0)), "quiet")


def _model_parts(model: ModelShown, cells: int) -> list[Part | str]:
    if not model.name:
        return [(f"no {model.part} model\n", "bold"), *_wrapped(f"setting  {model.origin}", cells, "$quiet")]
    where = model.host or "a process on this machine"
    leaves = "requests leave this machine" if model.is_remote else "nothing leaves this machine"
    facts = [
        f"state    {_STATE_WORDS[model.state]}",
        f"setting  {model.origin}",
        f"host     {where}: {leaves}",
        f"context  {f'{model.n_ctx:,} tokens' if model.n_ctx else 'unknown until it is loaded'}",
    ]
    if model.part == "frontier" and model.state != "scripted":
        source = f" ({model.price_from})" if model.price_from else ""
        facts.append(f"price    {_price_words(model)}{source}")
    parts: list[Part | str] = [(f"{model.name}\n", "bold")]
    for fact in facts:
        parts += _wrapped(fact, cells)
    for note in model.notes:
        parts += _wrapped(f"! {note}", cells, "$warning")
    return parts


def _price_words(model: ModelShown) -> str:
    if model.part == "local" or model.state == "scripted":
        return ""
    return _price(model.price) if model.price else "price unknown"


def _price(price: Price) -> str:
    return f"${price.input * 1e6:.2f} in, ${price.output * 1e6:.2f} out per million tokens"


def _wrapped(text: str, cells: int, style: str = "") -> list[Part]:
    return [(f"{line}\n", style) for line in wrap(text, cells)]


def open_model(desk: Desk, argument: str) -> ModelScreen:
    """The models; the cursor stands on the first one whose name has what stands behind the command."""
    return ModelScreen(
        desk.conversation.fittings,
        is_running=lambda: desk.conversation.is_running,
        guard=desk.guard,
        after=desk.take_facts,
        at=argument,
    )
