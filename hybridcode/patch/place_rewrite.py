"""Rewritten regions and whole files onto one file.

Invariant: only the region's lines change, and blank ones beside a region that goes; text that may hold more or less
than the region is trimmed where that is proven and refused otherwise; unchanged lines are not written again.
"""

import re
from collections.abc import Sequence

from hybridcode.patch.answer import RegionRewrite, Rewrite, WholeFile
from hybridcode.patch.deletion import deletion, may_be_deleted, outermost
from hybridcode.patch.elide import refuse_marks
from hybridcode.patch.filetext import FileText, LineEdit, indentation, plain_key
from hybridcode.patch.indent import UNCHANGED, IndentRule, from_style, learn
from hybridcode.patch.linediff import changes, equal_pairs
from hybridcode.patch.near import numbered
from hybridcode.patch.read_fence import holds_fences
from hybridcode.patch.refusing import CUT_OFF, Refused
from hybridcode.patch.siblings import foreign_definition
from hybridcode.patch.terms import Terms

_ONE_FENCE = "Answer with one fence that holds the new text and nothing else; use four backticks if it holds fences."
_ONLY_THE_REGION = "Answer with exactly the lines that were asked for, complete, and no others."
NO_CHANGE = "the text is already so"
"""The reason to refuse lines that came back as they were."""
EMPTY = "the fence is empty"
"""The reason to refuse an answer without text where the goal does not say that the text goes."""
_NOTHING_THERE = "If the step says that all of them go, answer with an empty fence."
_EMPTY_REGION = "Return the whole region; an empty answer deletes {} only where the step says that it goes."
_LEAVE_IT = "If nothing needs to change, the step is done."

_FEW_LINES = 4
_MAX_REPEATED = 5_000
_TELLING_LINE = 20
"""Characters from which one line is not written twice by chance; nor is one of two words, as `register(cart)` is."""
_WORD = re.compile(r"\w+")
_LETTERS = re.compile(r"[^\W\d]{2}")
_SETS = re.compile(r"[\"']?([\w.-]+)[\"']?\s*(?::(?!:)|[-+*/|]?=(?!=))")
"""A line that gives a name its value, in code and in settings."""
_CLOSES = re.compile(r"\A\s*(?:[)\]}]|end\b)")
_OPENS = re.compile(r"(?:[:{(\[]|\b(?:then|do))\s*\Z")

_ANY_TERMS = Terms()

Lines = tuple[str, ...]


def place_whole(file: FileText, edit: WholeFile) -> list[LineEdit]:
    """The line edits that turn `file` into the answer's text. Raises: Refused."""
    new = _without_mark(file, chosen_text(edit.text, file.lines))
    if not edit.text.is_fenced and file.lines:
        _require_same_ends(file, 0, file.lines, new)
    if file.lines and file.lines[-1] != "":
        while new and new[-1] == "":
            new = new[:-1]
    _require_text(file, new, file.lines)
    edits = _differences(file.lines, new, offset=0)
    if not edits:
        raise Refused(NO_CHANGE, advice=_LEAVE_IT, is_already=True)
    return edits


def place_region(file: FileText, edit: RegionRewrite, *, terms: Terms = _ANY_TERMS) -> list[LineEdit]:
    """The line edits that give the region its new text, or delete it where the terms let it go. Raises: Refused."""
    start, end = edit.start - 1, edit.end
    if not 0 <= start < end <= len(file.lines):
        raise Refused(f"the file has no lines {edit.start}-{edit.end}", advice="Look at the file again.")
    start, end = _without_edge_blanks(file.lines, start, end)
    old = file.lines[start:end]
    new = _trimmed(_without_mark(file, chosen_text(edit.text, old)))
    if not _has_text(new):
        if not edit.was_asked or not may_be_deleted(edit.path, file, start, end, terms=terms):
            inside = outermost(edit.path, file, start, end) if terms.is_itself else ()
            names = tuple(dict.fromkeys(symbol.name for symbol in inside))
            raise Refused(EMPTY, advice=_EMPTY_REGION.format(", ".join(names) or "it"), left_out=names)
        return [deletion(file, start, end)]
    if not edit.text.is_fenced or not edit.was_asked:
        _require_same_ends(file, start, old, new)
    new = _without_surroundings(file, start, end, new)
    _require_own_line(file, start, end, new)
    _require_text(file, new, old)
    if (name := foreign_definition(edit.path, file, start, end, new)) is not None:
        may_go = edit.was_asked and may_be_deleted(edit.path, file, start, end, terms=terms)
        raise Refused(
            f"the answer also defines {name}, which stands outside the lines asked for",
            advice=f"{_ONLY_THE_REGION} {_NOTHING_THERE}" if may_go else _ONLY_THE_REGION,
            near="" if edit.was_asked else numbered(file, start, end),
        )
    edits = _differences(old, _indented(file, old, new), offset=start)
    if not edits:
        raise Refused(NO_CHANGE, advice=_LEAVE_IT, is_already=True)
    return edits


def chosen_text(text: Rewrite, old: Sequence[str]) -> Lines:
    """The lines between the fences that are meant, judged by the old text. Raises: Refused."""
    if not text.pairs_up and not holds_fences(old):
        raise Refused("a fence is opened and not closed", advice=CUT_OFF, is_formless=True)
    if text.span and holds_fences(old):
        return _ended_like(text, old)
    if len(text.candidates) == 1:
        return text.candidates[0]
    head = _first_key(old)
    fitting = [lines for lines in text.candidates if head and any(plain_key(line) == head for line in lines)]
    if not fitting:
        raise Refused("several fences, and none is plainly the new text", advice=_ONE_FENCE, is_formless=True)
    return fitting[-1]


def _ended_like(text: Rewrite, old: Sequence[str]) -> Lines:
    """Which closing fence ends a text that holds fences: the only one below the old last line, else the last one.

    Raises: Refused where what follows, or what would be lost, speaks against it.
    """
    last = _first_key(old[::-1])
    fitting = [length for length in text.closings if _last_key(text.span, length) == last]
    if not text.pairs_up and not fitting:
        raise Refused("a fence is opened and not closed", advice=CUT_OFF, is_formless=True)
    length = fitting[0] if len(fitting) == 1 else text.closings[-1]
    new, rest = text.span[:length], text.span[length:]
    known = set(old)
    if sum(line in known for line in rest if line.strip()) * 2 > sum(bool(line.strip()) for line in rest):
        raise Refused("the text holds fences, and it is not plain which one ends it", advice=_ONE_FENCE)
    end = next(reversed(changes(old, new)), None)
    if end is not None and end.a1 == len(old):
        if end.a1 - end.a0 > max(_FEW_LINES, len(old) // 10) + (end.b1 - end.b0):
            raise Refused("the end of the text is missing", advice=CUT_OFF)
        if not fitting and holds_fences(new[end.b0 :]):
            raise Refused("the text holds fences, and it is not plain which one ends it", advice=_ONE_FENCE)
    return new


def _without_mark(file: FileText, new: Lines) -> Lines:
    """Without a byte order mark, which the file has already."""
    return (new[0].removeprefix("\ufeff"), *new[1:]) if new and file.has_bom else new


def _require_text(file: FileText, new: Lines, old: Lines) -> None:
    """Raises: Refused if `new`, in place of `old`, is nothing, is cut, leaves something out or has lost bytes."""
    if not _has_text(new):
        raise Refused(EMPTY, advice="Write the new text, or say that the file is to be deleted.")
    if _fence_lines(new) % 2 > _fence_lines(old) % 2:
        raise Refused("the fences inside the text do not pair up", advice=CUT_OFF)
    refuse_marks(new, file=file)
    if any("\ufffd" in line for line in new) and not any("\ufffd" in line for line in file.lines):
        raise Refused("the text has replacement characters where the file has other bytes", advice=_ONLY_THE_REGION)


def _has_text(lines: Lines) -> bool:
    return any(line.strip() for line in lines)


def _fence_lines(lines: Lines) -> int:
    return sum(line.lstrip().startswith("```") for line in lines)


def _differences(old: Lines, new: Lines, *, offset: int) -> list[LineEdit]:
    return [LineEdit(offset + c.a0, offset + c.a1, new[c.b0 : c.b1]) for c in changes(old, new)]


def _without_edge_blanks(lines: Lines, start: int, end: int) -> tuple[int, int]:
    """The region without blank lines at its edges, which stay; a region of blanks alone stays whole."""
    first, last = start, end
    while first < last and not lines[first].strip():
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    return (first, last) if first < last else (start, end)


def _trimmed(lines: Lines) -> Lines:
    first, last = _without_edge_blanks(lines, 0, len(lines))
    return lines[first:last]


def _last_key(lines: Lines, length: int) -> str:
    return next((plain_key(lines[at]) for at in range(length - 1, -1, -1) if lines[at].strip()), "")


def _first_key(lines: Sequence[str]) -> str:
    return next((plain_key(line) for line in lines if line.strip()), "")


def _require_same_ends(file: FileText, start: int, old: Lines, new: Lines) -> None:
    """Raises: Refused unless the text starts and ends as the region does: nothing else shows that it is the region."""
    if _first_key(old) != _first_key(new) or _first_key(old[::-1]) != _first_key(new[::-1]):
        raise Refused(
            "the answer is not plainly the lines asked for",
            advice=_ONE_FENCE,
            near=numbered(file, start, start + len(old)),
            is_formless=True,
        )


def _without_surroundings(file: FileText, start: int, end: int, new: Lines) -> Lines:
    """`new` without lines of the file that the model repeated above and below the region."""
    above = _repeated_above(file.lines[:start], file.lines[start:end], new, dangling=_CLOSES)
    rest = new[above:]
    if indentation(_solid(rest)) != indentation(_solid(file.lines[start:end])):
        return new
    below = _repeated_above(file.lines[end:][::-1], file.lines[start:end][::-1], rest[::-1], dangling=_OPENS)
    return _trimmed(rest[: len(rest) - below])


def _require_own_line(file: FileText, start: int, end: int, new: Lines) -> None:
    """Raises: Refused where one line comes back as what stands beside it, and is nothing like that."""
    old = [line.strip() for line in file.lines[start:end] if line.strip()]
    ours = [line.strip() for line in new if line.strip()]
    if len(old) != 1 or not any(map(_LETTERS.search, ours)) or any(_is_like(old[0], line) for line in ours):
        return
    above = [line.strip() for line in file.lines[:start][-_MAX_REPEATED:] if line.strip()]
    below = [line.strip() for line in file.lines[end : end + _MAX_REPEATED] if line.strip()]
    if ours in (above[-len(ours) :], below[: len(ours)]):
        raise Refused(
            "the answer holds what stands beside the line asked for, and not that line",
            advice=_ONLY_THE_REGION,
            near=numbered(file, start, end),
        )


def _is_like(line: str, other: str) -> bool:
    """One may be a new version of the other: they set one name or, where they set none, are built alike."""
    names = [found[1] for text in (line, other) if (found := _SETS.match(text))]
    if names:
        return len(names) == 2 and names[0] == names[1]
    shapes = {_WORD.sub("w", text) for text in (line, other)}
    heads = [_WORD.search(text) for text in (line, other)]
    return len(shapes) == 1 or len({head[0] if head else "" for head in heads}) == 1


def _repeated_above(outside: Lines, old: Lines, new: Lines, *, dangling: re.Pattern[str]) -> int:
    """How many first lines of `new` are the last lines of `outside`, where that is no coincidence.

    They are so exactly, or but for blank lines between them. A `dangling` line would have no other half in the region.
    """
    for count in range(min(len(outside), len(new) - 1, _MAX_REPEATED), 0, -1):
        pairs = zip(new, outside[-count:], strict=False)
        if all(ours.rstrip() == theirs.rstrip() for ours, theirs in pairs):
            return count if _is_context(new, count, old, dangling) or _is_beside(outside, old) else 0
    ours = [number for number, line in enumerate(new) if line.strip()]
    theirs = [line.rstrip() for line in outside[-_MAX_REPEATED:] if line.strip()]
    for solid in range(min(len(ours) - 1, len(theirs)), 0, -1):
        if [new[number].rstrip() for number in ours[:solid]] == theirs[-solid:]:
            count = ours[solid]
            return count if _is_context(new, count, old, dangling) or _is_beside(outside, old) else 0
    return 0


def _is_beside(outside: Lines, old: Lines) -> bool:
    """Of one line that was asked for, the line next to it is context wherever the file does not repeat that line."""
    solid = [line.strip() for line in outside[-_MAX_REPEATED:] if line.strip()]
    own = [line.strip() for line in old if line.strip()]
    return len(own) == 1 and bool(_LETTERS.search(solid[-1])) and solid[-1] not in (own[0], *solid[-2:-1])


def _is_context(new: Lines, count: int, old: Lines, dangling: re.Pattern[str]) -> bool:
    """The first `count` lines of `new` stand outside the region: its own edge follows them, or they tell by themselves.

    Where the region's own edge looks the same, they are that edge.
    """
    head = _solid(old).rstrip()
    if _solid(new[count:]).rstrip() == head:
        return any(line.strip() for line in new[:count])
    if _solid(new).rstrip() == head:
        return False
    if dangling.search(_solid(new)):
        return True
    repeated = [line.strip() for line in new[:count] if any(map(str.isalnum, line))]
    if len(repeated) != 1:
        return len(repeated) > 1
    has_blank = any(not line.strip() for line in new[:count])
    return has_blank or len(repeated[0]) >= _TELLING_LINE or len(_WORD.findall(repeated[0])) > 1


def _solid(lines: Sequence[str]) -> str:
    return next((line for line in lines if line.strip()), "")


def _indented(file: FileText, old: Lines, new: Lines) -> Lines:
    """`new` in the region's indentation, if the model moved all of it by one step. Raises: Refused."""
    first, wanted = _solid(new), indentation(_solid(old))
    pairs = [(new[b], old[a]) for a, b in _equal_but_indented(old, new)]
    rule = learn(pairs) if pairs else None
    if rule is not None and _leads_to(rule, first, wanted):
        return _applied(file, rule, new)
    if indentation(first) == wanted:
        return _applied(file, UNCHANGED, new)
    head = (first, _solid(old))
    if (rule := learn([*pairs, head])) is not None:
        return _applied(file, rule, new)
    rule = learn([head])
    if rule is None or plain_key(first) != plain_key(head[1]):
        raise Refused("it is not plain how the lines are indented", advice="Indent them as they stand in the file.")
    kept = {b for a, b in _equal_but_indented(old, new) if old[a] == new[b] and not old[a].startswith(wanted)}
    return tuple(line if number in kept else rule.apply(line) for number, line in enumerate(new))


def _equal_but_indented(old: Lines, new: Lines) -> list[tuple[int, int]]:
    """Indexes of solid lines that are the same but for blanks at their ends."""
    pairs = equal_pairs([plain_key(line) for line in old], [plain_key(line) for line in new])
    return [(a, b) for a, b in pairs if old[a].strip()]


def _leads_to(rule: IndentRule, line: str, wanted: str) -> bool:
    try:
        return rule.convert(indentation(line)) == wanted
    except Refused:
        return False


def _applied(file: FileText, rule: IndentRule, new: Lines) -> Lines:
    """The rule on every line; where it knows nothing of tabs and blanks, the file's own style decides."""
    style = from_style(file.lines) if rule.is_identity else None
    return tuple(
        style.apply(line) if style is not None and file.is_foreign_indent(line) else rule.apply(line) for line in new
    )
