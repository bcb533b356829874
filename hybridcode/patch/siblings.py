"""Does a rewritten region define something that stands elsewhere in its file?

Invariant: only names are compared; a file in an unknown language has none, so nothing is found there.
"""

import textwrap
from collections.abc import Sequence

from hybridcode.patch.filetext import FileText
from hybridcode.repo.grammars import language_of
from hybridcode.repo.symbols import Symbol, outline

_NAMED_ONCE = frozenset({"function", "method", "class", "interface", "enum"})
_OVERLOADING = frozenset({"java", "cpp", "typescript", "tsx"})
"""Languages in which functions may share a name."""


def foreign_definition(path: str, file: FileText, start: int, end: int, new: Sequence[str]) -> str | None:
    """The first name that `new` defines though it is defined outside lines start..end (0-based, end excluded).

    Looked at are the region's neighbours of the same scope and the scopes around it.
    """
    symbols = outline(path, "\n".join(file.lines).encode("utf-8", "surrogateescape"))
    around = [symbol for symbol in symbols if _encloses(symbol, start, end)]
    scope = around[-1].name if around else ""
    outside = [symbol for symbol in symbols if symbol.parent == scope and not _overlaps(symbol, start, end)]
    inside = {symbol.bare_name for symbol in symbols if symbol.parent == scope and _overlaps(symbol, start, end)}
    taken = {symbol.bare_name for symbol in (*around, *outside) if _is_named_once(path, symbol)} - inside
    text = textwrap.dedent("\n".join(new)).encode("utf-8", "surrogateescape")
    defined = (symbol for symbol in outline(path, text) if not symbol.parent and _is_named_once(path, symbol))
    return next((symbol.name for symbol in defined if symbol.name in taken), None)


def _is_named_once(path: str, symbol: Symbol) -> bool:
    if symbol.kind in ("function", "method") and language_of(path) in _OVERLOADING:
        return False
    return symbol.kind in _NAMED_ONCE


def _encloses(symbol: Symbol, start: int, end: int) -> bool:
    """The symbol starts above the region and holds all of it."""
    return symbol.start - 1 < start and end <= symbol.end


def _overlaps(symbol: Symbol, start: int, end: int) -> bool:
    return symbol.start - 1 < end and start < symbol.end
