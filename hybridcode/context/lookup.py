"""More of the tree for a planner that asks: regions to read and words to search.

Invariant: read-only, bounded, and what cannot be shown is said with the reason, for everything asked for that has room
for a line of its own. Lines that hold the words searched for are counted, shown or not.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hybridcode.context.corpus import Corpus
from hybridcode.context.margins import Margin
from hybridcode.context.packing import FINDING, pack
from hybridcode.context.passages import Reader, Taken, head_passage, rendered
from hybridcode.context.rank import rank
from hybridcode.context.regions import resolve
from hybridcode.context.render import BYTES_PER_TOKEN, excerpt_section, file_heading, section, tokens
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Region
from hybridcode.repo.lines import split_lines
from hybridcode.repo.occurrences import lines_with

_MAX_HITS = 40
_MAX_LINE_CHARS = 160
_HIT_SHARE = 2
"""Lines with the words searched for get one in so many bytes, all searches together."""
_STYLE = replace(FINDING, is_numbered=True)
_ALONE = "search for it alone, or for more of it"


def look_up(
    corpus: Corpus, *, read: Sequence[str], search: Sequence[str], budget: int, taken: Taken | None = None
) -> str:
    """For each text in `search` the lines that hold it, then each region in `read`, then the passages that fit the
    texts best, at most `budget` tokens of four bytes together. Regions that have room together
    get it before any of the rest.

    Lines in `taken` are shown already and left out; it grows by those that are shown now.
    """
    room = budget * BYTES_PER_TOKEN
    reader, taken = Reader(corpus.snapshot, Margin(corpus)), Taken() if taken is None else taken
    searches, reads = tuple(dict.fromkeys(search)), tuple(dict.fromkeys(read))
    hits = {words: _hits(corpus, words) for words in searches}
    counts = sum(len(_list(words, lines, most=0).encode()) for words, lines in hits.items())
    sizes = _sizes(reader, reads, taken)
    share = room // _HIT_SHARE
    text = _lists(hits, min(share, room - sum(sizes)) if sum(sizes) <= room - counts else share)
    text += _regions(reader, reads, sizes, room=room - len(text.encode()), taken=taken)
    for number, words in enumerate(searches):
        share = (room - len(text.encode())) // (len(searches) - number)
        text += rendered(pack(rank(corpus, words), room=share, taken=taken, style=_STYLE).passages)
    return text


def _lists(hits: Mapping[str, Sequence[str]], room: int) -> str:
    """The lines that hold each of the texts literally."""
    shares = _shares([len(_list(words, lines, most=room).encode()) for words, lines in hits.items()], room)
    found = (_list(words, lines, most=share) for (words, lines), share in zip(hits.items(), shares, strict=True))
    return "".join(_within(text, share) for text, share in zip(found, shares, strict=True))


def _hits(corpus: Corpus, words: str) -> list[str]:
    """Every line that holds the words, with its place."""
    pattern = re.compile(re.escape(words.encode()))
    return list(map(str, lines_with(pattern, corpus.snapshot, corpus.paths, most_chars=_MAX_LINE_CHARS)))


def _list(words: str, hits: Sequence[str], *, most: int) -> str:
    """As many of the lines as `most` bytes hold, or how many there are; the rest is counted."""
    heading = f"Lines with {words!r}"
    for kept in range(min(len(hits), _MAX_HITS), 0, -1):
        left = len(hits) - kept
        more = [f"({left} more lines, not shown: {_ALONE})"] if left else []
        text = section(heading, "\n".join((*hits[:kept], *more)), path="")
        if len(text.encode()) <= most:
            return text
    said = f"{len(hits)} lines, not shown: {_ALONE}" if hits else "None."
    return f"## {heading}\n{said}\n\n"


def _sizes(reader: Reader, reads: Sequence[str], taken: Taken) -> list[int]:
    """Bytes of each region, without the lines that one before it shows."""
    sizes, taken = list[int](), taken.copy()
    for name in reads:
        whole, path, gaps = _region(reader, name, taken)
        sizes.append(len(whole.encode()))
        for first, last in gaps:
            taken.add(path, first, last)
    return sizes


def _regions(reader: Reader, reads: Sequence[str], sizes: Sequence[int], *, room: int, taken: Taken) -> str:
    """The lines of each region; what one leaves of its share goes to the next."""
    text, given = "", 0
    for name, share in zip(reads, _shares(sizes, room), strict=True):
        given += share
        text += _read(reader, name, room=given - len(text.encode()), taken=taken)
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


def _read(reader: Reader, name: str, *, room: int, taken: Taken) -> str:
    text, path, gaps = _region(reader, name, taken)
    if len(text.encode()) > room:
        return _head(reader, path, gaps, room=room, taken=taken) or _within(
            f"## {name}\nIt needs {tokens(text)} tokens; name a smaller region.\n\n" if gaps else text, room
        )
    for first, last in gaps:
        taken.add(path, first, last)
    return text


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
