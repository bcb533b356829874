"""From a step to changes in memory: one request per region, read and placed on the bytes as shown.

Invariant: a step's regions become changes all together or not at all; nothing here touches the disk.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import msgspec

from hybridcode.agent.asking import ask
from hybridcode.agent.budget import after_overflow, window_budget
from hybridcode.agent.for_place import for_place
from hybridcode.agent.formats import choose_format
from hybridcode.agent.going import goes_whole, may_go_whole
from hybridcode.agent.import_search import Circle
from hybridcode.agent.importing import with_imports
from hybridcode.agent.kept import Kept, KeptDraft, Unplaced
from hybridcode.agent.ladder import Rung
from hybridcode.agent.leftovers import unmentioned
from hybridcode.agent.placing import Asked, bottom_up, difference, is_readable, place_draft
from hybridcode.agent.run import Run
from hybridcode.agent.shifting import Places
from hybridcode.agent.steering import beside
from hybridcode.config.settings import LocalSettings
from hybridcode.context.assemble import assemble, tiny_window
from hybridcode.context.regions import resolve
from hybridcode.domain.action import FileChange
from hybridcode.domain.errors import ContextError, ContextOverflow
from hybridcode.domain.events import DraftMade, DraftRefused, WindowAssembled
from hybridcode.domain.model import Message, ModelInfo, ModelRequest, Reply
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import ContextWindow, EditFormat, WindowSource
from hybridcode.gate.render import escape
from hybridcode.models.prompts import fill, load
from hybridcode.models.sender import Sender
from hybridcode.models.tiny_prompt import render_region, render_whole
from hybridcode.patch.merge import onto
from hybridcode.repo.snapshot import Snapshot

_TASK_CHARACTERS = 1_500
"""How much of the task a draft is told."""
_SAMPLE_TEMPERATURE = 0.7
"""Of samples, at least: at 0 each would be the same."""
_REASON_CHARACTERS = 2_000
"""How much of a person's reason a draft is told."""


@dataclass(frozen=True)
class Drafted:
    """Placed changes of one step, with what the model said around them."""

    changes: tuple[FileChange, ...]
    model: str
    model_says: str
    is_merged: bool = False
    """True when the changes were carried over to bytes that are newer than the snapshot."""
    notes: tuple[str, ...] = ()
    """What a person must know of what was added to the answers."""
    circles: Mapping[str, Sequence[Circle]] = field(default_factory=dict[str, Sequence[Circle]])
    """Names of a file whose import at its top would lead back to it."""
    importable: Mapping[str, Set[str]] = field(default_factory=dict[str, Set[str]])
    """Names that a file lacks and that an import can bring."""


@dataclass
class _Laid:
    """The drafts of one try, laid over the tree and over each other."""

    tree: Snapshot
    places: Places
    words: list[str] = field(default_factory=list[str])
    """What the model said around them."""
    settled: set[Region] = field(default_factory=set[Region])
    """Places of the plan that need no further draft."""
    stays: list[Refusal] = field(default_factory=list[Refusal])

    def take(self, draft: KeptDraft) -> None:
        """Lay one more over them."""
        self.tree = self.tree.with_changes(draft.placed.changes)
        self.places.follow(draft.placed.changes, draft.region, draft.lines)
        self.words.append(draft.placed.chatter)
        self.settled.update(draft.settled, self.places.gone)
        self.stays.extend(draft.placed.stays)


async def draft_step(
    run: Run,
    step: Step,
    rung: Rung,
    told: Callable[[Region], str],
    *,
    said: list[str] | None = None,
    kept: Kept | None = None,
) -> Drafted | tuple[Refusal, ...]:
    """Draft every region of a step; those that are refused hold up none of the others, which `kept` keeps.

    `told` is what the next answer for a place is told of those before it. Regions that are to stay as they are are
    refused only where nothing else changes. `said` takes what models answered.

    Raises:
        ModelError: when the writer cannot be asked.
        ContextError: when a region is not there any more.
    """
    snapshot = await run.snapshot()
    if step.kind == "delete":
        return Drafted(tuple(_deletion(snapshot, region) for region in step.regions), "plan", "")
    sender, kept = run.senders.pick(run.senders.part(rung.writer)), kept or Kept()
    laid, texts = _Laid(snapshot, Places(step)), list[str]() if said is None else said
    for draft in kept.begin(snapshot.digest):
        run.journal.append(msgspec.structs.replace(draft.event, attempt=rung.attempt))
        laid.take(draft)
        texts.append(draft.text)
    laid.settled |= kept.aside
    for region in bottom_up(step.regions):
        if region in laid.settled:
            continue
        may_go = await asyncio.to_thread(unmentioned, kept.left_out(region), laid.tree, besides=region.path)
        task = _Task(run, step, region, rung, sender, laid, must_change=kept.must_change(region), may_go=may_go)
        draft = await _draft_region(task, told(region), kept)
        texts.append(draft.text)
        kept.take(region, draft)
        if isinstance(draft, KeptDraft):
            laid.take(draft)
    if kept.failed:
        return tuple(unplaced.refusal for unplaced in kept.failed.values())
    kept.finish()
    found = difference(snapshot, laid.tree)
    if laid.stays and not found:
        run.journal.append(DraftRefused(step.id, rung.attempt, tuple(laid.stays)))
        return tuple(laid.stays)
    seen = run.shown_to(run.senders.part(rung.writer), laid.tree)
    all_in = await with_imports(run, step, attempt=rung.attempt, changes=found, tree=seen)
    return Drafted(
        tuple(all_in.changes),
        sender.model.info.name,
        "\n".join(filter(None, laid.words)),
        notes=tuple(all_in.notes),
        circles=all_in.circles,
        importable=all_in.importable,
    )


@dataclass(frozen=True)
class _Task:
    """One region to be drafted."""

    run: Run
    step: Step
    region: Region
    """As the plan names it."""
    rung: Rung
    sender: Sender
    laid: _Laid
    must_change: bool = False
    may_go: tuple[str, ...] = ()


async def _draft_region(task: _Task, feedback: str, kept: Kept) -> KeptDraft | Unplaced:
    """One region's draft, or the answer that cannot be placed; one without the form that was asked for is asked for
    again, once, since it says nothing of what the model would change."""
    draft = await _draft_once(task, feedback)
    if isinstance(draft, Unplaced) and draft.refusal.is_formless and task.sender.model.info.profile != "tiny":
        kept.take(task.region, draft)
        told = "\n\n".join(filter(None, (feedback, retry_note((draft.refusal,)))))
        return await _draft_once(task, told)
    return draft


async def _draft_once(task: _Task, feedback: str) -> KeptDraft | Unplaced:
    run, rung, tree, places = task.run, task.rung, task.laid.tree, task.laid.places
    step, region = places.step, places.of(task.region)
    seen = run.shown_to(run.senders.part(rung.writer), tree, keep=region.path)
    reply, window = await _ask_what_fits(task, seen, feedback)
    event = DraftMade(
        step.id,
        rung.attempt,
        model=reply.model,
        window_digest=window.digest,
        text_sha256=run.journal.put_blob(reply.text.encode()),
        finish=reply.finish,
        must_change=task.must_change,
        may_go=task.may_go,
    )
    run.journal.append(event)
    target, has_others = window.target, len(task.step.regions) > 1
    asked = Asked(step, region, tree, target, has_others, must_change=task.must_change, may_go=task.may_go)
    placed = place_draft(reply.text, asked, finish=reply.finish)
    if isinstance(placed, Refusal):
        run.journal.append(DraftRefused(step.id, rung.attempt, (placed,)))
        return Unplaced(reply.text, placed)
    lines = (target.start, target.end) if target and target.start and target.end else None
    settled = tuple(places.named(one) for one in placed.regions)
    return KeptDraft(event, reply.text, asked, placed, task.region, settled, lines)


async def _ask_what_fits(task: _Task, seen: Snapshot, feedback: str) -> tuple[Reply, ContextWindow]:
    """Ask with the largest window that the model takes."""
    run, info, places = task.run, task.sender.model.info, task.laid.places
    step, region = places.step, places.of(task.region)
    budget, overflow = window_budget(run, info), None
    while True:
        plan = run.plan  # another step may be moved meanwhile
        try:
            wanted = _format(run, step, region, seen, info)
            window = await asyncio.to_thread(_window, run, step, region, seen, info, budget, wanted, plan)
        except ContextError as error:
            raise overflow or error from error
        digest = run.journal.put_blob(run.clean(window.text).encode())
        source = await _source(task, window, seen, wanted, plan)
        run.journal.append(
            WindowAssembled(step.id, task.rung.attempt, digest, window.excerpts, window.used, window.budget, source)
        )
        try:
            parts = (for_place(task.step, task.region), feedback) if info.profile != "tiny" else (feedback,)
            told = "\n\n".join(filter(None, parts))
            reply = await _ask(run, step, window, sender=task.sender, rung=task.rung, feedback=told)
            return reply, msgspec.structs.replace(window, digest=digest)
        except ContextOverflow as error:
            if info.profile == "tiny":
                raise
            overflow = error
        budget = after_overflow(run, min(budget, window.used), overflow, what=f"the window of step {step.id}")


def _format(run: Run, step: Step, region: Region, snapshot: Snapshot, info: ModelInfo) -> EditFormat:
    data = snapshot.read(region.path) if region.path in snapshot.files else None
    if data is None and step.kind != "create":
        raise ContextError(f"There is no file {region.path}.", "The plan is older than the tree: plan again.")
    lines = None if data is None else data.count(b"\n") + 1
    if info.profile == "tiny":
        return "whole" if lines is None else "region"
    if data is None or lines is None:
        return "whole"
    target = resolve(snapshot, region)
    run.formats.read(run.journal.envelopes(after=run.formats.seq))
    settings = run.settings.models.of(info.table or "local")
    held = range(target.start or 1, (target.end or lines) + 1)
    return choose_format(
        region,
        wanted=(settings if isinstance(settings, LocalSettings) else run.settings.models.local).edit_format,
        file_lines=lines,
        region_lines=len(held),
        longest=run.formats.longest(info.name),
        may_go=target.start is not None and may_go_whole(step, region, held, data),
    )


def _window(
    run: Run,
    step: Step,
    region: Region,
    snapshot: Snapshot,
    info: ModelInfo,
    budget: int,
    wanted: EditFormat,
    plan: Plan | None,
) -> ContextWindow:
    if info.profile == "tiny":
        return tiny_window(step, snapshot, region=region, format=wanted)
    is_gone = goes_whole(step, region, snapshot)
    corpus = run.corpus(snapshot)
    return assemble(step, corpus, region=region, budget=budget, format=wanted, plan=plan, is_gone=is_gone)


async def _source(
    task: _Task, window: ContextWindow, snapshot: Snapshot, wanted: EditFormat, plan: Plan | None
) -> WindowSource:
    """Put on record what the window was made from."""
    run, places = task.run, task.laid.places
    region = places.of(task.region)
    if task.sender.model.info.profile == "tiny":
        source = await run.keeper.tiny_source(snapshot, plan, region=region, format=wanted)
    else:
        read = {region.path, *(excerpt.path for excerpt in window.excerpts)}
        corpus = await asyncio.to_thread(run.corpus, snapshot)
        source = await run.keeper.source(corpus, plan, region=str(region), format=wanted, read=read)
    is_gone = goes_whole(places.step, region, snapshot)
    return msgspec.structs.replace(source, touches=places.touches, is_gone=is_gone)


async def _ask(run: Run, step: Step, window: ContextWindow, *, sender: Sender, rung: Rung, feedback: str) -> Reply:
    info = sender.model.info
    settings = run.settings.models.of(info.table or info.backend)
    seed = settings.seed if isinstance(settings, LocalSettings) else run.settings.models.local.seed
    is_sample = rung.name == "local_sample"
    request = ModelRequest(
        call_id=run.next_call_id(),
        role="draft",
        messages=draft_messages(
            window, step=step, task=run.task.text, is_tiny=info.profile == "tiny", feedback=feedback, notes=run.notes
        ),
        breaks=_breaks(window, info, goal=goal_of(step, run.task.text)),
        max_output_tokens=settings.max_output_tokens,
        temperature=max(settings.temperature, _SAMPLE_TEMPERATURE) if is_sample else settings.temperature,
        seed=seed + rung.attempt if is_sample else seed,
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


async def merge_onto_disk(run: Run, changes: tuple[FileChange, ...]) -> tuple[FileChange, ...]:
    """The same changes made to what the files hold now; () where that cannot be done without a conflict."""
    now = await run.snapshot()
    if not all(is_readable(now, change.path) or change.path not in now.files for change in changes):
        return ()
    merged = [onto(change, now.read(change.path) if change.path in now.files else None) for change in changes]
    kept = tuple(change for change in merged if isinstance(change, FileChange))
    return kept if len(kept) == len(changes) else ()


_OWN, _OTHER = "Your last answer", "The last answer, by another model,"
_UNCHANGED = "Do what the step says. If nothing has to change there, answer KEEP again."


def retry_note(refusals: Sequence[Refusal], *, is_own: bool = True) -> str:
    """What the next draft is told about the last one, bounded to 2,000 characters; `is_own`: by who wrote that one."""
    if refusals and all(refusal.is_already for refusal in refusals):
        return f"# {'You' if is_own else _OTHER} returned the lines as they are\n{_UNCHANGED}"
    parts: list[str] = []
    for refusal in refusals:
        parts.append(f"{refusal.reason}.")
        if refusal.near:
            parts.append(f"The real lines there:\n{refusal.near}")
        if refusal.advice:
            parts.append(refusal.advice)
    return fill(load("retry"), whose=_OWN if is_own else _OTHER, reason="\n".join(parts)[:2_000])


def declined_note(reason: str, *, is_part: bool = False, is_own: bool = True) -> str:
    """What the next draft is told about a person's no, to all of a change or to the part that they left out: their
    words as a quotation, hidden characters made visible."""
    words = escape(reason).text.strip()
    kept = words[:_REASON_CHARACTERS] + (" [...]" if len(words) > _REASON_CHARACTERS else "")
    quoted = "\n".join(f"> {line}" for line in kept.split("\n"))
    whose = "your last answer" if is_own else "the last answer, by another model"
    if is_part:
        return f"# A person took a part of {whose}, which stands there now, and declined the rest and said\n{quoted}"
    return f"# A person declined {whose}{'' if is_own else ','} and said\n{quoted}"
