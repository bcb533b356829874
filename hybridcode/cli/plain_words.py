"""What the plain program prints: facts and changes as lines that can be read aloud.

Invariant: a line says by a word what the screen says by a sign, a colour or a place; nothing is cut.
"""

from collections.abc import Iterator, Sequence

from hybridcode.domain.action import Proposal
from hybridcode.domain.plan import Plan, Step
from hybridcode.repo.lines import split_lines
from hybridcode.tui.amounts import plural
from hybridcode.tui.command_text import Fact, ruling_facts
from hybridcode.tui.entry import Entry
from hybridcode.tui.reviewing import Review

CONTEXT = 3
"""Unchanged lines before and after a hunk."""

_SIGNS = {
    "✓": "ok:",
    "✗": "no:",
    "⊘": "denied:",
    "●": "step",
    "○": "later:",
    "?": "question:",
    "!": "note:",
    "‖": "stopped:",
    "↻": "again:",
    "▸": "goes on:",
    "✎": "edited:",
    "$": "command:",
}


def spoken(text: str) -> str:
    """Signs at the beginning of a text as words, the other ones as plain characters."""
    first, _, rest = text.partition(" ")
    said = f"{_SIGNS[first]} {rest}" if first in _SIGNS and (rest or first == text) else text
    return said.strip().replace("⋯", "...").replace(" · ", ", ").replace("→", "->")


def entry_lines(entry: Entry) -> Iterator[str]:
    """A paragraph of the transcript."""
    label = spoken(entry.label)
    is_summed_up = entry.fold is not None and entry.fold.is_summed_up
    for number, line in enumerate(entry.text.split("\n")[: 1 if is_summed_up else None]):
        said = spoken(line) if entry.tone != "code" else line
        yield f"{label} {said}".rstrip() if number == 0 and label else f"  {said}".rstrip()


def fact_lines(facts: Sequence[Fact]) -> Iterator[str]:
    """Names and what is true of them."""
    for name, text, _ in facts:
        first, *rest = text.split("\n")
        yield f"  {name}: {spoken(first)}" if name else f"  {spoken(first)}"
        yield from (f"    {spoken(line)}" for line in rest)


def head_lines(review: Review) -> Iterator[str]:
    """What a change is before its first hunk: files, proof, who asked, what the model says."""
    proposal = review.proposal
    hunks = sum(len(file.groups) for file in review.files)
    by = f", written by {proposal.writer}" if proposal.writer else ""
    step = f" for step {proposal.step}" if proposal.step else ""
    yield f"question: a change{step} waits: {plural(len(review.files), 'file')}, {plural(hunks, 'hunk')}{by}"
    for file in review.files:
        added, deleted = file.counts
        yield f"  file {file.change.path}: {plural(added, 'line')} added, {plural(deleted, 'line')} deleted"
    yield proof_line(proposal)
    flags = tuple(dict.fromkeys((*proposal.ruling.flags, *(flag for file in review.files for flag in file.flags))))
    yield from fact_lines(ruling_facts(proposal, notes=review.notes, flags=flags))


def proof_line(proposal: Proposal) -> str:
    """Whether a check has passed on these bytes."""
    if proposal.proven_by:
        return f"  proven: {proposal.proven_by} passed in the scratch copy"
    return "  not proven: no check has run on these bytes"


def hunk_lines(review: Review) -> Iterator[str]:
    """The hunk under the cursor with its surroundings: every line with its number and what becomes of it."""
    file = review.current
    place = f"file {review.file + 1} of {len(review.files)}, " if len(review.files) > 1 else ""
    yield f"{place}{file.change.path}, hunk {review.group + 1} of {len(file.groups)}"
    old = split_lines(file.change.before or b"")
    changes = [file.changes[index] for index in file.groups[review.group]]
    at = max(changes[0].at - CONTEXT, 0)
    for change in changes:
        yield from (f"  {number + 1} same    {_text(old[number])}" for number in range(at, min(change.at, len(old))))
        for offset, line in enumerate(change.old):
            yield f"  {change.at + offset + 1} delete  {_text(line)}"
        yield from (f"  {_spaces(change.at)} add     {_text(line)}" for line in file.new_lines(change.number))
        at = change.at + len(change.old)
    yield from (f"  {number + 1} same    {_text(old[number])}" for number in range(at, min(at + CONTEXT, len(old))))
    if not any(change.old or change.new for change in changes):
        yield "  the bytes are not text, or only the mode changes: it is taken whole or not at all"


def _spaces(line: int) -> str:
    return " " * len(str(line + 1))


def _text(line: bytes) -> str:
    return line.removesuffix(b"\n").decode("utf-8", "surrogateescape")


def plan_lines(plan: Plan) -> Iterator[str]:
    """A plan, step by step."""
    yield f"question: a plan waits: {plural(len(plan.steps), 'step')}"
    if plan.rationale:
        yield f"  because: {plan.rationale}"
    for number, step in enumerate(plan.steps, 1):
        yield f"  step {number} of {len(plan.steps)}, {step.id}: {step.goal}"
        yield from (f"    {name}: {text}" for name, text in _step_facts(step) if text)
    yield f"  check of the whole task: {plan.check or 'none, nothing proves the result'}"


def _step_facts(step: Step) -> tuple[tuple[str, str], ...]:
    return (
        ("changes", ", ".join(step.touches)),
        ("runs", step.command or ""),
        ("after", ", ".join(step.needs)),
        ("check", step.check or ""),
        ("writer", "" if step.kind == "command" else step.writer),
    )
