"""The diff pane: every file of a proposal, decided hunk by hunk.

Invariant: the decision's bytes are chosen from exactly the bytes shown; only what is in front of a person is decided.
"""

import asyncio
from pathlib import PurePosixPath
from typing import ClassVar

from textual.binding import BindingType

from hybridcode.domain.action import Decision, Reject
from hybridcode.patch.mechanical import KINDS
from hybridcode.tui.amounts import plural
from hybridcode.tui.command_text import needs_word
from hybridcode.tui.conversation import PERSON
from hybridcode.tui.file_review import Mark
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.hints import Hint
from hybridcode.tui.reviewing import Review, Seal, editable_text, edited_lines
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.questions import EditScreen, ReasonScreen, SureScreen, WordScreen
from hybridcode.tui.screens.review_keys import LIST_HINTS, REVIEW_HINTS, REVIEW_KEYS
from hybridcode.tui.screens.review_looking import LookingPane
from hybridcode.tui.story_effects import what_follows
from hybridcode.tui.visible import is_hiding


class ReviewPane(LookingPane):
    """Accept, reject, edit or split each hunk."""

    BINDINGS: ClassVar[list[BindingType]] = REVIEW_KEYS
    HINTS: ClassVar[Keys] = REVIEW_HINTS

    def __init__(
        self,
        review: Review,
        guard: KeyGuard,
        *,
        seal: Seal,
        lapses: str = "",
        more: int = 0,
        is_split: bool = False,
        is_last: bool = False,
    ) -> None:
        super().__init__(review, guard, lapses=lapses, more=more, is_split=is_split)
        self._seal = seal
        self._is_last = is_last
        """No draft comes after this one."""
        self._is_rechecking = False

    def hints(self) -> Keys:
        """A no that would be the last one says what it does; a list in front of the diff decides nothing."""
        if self.is_covered:
            return LIST_HINTS
        hints = tuple(hint for hint in self.HINTS if hint.key != "s" or self.review.may_split)
        if not self.review.is_last_no:
            return hints
        no = Hint("n", "reject: no hunk left, the step is given up", "give the step up", is_needed=True)
        return tuple(no if hint.key == "n" else hint for hint in hints)

    def may_decide(self) -> bool:
        """Only what is in front of a person's eyes is decided, and an edit only once it is checked."""
        if self._is_rechecking:
            self.flash("the edit is being checked")
            return False
        if self.is_covered:
            self.flash("the list of files covers the diff: Enter opens a file")
            return False
        if self.follow_list():
            self.flash("this file has only just come up")
            return False
        return super().may_decide()

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

    def action_reason(self, of_all: bool = False) -> None:
        """Reject the hunk under the cursor, or the whole proposal, and say why."""
        if not self.may_decide():
            return
        if of_all or self.review.is_single:
            self.ask(ReasonScreen(what_follows(self._is_last)), self._reject_all)
            return
        asked = "Reject this hunk with a reason"
        silently = "no reason: the step is given up" if self.review.is_last_no else "no reason: this hunk is left out"
        self.ask(ReasonScreen(what_follows(self._is_last), title=asked, silently=silently), self._reject_hunk)

    def _reject_all(self, reason: str | None) -> None:
        if reason is not None:
            self.post_message(self.Decided(self.subject, Reject(reason, PERSON)))

    def _reject_hunk(self, reason: str | None) -> None:
        if reason is not None:
            self.review.reject(reason)
            self._after_marking()

    def action_edit(self, in_editor: bool = False) -> None:
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

        path = review.current.change.path
        title = f"{path}, hunk {review.group + 1}: the new lines"
        if in_editor:
            self.edit_outside(text, PurePosixPath(path).suffix, self._take_edit)
        else:
            self.ask(EditScreen(title, text), self._take_edit)

    def _take_edit(self, new: str | None) -> None:
        """Put the lines in, and take them if the checks find nothing wrong with them."""
        if new is not None:
            self.review.edit(edited_lines(self.review, new))
            self._is_rechecking = True
            self.repaint()
            self.run_worker(self._recheck(), group="recheck")

    async def _recheck(self) -> None:
        review = self.review
        file, group = review.current, review.group
        (index,) = file.groups[group]
        try:
            warned = await asyncio.to_thread(file.recheck, index)
        finally:
            self._is_rechecking = False
        file.rechecked[index] = warned
        if warned:
            self.flash(f"your edit: {warned[0]} · y takes it all the same")
        elif (file, group) == (review.current, review.group):
            review.take_edit()
            self._after_marking()
            return
        self.repaint()

    def action_split(self) -> None:
        """Show each change of the hunk by itself."""
        if self.review.split():
            self.repaint()
        else:
            self.flash("this hunk is one change: e edits it")

    def action_take_back(self) -> None:
        """Undo the last decision."""
        if not self.review.take_back():
            self.flash("nothing is decided yet")
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
