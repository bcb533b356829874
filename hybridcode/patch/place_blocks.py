"""Blocks of context, deletions and additions onto one file.

Invariant: every block is placed against the file as shown, not against a half-edited one; each has exactly one
meaning or the whole file is refused; context is never written back.
"""

from collections.abc import Sequence
from itertools import pairwise

from rapidfuzz import fuzz, process

from hybridcode.patch.answer import Block, Dialect, Edits, MarkedLine
from hybridcode.patch.elide import is_plain_mark, place_stretches, stretches
from hybridcode.patch.filetext import FileText, LineEdit, depth, indentation, plain_key
from hybridcode.patch.ground import Ground
from hybridcode.patch.match import Hit, Level, hits, positions, similar_hits
from hybridcode.patch.near import near_lines
from hybridcode.patch.refusing import ASK_FOR_MORE_CONTEXT, COPY_EXACTLY, NO_ELISION, Refused

Placing = tuple[LineEdit, ...]

_LEAVE_IT_OUT = "Leave it out; it needs no change."
_TELLING_LINES = 3
"""Fewer finished lines may stand in a file by chance."""
_CLOSE = 70.0
_MOST_COMPARED = 20
_MAX_PLACES = 500
"""A block that still fits more places than this is refused at once."""
_MOST_CHOICES = 20_000
"""Places of all blocks together, beyond which no order of theirs is looked for."""
_MAX_TWINS = 40
"""More places than this are never compared by the text they would give."""


def place_blocks(file: FileText, edits: Edits, *, region: tuple[int, int] | None = None) -> list[LineEdit]:
    """The line edits that `edits` mean on `file`.

    `region` (0-based, end excluded) decides between places that are equal otherwise. Raises: Refused.
    """
    _refuse_added_marks(file, edits)
    ground = Ground(file=file, edits=edits, region=region)
    choices: list[list[Placing]] = []
    for number, readings in enumerate(edits.readings):
        choices.append(_place_readings(ground, readings, number))
        unclear = len(choices[-1]) > 1
        total = sum(map(len, choices)) if unclear else 0
        if unclear and (edits.dialect in ("blocks", "json") or total > _MOST_CHOICES):
            raise Refused(f"the lines stand in {len(choices[-1])} places", advice=ASK_FOR_MORE_CONTEXT, hunk=number)
    placings = _in_order(choices, dialect=edits.dialect)
    return _combined(placings)


def _refuse_added_marks(file: FileText, edits: Edits) -> None:
    if any(is_plain_mark(line) for line in file.lines):
        return
    for number, readings in enumerate(edits.readings):
        for line in readings[0].lines:
            if line.mark == "+" and is_plain_mark(line.text):
                raise Refused(f"lines are left out at {line.text.strip()!r}", advice=NO_ELISION, hunk=number)


def _place_readings(ground: Ground, readings: Sequence[Block], number: int) -> list[Placing]:
    """Every place of the one reading that fits. Raises: Refused."""
    fitting: list[list[Placing]] = []
    first: Refused | None = None
    for block in [block for block in readings if block.is_marked_alike] or readings:
        try:
            fitting.append(_places(ground, block))
        except Refused as refused:
            first = first or refused
    if len(fitting) > 1:
        raise Refused("the block can be divided in several ways", advice=ASK_FOR_MORE_CONTEXT, hunk=number)
    if not fitting and first is not None:
        first.hunk = number
        raise first
    return fitting[0]


def _places(ground: Ground, block: Block) -> list[Placing]:
    """All places that can be defended for one block. Raises: Refused."""
    file = ground.file
    if not block.old and not file.lines:
        return [(LineEdit(0, 0, block.new),)]
    if not any(text.strip() for text in block.old):
        return [_edits_at(ground, block.lines, _by_number(ground, block))]
    found = ground.hits(block.lines)
    if not found and block.lines[-1] == MarkedLine(" ", ""):
        found = _at_the_end(file, block)
    if not found:
        if parts := stretches(block.lines):
            return [_elided(ground, parts)]
        found = [_similar(file, block)]
    if block.is_pure_insertion:
        _refuse_second_helping(ground, block, found)
    narrowed = _narrowed(ground, block, found)
    if len(narrowed) > _MAX_PLACES:
        raise Refused(f"the lines stand in {len(narrowed)} places", advice=ASK_FOR_MORE_CONTEXT)
    return [_edits_at(ground, block.lines, hit) for hit in narrowed]


def _by_number(ground: Ground, block: Block) -> Hit:
    """Where blank context stands by the header's line number. Raises: Refused if nothing proves that number."""
    if ground.numbers_are_right and block.has_right_counts and block.old:
        found = [hit for hit in ground.hits(block.lines) if hit.at + 1 == block.at and hit.level == Level.EXACT]
        if found:
            return found[0]
    raise Refused("nothing shows where the new lines belong", advice=ASK_FOR_MORE_CONTEXT)


def _at_the_end(file: FileText, block: Block) -> list[Hit]:
    """Places at the file's end for a block whose last context is blank lines that the file does not have."""
    lines = list(block.lines)
    while lines and lines[-1] == MarkedLine(" ", ""):
        lines.pop()
    height = sum(line.mark != "+" for line in lines)
    return [hit for hit in hits(file, lines) if hit.at + height == len(file.lines)] if height else []


def _similar(file: FileText, block: Block) -> Hit:
    if any(line.mark == "+" for line in block.lines) and _stands_already(file, block):
        is_already = _tells(file, block) or not _comes_close(file, block)
        raise Refused("the change is already in the file", advice=_LEAVE_IT_OUT, is_already=is_already)
    found = similar_hits(file, block.lines)
    if len(found) > 1:
        raise Refused(
            f"the lines are not in the file, and {len(found)} places come close",
            advice=COPY_EXACTLY,
            near=near_lines(file, block.old),
        )
    if not found:
        raise Refused("the lines to change are not in the file", advice=COPY_EXACTLY, near=near_lines(file, block.old))
    return found[0]


def _tells(file: FileText, block: Block) -> bool:
    """The finished lines are too many to stand in the file by chance, and stand there once."""
    return sum(bool(text.strip()) for text in block.new) >= _TELLING_LINES and len(positions(file, block.new)) == 1


def _comes_close(file: FileText, block: Block) -> bool:
    """A line of the file, other than the finished ones, may be one of those to delete."""
    deleted = [line.text.strip() for line in block.lines if line.mark == "-" and line.text.strip()]
    finished = {text.strip() for text in block.new}
    others = [text for line in file.lines if (text := line.strip()) and text not in finished]
    return any(
        process.extractOne(text, others, scorer=fuzz.ratio, score_cutoff=_CLOSE) for text in deleted[:_MOST_COMPARED]
    )


def _refuse_second_helping(ground: Ground, block: Block, found: Sequence[Hit]) -> None:
    """Raises: Refused if the insertion was made before, at its place or (a block with context) anywhere."""
    if all(_stands_already(ground.file, block, at=hit.at) for hit in found):
        raise Refused("the change is already in the file", advice=_LEAVE_IT_OUT, is_already=True)
    is_numbered = block.has_right_counts and any(hit.at + 1 == block.at for hit in found)
    if not is_numbered and len(block.old) >= 3 and _stands_already(ground.file, block):
        raise Refused(
            "the finished lines stand elsewhere in the file already",
            advice="Leave the block out, or replace a line instead of only adding some.",
        )


def _stands_already(file: FileText, block: Block, *, at: int | None = None) -> bool:
    """The block's finished lines stand in the file; with `at`, over the place where its old lines stand."""
    if not any(text.strip() for text in block.new):
        return False
    starts = positions(file, block.new)
    if at is None:
        return bool(starts)
    return any(start < at + len(block.old) and at < start + len(block.new) for start in starts)


def _narrowed(ground: Ground, block: Block, found: list[Hit]) -> list[Hit]:
    """Fewer places by evidence other than the lines: same result, the region asked for, the scope, the line number."""
    if len(found) == 1:
        return found
    if len(found) <= _MAX_TWINS:
        texts = {ground.file.with_edits(_edits_at(ground, block.lines, hit)) for hit in found}
        if len(texts) == 1:
            return found[:1]
    if ground.region is not None:
        start, end = ground.region
        found = _if_one([hit for hit in found if start <= hit.at and hit.at + len(block.old) <= end], found)
    if block.section is not None and ground.dialect == "envelope":
        scope = _scope(ground.file, block.section)
        found = _if_one([hit for hit in found if scope and scope[0] <= hit.at < scope[1]], found)
    if block.at is not None and ground.dialect == "diff" and block.has_right_counts:
        found = _if_one([hit for hit in found if hit.at == (block.at or 0) - 1], found)
    return found


def _if_one(fewer: list[Hit], others: list[Hit]) -> list[Hit]:
    return fewer if len(fewer) == 1 else others


def _scope(file: FileText, section: str) -> tuple[int, int] | None:
    """Lines (0-based, end excluded) below the one line equal to `section`, while they are indented deeper."""
    key = plain_key(section)
    heads = [number for number, (first, _) in enumerate(file.keys) if first == key]
    if len(heads) != 1:
        return None
    head = heads[0]
    outer = depth(file.lines[head])
    for number in range(head + 1, len(file.lines)):
        line = file.lines[number]
        if line.strip() and depth(line) <= outer and line.strip()[0] not in ")]}":
            return head, number
    return head, len(file.lines)


def _elided(ground: Ground, parts: Sequence[tuple[MarkedLine, ...]]) -> Placing:
    placed = place_stretches(ground.file, parts)
    return tuple(edit for part, hit in placed for edit in _edits_at(ground, part, hit))


def _edits_at(ground: Ground, lines: Sequence[MarkedLine], hit: Hit) -> Placing:
    """The block as line edits at its place; context lines only move the place on."""
    shows = any(indentation(line.text) and line.text.strip() for line in lines if line.mark != "+")
    is_indented = any(indentation(line.text) for line in lines if line.mark == "+")
    learned = ground.learned if is_indented and not shows and hit.rule.is_identity else None
    edits: list[LineEdit] = []
    at = start = hit.at
    added: list[str] = []
    for line in (*lines, MarkedLine(" ", "")):
        if line.mark == "-":
            at += 1
        elif line.mark == "+":
            added.append(learned.apply(line.text) if learned is not None else _indented(ground, line.text, hit))
        else:
            if at > start or added:
                edits.append(LineEdit(start, at, tuple(added)))
                added = []
            at += 1
            start = at
    return tuple(edits)


def _indented(ground: Ground, text: str, hit: Hit) -> str:
    knows_nothing = hit.rule.is_blind or hit.level < Level.INDENTATION
    if not (knows_nothing and ground.file.is_foreign_indent(text)):
        return hit.rule.apply(text)
    if ground.foreign is None:
        raise Refused("nothing shows how an added line is indented", advice="Indent added lines as the file does.")
    return ground.foreign.apply(text)


def _in_order(choices: Sequence[list[Placing]], *, dialect: Dialect) -> list[Placing]:
    """One place for each block. The blocks of a diff come in order, which can decide between places."""
    unclear = next((number for number, places in enumerate(choices) if len(places) > 1), None)
    if unclear is None:
        return [places[0] for places in choices]
    refused = Refused(f"the lines stand in {len(choices[unclear])} places", advice=ASK_FOR_MORE_CONTEXT, hunk=unclear)
    fixed = [places[0][0].start for places in choices if len(places) == 1]
    if dialect in ("blocks", "json") or fixed != sorted(fixed):
        raise refused
    readings = _ordered_readings(choices)
    if len(readings) != 1:
        raise refused
    return readings[0]


def _ordered_readings(choices: Sequence[list[Placing]]) -> list[list[Placing]]:
    """Ways to pick one place for each block with rising lines: all of them if there is one, else any two."""
    earliest: list[Placing] = []
    line = 0
    for places in choices:
        fitting = [place for place in places if place[0].start >= line]
        if not fitting:
            return []
        earliest.append(min(fitting, key=lambda place: place[0].start))
        line = earliest[-1][-1].end
    latest: list[Placing] = []
    line = None
    for places in reversed(choices):
        fitting = [place for place in places if line is None or place[-1].end <= line]
        if not fitting:
            return []
        latest.append(max(fitting, key=lambda place: place[0].start))
        line = latest[-1][0].start
    latest.reverse()
    return [earliest] if earliest == latest else [earliest, latest]


def _combined(placings: Sequence[Placing]) -> list[LineEdit]:
    """All line edits. Raises: Refused if two blocks insert at one place or overlap.

    So do equal ones: of two places that look alike one was changed, and both blocks found the other.
    """
    edits = sorted((edit for placing in placings for edit in placing), key=lambda edit: (edit.start, edit.end))
    for first, second in pairwise(edits):
        insert_twice = first.start == first.end == second.start == second.end
        if insert_twice or second.start < first.end:
            raise Refused("two blocks change the same lines", advice="Write one block for lines that overlap.")
    return edits
