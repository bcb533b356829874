"""A session as one document for people: tasks, plans, changes as diffs, commands, checks, costs.

Invariant: everything in it is a fold of the journal; it needs nothing beside itself, and what hides in a text is
spelled out.
"""

import html
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from hybridcode.domain.action import Applied, ChangeSet, FileEdit, Ran
from hybridcode.domain.errors import ConfigError, IntegrityError
from hybridcode.gate.render import escape
from hybridcode.patch.hunks import unified
from hybridcode.session.state import ProposalView, SessionState
from hybridcode.session.task_view import TaskView

Blob = Callable[[str], bytes]
Kind = Literal["title", "section", "part", "text", "item", "code", "diff"]
SUFFIXES = (".md", ".html")
"""What a report may be written as."""


class Block(NamedTuple):
    """A piece of the document."""

    kind: Kind
    text: str


def report(state: SessionState, blob: Blob, *, suffix: str) -> str:
    """The whole document, as HTML for `.html` and as Markdown else."""
    blocks = [Block(block.kind, _shown(block.text)) for block in _blocks(state, blob)]
    return _as_html(blocks) if suffix == ".html" else _as_markdown(blocks)


def write_report(path: Path, text: str) -> None:
    """Write a new file.

    Raises:
        ConfigError: something is there already, the name has another ending, or it cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path.name} ends neither in .md nor in .html.", "Name the file report.md or report.html.")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already; nothing was written.", "Choose another name.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}.", "Choose another place.") from error


def _shown(text: str) -> str:
    return "\n".join(escape(line).text for line in text.split("\n"))


def _blocks(state: SessionState, blob: Blob) -> Iterator[Block]:
    yield Block("title", f"Session {state.session}")
    if state.opened is not None:
        opened = state.opened
        yield Block("item", f"in {opened.workspace}, opened {state.opened_at[:16].replace('T', ' ')} UTC")
        yield Block("item", f"frontier {opened.frontier or 'none'}, local {opened.local or 'none'}")
        yield Block("item", f"mode {opened.mode}, sandbox {opened.sandbox}, hybridcode {opened.version}")
    if state.forked is not None:
        yield Block("item", f"begins where session {state.forked.origin} stood after {state.forked.task}")
    yield from _costs(state)
    for proposal in state.own:
        if not proposal.task:
            yield from _proposal(proposal, blob)
    for number, view in enumerate(state.tasks, 1):
        yield from _task(number, view, state, blob)


def _costs(state: SessionState) -> Iterator[Block]:
    ledger = state.sums.ledger
    for name, account in (("frontier", ledger.frontier), ("local", ledger.local)):
        if account.calls:
            cost = "cost unknown" if account.usd is None else f"${account.usd:.4f}"
            used = f"{account.calls} calls, {account.input_tokens:,} tok in, {account.output_tokens:,} tok out"
            yield Block("item", f"{name}: {used}" + (f", {cost}" if name == "frontier" else ""))


def _task(number: int, view: TaskView, state: SessionState, blob: Blob) -> Iterator[Block]:
    yield Block("section", f"Task {number}" + (" (went back from)" if view.is_forgotten else ""))
    yield Block("code", view.task.text)
    for note in view.notes:
        yield Block("item", f"said meanwhile: {note.text}")
    if view.plan is not None and view.plan.answer:
        yield Block("text", view.plan.answer)
    for name, step in view.steps.items():
        told = f"step {name}, {step.status}: {step.step.goal}"
        yield Block("item", told + (f" ({step.why})" if step.why else ""))
    for proposal in state.proposals.values():
        if proposal.task == view.task.id:
            yield from _proposal(proposal, blob)
    for check in (*(check for step in view.steps.values() for check in step.checks), *view.checks):
        where = " in a scratch copy" if check.where == "scratch" else ""
        yield Block("item", f"check {check.command}: {'passed' if check.passed else f'exit {check.exit_code}'}{where}")
    if view.judged is not None and view.judged.verdict != "skipped":
        yield Block("item", f"judged {view.judged.verdict}: {view.judged.reason}")
    if view.ended is not None:
        yield Block("item", f"ended: {view.ended.message or view.ended.exit_reason}")


def _proposal(view: ProposalView, blob: Blob) -> Iterator[Block]:
    proposal, by = view.proposal, getattr(view.decision, "by", "")
    yield Block("part", f"{proposal.title or proposal.id}: {view.status}" + (f", by {by}" if by else ""))
    edits = view.receipt.edits if isinstance(view.receipt, Applied) else ()
    if not edits and isinstance(proposal.action, ChangeSet):
        edits = proposal.action.edits
    for edit in edits:
        yield Block("diff", _diff(edit, blob))
    if isinstance(view.receipt, Ran):
        yield Block("code", f"$ {view.receipt.command}\n{view.receipt.tail}".rstrip("\n"))


def _diff(edit: FileEdit, blob: Blob) -> str:
    try:
        before = blob(edit.before_sha256) if edit.before_sha256 else None
        after = blob(edit.after_sha256) if edit.after_sha256 else None
    except IntegrityError as error:
        return f"{edit.path}: {error.message}"
    if b"\0" in (before or b"") + (after or b""):
        return f"{edit.path}: binary, {len(before or b''):,} to {len(after or b''):,} bytes"
    return unified(edit.path, before, after).rstrip("\n")


def _as_markdown(blocks: Iterable[Block]) -> str:
    lines: list[str] = []
    was_item = False
    for kind, text in blocks:
        if lines and not (was_item and kind == "item"):
            lines.append("")
        was_item = kind == "item"
        match kind:
            case "title" | "section" | "part":
                lines.append(f"{'#' * (1 + ('title', 'section', 'part').index(kind))} {_one_line(text)}")
            case "item":
                lines.append(f"- {_one_line(text)}")
            case "text":
                lines.append(text)
            case "code" | "diff":
                fence = "`" * max(3, _longest_run(text) + 1)
                lines += [fence + ("diff" if kind == "diff" else ""), text, fence]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _longest_run(text: str) -> int:
    """Length of the longest run of backticks."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest


_TAGS = {"title": "h1", "section": "h2", "part": "h3", "text": "pre class=prose", "code": "pre"}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { font: 13px/1.45 ui-monospace, monospace; padding: .6rem .8rem; overflow-x: auto; background: #f4f4f5; }
pre.prose { font: inherit; background: none; padding: 0; white-space: pre-wrap; }
.add { background: #dcf5e1; } .del { background: #fbe0e0; } .at { color: #6a6a75; }
@media (prefers-color-scheme: dark) {
  body { background: #17171b; color: #e4e4e8; } pre { background: #222228; }
  .add { background: #173a22; } .del { background: #4a1d1f; } .at { color: #9a9aa5; }
}
"""


def _as_html(blocks: Iterable[Block]) -> str:
    found = list(blocks)
    head = (
        f"<!doctype html>\n<meta charset=utf-8>\n<title>{html.escape(found[0].text)}</title>\n<style>{_STYLE}</style>"
    )
    return "\n".join([head, *map(_html_of, found)]) + "\n"


def _html_of(block: Block) -> str:
    text = html.escape(block.text)
    if block.kind == "item":
        return f"<div>· {text}</div>"
    if block.kind == "diff":
        return f"<pre>{''.join(map(_diff_line, text.splitlines()))}</pre>"
    tag = _TAGS[block.kind]
    return f"<{tag}>{text}</{tag.partition(' ')[0]}>"


def _diff_line(line: str) -> str:
    kind = {"+": "add", "-": "del", "@": "at"}.get(line[:1], "")
    return f"<span class={kind}>{line}</span>\n" if kind else f"{line}\n"
