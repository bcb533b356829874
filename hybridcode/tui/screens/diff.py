"""What was changed, file by file: a diff to read, without anything to decide.

Invariant: before and after are the bytes that the journal names; a file that is different on disk now is marked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from hybridcode.domain.action import FileChange, TreeChange
from hybridcode.session.changes import happenings, net_changes
from hybridcode.tui.amounts import plural
from hybridcode.tui.contents import Missing, Source, differs_on_disk, load
from hybridcode.tui.desk import Desk
from hybridcode.tui.highlight import Lexer, find_lexer
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip_left
from hybridcode.tui.reviewing import FileReview, Mark
from hybridcode.tui.screens.framed import Keys, ViewScreen
from hybridcode.tui.screens.review_looking import SPLIT_CELLS
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.diff_view import DiffView
from hybridcode.tui.widgets.file_list import FileList
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.rows import Rows

_LIST_CELLS = 96


@dataclass(frozen=True)
class SeenFile:
    """A file with its change, and what it is now where that differs."""

    review: FileReview
    now: FileReview | None = None
    """From before to what is on disk; None if that is what the change left."""
    note: str = ""


async def seen_files(changes: Sequence[TreeChange], source: Source) -> list[SeenFile]:
    """Read the bytes; the differences are found in a thread."""
    found: list[SeenFile] = []
    for change in changes:
        loaded = load(change, source)
        if isinstance(loaded, Missing):
            found.append(SeenFile(FileReview(FileChange(change.path, b"", b"")), note=loaded.why))
            continue
        now: FileReview | None = None
        if differs_on_disk(change, source):
            disk = FileChange(loaded.path, loaded.before, source.on_disk(loaded.path), loaded.mode)
            now = None if disk.before is None and disk.after is None else await asyncio.to_thread(FileReview, disk)
        found.append(SeenFile(await asyncio.to_thread(FileReview, loaded), now, _note(now, change, source)))
    return found


def _note(now: FileReview | None, change: TreeChange, source: Source) -> str:
    if not differs_on_disk(change, source):
        return ""
    return "it is different on disk now · d shows what is there" if now else "it is gone from disk now"


class DiffScreen(ViewScreen):
    """A file list and one diff."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "hunk(1)", "next hunk, over all files", id="diff.next"),
        Binding("k", "hunk(-1)", "previous hunk", id="diff.previous"),
        Binding("right_square_bracket,n", "file(1)", "next file", key_display="], n", id="diff.next-file"),
        Binding("left_square_bracket,p", "file(-1)", "previous file", key_display="[, p", id="diff.previous-file"),
        Binding("d", "toggle_now", "what is on disk now, or what the session left", id="diff.now"),
        Binding("t", "toggle_split", "side by side or one column", id="diff.side-by-side"),
        Binding("z", "toggle_fold", "show or fold unchanged lines", id="diff.fold"),
    ]
    HINTS: ClassVar[Keys] = (
        Hint("j k", "hunks"),
        Hint("n p", "files"),
        Hint("d", "on disk now"),
        Hint("t", "side by side"),
        Hint("z", "unfold"),
    )

    def __init__(self, what: str, read: Callable[[], Awaitable[list[SeenFile]]], *, is_split: bool = False) -> None:
        super().__init__()
        self._what, self._read = what, read
        self._files: list[SeenFile] = []
        self._at = self._group = 0
        self._wants_split, self._is_folded, self._is_now = is_split, True, False
        self._lexers: dict[str, Lexer | None] = {}

    def body(self) -> ComposeResult:
        """Files, a remark on the one shown, its diff."""
        yield Painted(("reading …", "$quiet"), ident="diff-note")
        with Horizontal(id="files-and-diff"):
            yield FileList()
            yield DiffView()

    def on_mount(self) -> None:
        """The diff takes the keys for scrolling; the bytes follow the first frame."""
        self.query_one(DiffView).focus()
        self.run_worker(self._load(), group="load", exclusive=True)

    async def _load(self) -> None:
        self._files = await self._read()
        self.repaint()

    @property
    def _shown(self) -> FileReview:
        file = self._files[self._at]
        return file.now if self._is_now and file.now is not None else file.review

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """The file, and how much there is."""
        if not self._files:
            return (("diff ", "bold $accent"), (self._what, "bold")), []
        file = self._shown
        path = clip_left(file.change.path, max(self.size.width - 40, 12))
        place = f"  file {self._at + 1}/{len(self._files)} · hunk {self._group + 1}/{len(file.groups)}"
        added = sum(one.review.counts[0] for one in self._files)
        deleted = sum(one.review.counts[1] for one in self._files)
        items: list[Item] = [(1, f"+{added} -{deleted} lines in all"), (2, self._what)]
        return (("diff ", "bold $accent"), (path, "bold"), (place, "")), items

    def repaint(self) -> None:
        """Paint list, remark and diff."""
        super().repaint()
        if not self._files:
            return
        file, shown, view = self._files[self._at], self._shown, self.query_one(DiffView)
        note = "on disk now, held against before the session" if shown is file.now else file.note
        self.query_one("#diff-note", Painted).paint((f"! {note}" if note else "", "$warning"))
        self.query_one("#diff-note").set_class(bool(note), "-on")
        listed = self.query_one(FileList)
        listed.set_class(len(self._files) > 1 and self.size.width >= _LIST_CELLS, "-on")
        listed.show_files([one.review for one in self._files], self._at, words="", is_wide=False)
        view.set_split(self._wants_split and self.size.width >= SPLIT_CELLS)
        marks: list[Mark] = ["shown"] * len(shown.groups)
        view.show(shown.diff(is_folded=self._is_folded), marks=marks, group=min(self._group, len(marks) - 1))
        self._colour(shown.change.path)

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Another file of the list."""
        event.stop()
        if event.key and int(event.key) != self._at:
            self._at, self._group = int(event.key), 0
            self.repaint()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """From the list to the diff."""
        event.stop()
        self.query_one(DiffView).focus()

    def on_diff_view_picked(self, event: DiffView.Picked) -> None:
        """A click puts the cursor on a hunk."""
        event.stop()
        self._group = event.group
        self.repaint()

    def _colour(self, path: str) -> None:
        """Colours follow the first frame: the lexer is found in a thread."""
        self.query_one(DiffView).colour_by(self._lexers.get(path))
        if path not in self._lexers:
            self.run_worker(self._find_lexer(path), group="lexer")

    async def _find_lexer(self, path: str) -> None:
        lexer = self._lexers[path] = await asyncio.to_thread(find_lexer, path)
        if path == self._shown.change.path:
            self.query_one(DiffView).colour_by(lexer)

    def action_hunk(self, step: int) -> None:
        """Another hunk, over all files."""
        if not self._files:
            return
        if 0 <= self._group + step < len(self._shown.groups):
            self._group += step
        elif 0 <= self._at + step < len(self._files):
            self._at += step
            self._group = 0 if step > 0 else len(self._shown.groups) - 1
        else:
            self.flash("there is no other hunk")
        self.repaint()

    def action_file(self, step: int) -> None:
        """Another file."""
        if 0 <= self._at + step < len(self._files):
            self._at, self._group = self._at + step, 0
        else:
            self.flash("there is no other file")
        self.repaint()

    def action_toggle_now(self) -> None:
        """What is there now, or what the session left."""
        if not any(file.note for file in self._files):
            self.flash("every file is on disk as the session left it")
            return
        self._is_now, self._group = not self._is_now, 0
        self.repaint()

    def action_toggle_split(self) -> None:
        """Two columns or one."""
        if self.size.width < SPLIT_CELLS:
            self.flash(f"side by side needs {SPLIT_CELLS} columns; this terminal has {self.size.width}")
            return
        self._wants_split = not self._wants_split
        self.repaint()

    def action_toggle_fold(self) -> None:
        """Unchanged lines: all of them or three around each hunk."""
        self._is_folded = not self._is_folded
        self.repaint()


def open_diff(desk: Desk, argument: str) -> DiffScreen | None:
    """What this session changed so far, undone changes left out; the argument narrows it to paths with that text."""
    conversation = desk.conversation
    changes = [change for change in net_changes(happenings(conversation.envelopes)) if argument in change.path]
    if not changes:
        where = f" in {argument}" if argument else ""
        desk.tell("·", f"this session has changed nothing{where}, or everything was undone", "quiet")
        return None
    source = Source(conversation.blob, conversation.past.on_disk)
    what = f"{plural(len(changes), 'file')} changed by this session"
    return DiffScreen(what, lambda: seen_files(changes, source), is_split=desk.facts.side_by_side)
