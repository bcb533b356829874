"""What a source file defines and uses: names, kinds, line ranges, signatures, references and imports.

Invariant: a pure function of language and bytes; a file that does not parse still gives what can be seen.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from hybridcode.repo.definitions import Symbol, symbols_of
from hybridcode.repo.findings import error_nodes, findings_in
from hybridcode.repo.grammars import language_of, parse

__all__ = ["Analysis", "Symbol", "analyse", "candidates", "error_count", "find", "outline"]

_KEPT = 64
"""Files whose outline or error count is kept: enough for one step, little enough for memory."""
_WEAK = ("prototype", "impl", "module")
"""Kinds that give way to another definition of the same name."""


@dataclass(frozen=True)
class Analysis:
    """What an index keeps of a file."""

    symbols: tuple[Symbol, ...]
    """Every named definition in order of appearance, also functions and classes inside functions."""
    references: Mapping[str, int]
    """Bare name -> how often it is called, made, inherited from, named as a type, used as a decorator or imported by
    name; not every mention. Names of less than 3 characters are left out. Sorted by name."""
    imports: tuple[str, ...]
    """Modules and paths as written, `use` and import lists spread out, without what means everything in them (`.*`);
    sorted, each once."""
    errors: int
    """ERROR and MISSING nodes; 0: the file parses cleanly."""


_UNPARSABLE = Analysis(symbols=(), references={}, imports=(), errors=1)
"""Of a file in which the parser lost its way."""


def analyse(language: str, data: bytes) -> Analysis:
    """What a file in `language`, one of GRAMMARS, defines and uses; one parse, nothing is kept."""
    tree = parse(language, data)
    if tree is None:
        return _UNPARSABLE
    findings = findings_in(tree, data, language)
    return Analysis(
        symbols=symbols_of(findings, data),
        references=findings.references,
        imports=findings.imports,
        errors=error_nodes(tree, language),
    )


def outline(path: str, data: bytes) -> tuple[Symbol, ...]:
    """The definitions of a file in order of appearance, without those inside functions; () if no grammar is at hand."""
    language = language_of(path)
    return _outline(language, data) if language else ()


def candidates(path: str, data: bytes, dotted_name: str) -> tuple[Symbol, ...]:
    """Every symbol that `dotted_name` may mean: exact names before endings (`total` for `Cart.total`)."""
    wanted = dotted_name.strip().removesuffix("()").replace("::", ".").strip(".")
    symbols = outline(path, data)
    exact = tuple(symbol for symbol in symbols if symbol.name == wanted)
    found = exact or tuple(symbol for symbol in symbols if wanted and symbol.name.endswith(f".{wanted}"))
    return tuple(symbol for symbol in found if symbol.kind not in _WEAK) or found


def find(path: str, data: bytes, dotted_name: str) -> Symbol | None:
    """The one symbol that `dotted_name` (or a unique last part of it) means; None if there is none or several."""
    found = candidates(path, data, dotted_name)
    return found[0] if len(found) == 1 else None


def error_count(path: str, data: bytes) -> int | None:
    """Syntax errors: ERROR and MISSING nodes of the tree; None if no grammar is at hand."""
    language = language_of(path)
    return _error_count(language, data) if language else None


@functools.lru_cache(maxsize=_KEPT)
def _outline(language: str, data: bytes) -> tuple[Symbol, ...]:
    return tuple(symbol for symbol in analyse(language, data).symbols if not symbol.is_local)


@functools.lru_cache(maxsize=_KEPT)
def _error_count(language: str, data: bytes) -> int:
    tree = parse(language, data)
    return error_nodes(tree, language) if tree else _UNPARSABLE.errors
