"""More of the tree for a planner that asks: regions to read and words to search.

Invariant: read-only, bounded, and what cannot be shown is said with the reason, for everything asked for that has room
for a line of its own. Lines that hold the words searched for are counted, shown or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from hybridcode.context.corpus import Corpus
from hybridcode.context.cutting import best_passages
from hybridcode.context.exact import named_lines
from hybridcode.context.margins import Margin
from hybridcode.context.mentioned import defined_in
from hybridcode.context.packing import FINDING, pack
from hybridcode.context.passages import Reader, Taken, head_passage, joined, rendered
from hybridcode.context.rank import Ranking, rank
from hybridcode.context.regions import resolve
from hybridcode.context.render import BYTES_PER_TOKEN, excerpt_section, file_heading, tokens
from hybridcode.context.searching import Search, place_in
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Region
from hybridcode.repo.lines import split_lines

_SEARCH_SHARE = 4
"""What is read leaves one in so many bytes for searches, if they need it."""
_DEFINITION_SHARE = 3
_DEFINITION_BYTES = 1_200
"""A definition that is searched for by name is whole up to so many bytes, else shown by its head."""
_OUTLINE_SHARE = 4
_LEAST_OUTLINED = 1_600
"""Bytes of room in which a file that is too large has its definitions listed, too."""
_BESIDE_HITS = 2
"""Where lines hold the words, passages that fit them get one in so many bytes of what is left."""
_MOST_GAPS = 6
_GAPS_BYTES = 120
"""Stretches that are named of what did not fit."""
_STYLE = replace(FINDING, least=8, prose=25, is_numbered=True)


def look_up(
    corpus: Corpus,
    *,
    read: Sequence[str],
    search: Sequence[str],
    budget: int,
    task: str = "",
    taken: Taken | None = None,
) -> str:
    """Each region in `read`, whole where all of them have room together; for each text in `search` what the file that
    it names defines, the definition of that name, the lines that hold it and, for other words, passages that fit
    them; at most `budget` tokens of four bytes.

    Of a region that is too large, what fits `task` and the texts best. Lines in `taken` are shown already and left
    out; it grows by those that are shown now.
    """
    room = budget * BYTES_PER_TOKEN
    reader, taken = Reader(corpus.snapshot, Margin(corpus)), Taken() if taken is None else taken
    searches = [Search(corpus, words) for words in dict.fromkeys(search)]
    named = (place_in(corpus, name) or _home(corpus, name) for name in read)
    reads = tuple(dict.fromkeys((*named, *(one.region for one in searches if one.region))))
    searches = [one for one in searches if not one.region]
    wanted = "\n".join((task, *(one.words for one in searches))).strip()
    asked = _Asked(corpus, reader, taken, wanted)
    sizes = _sizes(reader, reads, taken)
    kept = min(room // _SEARCH_SHARE, sum(len(one.listed(most=room).encode()) for one in searches))
    if sum(sizes) <= room - sum(len(one.counted.encode()) for one in searches):
        kept = min(kept, room - sum(sizes))
    text = _regions(asked, reads, sizes, room=room - kept)
    text += _searched(asked, searches, room=room - len(text.encode()))
    return text


def _home(corpus: Corpus, name: str) -> str:
    """The place of a definition that is asked for without its file."""
    one = Search(corpus, name).definition
    return f"{one.path}#{one.symbol.name}" if one is not None else name


@dataclass(frozen=True)
class _Asked:
    """What is looked at, and what for."""

    corpus: Corpus
    reader: Reader
    taken: Taken
    wanted: str
    """What a region that is too large is looked through for; empty: it is shown from its start."""

    @cached_property
    def ranking(self) -> Ranking | None:
        """How the tree fits it."""
        return rank(self.corpus, self.wanted) if self.wanted else None


def _searched(asked: _Asked, searches: Sequence[Search], *, room: int) -> str:
    """What the texts find."""
    sizes = [len(one.listed(most=room).encode()) for one in searches]
    kept = min(room, sum(sizes))
    text = "".join(one.outlines(room=(room - kept) // len(searches)) for one in searches)
    text += _definitions(asked, searches, room=(room - len(text.encode()) - kept) // _DEFINITION_SHARE)
    shares = _shares(sizes, room - len(text.encode()))
    text += "".join(one.listed(most=share) for one, share in zip(searches, shares, strict=True))
    others = [one for one in searches if one.definition is None and not one.files]
    for number, one in enumerate(others):
        share = (room - len(text.encode())) // (len(others) - number) // (_BESIDE_HITS if one.hits.number else 1)
        text += rendered(pack(rank(asked.corpus, one.words), room=share, taken=asked.taken, style=_STYLE).passages)
    return text


def _definitions(asked: _Asked, searches: Sequence[Search], *, room: int) -> str:
    """The definitions that are searched for by name, those that are long by their heads."""
    exact = tuple(dict.fromkeys(one.definition for one in searches if one.definition is not None))
    room = min(room, _DEFINITION_BYTES * len(exact))
    found = named_lines(asked.corpus, exact, room=room, taken=asked.taken, margin=asked.reader.margin)
    text = rendered(joined(asked.reader, found.passages))
    said = "".join(f"{note}\n\n" for note in found.notes)
    return text + _within(said, room - len(text.encode()))


def _sizes(reader: Reader, reads: Sequence[str], taken: Taken) -> list[int]:
    """Bytes of each region, without the lines that one before it shows."""
    sizes, taken = list[int](), taken.copy()
    for name in reads:
        whole, path, gaps = _region(reader, name, taken)
        sizes.append(len(whole.encode()))
        for first, last in gaps:
            taken.add(path, first, last)
    return sizes


def _regions(asked: _Asked, reads: Sequence[str], sizes: Sequence[int], *, room: int) -> str:
    """The lines of each region; what one leaves of its share goes to the next."""
    text, given = "", 0
    for name, share in zip(reads, _shares(sizes, room), strict=True):
        given += share
        text += _read(asked, name, room=given - len(text.encode()))
    return text


def _region(reader: Reader, name: str, taken: Taken) -> tuple[str, str, list[tuple[int, int]]]:
    """What of a region is not shown yet, as text, as path and lines; without lines, why there is nothing to show."""
    try:
        target = resolve(reader.snapshot, Region.parse(name))
    except ContextError as error:
        return f"## {name}\n{error.message}. {error.hint}\n\n", "", []
    data = reader.snapshot.read(target.path)
    start, end = target.start or 1, target.end or len(split_lines(data))
    gaps = taken.gaps(target.path, start, end) if start <= end else [(start, end)]
    if not gaps:
        return f"## {name}\nIts lines are shown above.\n\n", target.path, []
    return "".join(_excerpt(reader, target.path, first, last) for first, last in gaps), target.path, gaps


def _excerpt(reader: Reader, path: str, first: int, last: int) -> str:
    is_numbered = reader.margin is not None and reader.margin.is_wanted(path, first, last)
    return excerpt_section(path, reader.snapshot.read(path), first, last, is_numbered=is_numbered)


def _read(asked: _Asked, name: str, *, room: int) -> str:
    reader, taken = asked.reader, asked.taken
    text, path, gaps = _region(reader, name, taken)
    if len(text.encode()) > room:
        cut = _best(asked, name, path, gaps, room=room) or _head(reader, path, gaps, room=room, taken=taken)
        return cut or _within(
            f"## {name}\nIt needs {tokens(text)} tokens; name a smaller region.\n\n" if gaps else text, room
        )
    for first, last in gaps:
        taken.add(path, first, last)
    return text


def _best(asked: _Asked, name: str, path: str, gaps: Sequence[tuple[int, int]], *, room: int) -> str:
    """What a region that is too large defines, those of its lines that fit best what is looked for, and which it
    leaves out; "" where none do."""
    if asked.ranking is None or not gaps or not path:
        return ""
    outlined = ""
    if room >= _LEAST_OUTLINED:
        owner = Region.parse(name).symbol or ""
        outlined = defined_in(asked.corpus, path, room=room // _OUTLINE_SHARE, owner=owner)
    left = room - len(outlined.encode()) - _GAPS_BYTES
    passages = best_passages(asked.reader, asked.ranking, path, gaps, room=left)
    if not passages:
        return ""
    for passage in passages:
        asked.taken.add(path, passage.excerpt.start, passage.excerpt.end)
    return outlined + rendered(passages) + _not_shown(path, gaps, asked.taken)


def _not_shown(path: str, gaps: Sequence[tuple[int, int]], taken: Taken) -> str:
    """The lines of a region that did not fit."""
    left = [gap for first, last in gaps for gap in taken.gaps(path, first, last)]
    for most in range(min(len(left), _MOST_GAPS), 0, -1):
        named = ", ".join(f"L{first}-{last}" for first, last in left[:most])
        text = f"{path}#{named}{_and_more(left[most:])} did not fit.\n\n"
        if len(text.encode()) <= _GAPS_BYTES:
            return text
    return ""


def _and_more(gaps: Sequence[tuple[int, int]]) -> str:
    lines = sum(last - first + 1 for first, last in gaps)
    return f" and {lines} more lines" if lines else ""


def _head(reader: Reader, path: str, gaps: Sequence[tuple[int, int]], *, room: int, taken: Taken) -> str:
    """The first of these lines, as far as they fit, and which of them do not; "" if there is no room for one."""
    text, end = "", gaps[-1][1] if gaps else 0
    room -= len(_rest(path, end, end).encode())
    for first, last in gaps:
        left = room - len(text.encode())
        whole = _excerpt(reader, path, first, last)
        if len(whole.encode()) <= left:
            text += whole
            taken.add(path, first, last)
            continue
        heading = file_heading(path)
        head = head_passage(reader, path, first, last, reason="asked", room=left - len(heading.encode()))
        if head is None:
            return text + _rest(path, first, end) if text else ""
        text += heading + head.text
        taken.add(path, head.excerpt.start, head.excerpt.end)
        if head.excerpt.end < last:
            return text + _rest(path, head.excerpt.end + 1, end)
    return text


def _rest(path: str, start: int, end: int) -> str:
    return f"{path}#L{start}-{end} did not fit.\n\n"


def _shares(sizes: Sequence[int], room: int) -> list[int]:
    """Room for each: what it needs, or else as much as any other gets that needs more."""
    shares = [0] * len(sizes)
    for number, at in enumerate(sorted(range(len(sizes)), key=lambda at: sizes[at])):
        shares[at] = min(sizes[at], room // (len(sizes) - number))
        room -= shares[at]
    return shares


def _within(text: str, room: int) -> str:
    return text if len(text.encode()) <= room else ""
