"""Everything that waits for an answer, in all sessions of this repository.

Invariant: nothing is decided here: Enter opens the pane with its guard, and only what lapsed can be closed.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from hybridcode.domain.action import ChangeSet, ShellCommand
from hybridcode.domain.errors import HybridcodeError
from hybridcode.session.task_view import TaskView
from hybridcode.session.telling import asked
from hybridcode.tui.amounts import plural
from hybridcode.tui.archive import Archive, PickedElsewhere, Unanswered, Waiting
from hybridcode.tui.desk import Desk
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, clip_left, fit
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.times import age
from hybridcode.tui.visible import foreign
from hybridcode.tui.waiting import waiting_answer
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row, Rows

LOOK_S = 3.0
"""Seconds between two looks while the inbox is in front."""


class InboxScreen(ListScreen):
    """What the planner asks in this session, plans and questions of the others, then proposals of all, oldest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "close_lapsed", "close what is stale", id="inbox.close"),
    ]
    HINTS: ClassVar[Keys] = (Hint("Enter", "look at it", is_needed=True), Hint("/", "search"), Hint("x", "close stale"))
    NOTHING: ClassVar[str] = "nothing waits in any session of this repository"

    def __init__(self, archive: Archive, session: str, asked: Callable[[], TaskView | None]) -> None:
        super().__init__()
        self._archive, self._session = archive, session
        self._asked = asked
        """The task of this session about which the planner asks."""
        self._found: dict[str, Waiting] = {}
        self._others: dict[str, Unanswered] = {}
        """Plans and questions of other sessions, by session."""
        self._is_read = False

    def on_mount(self) -> None:
        """Look now and from time to time."""
        self.set_interval(LOOK_S, self._look_again)

    def on_screen_resume(self) -> None:
        """Look when this comes in front, also after a pane."""
        self._look()

    def _look_again(self) -> None:
        if self.is_current:
            self._look()

    def _look(self) -> None:
        self.run_worker(self._read(), group="inbox", exclusive=True)

    async def _read(self) -> None:
        try:
            found, unanswered = await self._archive.waiting(), await self._archive.unanswered()
        except HybridcodeError as error:
            self.flash(error.message)
            return
        self._is_read = True
        self._found = {waiting.proposal.id: waiting for waiting in found}
        self._others = {one.session: one for one in unanswered if one.session != self._session}
        self.repaint()

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """How many wait."""
        stale = sum(bool(waiting.lapsed) for waiting in self._found.values())
        count = len(self._found) + len(self._others) + (self._asked() is not None)
        items: list[Item] = [(0, f"{count} waiting")] if self._is_read else [(0, "reading")]
        return (("inbox ", "bold $accent"), ("all sessions", "bold")), [
            *items,
            *([(1, f"{stale} stale")] if stale else []),
        ]

    def rows(self, cells: int) -> Sequence[Row]:
        """Age, what is asked, flags; the session in the details."""
        asked = [_asked_row(task, cells)] if (task := self._asked()) is not None else []
        others = (self._other_row(one, cells) for one in self._others.values())
        own = (self._row(waiting, cells) for waiting in self._found.values())
        return [*asked, *others, *own] if self._is_read else []

    def _other_row(self, one: Unanswered, cells: int) -> Row:
        start, place = f" {age(one.made_at, self._archive.now):>6}  ", "running" if one.is_running else "stopped"
        said = fit(foreign(one.said), max(cells - len(start) - 15, 8))
        return Row(one.session, ((start, "quiet"), (said, "plain"), (f"  {fit(place, 12)}", "quiet")))

    def _row(self, waiting: Waiting, cells: int) -> Row:
        start = f" {age(waiting.made_at, self._archive.now):>6}  "
        place = "this session" if waiting.session == self._session else ("running" if waiting.is_running else "stopped")
        flags = waiting.proposal.ruling.flags
        end = "  stale" if waiting.lapsed else f"  ! {', '.join(flags)}" if flags else ""
        end = clip(end, max(cells // 4, 8))
        room = max(cells - len(start) - len(end) - 15, 8)
        return Row(
            waiting.proposal.id,
            ((start, "quiet"), (fit(_title(waiting), room), "plain"), (f"  {fit(place, 12)}", "quiet"), (end, "warn")),
        )

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """Which session, why it asks, and what it would do."""
        waiting = self._found.get(key)
        if (other := self._others.get(key)) is not None:
            return _about(other, cells)
        if waiting is None:
            task = self._asked()
            return [(f"{foreign(asked(one))}\n\n", "") for one in task.questions] if task is not None and key else []
        proposal = waiting.proposal
        runs = "it runs and goes on by itself" if waiting.is_running else "it has ended; resuming it goes on"
        parts: list[Part | str] = [
            (f"{_title(waiting)}\n", "bold"),
            (f"session  {waiting.session}\n         {clip(foreign(waiting.task), cells - 9)}\n         {runs}\n", ""),
            f"asks     {proposal.ruling.reason}\n",
        ]
        if proposal.ruling.flags:
            parts.append((f"! {', '.join(proposal.ruling.flags)}\n", "$warning"))
        if waiting.lapsed:
            parts.append((f"! stale: {waiting.lapsed}; x closes it\n", "$warning"))
        if isinstance(proposal.action, ChangeSet):
            parts.append((f"\n{plural(len(proposal.action.edits), 'file')}\n", "bold"))
            parts += [f"  {clip_left(edit.path, cells - 2)}\n" for edit in proposal.action.edits]
        elif isinstance(proposal.action, ShellCommand):
            parts += [("\ncommand\n", "bold"), f"  {foreign(proposal.action.text)}\n"]
        return parts

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Open its pane."""
        event.stop()
        waiting = self._found.get(event.key)
        if (other := self._others.get(event.key)) is not None:
            if other.is_running:
                self.flash("its session runs in another program: it is answered there")
            else:
                self.post_message(PickedElsewhere(other))
        elif waiting is None:
            self.dismiss()
            self.program.call_later(self.program.run_action, "review")
        elif waiting.lapsed:
            self.flash(f"stale: {waiting.lapsed}; x closes it")
        else:
            self.post_message(PickedElsewhere(waiting))

    def action_close_lapsed(self) -> None:
        """Close the one under the cursor, if it is stale."""
        waiting = self._found.get(self.key)
        if waiting is None or not waiting.lapsed:
            self.flash("only what is stale can be closed here; Enter looks at this one")
            return
        self.run_worker(self._close(waiting), group="inbox-close")

    async def _close(self, waiting: Waiting) -> None:
        try:
            said = await self._archive.close_lapsed(waiting)
        except HybridcodeError as error:
            said = error.message
        await self._read()
        self.flash(said)


def _about(one: Unanswered, cells: int) -> list[Part | str]:
    """Which session, what it asks, and how it can be answered."""
    runs = "it runs in another program: it is answered there" if one.is_running else "Enter opens it and asks"
    session = f"session  {one.session}\n         {clip(foreign(one.task), cells - 9)}\n         {runs}\n\n"
    return [(f"{foreign(one.said)}\n", "bold"), session, *(f"{foreign(question)}\n\n" for question in one.questions)]


def _asked_row(task: TaskView, cells: int) -> Row:
    said = f"the planner asks: {foreign(task.questions[0].text)}"
    return Row(task.task.id, ((fit(f" {'now':>6}  {said}", max(cells - 14, 8)), "plain"), ("  this session", "quiet")))


def _title(waiting: Waiting) -> str:
    proposal = waiting.proposal
    if proposal.title:
        return foreign(proposal.title)
    match proposal.action:
        case ChangeSet(edits=edits):
            return ", ".join(edit.path for edit in edits)
        case ShellCommand() as command:
            return foreign(command.text)
        case _:
            return f"step {proposal.step}"


def open_inbox(desk: Desk, argument: str) -> InboxScreen:
    """What waits in all sessions."""
    del argument
    return InboxScreen(desk.conversation.archive, desk.state.session, lambda: waiting_answer(desk.state))
