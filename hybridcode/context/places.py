"""The window of a planner that is given a draft of the plan: the places that the draft names, and no others.

Invariant: the same tree, task, places and budget give the same bytes, never above the budget. What ranks high for the
task and is not shown is named, so that a place that the draft forgot can be asked for.
"""

from collections.abc import Sequence

from hybridcode.context.corpus import Corpus
from hybridcode.context.lookup import look_up
from hybridcode.context.outline import check_room, guides_of, notes_on
from hybridcode.context.packing import FINDING, pack
from hybridcode.context.passages import Taken
from hybridcode.context.render import BYTES_PER_TOKEN, hidden_characters, lines_text, tokens
from hybridcode.context.task import read_task
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.plan import Region
from hybridcode.domain.window import ContextWindow, Excerpt
from hybridcode.repo.symbols import candidates

REASON = "draft"
_GUIDE_SHARE = 4
_OTHERS = 8
"""Places that are named beside those that are shown."""
_LOOKED_AT = 8_000
"""Bytes of the best passages that these are taken from."""
_OTHERS_BYTES = 500
_LONG = 20
"""Lines of a constant that are not read for a plan."""


def places(corpus: Corpus, *, task: str, regions: Sequence[str], budget: int) -> ContextWindow:
    """A window with `regions` (Region strings) of the tree; `budget` in tokens of four bytes.

    Of a region that has no room, what fits the task best is shown, or its head, or that it is too large. Imports, long
    constants and what is not there yet are left out where there is more: what changes there follows from the rest.

    Raises: ContextError if the tree has no files or the budget is too small for anything.
    """
    check_room(corpus, budget)
    room = budget * BYTES_PER_TOKEN
    read = read_task(corpus, task)
    guides = guides_of(corpus, read, room // _GUIDE_SHARE)
    taken = Taken()
    for guide in guides:
        taken.add(guide.path, 1, guide.end)
    text = "".join(guide.section for guide in guides)
    before = taken.copy()
    left = room - len(text.encode()) - _OTHERS_BYTES
    listed = [region for region in regions if not _says_itself(corpus, region)] or regions
    text += look_up(corpus, read=listed, search=(), budget=max(left, 0) // BYTES_PER_TOKEN, task=task, taken=taken)
    excerpts = tuple(Excerpt(path, start, end, REASON) for path, start, end in taken.since(before))
    packed = pack(read.ranking, room=_LOOKED_AT, taken=taken, style=FINDING)
    names = _names(corpus, [passage.excerpt for passage in packed.passages])
    others = f"## Near the task, not shown\n{', '.join(names[:_OTHERS])}\n"
    if names and len(text.encode()) + len(others.encode()) <= room:
        text += others
    notes = [*notes_on(corpus), *(guide.note for guide in guides if guide.note)]
    notes += corpus.oddities(one.path for one in excerpts)
    for one in excerpts:
        notes += hidden_characters(one.path, lines_text(corpus.snapshot.read(one.path), one.start, one.end))
    return ContextWindow(
        step="",
        text=text,
        digest=sha256_hex(text.encode()),
        excerpts=(*(guide.excerpt for guide in guides), *excerpts),
        target=None,
        budget=budget,
        used=tokens(text),
        notes=tuple(dict.fromkeys(notes)),
    )


def _says_itself(corpus: Corpus, region: str) -> bool:
    """Imports, a constant of many lines, or what is still to be made."""
    place, snapshot = Region.parse(region), corpus.snapshot
    if place.path not in snapshot.files:
        return True
    if place.symbol is None or snapshot.files[place.path].kind != "text":
        return False
    found = candidates(place.path, snapshot.read(place.path), place.symbol)
    return all(one.kind == "constant" and one.end - one.start >= _LONG for one in found)


def _names(corpus: Corpus, excerpts: Sequence[Excerpt]) -> list[str]:
    """Places by the name of the definition that begins in them, or the file's."""
    found: dict[str, None] = {}
    for one in excerpts:
        symbols = corpus.record(corpus.number[one.path]).symbols
        inside = next((symbol.name for symbol in symbols if one.start <= symbol.start <= one.end), "")
        found[f"{one.path}#{inside}" if inside else one.path] = None
    return list(found)
