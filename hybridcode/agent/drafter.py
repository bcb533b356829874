"""From a step to changes in memory: one request per region, read and placed on the bytes as shown.

Invariant: a step's regions become changes all together or not at all; nothing here touches the disk.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from hybridcode.agent.answers import read_draft
from hybridcode.agent.asking import ask
from hybridcode.agent.budget import after_overflow, window_budget
from hybridcode.agent.ladder import Rung
from hybridcode.agent.run import Run
from hybridcode.agent.steering import beside
from hybridcode.context.assemble import assemble, tiny_window
from hybridcode.domain.action import FileChange
from hybridcode.domain.errors import ContextError, ContextOverflow
from hybridcode.domain.events import DraftMade, DraftRefused, WindowAssembled
from hybridcode.domain.model import Message, ModelInfo, ModelRequest, Reply
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.secrets import MARK
from hybridcode.domain.window import ContextWindow, EditFormat, WindowSource
from hybridcode.gate.render import escape
from hybridcode.models.prompts import fill, load
from hybridcode.models.sender import Sender
from hybridcode.models.tiny_prompt import render_region, render_whole
from hybridcode.patch.merge import onto
from hybridcode.patch.place import place
from hybridcode.repo.snapshot import Snapshot

WHOLE_FILE_LINES = 80
"""Files up to this length are asked for whole when a step touches all of them."""

_TASK_CHARACTERS = 1_500
"""How much of the task a draft is told."""
_REASON_CHARACTERS = 2_000
_DECLINED = "declined your last answer"
"""How much of a person's reason a draft is told."""


@dataclass(frozen=True)
class Drafted:
    """Placed changes of one step, with what the model said around them."""

    changes: tuple[FileChange, ...]
    model: str
    model_says: str
    is_merged: bool = False
    """True when the changes were carried over to bytes that are newer than the snapshot."""


async def draft_step(
    run: Run, step: Step, rung: Rung, feedback: str, *, said: list[str] | None = None
) -> Drafted | tuple[Refusal, ...]:
    """Draft every region of a step; on the first refusal nothing is kept, but for regions that are to stay as they are:
    they are refused only where nothing else changes. `said` takes what the model answered.

    Raises:
        ModelError: when the writer cannot be asked.
        ContextError: when a region is not there any more.
    """
    snapshot = await run.snapshot()
    if step.kind == "delete":
        return Drafted(tuple(_deletion(snapshot, region) for region in step.regions), "plan", "")
    sender = run.senders.pick(rung.writer)
    current, words, texts = snapshot, list[str](), list[str]() if said is None else said
    unchanged: list[Refusal] = []
    for region in _bottom_up(step.regions):
        placed = await _draft_region(
            run, step, region, rung=rung, snapshot=current, sender=sender, feedback=feedback, texts=texts
        )
        match placed:
            case (tuple(changes), str(chatter)):
                current = current.with_changes(changes)
                words.append(chatter)
            case Refusal(is_already=True) if len(step.regions) > 1:
                unchanged.append(placed)
            case Refusal():
                run.journal.append(DraftRefused(step.id, rung.attempt, (placed,)))
                return (placed,)
    if len(unchanged) == len(step.regions):
        run.journal.append(DraftRefused(step.id, rung.attempt, tuple(unchanged)))
        return tuple(unchanged)
    return Drafted(_difference(snapshot, current), sender.model.info.name, "\n".join(filter(None, words)))


def choose_format(region: Region, *, wanted: str, lines: int | None) -> EditFormat:
    """How to ask for a region: `lines` is the file's length, None for a new file."""
    if lines is None:
        return "whole"
    if region.symbol is not None or region.start is not None:
        return "blocks" if wanted == "blocks" else "region"
    if wanted in ("whole", "blocks"):
        return "whole" if wanted == "whole" else "blocks"
    return "whole" if lines <= WHOLE_FILE_LINES else "blocks"


def _bottom_up(regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Line regions of one file from its end to its start, so that an edit does not move the next one."""
    return tuple(sorted(regions, key=lambda region: -(region.start or 0)))


async def _draft_region(
    run: Run,
    step: Step,
    region: Region,
    *,
    rung: Rung,
    snapshot: Snapshot,
    sender: Sender,
    feedback: str,
    texts: list[str],
) -> tuple[tuple[FileChange, ...], str] | Refusal:
    seen = run.shown_to(rung.writer, snapshot, keep=region.path)
    reply, window = await _ask_what_fits(run, step, region, rung=rung, seen=seen, sender=sender, feedback=feedback)
    run.journal.append(
        DraftMade(
            step.id,
            rung.attempt,
            model=reply.model,
            window_digest=window.digest,
            text_sha256=run.journal.put_blob(reply.text.encode()),
            finish=reply.finish,
        )
    )
    texts.append(reply.text)
    answer = read_draft(reply.text, finish=reply.finish, target=window.target)
    if isinstance(answer, Refusal):
        return answer
    shown = {path: snapshot.read(path) for path in answer.paths if is_readable(snapshot, path)}
    modes = {path: snapshot.files[path].mode for path in shown}
    changes, refusals = split_placed(place(answer, shown, modes=modes))
    if refusals:
        return refusals[0]
    if any(holds_redaction(change) for change in changes):
        return Refusal(
            "the answer would write a redaction mark in place of a secret",
            advice="Leave lines with [redacted:...] out of the change.",
        )
    outside = [change.path for change in changes if change.path not in {region.path for region in step.regions}]
    if outside:
        return Refusal(f"the answer also changes {', '.join(outside)}", advice="Change only the files of the step.")
    return changes, answer.chatter


async def _ask_what_fits(
    run: Run, step: Step, region: Region, *, rung: Rung, seen: Snapshot, sender: Sender, feedback: str
) -> tuple[Reply, ContextWindow]:
    """Ask with the largest window that the model takes."""
    info = sender.model.info
    budget, overflow = window_budget(run, info), None
    while True:
        try:
            wanted = _format(run, step, region, seen, info)
            window = await asyncio.to_thread(_window, run, step, region, seen, info, budget, wanted)
        except ContextError as error:
            raise overflow or error from error
        digest = run.journal.put_blob(run.clean(window.text).encode())
        source = await _source(run, window, region, seen, info, wanted)
        run.journal.append(
            WindowAssembled(step.id, rung.attempt, digest, window.excerpts, window.used, window.budget, source)
        )
        try:
            reply = await _ask(run, step, window, sender=sender, feedback=feedback)
            return reply, msgspec.structs.replace(window, digest=digest)
        except ContextOverflow as error:
            if info.profile == "tiny":
                raise
            overflow = error
        budget = after_overflow(run, min(budget, window.used), overflow, what=f"the window of step {step.id}")


def is_readable(snapshot: Snapshot, path: str) -> bool:
    """True for an ordinary file of the snapshot that is not too large to be read."""
    entry = snapshot.files.get(path)
    return entry is not None and entry.kind in ("text", "binary")


def holds_redaction(change: FileChange) -> bool:
    """True when a change adds the mark that stands for a secret the model was not shown."""
    before, after = (data.decode("utf-8", "replace") if data else "" for data in (change.before, change.after))
    return len(MARK.findall(after)) > len(MARK.findall(before))


def split_placed(
    placed: tuple[FileChange, ...] | tuple[Refusal, ...],
) -> tuple[tuple[FileChange, ...], tuple[Refusal, ...]]:
    """Changes and refusals apart; one of them is empty."""
    return (
        tuple(item for item in placed if isinstance(item, FileChange)),
        tuple(item for item in placed if isinstance(item, Refusal)),
    )


def _format(run: Run, step: Step, region: Region, snapshot: Snapshot, info: ModelInfo) -> EditFormat:
    data = snapshot.read(region.path) if region.path in snapshot.files else None
    if data is None and step.kind != "create":
        raise ContextError(f"There is no file {region.path}.", "The plan is older than the tree: plan again.")
    lines = None if data is None else data.count(b"\n") + 1
    if info.profile == "tiny":
        return "whole" if lines is None else "region"
    return choose_format(region, wanted=run.settings.models.local.edit_format, lines=lines)


def _window(
    run: Run, step: Step, region: Region, snapshot: Snapshot, info: ModelInfo, budget: int, wanted: EditFormat
) -> ContextWindow:
    if info.profile == "tiny":
        return tiny_window(step, snapshot, region=region, format=wanted)
    return assemble(step, run.corpus(snapshot), region=region, budget=budget, format=wanted, plan=run.plan)


async def _source(
    run: Run, window: ContextWindow, region: Region, snapshot: Snapshot, info: ModelInfo, wanted: EditFormat
) -> WindowSource:
    """Put on record what the window was made from."""
    if info.profile == "tiny":
        return await run.keeper.tiny_source(snapshot, run.plan, region=region, format=wanted)
    read = {region.path, *(excerpt.path for excerpt in window.excerpts)}
    corpus = await asyncio.to_thread(run.corpus, snapshot)
    return await run.keeper.source(corpus, run.plan, region=str(region), format=wanted, read=read)


async def _ask(run: Run, step: Step, window: ContextWindow, *, sender: Sender, feedback: str) -> Reply:
    info = sender.model.info
    local, frontier = run.settings.models.local, run.settings.models.frontier
    request = ModelRequest(
        call_id=run.next_call_id(),
        role="draft",
        messages=draft_messages(
            window, step=step, task=run.task.text, is_tiny=info.profile == "tiny", feedback=feedback, notes=run.notes
        ),
        breaks=_breaks(window, info, goal=goal_of(step, run.task.text)),
        max_output_tokens=local.max_output_tokens if info.backend == "local" else frontier.max_output_tokens,
        temperature=local.temperature if info.backend == "local" else frontier.temperature,
        seed=local.seed,
        step=step.id,
        files=_files(window),
    )
    return await ask(run, sender, request)


def draft_messages(
    window: ContextWindow, *, step: Step, task: str, is_tiny: bool, feedback: str, notes: Sequence[str] = ()
) -> tuple[Message, ...]:
    """What a draft is asked with: instructions, window, goal, what a person said, and what became of the try before."""
    target = window.target
    if is_tiny and target is not None:
        if target.format == "whole":
            system, user = render_whole(target.path, step.goal)
        else:
            system, user = render_region(target.path, window.text, step.goal)
        return Message("system", system), Message("user", user)
    name = f"draft_{target.format if target else 'blocks'}"
    text = f"{window.text}\n\n{goal_of(step, task)}" + beside(notes) + (f"\n\n{feedback}" if feedback else "")
    return Message("system", load(name)), Message("user", text)


def _breaks(window: ContextWindow, info: ModelInfo, *, goal: str) -> tuple[int, ...]:
    """Where the drafts of other steps, and later drafts of this one, part from this message."""
    if info.profile == "tiny":
        return ()
    return window.stable, len(window.text) + 2 + len(goal)


def goal_of(step: Step, task: str) -> str:
    """What is to be done, and what it is a part of: so a plan need not repeat the task."""
    whole = "" if task.strip() == step.goal.strip() else f"# Task, of which this is one step\n{shortened(task)}\n\n"
    return f"{whole}# Step\n{step.goal}"


def shortened(task: str) -> str:
    """A task as writers are told it."""
    text = task.strip()
    return text if len(text) <= _TASK_CHARACTERS else f"{text[:_TASK_CHARACTERS]} [...]"


def _files(window: ContextWindow) -> tuple[str, ...]:
    shown = [f"{e.path}#L{e.start}-{e.end}" for e in window.excerpts]
    if window.target is not None:
        shown.append(str(Region(window.target.path, start=window.target.start, end=window.target.end)))
    return tuple(shown)


def _deletion(snapshot: Snapshot, region: Region) -> FileChange:
    if region.path not in snapshot.files:
        raise ContextError(f"There is no file {region.path} to delete.", "Plan again.")
    mode = snapshot.files[region.path].mode
    return FileChange(region.path, before=snapshot.read(region.path), after=None, mode=mode)


def _difference(before: Snapshot, after: Snapshot) -> tuple[FileChange, ...]:
    """What changed between two views, one change per path, sorted."""
    changes: list[FileChange] = []
    for path in sorted({*before.files, *after.files}):
        old, new = before.files.get(path), after.files.get(path)
        entry = new or old
        if old == new or entry is None:
            continue
        changes.append(
            FileChange(
                path,
                before=before.read(path) if old else None,
                after=after.read(path) if new else None,
                mode=entry.mode,
            )
        )
    return tuple(changes)


async def merge_onto_disk(run: Run, changes: tuple[FileChange, ...]) -> tuple[FileChange, ...]:
    """The same changes made to what the files hold now; () where that cannot be done without a conflict."""
    now = await run.snapshot()
    if not all(is_readable(now, change.path) or change.path not in now.files for change in changes):
        return ()
    merged = [onto(change, now.read(change.path) if change.path in now.files else None) for change in changes]
    kept = tuple(change for change in merged if isinstance(change, FileChange))
    return kept if len(kept) == len(changes) else ()


_UNCHANGED = (
    "# You returned the lines as they are\nDo what the step says. If nothing has to change there, return them so again."
)


def retry_note(refusals: tuple[Refusal, ...]) -> str:
    """What the next draft is told about the last one, bounded to 2,000 characters."""
    if refusals and all(refusal.is_already for refusal in refusals):
        return _UNCHANGED
    parts: list[str] = []
    for refusal in refusals:
        parts.append(f"{refusal.reason}.")
        if refusal.near:
            parts.append(f"The real lines there:\n{refusal.near}")
        if refusal.advice:
            parts.append(refusal.advice)
    return fill(load("retry"), reason="\n".join(parts)[:2_000])


def declined_note(reason: str, *, is_part: bool = False) -> str:
    """What the next draft is told about a person's no, to all of a change or to the part that they left out: their
    words as a quotation, hidden characters made visible."""
    words = escape(reason).text.strip()
    kept = words[:_REASON_CHARACTERS] + (" [...]" if len(words) > _REASON_CHARACTERS else "")
    quoted = "\n".join(f"> {line}" for line in kept.split("\n"))
    what = "took a part of your last answer, which stands there now, and declined the rest" if is_part else _DECLINED
    return f"# A person {what} and said\n{quoted}"
