"""The window of one draft: what stays the same first, the lines to rewrite last.

Invariant: the first part depends on the plan and on files that the plan does not touch, so that a model keeps it from
step to step (of a step without code it is the guides alone); everything before the step's own regions depends on the
step, the tree and the budget, so that all drafts of a step share it, but for those of a place that needs little
(`small`), which share the guides alone; what the goal names stands before what is found; the window never exceeds its
budget; the same inputs give the same bytes, whoever asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import msgspec

from hybridcode.context.check import REASON as CHECKS
from hybridcode.context.check import checked_tests
from hybridcode.context.common import common_passages, is_documentation, touched_paths, without_documentation
from hybridcode.context.corpus import Corpus
from hybridcode.context.exact import REASON, named_lines
from hybridcode.context.guides import guides_for
from hybridcode.context.listings import SHARE as LISTED_SHARE
from hybridcode.context.listings import definitions_to_list
from hybridcode.context.named import Exact, exact_definitions, files_written
from hybridcode.context.packing import EDITING, pack
from hybridcode.context.passages import Passage, Reader, Taken, joined, lines_passage, rendered
from hybridcode.context.query import read_query
from hybridcode.context.rank import Ranking, rank
from hybridcode.context.regions import resolve
from hybridcode.context.render import (
    BYTES_PER_TOKEN,
    hidden_characters,
    lines_text,
    place_of,
    section,
    tokens,
)
from hybridcode.context.small import Small, lines_around, why_small
from hybridcode.context.targets import shown_target, target_excerpt, target_notes, touched_targets
from hybridcode.context.uses import Touched, caller_passages, definition_passages, import_passages
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.window import ContextWindow, EditFormat, Excerpt, Target
from hybridcode.repo.collecting import collector_rests
from hybridcode.repo.grammars import language_of
from hybridcode.repo.snapshot import Snapshot

_GUIDE_SHARE = 8
_COMMON_SHARE = 8
_IMPORT_SHARE = 8
_DEFINITION_SHARE = 2
_CHECK_SHARE = 4
_CALLER_SHARE = 2
_NAMED_SHARE = 3
"""Of the whole window, 1/8 at most is guidance, 1/8 what all steps share and 1/3 what the goal names. Of what is left
when their turn comes, 1/8 is for imports, 1/2 for definitions, 1/4 for tests that the check names, 1/2 for callers;
then come other tests, and the rest is filled by rank."""
_TIMES_THE_REGIONS = 4
_FLOOR_BYTES = 4_000
_LEAST_BESIDE = 1_600
"""A window is at most four times the regions of its step, or 1,000 tokens where that is more; what the step reads,
imports and definitions come on top of the former. In any case there is room for 400 tokens of callers, tests and other
files. A new file has nothing to measure it by: its window may be full."""
_BESIDE_SMALL = 2_400
"""Bytes of a step's other regions beside a place that needs little."""
_TOLD_SMALL = 1_600
"""Bytes of what the plan wants to be shown, and of what the goal names, beside text for people and what goes."""
_HEADING_BYTES = 24
"""A region's heading is at most this much longer when it is not the target."""


@collector_rests()
def assemble(
    step: Step,
    corpus: Corpus,
    *,
    region: Region,
    budget: int,
    format: EditFormat,
    plan: Plan | None = None,
    is_gone: bool = False,
) -> ContextWindow:
    """The window for drafting `region` of `step`, one of `plan`'s; `budget` in tokens of four bytes. `is_gone`: the
    goal says that its lines go.

    Raises: ContextError if the region cannot be resolved or does not fit into the budget.
    """
    snapshot = corpus.snapshot
    target, tail = shown_target(step, snapshot, region, format)
    room = budget * BYTES_PER_TOKEN
    if len(tail.encode()) > room:
        raise ContextError(
            f"{region} needs {tokens(tail)} tokens, and the window has {budget}",
            "Name a smaller region, or raise context.step_tokens.",
        )
    touched = touched_targets(step, snapshot, region, format)
    others = [other for other, _ in touched]
    parts = _Parts(step=step, corpus=corpus, room=room - _reserved([text for _, text in touched], room), whole=room)
    parts.add_guides(touched_paths(plan) or [other.path for other in others])
    for other in others:
        parts.take(other)
    small = why_small(snapshot, target, region, is_gone=is_gone)
    if small is None and plan is not None and len(plan.steps) > 1 and parts.is_of_code and not _says_what_to_read(plan):
        parts.add_common(plan)
    stable = len(parts.text)
    if small == "names":
        listed = min(parts.room, room // LISTED_SHARE)
        parts.text += definitions_to_list(corpus, step, plan, target=target, room=listed)
    elif small is not None:
        parts.add_what_is_near(target, small)
    else:
        parts.add_what_helps(touched, stable=len(parts.text[:stable].encode()))
    left = room - len(tail.encode()) - len(parts.text.encode())
    parts.room = left if small is None else min(left, _BESIDE_SMALL)
    beside = [other for other in others if other != target]
    parts.add_other_regions(sorted(beside, key=lambda other: other.path != target.path) if small else beside)
    excerpts = (*parts.excerpts, *target_excerpt(snapshot, target))
    odd = corpus.oddities(excerpt.path for excerpt in excerpts)
    notes = [*parts.notes, *odd, *target_notes(snapshot, target, tail)]
    window = _window(step, parts.text + tail, target=target, budget=budget, excerpts=excerpts, notes=notes)
    return msgspec.structs.replace(window, stable=stable)


def tiny_window(step: Step, snapshot: Snapshot, *, region: Region, format: EditFormat) -> ContextWindow:
    """The region's lines and nothing else, for a model whose prompt is fixed. The budget is what is used.

    Raises: ContextError if the region cannot be resolved.
    """
    target, _ = shown_target(step, snapshot, region, format)
    is_there = target.path in snapshot.files
    text = lines_text(snapshot.read(target.path), target.start, target.end) if is_there else ""
    return _window(
        step,
        text,
        target=target,
        budget=tokens(text),
        excerpts=target_excerpt(snapshot, target),
        notes=target_notes(snapshot, target, text),
    )


@dataclass
class _Parts:
    """The text of a window while it is gathered, and the bytes that are left for more."""

    step: Step
    corpus: Corpus
    room: int
    whole: int
    """Bytes of the window."""
    text: str = ""
    excerpts: list[Excerpt] = field(default_factory=list[Excerpt])
    notes: list[str] = field(default_factory=list[str])
    taken: Taken = field(default_factory=Taken)

    @property
    def is_of_code(self) -> bool:
        """The step changes a file in a programming language."""
        return any(language_of(region.path) is not None for region in self.step.regions)

    @cached_property
    def reader(self) -> Reader:
        """The lines of the tree."""
        return Reader(self.corpus.snapshot)

    def take(self, target: Target) -> None:
        """Lines that will be shown at the end are not shown before."""
        entry = self.corpus.snapshot.files.get(target.path)
        if entry is not None:
            self.taken.add(target.path, target.start or 1, target.end or entry.size + 1)

    def add_guides(self, paths: Sequence[str]) -> None:
        """Guidance for all files of the plan, so that it is the same for all of its steps."""
        for guide in guides_for(self.corpus.snapshot, paths, max_bytes=min(self.room, self.whole // _GUIDE_SHARE)):
            if self._add_text(guide.section, guide.excerpt) and guide.note:
                self.notes.append(guide.note)

    def add_common(self, plan: Plan) -> None:
        """What the whole plan is about, in files that no step changes: the same bytes for every step."""
        passages = common_passages(self.corpus, plan, room=self.whole // _COMMON_SHARE, taken=self.taken)
        if sum(passage.size + passage.heading_size for passage in passages) <= self.room:
            self._extend(passages)

    def add_what_helps(self, touched: Sequence[tuple[Target, str]], *, stable: int) -> None:
        """What is told, used, checked, and stands around; `stable` bytes of the window are the same for all steps."""
        targets = [target for target, _ in touched]
        self.add_what_is_told()
        self.add_what_is_used(targets)
        if self.step.kind != "create":
            self.cap(sum(len(text.encode()) for _, text in touched), stable=stable)
        self.add_check()
        self.add_users(targets)
        self.add_ranked()

    def add_what_is_near(self, target: Target, small: Small) -> None:
        """What is told, bounded where it only helps to word, and the lines around the target."""
        room = self.room
        self.room = room if small == "few" else min(room, _TOLD_SMALL)
        told = self.room
        self.add_what_is_told()
        self.room += room - told
        first, last = lines_around(self.corpus.snapshot, target, small)
        for start, end in self.taken.gaps(target.path, first, last):
            passage = lines_passage(self.reader, target.path, start, end, reason="around")
            if passage.lines.strip() and passage.size + passage.heading_size <= self.room:
                self._extend([passage])

    def add_what_is_told(self) -> None:
        """What the plan wants to be shown, and definitions that the goal names: for these, room is kept."""
        named = self._named()
        share = self.whole // _NAMED_SHARE
        unread = (one for one in named if not self._is_read(one))
        kept = min(self.room, share, sum(self._size(one) for one in unread))
        self.room -= kept
        self._add_reads()
        self.room += kept
        found = named_lines(self.corpus, named, room=min(self.room, share), taken=self.taken)
        self._extend(joined(self.reader, found.passages))
        self.notes.extend(found.notes)

    def _named(self) -> list[Exact]:
        """Definitions that the goal names and the window does not show yet, the shortest first."""
        near = {*(region.path for region in self.step.regions), *(Region.parse(name).path for name in self.step.reads)}
        exact = exact_definitions(self.corpus, read_query(self.step.goal), near=near)
        hidden = (one for one in exact if not self.taken.overlaps(one.path, one.symbol.start, one.symbol.end))
        return sorted(hidden, key=lambda one: (one.symbol.end - one.symbol.start, one.path, one.symbol.start))

    def _size(self, one: Exact) -> int:
        """Bytes of a definition with its file's heading."""
        passage = lines_passage(self.reader, one.path, one.symbol.start, one.symbol.end, reason=REASON)
        return passage.size + passage.heading_size

    def _is_read(self, one: Exact) -> bool:
        """The plan wants the definition to be shown, by its name or with its file."""
        regions = (Region.parse(name) for name in self.step.reads)
        return any(region.path == one.path and region.symbol in (None, one.symbol.name) for region in regions)

    def _add_reads(self) -> None:
        """What the plan wants to be shown; of a file that is too large, its best chunks."""
        for name in sorted(set(self.step.reads)):
            try:
                target = resolve(self.corpus.snapshot, Region.parse(name))
            except ContextError as error:
                self.notes.append(f"{name} is left out: {error.message}")
                continue
            end = target.end or len(self.reader.lines(target.path))
            start = target.start or 1
            if not end or self.taken.covers(target.path, start, end):
                continue
            is_shown = self.taken.overlaps(target.path, start, end)
            passage = lines_passage(self.reader, target.path, start, end, reason="read")
            if not is_shown and passage.size + passage.heading_size <= self.room:
                self.taken.add(target.path, start, end)
                self._extend([passage])
                continue
            if not is_shown:
                self.notes.append(f"{name} is too large to be shown whole")
            self._extend(self._packed(self.room // 2, only={target.path}))

    def add_what_is_used(self, targets: Sequence[Target]) -> None:
        """Imports of the touched files and definitions that the lines use."""
        if (touched := self._touched(targets)) is None:
            return
        self._extend(import_passages(touched, room=self.room // _IMPORT_SHARE, taken=self.taken))
        self._extend(definition_passages(touched, room=self.room // _DEFINITION_SHARE, taken=self.taken))

    def cap(self, regions: int, *, stable: int) -> None:
        """Leave room for the rest as `regions` bytes of regions ask for it; `stable` bytes of it are used."""
        used = len(self.text.encode())
        beside = max((_TIMES_THE_REGIONS - 1) * regions - stable, _FLOOR_BYTES - regions - used, _LEAST_BESIDE)
        self.room = min(self.room, beside)

    def add_check(self) -> None:
        """The tests that the step's check names."""
        named = (one for one in checked_tests(self.corpus, self.step.check or "") if one.tests)
        for _, tests in named:
            parts = named_lines(self.corpus, tests, room=self.room // _CHECK_SHARE, taken=self.taken, reason=CHECKS)
            self._extend(joined(self.reader, parts.passages))

    def add_users(self, targets: Sequence[Target]) -> None:
        """Who uses what the lines define, and their tests."""
        if (touched := self._touched(targets)) is None:
            return
        self._extend(caller_passages(touched, tests=False, room=self.room // _CALLER_SHARE, taken=self.taken))
        self._extend(caller_passages(touched, tests=True, room=self.room, taken=self.taken))

    def _touched(self, targets: Sequence[Target]) -> Touched | None:
        there = tuple(target for target in targets if target.path in self.corpus.snapshot.files)
        return Touched(self.corpus, self.reader, there) if there else None

    def add_ranked(self) -> None:
        """What else has to do with the goal, by rank; beside files without code no code but that of files it names,
        beside code alone no documentation but what it names, and where an edit says what to read, nothing but of the
        files that it or the goal names."""
        ranking = self._ranking
        if not self.is_of_code or (self.step.reads and self.step.kind == "edit"):
            near = {Region.parse(name).path for name in (*self.step.touches, *self.step.reads)}
            written = files_written(self.corpus, read_query(self.step.goal))
            kept = (
                file
                for file in ranking.files
                if file.file in written or (file.path in near if self.is_of_code else language_of(file.path) is None)
            )
            ranking = replace(ranking, files=tuple(kept))
        elif not any(is_documentation(region.path) for region in self.step.regions):
            ranking = without_documentation(ranking, named_in=self.step.goal)
        self._extend(pack(ranking, room=self.room, taken=self.taken, style=EDITING).passages)

    def add_other_regions(self, targets: Sequence[Target]) -> None:
        """The step's other regions, as far as they fit: they are rewritten by drafts of their own."""
        for target in targets:
            if target.path not in self.corpus.snapshot.files:
                continue
            end = target.end or len(self.reader.lines(target.path))
            start = target.start or 1
            place = place_of(target.path, start, end)
            text = section(
                f"Changed in this step too: {place}", self.reader.text(target.path, start, end), path=target.path
            )
            if end and not self._add_text(text, Excerpt(path=target.path, start=start, end=end, reason="also")):
                self.notes.append(f"{place} is changed in this step too, and is left out")

    @cached_property
    def _ranking(self) -> Ranking:
        """The tree ranked for the goal and the names of what is touched and read."""
        return rank(self.corpus, "\n".join((self.step.goal, *self.step.touches, *self.step.reads)))

    def _packed(self, room: int, only: set[str]) -> Sequence[Passage]:
        return pack(self._ranking, room=room, taken=self.taken, style=EDITING, only=only).passages

    def _add_text(self, text: str, excerpt: Excerpt) -> bool:
        """Add a section if there is room for it."""
        size = len(text.encode())
        if size > self.room:
            return False
        self.taken.add(excerpt.path, excerpt.start, excerpt.end)
        self.text += text
        self.room -= size
        self.excerpts.append(excerpt)
        self.notes.extend(hidden_characters(excerpt.path, text))
        return True

    def _extend(self, passages: Sequence[Passage]) -> None:
        text = rendered(passages)
        self.text += text
        self.room -= len(text.encode())
        for passage in passages:
            self.excerpts.append(passage.excerpt)
            self.taken.add(passage.excerpt.path, passage.excerpt.start, passage.excerpt.end)
            self.notes.extend(hidden_characters(passage.excerpt.path, passage.text))


def _says_what_to_read(plan: Plan) -> bool:
    """Each of its edits names what to see beside its places: nothing has to be guessed for all of them."""
    return all(step.reads for step in plan.steps if step.kind == "edit")


def _reserved(tails: Sequence[str], room: int) -> int:
    """Bytes kept free for the regions of a step: all of them if they take less than half, else the largest."""
    sizes = [len(text.encode()) for text in tails]
    largest = max(size for size in sizes if size <= room)
    together = sum(sizes) + _HEADING_BYTES * (len(sizes) - 1)
    return together if together * 2 <= room else largest


def _window(
    step: Step,
    text: str,
    *,
    target: Target,
    budget: int,
    excerpts: tuple[Excerpt, ...],
    notes: Sequence[str],
) -> ContextWindow:
    return ContextWindow(
        step=step.id,
        text=text,
        digest=sha256_hex(text.encode()),
        excerpts=excerpts,
        target=target,
        budget=budget,
        used=tokens(text),
        notes=tuple(dict.fromkeys(notes)),
    )
