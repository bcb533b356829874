"""Colours for one line of program text.

Invariant: pygments is imported at the first use and never at start; joining the pieces gives the line back.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import PurePath
from typing import Literal, Protocol, cast

Word = Literal["plain", "keyword", "string", "number", "comment", "name"]

_PREFIXES: tuple[tuple[str, Word], ...] = (
    ("Token.Comment", "comment"),
    ("Token.Keyword", "keyword"),
    ("Token.Operator.Word", "keyword"),
    ("Token.Name.Function", "name"),
    ("Token.Name.Class", "name"),
    ("Token.Name.Decorator", "name"),
    ("Token.Name.Tag", "name"),
    ("Token.Literal.String", "string"),
    ("Token.Literal.Number", "number"),
)


class Lexer(Protocol):
    """The part of a pygments lexer that is used here."""

    def get_tokens(self, text: str) -> Iterable[tuple[object, str]]:
        """Pairs of token type and text."""
        ...


_found: set[str] = set()
"""Ends of file names for which a lexer was looked for."""


def is_quick(path: str) -> bool:
    """True when a lexer for such a name was looked for before: finding it again takes no time."""
    return PurePath(path).suffix in _found


def find_lexer(path: str) -> Lexer | None:
    """The lexer for a file name, None if there is none. Takes about 50 ms unless `is_quick`: call it in a thread."""
    import pygments.lexers  # here, so that the first paint does not wait for it

    find = cast(Callable[[str], Callable[..., Lexer] | None], vars(pygments.lexers)["find_lexer_class_for_filename"])
    lexer_class = find(path)
    _found.add(PurePath(path).suffix)
    return lexer_class(stripnl=False, ensurenl=False) if lexer_class is not None else None


def find_language(name: str) -> Lexer | None:
    """The lexer for a language as a fence names it, None if there is none. As slow as `find_lexer`."""
    import pygments.lexers  # here, so that the first paint does not wait for it

    find = cast(Callable[..., Lexer], vars(pygments.lexers)["get_lexer_by_name"])
    try:
        return find(name, stripnl=False, ensurenl=False)
    except ValueError:  # ClassNotFound is one
        return None


def warm() -> None:
    """Import what the first diff will be coloured with, before there is one. Takes 0.1 s: call it in a thread."""
    find_lexer("a.py")


def pieces(lexer: Lexer | None, line: str) -> list[tuple[str, Word]]:
    """The line cut into runs of one colour. Lines stand alone: a string over several lines is coloured as it looks."""
    if lexer is None or not line.strip():
        return [(line, "plain")]
    found: list[tuple[str, Word]] = [(text, _word(kind)) for kind, text in lexer.get_tokens(line) if text]
    return found if "".join(text for text, _ in found) == line else [(line, "plain")]


@lru_cache(maxsize=256)
def _word(kind: object) -> Word:
    token = str(kind)
    for prefix, word in _PREFIXES:
        if token.startswith(prefix):
            return word
    return "plain"
