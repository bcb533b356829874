"""The keys of the diff pane, and which of them stand in its bottom line.

Invariant: neither Enter nor the space bar decides anything.
"""

from textual.binding import Binding, BindingType

from hybridcode.tui.hints import Hint
from hybridcode.tui.screens.framed import Keys

REVIEW_KEYS: list[BindingType] = [
    Binding("y", "mark('accepted')", "accept this hunk", id="review.accept"),
    Binding("n", "mark('rejected')", "reject this hunk", id="review.reject"),
    Binding("e", "edit", "edit this hunk", id="review.edit"),
    Binding("E", "edit(True)", "edit this hunk in $EDITOR", id="review.edit-outside"),
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
    Binding("r", "reason", "reject this hunk and say why; the next draft sees it", id="review.reason"),
    Binding("R", "reason(True)", "reject all of it and say why; the next draft sees it", id="review.reason-all"),
    Binding("t", "toggle_split", "side by side or one column", id="review.side-by-side"),
    Binding("f", "toggle_full", "full screen", id="review.full-screen"),
    Binding("m", "mechanical", "accept what is proven to be mechanical", id="review.mechanical"),
    Binding("u", "take_back", "take back the last decision", id="review.take-back"),
    Binding("right_square_bracket", "go_file(1)", "next file", key_display="]", id="review.next-file"),
    Binding("left_square_bracket", "go_file(-1)", "previous file", key_display="[", id="review.previous-file"),
    Binding("tab", "files", "list of files, and back", key_display="Tab", id="review.files"),
    Binding("slash", "find", "search: text, :line, paths in the list", key_display="/", id="review.find"),
    Binding("greater_than_sign", "go_match(1)", "next match", key_display=">", id="review.next-match"),
    Binding("less_than_sign", "go_match(-1)", "previous match", key_display="<", id="review.previous-match"),
    Binding("c", "copy", "copy the new lines of this hunk", id="review.copy"),
    Binding("C", "copy_place", "copy path and line", id="review.copy-place"),
    Binding("o", "open", "open the file as it is in $EDITOR", id="review.open"),
    Binding("x", "toggle_near", "unfold what is beside this hunk", id="review.unfold-near"),
    Binding("z", "toggle_fold", "show or fold unchanged lines", id="review.fold"),
]
"""Deciding, moving, looking."""

REVIEW_HINTS: Keys = (
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
"""The first ones matter most."""

LIST_HINTS: Keys = (
    Hint("Enter", "open the file", is_needed=True),
    Hint("/", "search"),
    Hint("Tab", "back to the diff"),
)
"""While the list of files covers the diff."""
