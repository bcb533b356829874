"""Back to before an earlier task of this session: its files, what is remembered of it, or both.

Invariant: what would be put back is shown first; the task's text comes back into the composer and is never sent.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from hybridcode.gate.taking_back import Reach
from hybridcode.gate.undo import Foreseen
from hybridcode.session.task_view import TaskView
from hybridcode.tui.amounts import plural
from hybridcode.tui.desk import RUNNING, Desk
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, fit, width
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.screens.undo import ForeseenScreen
from hybridcode.tui.visible import foreign
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row, Rows


class RewindScreen(ListScreen):
    """The tasks of this session, the latest under the cursor."""

    HINTS: ClassVar[Keys] = (
        Hint("Enter", "back to before this task", "before it", is_needed=True),
        Hint("/", "search"),
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._tasks = {view.task.id: view for view in desk.state.tasks if not view.is_forgotten}

    def on_mount(self) -> None:
        """The latest task first."""
        self.call_after_refresh(lambda: self.query_one(Rows).go_to(list(self._tasks)[-1]))

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """What is asked."""
        return (("back ", "bold $accent"), ("to before which task?", "bold")), [(0, plural(len(self._tasks), "task"))]

    def rows(self, cells: int) -> Sequence[Row]:
        """One line each."""
        return [self._row(number, view, cells - 2) for number, view in enumerate(self._tasks.values(), 1)]

    def _row(self, number: int, view: TaskView, cells: int) -> Row:
        count = len(view.ended.files) if view.ended else 0
        facts = f"{plural(count, 'file'):>8}" if count else f"{'no file':>8}"
        text = fit(foreign(view.task.text.split("\n", 1)[0]), max(cells - 4 - width(facts), 8))
        return Row(view.task.id, ((f"{number:>2}  ", "quiet"), (text, "plain"), (facts, "quiet")), view.task.text)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """What would be put back, and the three ways."""
        event.stop()
        view = self._tasks[event.key]
        later = list(self._tasks).index(event.key)
        self.program.push_screen(BackScreen(self._desk, view, later=len(self._tasks) - later - 1))


class BackScreen(ForeseenScreen):
    """Before going back: files, conversation, or both."""

    TITLE_WORD: ClassVar[str] = "back to before"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "back(True, True)", "both: put files back and forget the task", id="rewind.both"),
        Binding("f", "back(True, False)", "only put files back", id="rewind.files"),
        Binding("c", "back(False, True)", "only forget the task", id="rewind.conversation"),
    ]
    HINTS: ClassVar[Keys] = (
        Hint("b", "both", is_needed=True),
        Hint("f", "files only", "files", is_needed=True),
        Hint("c", "conversation only", "talk", is_needed=True),
    )

    def __init__(self, desk: Desk, view: TaskView, *, later: int) -> None:
        past, reach = desk.conversation.past, Reach(since=view.begun_at)
        super().__init__(view.task.text.split("\n", 1)[0], lambda: past.foresee(reach), desk.guard())
        self._desk, self._view, self._later = desk, view, later

    def foreseen_parts(self, foreseen: Foreseen) -> list[Part | str]:
        """What becomes of files, and what of the conversation."""
        later = f" and {plural(self._later, 'later task')}" if self._later else ""
        return [
            ("b", "bold $accent"),
            (" both    ", ""),
            ("f", "bold $accent"),
            (" only files    ", ""),
            ("c", "bold $accent"),
            (" only the conversation\n\n", ""),
            ("files\n", "bold"),
            *super().foreseen_parts(foreseen),
            ("\nconversation\n", "bold"),
            (f"forgets this task{later}; approvals that wait for it are declined\n", ""),
            (f"the text comes back into the composer: {clip(foreign(self._view.task.text), 200)}\n", "$quiet"),
        ]

    def action_back(self, files: bool, conversation: bool) -> None:
        """Do it."""
        if files and not conversation and self.foreseen is not None and not self.foreseen.restored:
            self.flash("there is no file to put back")
            return

        async def go() -> None:
            desk, text = self._desk, self._view.task.text
            await desk.conversation.past.rewind(self._view.task.id, files=files, conversation=conversation)
            desk.to_session()
            desk.session.restore(text)

        self.act(go)


def open_rewind(desk: Desk, argument: str) -> RewindScreen | None:
    """The tasks to go back to."""
    del argument
    if desk.conversation.is_running:
        desk.tell(*RUNNING)
        return None
    if not any(not view.is_forgotten for view in desk.state.tasks):
        desk.tell("·", "there is no task to go back to", "quiet")
        return None
    return RewindScreen(desk)
