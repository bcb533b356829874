"""Looking at a change: files, hunks, folds, searches, one column or two, what goes to the clipboard or an editor.

Invariant: nothing here decides; rows are painted from the exact bytes that are approved.
"""

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from hybridcode.tui.amounts import plural
from hybridcode.tui.file_review import Mark
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.highlight import Lexer, find_lexer, is_quick
from hybridcode.tui.paint import Part
from hybridcode.tui.review_text import review_title, why_in_full, why_in_short
from hybridcode.tui.reviewing import Review
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.diff_view import DiffView
from hybridcode.tui.widgets.file_list import FileList
from hybridcode.tui.widgets.finder import Finder

SPLIT_CELLS = 100
"""Columns from which a diff may stand side by side."""
_LIST_CELLS, _SPLIT_LIST_CELLS = 96, 160


class LookingPane(Pane):
    """A list of files and the diff of one of them, with a cursor on a hunk."""

    AUTO_FOCUS: ClassVar[str | None] = "DiffView"

    def __init__(self, review: Review, guard: KeyGuard, *, lapses: str, more: int, is_split: bool) -> None:
        super().__init__(review.proposal.id, guard, more=more)
        self.review = review
        self._lapses = lapses
        self._wants_split = is_split
        self._is_folded = True
        self._file_words = ""
        """What the list of files is narrowed to."""
        self._lists_files = False
        """The list of files has the keys."""
        self._lexers: dict[str, Lexer | None] = {}

    def body(self) -> ComposeResult:
        """Files and the diff of one of them."""
        with Horizontal(id="files-and-diff"):
            yield FileList()
            yield DiffView()
        yield Finder()

    def on_mount(self) -> None:
        """Everything stands there before the first layout; what is mechanical is found out meanwhile."""
        self.repaint()
        self.run_worker(self._look(), group="look")

    async def _look(self) -> None:
        review = self.review
        for file in review.files:
            await asyncio.to_thread(file.look, review.notes)
            if file is review.current or file.kinds or file.moved:
                self.repaint()

    def repaint(self) -> None:
        """Paint everything that may have changed."""
        review = self.review
        file, view = review.current, self.query_one(DiffView)
        view.set_split(self._is_split)
        self._show_files()
        super().repaint()
        marks: list[Mark] = [file.mark_of(group) for group in range(len(file.groups))]
        tags = [file.badge_of(group) for group in range(len(file.groups))]
        view.show(file.diff(is_folded=self._is_folded), marks=marks, group=review.group, tags=tags)
        self._colour(file.change.path)

    @property
    def _is_split(self) -> bool:
        return self._wants_split and self.cells >= SPLIT_CELLS

    def _show_files(self) -> None:
        review, files = self.review, self.query_one(FileList)
        room = _SPLIT_LIST_CELLS if self._is_split else _LIST_CELLS
        has_room = self.cells >= room and not self.has_class("-full")
        files.set_class(len(review.files) > 1 and has_room, "-on")
        files.set_class(self._lists_files and not has_room, "-alone")
        self.query_one(DiffView).set_class(files.has_class("-alone"), "-covered")
        files.show_files(review.files, review.file, words=self._file_words, is_wide=files.has_class("-alone"))

    def _colour(self, path: str) -> None:
        """Colours follow the first frame: the lexer is found in a thread."""
        if path not in self._lexers and is_quick(path):
            self._lexers[path] = find_lexer(path)
        if path in self._lexers:
            self.query_one(DiffView).colour_by(self._lexers[path])
            return
        self.query_one(DiffView).colour_by(None)
        self.run_worker(self._find_lexer(path), group="lexer")

    async def _find_lexer(self, path: str) -> None:
        lexer = self._lexers[path] = await asyncio.to_thread(find_lexer, path)
        if path == self.review.current.change.path:
            self.query_one(DiffView).colour_by(lexer)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Where the cursor is, and who wrote this."""
        return review_title(self.review, self.cells)

    def why_parts(self, cells: int, *, is_full: bool) -> list[Part | str]:
        """The rule that asked, the proof, the warnings, and apart from all that what the model says."""
        why = why_in_full if is_full else why_in_short
        return why(self.review, cells, flags=self._flags, lapses=self._lapses)

    @property
    def _flags(self) -> list[str]:
        """What the rule flagged, and what hides in the file on screen (it is spelled out there)."""
        return list(dict.fromkeys((*self.review.proposal.ruling.flags, *self.review.current.flags)))

    @property
    def is_covered(self) -> bool:
        """True while the list of files stands in front of the diff."""
        return self.query_one(FileList).has_class("-alone")

    def follow_list(self) -> bool:
        """Show the file under the cursor of the list; False if it is shown already."""
        key = self.query_one(FileList).key
        if not key or int(key) == self.review.file:
            return False
        self.review.open_file(int(key))
        self.repaint()
        return True

    def on_rows_moved(self, event: FileList.Moved) -> None:
        """The diff follows the list."""
        event.stop()
        self.follow_list()

    def on_rows_chosen(self, event: FileList.Chosen) -> None:
        """From the list to the diff; nothing is decided."""
        event.stop()
        self._give_keys(to_list=False)

    def action_files(self) -> None:
        """To the list of files, or back."""
        if len(self.review.files) == 1:
            self.flash("there is one file only")
        else:
            self._give_keys(to_list=not self._lists_files)

    def _give_keys(self, *, to_list: bool) -> None:
        self._lists_files = to_list
        self.follow_list()
        self.repaint()
        self.query_one(FileList if to_list else DiffView).focus()

    def action_go(self, direction: int, undecided_only: bool) -> None:
        """Move to another hunk."""
        has_moved = self.review.step(1 if direction > 0 else -1, undecided_only=undecided_only)
        if not has_moved:
            self.flash("no other undecided hunk; J/K go to all" if undecided_only else "there is no other hunk")
        self.repaint()

    def action_go_file(self, direction: int) -> None:
        """Move to another file."""
        if not self.review.go_to_file(1 if direction > 0 else -1):
            self.flash("there is one file only")
        self._file_words = ""
        self.repaint()

    def action_copy(self) -> None:
        """Put the new lines of the hunk into the clipboard of the terminal."""
        file = self.review.current
        lines = [line for index in file.groups[self.review.group] for line in file.new_lines(index)]
        self.program.copy_to_clipboard(b"".join(lines).decode("utf-8", "replace"))
        self.flash(f"{plural(len(lines), 'line')} copied")

    def action_copy_place(self) -> None:
        """Put path and line into the clipboard of the terminal."""
        place = f"{self.review.current.change.path}:{self.review.current.line_of(self.review.group)}"
        self.program.copy_to_clipboard(place)
        self.flash(f"{place} copied")

    def action_open(self) -> None:
        """The file as it is on disk, in the editor."""
        file = self.review.current
        self.post_message(self.Opened(file.change.path, file.line_of(self.review.group)))

    def action_toggle_near(self) -> None:
        """The fold before the hunk, then the one after it."""
        if not self.review.current.toggle_fold(self.review.group):
            self.flash("nothing is folded beside this hunk")
        self.repaint()

    def action_find(self) -> None:
        """Type what to look for: paths in the list, otherwise text in the file, which is unfolded for it."""
        if not self._lists_files:
            self._is_folded = False
            self.repaint()
        self.query_one(Finder).open()

    def on_finder_typed(self, event: Finder.Typed) -> None:
        """Mark the matches and go to the first."""
        event.stop()
        if self._lists_files:
            self._file_words = event.words
            self._show_files()
            return
        view = self.query_one(DiffView)
        if event.words.startswith(":"):
            view.go_to_line(int(event.words[1:]) if event.words[1:].isdecimal() else 1)
        elif view.find(event.words):
            view.go_to_match(1)

    def on_finder_closed(self, event: Finder.Closed) -> None:
        """What is searched takes the keys again."""
        event.stop()
        self._give_keys(to_list=self._lists_files)

    def action_go_match(self, direction: int) -> None:
        """Go to another match."""
        number = self.query_one(DiffView).go_to_match(direction)
        self.flash(f"match {number}" if number else "nothing is searched for: / searches")

    def action_toggle_split(self) -> None:
        """Two columns or one."""
        if self.cells < SPLIT_CELLS:
            self.flash(f"side by side needs {SPLIT_CELLS} columns; this terminal has {self.cells}")
            return
        self._wants_split = not self._wants_split
        self.repaint()

    def action_toggle_full(self) -> None:
        """Only the diff, or everything."""
        self.toggle_class("-full")
        self.repaint()

    def action_toggle_fold(self) -> None:
        """Unchanged lines: all of them or three around each hunk."""
        self._is_folded = not self._is_folded
        self.repaint()

    def on_diff_view_picked(self, event: DiffView.Picked) -> None:
        """A click puts the cursor on a hunk; nothing is decided."""
        event.stop()
        self.review.group = event.group
        self._lists_files = False
        self.repaint()
        self.query_one(DiffView).focus()
