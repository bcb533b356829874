"""The diff pane: every file of a proposal, hunk by hunk.

Invariant: rows are painted from the exact bytes that are approved, and the decision's bytes are chosen from them.
"""

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from hybridcode.domain.action import Decision, Proposal, Reject
from hybridcode.patch.mechanical import KINDS
from hybridcode.tui.amounts import plural
from hybridcode.tui.command_text import fact_parts, needs_word, reason_of, ruling_facts
from hybridcode.tui.conversation import PERSON
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.highlight import Lexer, find_lexer
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, clip_left
from hybridcode.tui.reviewing import Mark, Review, Seal, editable_text, edited_lines
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.screens.questions import EditScreen, ReasonScreen, SureScreen, WordScreen
from hybridcode.tui.visible import is_hiding
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.diff_view import DiffView
from hybridcode.tui.widgets.file_list import FileList
from hybridcode.tui.widgets.finder import Finder

SPLIT_CELLS = 100
"""Columns from which a diff may stand side by side."""
_LIST_CELLS, _SPLIT_LIST_CELLS = 96, 160
_NOTES = 3


class ReviewPane(Pane):
    """Accept, reject, edit or split each hunk."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "mark('accepted')", "accept this hunk", id="review.accept"),
        Binding("n", "mark('rejected')", "reject this hunk", id="review.reject"),
        Binding("e", "edit", "edit this hunk", id="review.edit"),
        Binding("s", "split", "split this hunk", id="review.split"),
        Binding("j", "go(1, True)", "next undecided hunk", id="review.next-undecided"),
        Binding("k", "go(-1, True)", "previous undecided hunk", id="review.previous-undecided"),
        Binding("J", "go(1, False)", "next hunk", id="review.next"),
        Binding("K", "go(-1, False)", "previous hunk", id="review.previous"),
        Binding("a", "mark_file('accepted')", "accept the rest of the file", id="review.accept-file"),
        Binding("d", "mark_file('rejected')", "reject the rest of the file", id="review.reject-file"),
        Binding("A", "mark_all('accepted')", "accept everything undecided", id="review.accept-all"),
        Binding(
            "N",
            "mark_all('rejected')",
            "reject everything undecided; with no hunk left the step is given up",
            id="review.reject-all",
        ),
        Binding("r", "reason", "reject all of it and say why; the next draft sees it", id="review.reason"),
        Binding("t", "toggle_split", "side by side or one column", id="review.side-by-side"),
        Binding("f", "toggle_full", "full screen", id="review.full-screen"),
        Binding("m", "mechanical", "accept what is proven to be mechanical", id="review.mechanical"),
        Binding("u", "take_back", "take back the last decision", id="review.take-back"),
        Binding("right_square_bracket", "go_file(1)", "next file", key_display="]", id="review.next-file"),
        Binding("left_square_bracket", "go_file(-1)", "previous file", key_display="[", id="review.previous-file"),
        Binding("slash", "find", "search in the file", key_display="/", id="review.find"),
        Binding("greater_than_sign", "go_match(1)", "next match", key_display=">", id="review.next-match"),
        Binding("less_than_sign", "go_match(-1)", "previous match", key_display="<", id="review.previous-match"),
        Binding("c", "copy", "copy the new lines of this hunk", id="review.copy"),
        Binding("z", "toggle_fold", "show or fold unchanged lines", id="review.fold"),
    ]

    HINTS: ClassVar[Keys] = (
        Hint("y", "accept", is_needed=True),
        Hint("n", "reject", is_needed=True),
        Hint("e", "edit"),
        Hint("s", "split"),
        Hint("r", "reject, say why"),
        Hint("u", "take back"),
        Hint("a", "rest of file"),
        Hint("A", "all"),
        Hint("w", "why"),
        Hint("t", "side by side"),
        Hint("f", "full"),
    )

    def __init__(
        self,
        review: Review,
        guard: KeyGuard,
        *,
        seal: Seal,
        lapses: str = "",
        more: int = 0,
        is_split: bool = False,
    ) -> None:
        super().__init__(review.proposal.id, guard, more=more)
        self.review = review
        self._lapses = lapses
        self._seal = seal
        self._wants_split = is_split
        self._is_folded = True
        self._shown: tuple[object, ...] = ()
        self._lexers: dict[str, Lexer | None] = {}

    def hints(self) -> Keys:
        """A no that would be the last one says what it does."""
        if not self.review.is_last_no:
            return self.HINTS
        no = Hint("n", "reject: no hunk left, the step is given up", "give the step up", is_needed=True)
        return tuple(no if hint.key == "n" else hint for hint in self.HINTS)

    def body(self) -> ComposeResult:
        """Files and the diff of one of them."""
        with Horizontal(id="files-and-diff"):
            yield FileList()
            yield DiffView()
        yield Finder()

    def on_mount(self) -> None:
        """The diff takes the keys for scrolling; what is mechanical is found out meanwhile."""
        self.query_one(DiffView).focus()
        self.run_worker(self._look(), group="look")

    async def _look(self) -> None:
        for file in self.review.files:
            await asyncio.to_thread(file.look)
            if file is self.review.current or self.review.mechanical:
                self.repaint()

    def repaint(self) -> None:
        """Paint everything that may have changed."""
        super().repaint()
        review = self.review
        files = self.query_one(FileList)
        file, view = review.current, self.query_one(DiffView)
        view.is_split = self._wants_split and self.size.width >= SPLIT_CELLS
        room = _SPLIT_LIST_CELLS if view.is_split else _LIST_CELLS
        files.set_class(len(review.files) > 1 and self.size.width >= room, "-on")
        files.show(review.files, review.file)
        marks: list[Mark] = [file.mark_of(group) for group in range(len(file.groups))]
        tags = [f"mechanical: {kind}" if (kind := file.kind_of(group)) else "" for group in range(len(file.groups))]
        view.show(file.diff(is_folded=self._is_folded), marks=marks, group=review.group, tags=tags)
        self._colour(file.change.path)

    def _colour(self, path: str) -> None:
        """Colours follow the first frame: the lexer is found in a thread."""
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
        review = self.review
        path = clip_left(review.current.change.path, max(self.size.width - 44, 12))
        place = f"hunk {review.group + 1}/{len(review.current.groups)}"
        files = f"file {review.file + 1}/{len(review.files)} · " if len(review.files) > 1 else ""
        left: tuple[Part, ...] = (("review ", "bold $accent"), (path, "bold"), (f"  {files}{place}", ""))
        items: list[Item] = [(1, f"{review.undecided} undecided")]
        if review.current.risk.reason:
            items.append((2, review.current.risk.reason))
        if review.proposal.writer:
            items.append((3, review.proposal.writer))
        if review.proposal.step:
            items.append((4, f"step {review.proposal.step}"))
        return left, items

    def why_parts(self, cells: int, *, is_full: bool) -> list[Part | str]:
        """The rule that asked, the proof, the warnings, and apart from all that what the model says."""
        proposal = self.review.proposal
        if is_full:
            facts = [*ruling_facts(proposal, notes=self.review.notes, flags=self._flags)]
            if self._lapses:
                facts.append(("lapses", self._lapses, ""))
            facts.append(("digest", proposal.digest, "$quiet"))
            if proposal.writer:
                facts.insert(0, ("written by", proposal.writer, ""))
            if proposal.proven_by:
                facts.insert(0, ("proven by", f"✓ {proposal.proven_by} passed in the scratch copy", "$success"))
            return fact_parts(facts, cells)
        lines: list[Part] = [
            _proof(proposal.proven_by),
            *([("  ".join(f"! {flag}" for flag in self._flags), "bold $error")] if self._flags else []),
        ]
        notes = self.review.notes
        lines += [(f"! {note}", "$warning") for note in notes[:_NOTES]]
        if len(notes) > _NOTES:
            lines.append((f"! {len(notes) - _NOTES} more warnings · w shows them", "$warning"))
        lines.append((_asked_by(proposal), "$warning" if proposal.ruling.person_only else "$quiet"))
        if self._lapses:
            lines.append((f"lapses {self._lapses}", "$quiet"))
        if proposal.model_says:
            lines.append((f"model says “{proposal.model_says}”", "italic $quiet"))
        return _one_per_line(lines, cells)

    @property
    def _flags(self) -> list[str]:
        """What the rule flagged, and what hides in the file on screen (it is spelled out there)."""
        return list(dict.fromkeys((*self.review.proposal.ruling.flags, *self.review.current.flags)))

    def action_mark(self, mark: Mark) -> None:
        """Accept or reject the hunk under the cursor."""
        if self.may_decide():
            self.review.mark(mark)
            self._after_marking()

    def action_mark_file(self, mark: Mark) -> None:
        """Decide this hunk and the rest of the file."""
        if self.may_decide():
            self.review.mark_rest_of_file(mark)
            self._after_marking()

    def action_mark_all(self, mark: Mark) -> None:
        """Decide whatever is undecided."""
        if self.may_decide():
            self.review.mark_all(mark)
            self._after_marking()

    def _after_marking(self) -> None:
        decision = self.review.decision(self._seal)
        self.repaint()
        if decision is not None:
            self._decide(decision)

    def _decide(self, decision: Decision) -> None:
        proposal = self.review.proposal
        if isinstance(decision, Reject) or not needs_word(proposal.ruling):
            self.post_message(self.Decided(self.subject, decision))
            return

        def typed(is_yes: bool | None) -> None:
            if is_yes:
                self.post_message(self.Decided(self.subject, decision))
            else:
                self.review.forget()
                self.repaint()

        self.ask(WordScreen(proposal.title, proposal.ruling.flags), typed)

    def action_reason(self) -> None:
        """Reject the whole proposal and say why."""
        if not self.may_decide():
            return

        def given(reason: str | None) -> None:
            if reason is not None:
                self.post_message(self.Decided(self.subject, Reject(reason, PERSON)))

        self.ask(ReasonScreen("the next draft sees it"), given)

    def action_edit(self) -> None:
        """Write the new lines of the change under the cursor oneself."""
        if not self.may_decide():
            return
        review = self.review
        review.split()
        self.repaint()
        text = editable_text(review)
        if text is None or any(map(is_hiding, text.split("\n"))):
            self.flash("this cannot be edited here: it is not plain text (or the file is deleted)")
            return

        def saved(new: str | None) -> None:
            if new is not None:
                review.edit(edited_lines(review, new))
                self._after_marking()

        path = review.current.change.path
        self.ask(EditScreen(f"{path}, hunk {review.group + 1}: the new lines", text), saved)

    def action_split(self) -> None:
        """Show each change of the hunk by itself."""
        if self.review.split():
            self.repaint()
        else:
            self.flash("this hunk is one change: e edits it")

    def action_go(self, direction: int, undecided_only: bool) -> None:
        """Move to another hunk."""
        has_moved = self.review.step(1 if direction > 0 else -1, undecided_only=undecided_only)
        if not has_moved:
            self.flash("no other undecided hunk; J/K go to all" if undecided_only else "there is no other hunk")
        self.repaint()

    def action_take_back(self) -> None:
        """Undo the last decision."""
        if not self.review.take_back():
            self.flash("nothing is decided yet")
        self.repaint()

    def action_go_file(self, direction: int) -> None:
        """Move to another file."""
        if not self.review.go_to_file(1 if direction > 0 else -1):
            self.flash("there is one file only")
        self.repaint()

    def action_mechanical(self) -> None:
        """Accept all mechanical hunks, once it is said what proves them."""
        if not self.may_decide():
            return
        counts = self.review.mechanical
        if not counts:
            self.flash("no undecided hunk is proven to be mechanical")
            return

        def answered(is_yes: bool | None) -> None:
            if is_yes:
                self.review.mark_mechanical()
                self._after_marking()

        said = [f"{plural(count, 'hunk')}, {kind}: {KINDS[kind]}\n" for kind, count in counts.items()]
        total = plural(sum(counts.values()), "mechanical hunk")
        self.ask(SureScreen(f"Accept {total} at once?", *said, guard=self.guard), answered)

    def action_copy(self) -> None:
        """Put the new lines of the hunk into the clipboard of the terminal."""
        file = self.review.current
        lines = [line for index in file.groups[self.review.group] for line in file.new_lines(index)]
        self.program.copy_to_clipboard(b"".join(lines).decode("utf-8", "replace"))
        self.flash(f"{plural(len(lines), 'line')} copied")

    def action_find(self) -> None:
        """Type what to look for; the file is unfolded for it."""
        self._is_folded = False
        self.repaint()
        self.query_one(Finder).open()

    def on_finder_typed(self, event: Finder.Typed) -> None:
        """Mark the matches and go to the first."""
        event.stop()
        view = self.query_one(DiffView)
        if view.find(event.words):
            view.go_to_match(1)

    def on_finder_closed(self, event: Finder.Closed) -> None:
        """The diff takes the keys again."""
        event.stop()
        self.query_one(DiffView).focus()

    def action_go_match(self, direction: int) -> None:
        """Go to another match."""
        number = self.query_one(DiffView).go_to_match(direction)
        self.flash(f"match {number}" if number else "nothing is searched for: / searches")

    def action_toggle_split(self) -> None:
        """Two columns or one."""
        if self.size.width < SPLIT_CELLS:
            self.flash(f"side by side needs {SPLIT_CELLS} columns; this terminal has {self.size.width}")
            return
        self._wants_split = not self._wants_split
        self.repaint()

    def action_toggle_full(self) -> None:
        """Only the diff, or everything."""
        self.toggle_class("-full")

    def action_toggle_fold(self) -> None:
        """Unchanged lines: all of them or three around each hunk."""
        self._is_folded = not self._is_folded
        self.repaint()


def _asked_by(proposal: Proposal) -> str:
    """The rule, its file where it is somebody's own, and whether it asks of a person each time."""
    ruling = proposal.ruling
    source = "" if ruling.source == "built-in" else f" ({ruling.source})"
    each = "! a person each time: " if ruling.person_only else ""
    return f"{each}asked by {ruling.rule}{source}: {reason_of(proposal)}"


def _proof(proven_by: str) -> Part:
    if proven_by:
        return f"✓ proven: {proven_by} passed in the scratch copy", "$success"
    return "no check has run on these bytes", "$quiet"


def _one_per_line(lines: list[Part], cells: int) -> list[Part | str]:
    """Each on one line; what is cut says how to see it."""
    more = " … w"
    parts: list[Part | str] = []
    for text, style in lines:
        flat = text.replace("\n", " ")
        shown = flat if clip(flat, cells) == flat else clip(flat, cells - len(more)).removesuffix("…") + more
        parts += [(shown, style), "\n"]
    return parts[:-1]
