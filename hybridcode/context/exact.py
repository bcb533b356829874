"""Definitions that a task or a step names: their lines, and for the planner's window what their class holds.

Invariant: the same tree, task and room give the same bytes, never above the room; each named definition is there with
its signature as far as the room allows, with its body where that is short; what is cut is noted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hybridcode.context.corpus import Corpus
from hybridcode.context.margins import Margin
from hybridcode.context.mentioned import defined_in
from hybridcode.context.named import Exact
from hybridcode.context.passages import Passage, Reader, Taken, head_passage, lines_passage
from hybridcode.context.render import place_of
from hybridcode.repo.classify import reads_as_prose

REASON = "named"
_LISTED_SHARE = 4
"""What classes and modules hold gets one in so many bytes."""
_PROSE_SHARE = 4
"""Sections of documentation get one in so many bytes, all together."""
HEAD_BYTES = 500
"""Of a body that is too long to be shown."""


@dataclass
class NamedParts:
    """What a window holds of the named definitions."""

    text: str = ""
    """The lists of what classes and modules hold."""
    passages: list[Passage] = field(default_factory=list[Passage])
    notes: list[str] = field(default_factory=list[str])
    used: int = 0
    """Bytes of all of it, with a heading for each file."""


def named_parts(
    corpus: Corpus, exact: Sequence[Exact], *, modules: Sequence[str], room: int, taken: Taken
) -> NamedParts:
    """The named definitions and, of named modules, what they define, in at most `room` bytes; `taken` grows by them."""
    found = named_lines(corpus, exact, room=room, taken=taken, margin=Margin(corpus))
    owners = dict.fromkeys((one.path, _owner(one)) for one in exact if _owner(one))
    lists = [(path, owner) for path, owner in owners if not _is_shown(corpus, path, owner, taken)]
    lists += [(path, "") for path in modules]
    for number, (path, owner) in enumerate(lists):
        share = min(room - found.used, room // _LISTED_SHARE // (len(lists) - number))
        text = defined_in(corpus, path, room=share, owner=owner)
        found.text += text
        found.used += len(text.encode())
    return found


def named_lines(
    corpus: Corpus,
    exact: Sequence[Exact],
    *,
    room: int,
    taken: Taken,
    reason: str = REASON,
    margin: Margin | None = None,
) -> NamedParts:
    """The named definitions in at most `room` bytes, in their order; what one leaves of its share is there for the
    next ones. `taken` grows by them."""
    found = NamedParts()
    reader = Reader(corpus.snapshot, margin)
    prose = room // _PROSE_SHARE
    for number, one in enumerate(exact):
        share, before = (room - found.used) // (len(exact) - number), found.used
        is_text = reads_as_prose(one.path)
        share = min(share, prose) if is_text else share
        _add_lines(found, reader, one, corpus=corpus, share=share, taken=taken, reason=reason)
        prose -= found.used - before if is_text else 0
    return found


def whole_lines(
    corpus: Corpus, exact: Sequence[Exact], *, room: int, taken: Taken
) -> tuple[NamedParts, tuple[Exact, ...]]:
    """Those of the definitions that `room` bytes hold whole, in their order, and those that they do not. `taken` grows
    by the former."""
    found = NamedParts()
    left: list[Exact] = []
    for one in exact:
        more = named_lines(corpus, [one], room=room - found.used, taken=Taken(), margin=Margin(corpus))
        is_whole = not more.notes
        if not is_whole:
            left.append(one)
        elif not taken.overlaps(one.path, one.symbol.start, one.symbol.end):
            found.passages += more.passages
            found.used += more.used
            taken.add(one.path, one.symbol.start, one.symbol.end)
    return found, tuple(left)


def _owner(one: Exact) -> str:
    """The class that holds a definition, or that it is."""
    return one.symbol.name if one.symbol.kind in ("class", "interface", "enum") else one.symbol.parent


def _is_shown(corpus: Corpus, path: str, owner: str, taken: Taken) -> bool:
    symbols = corpus.record(corpus.number[path]).symbols
    return any(symbol.name == owner and taken.covers(path, symbol.start, symbol.end) for symbol in symbols)


def _add_lines(
    found: NamedParts, reader: Reader, one: Exact, *, corpus: Corpus, share: int, taken: Taken, reason: str
) -> None:
    """The lines of a definition, or the first of them."""
    symbol = one.symbol
    if taken.overlaps(one.path, symbol.start, symbol.end):
        return
    symbols = corpus.record(one.file).symbols
    within = next((other.signature for other in symbols if symbol.parent and other.name == symbol.parent), "")
    whole = lines_passage(reader, one.path, symbol.start, symbol.end, reason=reason, within=within)
    is_headed = any(other.excerpt.path == one.path for other in found.passages)
    heading = 0 if is_headed else whole.heading_size
    passage: Passage | None = whole
    if whole.size + heading > share:
        most = min(HEAD_BYTES, share - heading)
        passage = head_passage(reader, one.path, symbol.start, symbol.end, reason=reason, room=most, within=within)
    if passage is not whole:
        end = f"cut after line {passage.excerpt.end}" if passage else "left out"
        found.notes.append(f"{place_of(one.path, symbol.start, symbol.end)} is {end}")
    if passage is not None:
        found.passages.append(passage)
        found.used += passage.size + heading
        taken.add(one.path, passage.excerpt.start, passage.excerpt.end)
