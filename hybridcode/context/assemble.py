"""The window of one draft: what stays the same first, the lines to rewrite last.

Invariant: everything before the step's own regions depends on the step, the tree and the budget alone, so that all
drafts of a step share it; the window never exceeds its budget; the same inputs give the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hybridcode.context.excerpts import Passage, Taken, definition_passages, ranked_passages
from hybridcode.context.guides import guides_for
from hybridcode.context.rank import Ranking, rank
from hybridcode.context.regions import resolve
from hybridcode.context.render import (
    BYTES_PER_TOKEN,
    excerpt_section,
    hidden_characters,
    lines_text,
    place_of,
    section,
    target_section,
    tokens,
)
from hybridcode.context.terms import identifiers
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.window import ContextWindow, EditFormat, Excerpt, Target
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot

_GUIDE_SHARE = 8
_DEFINITION_SHARE = 2
"""A part of 1/8 for guidance, of 1/2 of what reads leave for definitions."""
_SHORTEST_NAME = 3
_HEADING_BYTES = 24
"""A region's heading is at most this much longer when it is not the target."""


def assemble(step: Step, snapshot: Snapshot, *, region: Region, budget: int, format: EditFormat) -> ContextWindow:
    """The window for drafting `region` of `step`; `budget` in tokens of four bytes.

    Raises: ContextError if the region cannot be resolved or does not fit into the budget.
    """
    target, tail = _target(step, snapshot, region, format)
    room = budget * BYTES_PER_TOKEN
    if len(tail.encode()) > room:
        raise ContextError(
            f"{region} needs {tokens(tail)} tokens, and the window has {budget}",
            "Name a smaller region, or raise context.step_tokens.",
        )
    touched = _touched(step, snapshot, region, format)
    parts = _Parts(step=step, snapshot=snapshot, room=room - _reserved([text for _, text in touched], room))
    parts.add_guides([other.path for other, _ in touched])
    for other, _ in touched:
        parts.take(other)
    parts.add_reads()
    parts.add_definitions([other for other, _ in touched])
    parts.add_ranked()
    parts.room = room - len(tail.encode()) - sum(passage.size for passage in parts.passages)
    parts.add_other_regions([other for other, _ in touched if other != target])
    notes = [*parts.notes, *_target_notes(snapshot, target, tail)]
    excerpts = (*(passage.excerpt for passage in parts.passages), *_target_excerpt(snapshot, target))
    text = "".join(passage.section for passage in parts.passages) + tail
    return _window(step, text, target=target, budget=budget, excerpts=excerpts, notes=notes)


def tiny_window(step: Step, snapshot: Snapshot, *, region: Region, format: EditFormat) -> ContextWindow:
    """The region's lines and nothing else, for a model whose prompt is fixed. The budget is what is used.

    Raises: ContextError if the region cannot be resolved.
    """
    target, _ = _target(step, snapshot, region, format)
    is_there = target.path in snapshot.files
    text = lines_text(snapshot.read(target.path), target.start, target.end) if is_there else ""
    return _window(
        step,
        text,
        target=target,
        budget=tokens(text),
        excerpts=_target_excerpt(snapshot, target),
        notes=_target_notes(snapshot, target, text),
    )


@dataclass
class _Parts:
    """The passages of a window while they are gathered, and the bytes that are left for more."""

    step: Step
    snapshot: Snapshot
    room: int
    passages: list[Passage] = field(default_factory=list[Passage])
    notes: list[str] = field(default_factory=list[str])
    taken: Taken = field(default_factory=lambda: Taken(ranges={}))

    def take(self, target: Target) -> None:
        """Lines that will be shown at the end are not shown before."""
        entry = self.snapshot.files.get(target.path)
        if entry is not None:
            self.taken.add(target.path, target.start or 1, target.end or entry.size + 1)

    def add_guides(self, paths: Sequence[str]) -> None:
        for guide in guides_for(self.snapshot, paths, max_bytes=self.room // _GUIDE_SHARE):
            text = section(f"Guidance: {guide.path}", guide.text, path=guide.path)
            self._add(guide.path, 1, guide.end, reason="guide", text=text)
            if guide.end < guide.total:
                self.notes.append(f"{guide.path} is cut after line {guide.end} of {guide.total}")

    def add_reads(self) -> None:
        """What the plan wants to be shown; of a file that is too large, its best chunks."""
        for name in sorted(set(self.step.reads)):
            try:
                target = resolve(self.snapshot, Region.parse(name))
            except ContextError as error:
                self.notes.append(f"{name} is left out: {error.message}")
                continue
            data = self.snapshot.read(target.path)
            start, end = target.start or 1, target.end or len(split_lines(data))
            is_shown = self.taken.overlaps(target.path, start, end)
            text = excerpt_section(target.path, data, start, end)
            if end and not is_shown and self._add(target.path, start, end, reason="read", text=text):
                continue
            if not is_shown:
                self.notes.append(f"{name} is too large to be shown whole")
            self._add_best_of(target.path)

    def _add_best_of(self, path: str) -> None:
        """The best chunks of one file that are not shown yet, in half of the room."""
        self._extend(ranked_passages(self.snapshot, self._ranking, room=self.room // 2, taken=self.taken, only={path}))

    def add_definitions(self, targets: Sequence[Target]) -> None:
        """Definitions that the touched lines use."""
        there = [target for target in targets if target.path in self.snapshot.files]
        texts = [lines_text(self.snapshot.read(target.path), target.start, target.end) for target in there]
        used = {name for text in texts for name in identifiers(text) if len(name) >= _SHORTEST_NAME}
        self._extend(
            definition_passages(
                self.snapshot,
                self._ranking.records,
                names=used,
                home={target.path for target in there},
                room=self.room // _DEFINITION_SHARE,
                taken=self.taken,
            )
        )

    def add_ranked(self) -> None:
        """What else has to do with the goal, by rank."""
        self._extend(ranked_passages(self.snapshot, self._ranking, room=self.room, taken=self.taken))

    def add_other_regions(self, targets: Sequence[Target]) -> None:
        """The step's other regions, as far as they fit: they are rewritten by drafts of their own."""
        for target in targets:
            if target.path not in self.snapshot.files:
                continue
            data = self.snapshot.read(target.path)
            start, end = target.start or 1, target.end or len(split_lines(data))
            place = place_of(target.path, start, end)
            text = section(f"Changed in this step too: {place}", lines_text(data, start, end), path=target.path)
            if end and not self._add(target.path, start, end, reason="also", text=text):
                self.notes.append(f"{place} is changed in this step too, and is left out")

    @cached_property
    def _ranking(self) -> Ranking:
        """The tree ranked for the goal and the names of what is touched and read."""
        return rank(self.snapshot, "\n".join((self.step.goal, *self.step.touches, *self.step.reads)))

    def _add(self, path: str, start: int, end: int, *, reason: str, text: str) -> bool:
        """Add a passage if there is room for it."""
        passage = Passage(excerpt=Excerpt(path=path, start=start, end=end, reason=reason), section=text)
        if passage.size > self.room:
            return False
        self.taken.add(path, start, end)
        self._extend([passage])
        return True

    def _extend(self, passages: Sequence[Passage]) -> None:
        for passage in passages:
            self.passages.append(passage)
            self.room -= passage.size
            self.notes.extend(hidden_characters(passage.excerpt.path, passage.section))


def _target(step: Step, snapshot: Snapshot, region: Region, wanted: EditFormat) -> tuple[Target, str]:
    """The target of a draft and how it is shown. A step that creates its file has nothing to show."""
    if step.kind == "create" and region.path not in snapshot.files:
        target = Target(path=region.path, format="whole")
        return target, target_section(target, None)
    target = resolve(snapshot, region, format=wanted)
    data = snapshot.read(target.path)
    shown = b"".join(split_lines(data)[(target.start or 1) - 1 : target.end])
    try:
        shown.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContextError(f"{region} is not UTF-8", "Convert the file first, or name lines that are.") from error
    return target, target_section(target, data)


def _touched(step: Step, snapshot: Snapshot, region: Region, wanted: EditFormat) -> list[tuple[Target, str]]:
    """All regions of the step that can be shown, in the plan's order, without repetitions."""
    found: dict[Target, str] = {}
    for other in dict.fromkeys((*step.regions, region)):
        try:
            target, text = _target(step, snapshot, other, wanted)
        except ContextError:
            if other == region:
                raise
            continue
        found.setdefault(target, text)
    return list(found.items())


def _reserved(tails: Sequence[str], room: int) -> int:
    """Bytes kept free for the regions of a step: all of them if they take less than half, else the largest."""
    sizes = [len(text.encode()) for text in tails]
    largest = max(size for size in sizes if size <= room)
    together = sum(sizes) + _HEADING_BYTES * (len(sizes) - 1)
    return together if together * 2 <= room else largest


def _target_excerpt(snapshot: Snapshot, target: Target) -> tuple[Excerpt, ...]:
    if target.path not in snapshot.files:
        return ()
    end = target.end or len(split_lines(snapshot.read(target.path)))
    return (Excerpt(path=target.path, start=target.start or 1, end=end, reason="target"),)


def _target_notes(snapshot: Snapshot, target: Target, text: str) -> list[str]:
    notes = list(hidden_characters(target.path, text))
    if target.path in snapshot.files and b"\r\n" in snapshot.read(target.path):
        notes.append(f"{target.path} has CRLF line ends; they are shown as LF and kept")
    return notes


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
