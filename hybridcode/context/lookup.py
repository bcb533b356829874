"""More of the tree for a planner that asks: regions to read and words to search.

Invariant: read-only, bounded, and what cannot be shown is said with the reason.
"""

from collections.abc import Sequence

from hybridcode.context.corpus import Corpus
from hybridcode.context.packing import FINDING, pack
from hybridcode.context.passages import Taken, rendered
from hybridcode.context.rank import rank
from hybridcode.context.regions import resolve
from hybridcode.context.render import BYTES_PER_TOKEN, excerpt_section, section, tokens
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Region
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot

_MAX_HITS = 40
_MAX_LINE_CHARS = 160
_HIT_SHARE = 4


def look_up(
    corpus: Corpus, *, read: Sequence[str], search: Sequence[str], budget: int, taken: Taken | None = None
) -> str:
    """Sections for each region in `read` and each text in `search`, at most `budget` tokens of four bytes together.

    Lines in `taken` are shown already and left out; it grows by those that are shown now.
    """
    room = budget * BYTES_PER_TOKEN
    taken = Taken() if taken is None else taken
    parts: list[str] = []
    for name in dict.fromkeys(read):
        text = _read(corpus.snapshot, name, room=room, taken=taken)
        room -= len(text.encode())
        parts.append(text)
    for words in dict.fromkeys(search):
        text = _search(corpus, words, room=room, taken=taken)
        room -= len(text.encode())
        parts.append(text)
    return "".join(parts)


def _read(snapshot: Snapshot, name: str, *, room: int, taken: Taken) -> str:
    try:
        target = resolve(snapshot, Region.parse(name))
    except ContextError as error:
        return _within(f"## {name}\n{error.message}. {error.hint}\n\n", room)
    data = snapshot.read(target.path)
    start, end = target.start or 1, target.end or len(split_lines(data))
    gaps = taken.gaps(target.path, start, end) if start <= end else [(start, end)]
    if not gaps:
        return _within(f"## {name}\nIts lines are shown above.\n\n", room)
    text = "".join(excerpt_section(target.path, data, first, last) for first, last in gaps)
    if len(text.encode()) > room:
        return _within(f"## {name}\nIt needs {tokens(text)} tokens; name a smaller region.\n\n", room)
    for first, last in gaps:
        taken.add(target.path, first, last)
    return text


def _search(corpus: Corpus, words: str, *, room: int, taken: Taken) -> str:
    """Lines that hold the words literally, then the passages that fit them best."""
    ranking = rank(corpus, words)
    hits: list[str] = []
    for path in corpus.paths:
        data = corpus.snapshot.read(path)
        if words.encode() not in data:
            continue
        for number, line in enumerate(split_lines(data), 1):
            if words.encode() in line and len(hits) < _MAX_HITS:
                hits.append(f"{path}:{number}: {line.decode('utf-8', 'replace').strip()[:_MAX_LINE_CHARS]}")
    while hits and len(section(f"Lines with {words!r}", "\n".join(hits), path="").encode()) > room // _HIT_SHARE:
        hits.pop()
    listed = section(f"Lines with {words!r}", "\n".join(hits), path="") if hits else ""
    packed = pack(ranking, room=room - len(listed.encode()), taken=taken, style=FINDING)
    found = listed + rendered(packed.passages)
    return found or _within(f"## Lines with {words!r}\nNone.\n\n", room)


def _within(text: str, room: int) -> str:
    return text if len(text.encode()) <= room else ""
