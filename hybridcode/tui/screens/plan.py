"""The plan pane: a plan that waits for a yes before its first step.

Invariant: the plan that is approved is the one shown, or the one a person wrote instead.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from hybridcode.config.paths import plans_dir
from hybridcode.domain.errors import ConfigError, PlanInvalid
from hybridcode.domain.plan import Plan
from hybridcode.session.plan_files import plan_from_toml, plan_to_toml, save_in
from hybridcode.tui.amounts import plural
from hybridcode.tui.conversation import PERSON, whom
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part
from hybridcode.tui.plan_text import full_plan_parts
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.screens.questions import EditScreen
from hybridcode.tui.visible import foreign
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.painted import Painted


class PlanPane(Pane):
    """Follow it, edit it, or not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "approve", "follow this plan", id="plan.follow"),
        Binding("e", "edit", "edit the plan", id="plan.edit"),
        Binding("E", "edit_outside", "edit the plan in $EDITOR", id="plan.edit-outside"),
        Binding("c", "copy", "copy the plan as a file for --plan", id="plan.copy"),
        Binding("S", "save", "save the plan as a file for --plan", id="plan.save"),
        Binding("n", "refuse", "do not follow it", id="plan.reject"),
    ]

    HINTS: ClassVar[Keys] = (
        Hint("y", "follow the plan", "follow", is_needed=True),
        Hint("e", "edit it"),
        Hint("n", "do not follow it", "reject", is_needed=True),
    )
    PLANNING_HINTS: ClassVar[Keys] = (
        Hint("y", "follow it now: the mode becomes “asks”", "follow, mode “asks”", is_needed=True),
        *HINTS[1:],
    )
    """The same keys in plan mode."""

    def __init__(self, subject: str, plan: Plan, guard: KeyGuard, *, source: str, task: str) -> None:
        super().__init__(subject, guard)
        self.plan = plan
        self._source = source
        self._wanted = task
        self._saved = ""

    def hints(self) -> Keys:
        """A yes in plan mode says what it does to the mode."""
        return self.PLANNING_HINTS if self.mode == "plan" else self.HINTS

    def body(self) -> ComposeResult:
        """The whole plan."""
        with VerticalScroll(id="plan-body", can_focus=True):
            yield Painted(ident="plan-text")

    def on_mount(self) -> None:
        """The plan takes the keys for scrolling."""
        self.query_one("#plan-body").focus()

    def repaint(self) -> None:
        """Paint the plan too."""
        super().repaint()
        cells = max(self.size.width - 6, 20)
        self.query_one("#plan-text", Painted).paint(*full_plan_parts(self.plan, cells))

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """How large the plan is and who made it."""
        files = {region.path for step in self.plan.steps for region in step.regions}
        size = f"{plural(len(self.plan.steps), 'step')}, {plural(len(files), 'file')}"
        return (("plan ", "bold $accent"), (size, "bold")), [(1, f"by {whom(self._source)}")]

    def why_parts(self, cells: int, *, is_full: bool) -> list[Part | str]:
        """The task it is for."""
        del cells, is_full
        saved: list[Part | str] = [("\nsaved  ", "$quiet"), self._saved, ("  for hybridcode --plan", "$quiet")]
        return [("task  ", "$quiet"), foreign(self._wanted), *(saved if self._saved else [])]

    def action_approve(self) -> None:
        """Follow the plan as shown."""
        if self.may_decide():
            self.post_message(self.PlanAnswered(self.subject, self.plan))

    def action_refuse(self) -> None:
        """Do nothing of it."""
        if self.may_decide():
            self.post_message(self.PlanAnswered(self.subject, None))

    def action_edit(self) -> None:
        """Change the plan as text; it is shown again before it is followed."""
        if not self.may_decide():
            return

        self.ask(EditScreen("The plan", plan_to_toml(self.plan), _fault), self._take)

    def action_edit_outside(self) -> None:
        """Change the plan in a person's own editor; what is no plan is shown with its fault, to be mended here."""
        if not self.may_decide():
            return

        def changed(text: str) -> None:
            if fault := _fault(text):
                self.ask(EditScreen(f"This is no plan yet: {fault}", text, _fault), self._take)
            else:
                self._take(text)

        self.edit_outside(plan_to_toml(self.plan), ".toml", changed)

    def action_copy(self) -> None:
        """Put the plan into the clipboard of the terminal."""
        self.program.copy_to_clipboard(plan_to_toml(self.plan))
        self.flash("copied as TOML: saved in a file, `hybridcode --plan FILE` opens it")

    def action_save(self) -> None:
        """Write the plan to a file of its own, and say where it is until it is decided."""
        try:
            path = save_in(plans_dir(), self.plan, task=self._wanted)
        except ConfigError as error:
            self.flash(error.advice)
            return
        self._saved = str(path)
        self.repaint()

    def _take(self, text: str | None) -> None:
        plan = plan_from_toml(text) if text is not None else self.plan
        if plan != self.plan:
            self.plan, self._source = plan, PERSON
            self.repaint()


def _fault(text: str) -> str:
    """Why a text is no plan, empty if it is one."""
    try:
        plan_from_toml(text)
    except PlanInvalid as error:
        return error.message
    return ""
