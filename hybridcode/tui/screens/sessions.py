"""All sessions of this repository: what was done in each, and going on with it.

Invariant: looking changes nothing; a session that another process works on is neither opened nor deleted.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import SessionForked
from hybridcode.journal.overview import SessionOverview, TaskRow
from hybridcode.session.task_view import RESUMABLE
from hybridcode.tui.amounts import dollars, plural
from hybridcode.tui.desk import Desk
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, fit, width, wrap
from hybridcode.tui.records import Library
from hybridcode.tui.screens.export import ExportScreen
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.screens.questions import WordScreen
from hybridcode.tui.times import ago, exactly
from hybridcode.tui.visible import foreign
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row, Rows, RowTone

RUNNING = "a task is running here: Esc goes back, Esc there interrupts it"
_AGO_CELLS = 12
_ROOMY_CELLS = 66
_TASKS = 12


class DeleteScreen(WordScreen):
    """Before the record of a session is gone."""

    WORD = "delete"


@dataclass(frozen=True)
class Standing:
    """How a session stands, for its row."""

    sign: str
    word: str
    tone: RowTone


def standing(one: SessionOverview, *, is_here: bool) -> Standing:
    """Where a session stands: what asks for a person first."""
    reason = next((task.exit_reason for task in reversed(one.tasks) if not task.is_forgotten), "")
    if is_here:
        return Standing("▸", "open here", "accent")
    if one.owner:
        return Standing("●", "in use elsewhere", "warn")
    if one.row.pending:
        return Standing("?", f"{plural(one.row.pending, 'approval')} waiting", "warn")
    if reason in RESUMABLE or (one.tasks and not reason):
        return Standing("‖", "stopped", "warn")
    if reason == "done":
        return Standing("✓", "done", "good")
    return Standing("✗", reason.replace("_", " "), "bad") if reason else Standing("·", "no task", "quiet")


class SessionsScreen(ListScreen):
    """Sessions, newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "fork", "fork: a new session that knows this one's tasks", id="sessions.fork"),
        Binding("x", "export", "write it to a Markdown or HTML file", id="sessions.export"),
        Binding("D", "delete", "delete its record, after a typed word", id="sessions.delete"),
    ]
    HINTS: ClassVar[Keys] = (
        Hint("Enter", "go on", is_needed=True),
        Hint("f", "fork", is_needed=True),
        Hint("x", "export"),
        Hint("D", "delete"),
        Hint("/", "search"),
    )

    def __init__(
        self,
        library: Library,
        *,
        here: str,
        is_running: Callable[[], bool],
        go: Callable[[str | None, SessionForked | None], Awaitable[None]],
        at: str = "",
    ) -> None:
        super().__init__()
        self._library, self._here, self._is_running, self._go, self._first = library, here, is_running, go, at
        self._found: dict[str, SessionOverview] | None = None
        self._now: datetime = library.now()

    def on_mount(self) -> None:
        """The list follows the first frame."""
        self._begin(self._load(), group="load")

    async def _load(self) -> None:
        self._found = {one.row.id: one for one in await self._library.sessions()}
        self.repaint()
        if self._first:
            self.query_one(Rows).go_to(self._first)

    def _begin(self, work: Coroutine[Any, Any, None], *, group: str = "sessions") -> None:
        """Do something in the background, also past this screen's end; an error stands in the bottom line."""

        async def guarded() -> None:
            try:
                await work
            except HybridcodeError as error:
                self.flash(error.advice)

        self.program.run_worker(guarded(), group=group)

    def nothing(self) -> str:
        """While it is read, and where there is none."""
        return "reading …" if self._found is None else "no session yet: the first task begins one"

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """How many there are."""
        found = self._found or {}
        waiting = sum(one.row.pending for one in found.values())
        items: list[Item] = [(0, plural(len(found), "session"))] if self._found is not None else []
        if waiting:
            items.append((1, f"{plural(waiting, 'approval')} waiting"))
        return (("sessions ", "bold $accent"), ("of this repository", "bold")), items

    def rows(self, cells: int) -> Sequence[Row]:
        """When, how it stands, its first task, and what it did."""
        return [self._row(one, cells - 2) for one in (self._found or {}).values()]

    def _row(self, one: SessionOverview, cells: int) -> Row:
        stands = standing(one, is_here=one.row.id == self._here)
        facts = f"{plural(len(one.files), 'file'):>8}  {dollars(one.usd):>12}" if cells >= _ROOMY_CELLS else ""
        when = fit(ago(one.row.last_at, self._now), _AGO_CELLS)
        title = foreign(one.row.title.split("\n", 1)[0]) or "(no task)"
        text = fit(title, max(cells - _AGO_CELLS - 2 - width(facts), 8))
        also = " ".join((one.row.id, stands.word, *one.files, *(task.text for task in one.tasks)))
        return Row(
            one.row.id,
            ((f"{stands.sign} ", stands.tone), (when, "quiet"), (text, "plain"), (facts, "quiet")),
            also,
        )

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """How it stands, its tasks with their ends, its files."""
        one = (self._found or {})[key]
        stands = standing(one, is_here=key == self._here)
        tones = {"accent": "bold $accent", "warn": "bold $warning", "good": "$success", "bad": "$error"}
        parts: list[Part | str] = [
            (f"{stands.sign} {stands.word}\n", tones.get(stands.tone, "$quiet")),
            (f"{exactly(one.row.opened_at, self._now)} to {exactly(one.row.last_at, self._now)}\n", "$quiet"),
            (f"{key} · {dollars(one.usd)}\n", "$quiet"),
        ]
        if one.owner and key != self._here:
            parts.append((f"{one.owner}\n", "$warning"))
        if one.forked_from:
            parts.append((f"fork of {one.forked_from}\n", "$quiet"))
        for number, task in enumerate(one.tasks[-_TASKS:], max(len(one.tasks) - _TASKS, 0) + 1):
            parts += _task_parts(number, task, cells)
        if one.files:
            parts.append((f"\n{plural(len(one.files), 'file')} changed\n", "bold"))
            parts += [(f"  {clip(path, cells - 2)}\n", "") for path in one.files]
        return parts

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Go on with it here."""
        event.stop()
        one = (self._found or {})[event.key]
        if event.key == self._here:
            self.dismiss()
        elif self._is_running():
            self.flash(RUNNING)
        elif one.owner:
            self.flash(one.owner)
        else:
            self._begin(self._open(event.key, None))

    async def _open(self, session: str | None, forked: SessionForked | None) -> None:
        await self._go(session, forked)

    def action_fork(self) -> None:
        """A new session that goes on after one of its tasks."""
        one = (self._found or {}).get(self.key)
        ended = [task for task in one.tasks if task.exit_reason and not task.is_forgotten] if one else []
        if self._is_running():
            self.flash(RUNNING)
        elif not ended:
            self.flash("there is no ended task to go on after")
        elif len(ended) == 1:
            self._begin(self._fork(self.key, ended[0].id))
        else:
            session = self.key
            self.program.push_screen(ForkScreen(ended, lambda task: self._begin(self._fork(session, task)), self._now))

    async def _fork(self, session: str, task: str) -> None:
        await self._open(None, await self._library.fork(session, task))

    def action_export(self) -> None:
        """Ask for the file."""
        if self.key:
            self.program.push_screen(ExportScreen(self._library, self.key))

    def action_delete(self) -> None:
        """Ask for the word."""
        one = (self._found or {}).get(self.key)
        if one is None:
            return
        if one.row.id == self._here:
            self.flash("it is open here: /clear leaves it, then it can be deleted")
        elif one.owner:
            self.flash(one.owner)
        else:
            waiting = f" and {plural(one.row.pending, 'approval')} that wait" if one.row.pending else ""
            what = f"{clip(one.row.title or one.row.id, 50)}\nits record{waiting}, and with it the way to undo it"
            self.program.push_screen(DeleteScreen(what, ("delete this session",)), self._delete_if(one.row.id))

    def _delete_if(self, session: str) -> Callable[[bool | None], None]:
        def typed(is_yes: bool | None) -> None:
            if is_yes:
                self._begin(self._delete(session))

        return typed

    async def _delete(self, session: str) -> None:
        await self._library.delete(session)
        await self._load()
        self.flash(f"{session} is deleted; files of the workspace stay as they are")


class ForkScreen(ListScreen):
    """After which task the fork goes on."""

    HINTS: ClassVar[Keys] = (Hint("Enter", "fork after this task", "fork", is_needed=True),)

    def __init__(self, tasks: Sequence[TaskRow], fork: Callable[[str], None], now: datetime) -> None:
        super().__init__()
        self._tasks, self._fork, self._now = tasks, fork, now

    def on_mount(self) -> None:
        """The latest task first."""
        self.call_after_refresh(lambda: self.query_one(Rows).go_to(self._tasks[-1].id))

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """What is asked."""
        return (("fork ", "bold $accent"), ("which is the last task it knows?", "bold")), []

    def rows(self, cells: int) -> Sequence[Row]:
        """One line each."""
        lead = len("2026-01-31 14:02  ")
        return [
            Row(
                task.id,
                (
                    (f"{exactly(task.at, self._now)}  ", "quiet"),
                    (clip(foreign(task.text.split("\n", 1)[0]), max(cells - lead - 2, 8)), "plain"),
                ),
            )
            for task in self._tasks
        ]

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Fork."""
        event.stop()
        self._fork(event.key)


def _task_parts(number: int, task: TaskRow, cells: int) -> list[Part]:
    """A task and how it ended."""
    lines = wrap(foreign(task.text.split("\n", 1)[0]), cells - 4)
    more = " …" if len(lines) > 2 or "\n" in task.text else ""
    text = "\n    ".join(lines[:2]) + more
    if task.is_forgotten:
        end, style = "went back to before it", "$quiet"
    elif not task.exit_reason:
        end, style = "not ended", "$warning"
    else:
        said = task.message or task.exit_reason.replace("_", " ")
        end, style = clip(said, cells - 6), "$success" if task.exit_reason == "done" else "$warning"
    is_stopped = not task.exit_reason or task.exit_reason in RESUMABLE
    sign = "✓" if task.exit_reason == "done" else ("‖" if is_stopped else "✗")
    sign = "↶" if task.is_forgotten else sign
    return [(f"\n{number:>2}  ", "$quiet"), (f"{text}\n", "bold"), (f"    {sign} {end}\n", style)]


def open_sessions(desk: Desk, argument: str) -> SessionsScreen:
    """The sessions of this repository, the cursor on the one named."""

    async def go(session: str | None, forked: SessionForked | None) -> None:
        await desk.switch(session, forked=forked)

    return SessionsScreen(
        desk.conversation.library,
        here=desk.state.session,
        is_running=lambda: desk.conversation.is_running,
        go=go,
        at=argument,
    )
