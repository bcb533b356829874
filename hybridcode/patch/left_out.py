"""Definitions that a rewrite leaves out, and those that it renames.

Invariant: a pure function of path, bytes and goal; a file in an unknown language defines nothing, so nothing is missed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from hybridcode.patch.filetext import FileText
from hybridcode.patch.goes import NOT, sentences_of
from hybridcode.repo.symbols import Symbol, error_count, outline

_SHAPES = {
    "function": "function",
    "method": "function",
    "class": "type",
    "interface": "type",
    "enum": "type",
    "type": "type",
    "constant": "value",
    "field": "value",
}
"""Kinds that may stand for each other in a rename; any other kind stands for itself."""
_COUNTED = frozenset({"function", "method"})
"""Kinds of which several may share a name: overloads, a property and its setter."""
_LIKENESS = 60.0
_COMPARED_CHARS = 4_000
_REMOVAL = re.compile(
    rf"{NOT}\b(?:remov|delet|drop|replac|renam|merg|inlin|fold|mov|extract|instead|no longer|get rid|unif|combin"
    r"|collaps|convert|turn|strip|retir|eliminat|discard|kill|split|consolidat|superse|obsolet|unused"
    r"|entfern|l[öo]sch|streich|ersetz|umbenenn|supprim|enl[eè]v|rempla|elimin|borr|quit|rimuov|sostitu)"
    r"|删除|移除|去掉|替换|重命名|削除|置き換|삭제|제거|удал|замен",
    re.IGNORECASE,
)
"""Words that a goal uses for what shall not be there any more, in the languages that tasks are often given in."""


@dataclass(frozen=True)
class Missed:
    """What is not defined any more after a rewrite."""

    left_out: tuple[str, ...] = ()
    """Dotted names, in order of appearance; of a class that is gone the class alone."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Old and new dotted name."""


def missed(path: str, before: bytes, after: bytes) -> Missed:
    """What `before` defines and `after` does not: renamed if something new of the same shape came, else left out."""
    old, new = outline(path, before), outline(path, after)
    came = list(_more(new, old))
    texts = FileText.of(before), FileText.of(after)
    moved: dict[str, str] = {}
    lost: list[str] = []
    for symbol in _more(old, new):
        if symbol.parent in lost:
            lost.append(symbol.name)
            continue
        other = _renamed_to(symbol, came, moved, texts)
        if other is None:
            lost.append(symbol.name)
        else:
            came.remove(other)
            moved[symbol.name] = other.name
    known = set(lost)
    outer = [name for name in dict.fromkeys(lost) if _split(name)[0] not in known]
    had, has = error_count(path, before) or 0, error_count(path, after) or 0
    if had or has:  # what stands in a broken part looks like a definition, or does not look like one any more
        words = set(re.findall(r"\w+", after.decode("utf-8", "replace")))
        outer = [name for name in outer if _split(name)[1] not in words]
    renames = tuple(
        (old_name, new_name)
        for old_name, new_name in moved.items()
        if _split(old_name)[1] != _split(new_name)[1] or moved.get(_split(old_name)[0]) != _split(new_name)[0]
    )
    return Missed(tuple(outer), renames)


def is_named_for_removal(name: str, goal: str) -> bool:
    """A sentence of the goal speaks of removing, replacing or moving things and names this one."""
    bare = re.escape(_split(name)[1])
    word = re.compile(rf"(?<!\w){bare}(?!\w)")
    return any(word.search(sentence) and _REMOVAL.search(sentence) for sentence in sentences_of(goal))


def _split(name: str) -> tuple[str, str]:
    """The dotted name of the parent, and the bare name."""
    parent, _, bare = name.rpartition(".")
    return parent, bare


def _more(first: Sequence[Symbol], second: Sequence[Symbol]) -> Iterator[Symbol]:
    """Symbols of `first` that `second` has not, or fewer of; of those that share a name the last ones.

    What stands in a class that became a function is out of sight and not missed.
    """
    functions = Counter(symbol.name for symbol in second if symbol.kind in _COUNTED)
    others = {symbol.name for symbol in second if symbol.kind not in _COUNTED}
    hidden: set[str] = set()
    for symbol in first:
        if symbol.parent in hidden or (symbol.parent in functions and symbol.parent not in others):
            hidden.add(symbol.name)
        elif symbol.kind in _COUNTED and functions[symbol.name]:
            functions[symbol.name] -= 1
        elif symbol.name not in others and (symbol.kind in _COUNTED or symbol.name not in functions):
            yield symbol


def _renamed_to(
    symbol: Symbol, came: Sequence[Symbol], moved: dict[str, str], texts: tuple[FileText, FileText]
) -> Symbol | None:
    """The new definition that is most like one that is gone; None where none has its shape."""
    shape = _SHAPES.get(symbol.kind, symbol.kind)
    parent = moved.get(symbol.parent, symbol.parent)
    best: tuple[float, Symbol] | None = None
    for other in came:
        if _SHAPES.get(other.kind, other.kind) != shape:
            continue
        if other.bare_name == symbol.bare_name:
            return other
        if other.parent != parent:
            continue
        likeness = fuzz.ratio(_bare_text(symbol, texts[0]), _bare_text(other, texts[1]))
        if likeness >= _LIKENESS and (best is None or likeness > best[0]):
            best = likeness, other
    return best[1] if best is not None else None


def _bare_text(symbol: Symbol, file: FileText) -> str:
    """A definition without its own name."""
    text = "\n".join(file.lines[symbol.start - 1 : symbol.end])[:_COMPARED_CHARS]
    return re.sub(rf"(?<!\w){re.escape(symbol.bare_name)}(?!\w)", "", text)
