"""Regions that an empty answer deletes, and the blank lines that would be too many after a definition is gone.

Invariant: no region is deleted but where sentences of the goal say that all definitions of it, or its lines, go; of the
blank lines around what goes those of one side stay, and no others are touched.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from hybridcode.patch.answer import Block
from hybridcode.patch.filetext import FileText, LineEdit, plain_key
from hybridcode.patch.goes import OF_SOMETHING_ELSE, goes, telling_sentences
from hybridcode.patch.terms import Terms
from hybridcode.repo.symbols import Symbol, outline

_WORD = re.compile(r"[^\W\d]\w+|\d[\w.]*\w")
_SAY_NOTHING = frozenset(
    ("as", "by", "else", "for", "from", "if", "import", "in", "is", "not", "of", "or", "the", "to")
)
_FEW_LINES = 6
_SETS = re.compile(r"(?:(?:const|let|var)\s+)?(\w+)\s*(?::[^=]+)?=(?!=)")
_LINES = re.compile(r"(?<!\w)(?:lines?\s+|L)(\d+)(?:\s*(?:-|–|to|through)\s*L?(\d+))?(?!\w)", re.IGNORECASE)
_THESE = re.compile(
    r"\b(?:these|those|both|all (?:of )?(?:the|these|those)|the whole)\s+(?:\w+\s+){0,2}?"
    r"(?:lines?|regions?|comments?|blocks?|entries|rows)\b",
    re.IGNORECASE,
)
"""A region that defines nothing, called by what it is."""
_THE_LINE = re.compile(r"\b(?:the|that|this|its)\s+(?:\w+\s+)?line\b", re.IGNORECASE)
_OPENS = re.compile(r"[:{(\[]\s*\Z")
_CLOSES = re.compile(r"\A\s*[)\]}]")


def may_be_deleted(path: str, file: FileText, start: int, end: int, *, terms: Terms) -> bool:
    """The goal says that lines `start`..`end` (0-based, end excluded) go: by number, by the names of all that they
    define, or as what they define where the goal is of nothing else; where they define nothing, by the names of all
    that they set, as `these lines`, by their own text, or by one word if they are few."""
    telling = telling_sentences(terms.goal or "")
    if any(first - 1 <= start and end <= last for sentence in telling for first, last in _numbers(sentence)):
        return True
    inside = outermost(path, file, start, end)
    if inside:
        is_named = all(any(goes(symbol.bare_name, sentence) for sentence in telling) for symbol in inside)
        return is_named or terms.means(inside) or _is_said_again(path, file, start, end, inside=inside, terms=terms)
    solid = [line.strip() for line in file.lines[start:end] if line.strip()]
    sets = {found[1] for line in solid if (found := _SETS.match(line))}
    if sets and all(any(goes(name, sentence) for sentence in telling) for name in sets):
        return True
    here = (_THESE, _THE_LINE) if len(solid) == 1 else (_THESE,)
    if any(_is_meant(pattern, sentence) for pattern in here for sentence in telling):
        return True
    if all(any(goes(line, sentence) for sentence in telling) for line in solid):
        return bool(solid)
    words = {word for line in solid for word in _WORD.findall(line)} - _SAY_NOTHING
    return len(solid) <= _FEW_LINES and any(goes(word, sentence) for word in words for sentence in telling)


def _is_said_again(path: str, file: FileText, start: int, end: int, *, inside: Sequence[Symbol], terms: Terms) -> bool:
    """All that is defined there was left out before, of a place that the step is about alone, and may go."""
    before, rest = _bytes(file.lines), _bytes((*file.lines[:start], *file.lines[end:]))
    return terms.is_itself and all(terms.lets_go(path, before, rest, symbol.name) for symbol in inside)


def _bytes(lines: Sequence[str]) -> bytes:
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def deletion(file: FileText, start: int, end: int) -> LineEdit:
    """Lines `start`..`end` and, of the blank lines on both sides, those that are too many without them."""
    above, below = _blanks(file.lines[:start][::-1]), _blanks(file.lines[end:])
    before = file.lines[start - above - 1] if start > above else None
    behind = file.lines[end + below] if end + below < len(file.lines) else None
    if behind is None or _CLOSES.search(behind):
        keeps_below = True
    elif before is None or _OPENS.search(before):
        keeps_below = False
    else:
        keeps_below = below > above
    if keeps_below:
        return LineEdit(start - above, end, ())
    return LineEdit(start, end + below, ())


def tidied(path: str, file: FileText, edits: Sequence[LineEdit], blocks: Iterable[Block]) -> list[LineEdit]:
    """The edits, where a block with nothing in its place takes definitions away: of the blank lines around them those
    of one side go too. Blank lines that stand on one side alone, or that another edit changes, stay."""
    bare = {tuple(map(plain_key, block.old)) for block in blocks if not block.new}
    return [
        _tidied(path, file, edit, [other for other in edits if other is not edit])
        if tuple(map(plain_key, file.lines[edit.start : edit.end])) in bare
        else edit
        for edit in edits
    ]


def _tidied(path: str, file: FileText, edit: LineEdit, others: Sequence[LineEdit]) -> LineEdit:
    if edit.lines or not outermost(path, file, edit.start, edit.end):
        return edit
    above, below = _blanks(file.lines[: edit.start][::-1]), _blanks(file.lines[edit.end :])
    is_at_edge = above == edit.start or edit.end + below == len(file.lines)
    is_shared = any(other.start <= edit.end + below and edit.start - above <= other.end for other in others)
    return edit if is_shared or not (is_at_edge or (above and below)) else deletion(file, edit.start, edit.end)


def _numbers(sentence: str) -> Iterator[tuple[int, int]]:
    """First and last lines that a sentence names as what goes."""
    for found in _LINES.finditer(sentence):
        if not OF_SOMETHING_ELSE.search(sentence[: found.start()]):
            yield int(found[1]), int(found[2] or found[1])


def outermost(path: str, file: FileText, start: int, end: int) -> list[Symbol]:
    """What is defined within the lines, without what stands in another definition of them."""
    symbols = outline(path, _bytes(file.lines))
    end += _blanks(file.lines[end:])
    inside = [symbol for symbol in symbols if start < symbol.start and symbol.end <= end]
    names = {symbol.name for symbol in inside}
    return [symbol for symbol in inside if symbol.parent not in names]


def _is_meant(pattern: re.Pattern[str], sentence: str) -> bool:
    """The sentence says that what `pattern` finds goes, and not that something goes from there."""
    return any(not OF_SOMETHING_ELSE.search(sentence[: found.start()]) for found in pattern.finditer(sentence))


def _blanks(lines: Sequence[str]) -> int:
    """Blank lines at the start of `lines`."""
    return next((number for number, line in enumerate(lines) if line.strip()), len(lines))
