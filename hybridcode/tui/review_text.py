"""What stands above a diff: the proof, the flags, the warnings, the rule that asked, and apart what the model says.

Invariant: pure; every line that is cut says which key shows it.
"""

from collections.abc import Sequence

from hybridcode.domain.action import Proposal
from hybridcode.tui.amounts import plural
from hybridcode.tui.command_text import fact_parts, reason_of, ruling_facts
from hybridcode.tui.paint import Part, clip, clip_left
from hybridcode.tui.reviewing import Review
from hybridcode.tui.widgets.bars import Item

_NOTES = 3


def review_title(review: Review, cells: int) -> tuple[tuple[Part, ...], list[Item]]:
    """Where the cursor is, and who wrote this."""
    path = clip_left(review.current.change.path, max(cells - 44, 12))
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


def why_in_full(review: Review, cells: int, *, flags: Sequence[str], lapses: str) -> list[Part | str]:
    """Everything that is known about why this asks."""
    proposal = review.proposal
    facts = [*ruling_facts(proposal, notes=review.notes, flags=flags)]
    if lapses:
        facts.append(("lapses", lapses, ""))
    facts.append(("digest", proposal.digest, "$quiet"))
    if review.current.risk.reason:
        facts.insert(0, ("looked at", f"{place_of(review)}: {review.current.risk.reason}", ""))
    if proposal.writer:
        facts.insert(0, ("written by", proposal.writer, ""))
    if proposal.proven_by:
        text, style = _proof(review)
        facts.insert(0, ("proof", text, style))
    return fact_parts(facts, cells)


def place_of(review: Review) -> str:
    """Which of the files this is, in order of risk."""
    return f"file {review.file + 1} of {len(review.files)} in order of risk"


def why_in_short(review: Review, cells: int, *, flags: Sequence[str], lapses: str) -> list[Part | str]:
    """The same on one line each; warnings that stand at a hunk are not told again."""
    proposal, notes = review.proposal, review.loose_notes
    lines: list[Part] = [
        _proof(review),
        *([("  ".join(f"! {flag}" for flag in flags), "bold $error")] if flags else []),
    ]
    lines += [(f"! {note}", "$warning") for note in notes[:_NOTES]]
    if len(notes) > _NOTES:
        lines.append((f"! {plural(len(notes) - _NOTES, 'more warning')} · w shows them", "$warning"))
    lines.append((_asked_by(proposal), "$warning" if proposal.ruling.person_only else "$quiet"))
    if lapses:
        lines.append((f"lapses {lapses}", "$quiet"))
    if proposal.model_says:
        lines.append((f"model says “{proposal.model_says}”", "italic $quiet"))
    return _one_per_line(lines, cells)


def _asked_by(proposal: Proposal) -> str:
    """The rule, its file where it is somebody's own, and whether it asks of a person each time."""
    ruling = proposal.ruling
    source = "" if ruling.source == "built-in" else f" ({ruling.source})"
    each = "! a person each time: " if ruling.person_only else ""
    return f"{each}asked by {ruling.rule}{source}: {reason_of(proposal)}"


def _proof(review: Review) -> tuple[str, str]:
    """A check speaks of the bytes it ran on, not of what a person makes of them."""
    proven_by = review.proposal.proven_by
    if not proven_by:
        return "no check has run on these bytes", "$quiet"
    if not review.is_as_proposed:
        return f"! not proven as decided here: {proven_by} passed with all of it, unedited", "$warning"
    return f"✓ proven: {proven_by} passed in the scratch copy", "$success"


def _one_per_line(lines: list[Part], cells: int) -> list[Part | str]:
    """Each on one line; what is cut says how to see it."""
    more = " … w"
    parts: list[Part | str] = []
    for text, style in lines:
        flat = text.replace("\n", " ")
        shown = flat if clip(flat, cells) == flat else clip(flat, cells - len(more)).removesuffix("…") + more
        parts += [(shown, style), "\n"]
    return parts[:-1]
