"""Which language a path is written in, and its tree-sitter parser.

Invariant: grammars come from pinned wheels, are loaded when first needed and never downloaded.
"""

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from tree_sitter import Language, Parser, Tree


@dataclass(frozen=True)
class Grammar:
    """Where a language's grammar lives and which paths are written in it."""

    module: str
    function: str
    suffixes: tuple[str, ...]
    names: tuple[str, ...] = ()


GRAMMARS: dict[str, Grammar] = {
    "bash": Grammar("tree_sitter_bash", "language", (".sh", ".bash"), (".bashrc", ".profile", ".bash_profile")),
    "c": Grammar("tree_sitter_c", "language", (".c", ".h")),
    "cpp": Grammar("tree_sitter_cpp", "language", (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx")),
    "go": Grammar("tree_sitter_go", "language", (".go",)),
    "java": Grammar("tree_sitter_java", "language", (".java",)),
    "javascript": Grammar("tree_sitter_javascript", "language", (".js", ".jsx", ".mjs", ".cjs")),
    "python": Grammar("tree_sitter_python", "language", (".py", ".pyi")),
    "ruby": Grammar("tree_sitter_ruby", "language", (".rb", ".rake"), ("Rakefile", "Gemfile")),
    "rust": Grammar("tree_sitter_rust", "language", (".rs",)),
    "tsx": Grammar("tree_sitter_typescript", "language_tsx", (".tsx",)),
    "typescript": Grammar("tree_sitter_typescript", "language_typescript", (".ts", ".mts", ".cts")),
}


class _Capsule:
    """Stands for the opaque pointer that a grammar wheel hands over (its type has no name before Python 3.13)."""


_BY_SUFFIX = {suffix: language for language, grammar in GRAMMARS.items() for suffix in grammar.suffixes}
_BY_NAME = {name: language for language, grammar in GRAMMARS.items() for name in grammar.names}


def language_of(path: str) -> str | None:
    """The language of `path` by its name alone; None if no grammar is at hand."""
    name = path.rpartition("/")[2]
    if name in _BY_NAME:
        return _BY_NAME[name]
    dot = name.rfind(".")
    return _BY_SUFFIX.get(name[dot:].lower()) if dot >= 0 else None


def parse(language: str, data: bytes) -> Tree:
    """The syntax tree of `data`; a file that does not parse gives a tree with error nodes."""
    return Parser(_load(language)).parse(data)


@functools.cache
def _load(language: str) -> Language:
    grammar = GRAMMARS[language]
    # Imported late: a wheel is a shared library, and most runs need one or two of them.
    wheel = importlib.import_module(grammar.module)
    capsule = cast(Callable[[], _Capsule], getattr(wheel, grammar.function))
    return Language(capsule())
