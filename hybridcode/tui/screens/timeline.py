"""Everything a session changed, one after the other, each with its diff; and undoing it.

Invariant: a fold of the session's envelopes; an undo is previewed first and goes through the session's own gate.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType

from hybridcode.domain.action import FileChange
from hybridcode.domain.events import Envelope, UndoMade
from hybridcode.domain.own import OWN_STEP
from hybridcode.gate.taking_back import Reach
from hybridcode.session.changes import Happened, Kind, happenings
from hybridcode.tui.amounts import plural
from hybridcode.tui.contents import Missing, Source, count_lines, counted, diff_parts, load
from hybridcode.tui.desk import Desk
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, fit, width
from hybridcode.tui.records import Past
from hybridcode.tui.screens.diff import DiffScreen, seen_files
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.screens.undo import UndoScreen
from hybridcode.tui.times import clock, exactly
from hybridcode.tui.visible import foreign
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row, Rows, RowTone

SIGNS: dict[Kind, str] = {"task": "▸", "edit": "✎", "command": "$", "check": "✓", "undo": "↶", "rewound": "↶"}
RUNNING = "a task is running: Esc on the session screen interrupts it"
_DETAIL_LINES = 160
_TRACES = 40


class TimelineScreen(ListScreen):
    """Tasks, edits, commands, checks and undos of this session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo(False)", "undo this step, or this task; shown first", id="history.undo"),
        Binding("U", "undo(True)", "undo this and everything after it; shown first", id="history.undo-from-here"),
    ]
    HINTS: ClassVar[Keys] = (
        Hint("u", "undo this", is_needed=True),
        Hint("U", "and all after", "all after"),
        Hint("Enter", "whole diff"),
        Hint("/", "search"),
    )
    NOTHING: ClassVar[str] = "this session has changed nothing yet"

    def __init__(
        self,
        envelopes: Callable[[], Sequence[Envelope]],
        *,
        source: Source,
        past: Past,
        now: datetime,
        is_running: Callable[[], bool],
        make_guard: Callable[[], KeyGuard],
        at: str = "",
    ) -> None:
        super().__init__()
        self._envelopes, self._source, self._past, self._now = envelopes, source, past, now
        self._is_running, self._make_guard, self._first = is_running, make_guard, at
        self._found: dict[str, Happened] = {}
        self._counts: dict[str, str] = {}
        self._take()

    def _take(self) -> None:
        self._found = {str(one.seq): one for one in happenings(self._envelopes())}

    def on_mount(self) -> None:
        """The cursor stands on the latest change."""
        self.call_after_refresh(self._go_first)
        self.run_worker(self._count(), group="count", exclusive=True)

    def _go_first(self) -> None:
        changes = [key for key, one in self._found.items() if one.is_change and not one.is_undone]
        named = [key for key in changes if self._found[key].step == self._first] if self._first else changes
        self.query_one(Rows).go_to((named or list(self._found) or [""])[-1])
        if self._first and not named:
            self.flash(f"no step {self._first} of this session has anything to undo")

    def on_screen_resume(self) -> None:
        """What was undone meanwhile is marked."""
        self._take()
        if self.size.width:
            self.repaint()
            self.run_worker(self._count(), group="count", exclusive=True)

    async def _count(self) -> None:
        """Added and deleted lines of each change: bytes are read here, differences found in a thread."""
        for key, one in self._found.items():
            if not one.changes or key in self._counts:
                continue
            loaded = [load(change, self._source) for change in one.changes[:_TRACES]]
            sums = await asyncio.to_thread(_sums, [change for change in loaded if isinstance(change, FileChange)])
            self._counts[key] = counted(*sums) if len(loaded) == len(one.changes) else ""
        self.repaint()

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """How much there is."""
        changes = sum(one.is_change for one in self._found.values())
        undone = sum(one.is_undone for one in self._found.values())
        items: list[Item] = [(0, plural(changes, "change"))]
        if undone:
            items.append((1, f"{undone} undone"))
        return (("history ", "bold $accent"), ("what this session changed", "bold")), items

    def rows(self, cells: int) -> Sequence[Row]:
        """One line each, oldest first."""
        return [self._row(key, one, cells - 2) for key, one in self._found.items()]

    def _row(self, key: str, one: Happened, cells: int) -> Row:
        time = f"{clock(one.at, self._now)} "
        paths = " ".join(change.path for change in one.changes)
        if one.kind == "task":
            text = foreign(one.title.split("\n", 1)[0])
            return Row(key, ((time, "quiet"), (clip(f"▸ {text}", cells - len(time)), "strong")), one.title)
        sign = "✗" if one.kind == "check" and not one.is_good else SIGNS[one.kind]
        end = "undone" if one.is_undone else ("failed" if not one.is_good else self._counts.get(key, ""))
        step = fit(one.step, 9) + " " if cells >= 50 else ""
        lead = f"{time} {sign} {step}"
        room = max(cells - width(lead) - len(end) - 1, 8)
        tone: RowTone = "quiet" if one.is_undone else ("plain" if one.is_good else "bad")
        end_tone: RowTone = "warn" if one.is_undone else ("bad" if not one.is_good else "quiet")
        return Row(key, ((lead, "quiet"), (fit(_title(one), room), tone), (f" {end}", end_tone)), f"{paths} {one.step}")

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """When, what and the diff."""
        one = self._found[key]
        parts: list[Part | str] = [(f"{exactly(one.at, self._now)}", "$quiet")]
        if one.step:
            parts.append((f" · step {one.step}", "$quiet"))
        if one.is_undone:
            parts.append((" · undone", "bold $warning"))
        parts.append(("\n", ""))
        if one.kind != "edit":
            parts.append(
                (f"{foreign(one.title) if one.kind in ('task', 'command', 'check') else _title(one)}\n", "bold")
            )
        parts += [(f"! {note}\n", "$warning") for note in one.notes]
        room = _DETAIL_LINES
        for change in one.changes[:_TRACES]:
            if room <= 0:
                parts.append(("\n⋯ more files · Enter shows all\n", "$quiet"))
                break
            loaded = load(change, self._source)
            parts.append((f"\n{change.path}\n", "bold $accent"))
            shown = [_missing(loaded)] if isinstance(loaded, Missing) else diff_parts(loaded, cells, lines=room)
            parts += shown
            room -= len(shown)
        return parts

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """The whole diff of a change."""
        event.stop()
        one = self._found[event.key]
        if one.changes:
            self.program.push_screen(DiffScreen(_title(one), lambda: seen_files(one.changes, self._source)))
        else:
            self.flash("nothing was changed by this")

    def action_undo(self, is_from_here: bool) -> None:
        """Look at what would be put back."""
        one = self._found.get(self.key)
        if one is None or self._is_running():
            self.flash(RUNNING if one is not None else self.NOTHING)
        elif one.kind in ("undo", "rewound"):
            self.flash("an undo is not undone; what it took away is in the journal: hybridcode approvals show")
        elif not is_from_here and not (one.is_change or one.kind == "task"):
            self.flash("nothing was changed by this; U undoes everything after it")
        elif one.is_undone and not is_from_here:
            self.flash("this is undone already")
        else:
            self._preview(one, is_from_here=is_from_here)

    def _preview(self, one: Happened, *, is_from_here: bool) -> None:
        reach = Reach(since=one.seq) if is_from_here else self._reach(one)
        where = "your command" if one.step == OWN_STEP else f"step {one.step}"
        name = f"task: {_title(one)}" if one.kind == "task" else f"{where}: {_title(one)}"
        what = f"everything from here on: {_title(one)}" if is_from_here else name

        async def put_back() -> None:
            made = await self._past.take_back(reach)
            self.program.pop_screen()
            self.flash(_result(made))

        self.program.push_screen(UndoScreen(what, lambda: self._past.foresee(reach), self._make_guard(), put_back))

    def _reach(self, one: Happened) -> Reach:
        """That step of that task, that task, or that command of one's own: steps of two tasks may be named alike."""
        if one.step == OWN_STEP:
            return Reach(one.step, one.seq, one.seq + 1)
        tasks = [other.seq for other in self._found.values() if other.kind == "task"]
        since = max((seq for seq in tasks if seq <= one.seq), default=0)
        until = min((seq for seq in tasks if seq > one.seq), default=0)
        return Reach(one.step or None, since, until)


def _sums(changes: Sequence[FileChange]) -> tuple[int, int]:
    counts = [count_lines(change) for change in changes]
    return sum(added for added, _ in counts), sum(deleted for _, deleted in counts)


def _missing(missing: Missing) -> Part:
    return f"{missing.why}\n", "$quiet"


def _title(one: Happened) -> str:
    first = foreign(one.title.split("\n", 1)[0])
    match one.kind:
        case "edit":
            return ", ".join(change.path for change in one.changes)
        case "undo":
            return f"undid {first}"
        case "rewound":
            return f"back to before: {first}"
        case _:
            return first


def _result(made: UndoMade) -> str:
    kept = f", kept {len(made.kept)}: see the transcript" if made.kept else ""
    return f"put back {plural(len(made.restored), 'file')}{kept}"


def open_history(desk: Desk, argument: str) -> TimelineScreen:
    """The line of this session; the argument names the step to begin with."""
    conversation = desk.conversation
    past = conversation.past
    return TimelineScreen(
        lambda: conversation.envelopes,
        source=Source(conversation.blob, past.on_disk),
        past=past,
        now=conversation.library.now(),
        is_running=lambda: conversation.is_running,
        make_guard=desk.guard,
        at=argument,
    )


def open_undo(desk: Desk, argument: str) -> TimelineScreen | None:
    """The line at its latest change, if there is any."""
    if not any(one.is_change for one in happenings(desk.conversation.envelopes)):
        desk.tell("·", TimelineScreen.NOTHING, "quiet")
        return None
    return open_history(desk, argument)
