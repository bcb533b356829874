"""Which language a path is written in, its tree-sitter parser and its query.

Invariant: grammars come from pinned wheels, are loaded when first needed and never downloaded.
"""

import functools
import importlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata, resources
from typing import cast

from tree_sitter import Language, Parser, Point, Query, Tree

_CHUNK = 8192
"""Bytes the parser is given at a time."""
_NAME_CHUNK = 64
"""Bytes the conditions of a query are given at a time: a name."""
_LEAST_STEPS = 10_000
_BYTES_PER_STEP = 7
"""A file may take a step for so many bytes and the least beside; ordinary code takes one for eighty."""
_MOST_READS = 64
"""How often the parser may go over the whole file. Few need more than twice."""
_MOST_STEPS_IN_ERROR = 400
"""In hundreds of operations. Large C++ headers read as C take up to 300."""

_MOST_PIECES = 4_000
"""Children of one error node."""


@dataclass(frozen=True)
class Grammar:
    """Where a language's grammar lives, which paths are written in it and which query files read it."""

    module: str
    """The wheel's module."""
    suffixes: tuple[str, ...]
    """The first one stands for the language where a path is needed."""
    names: tuple[str, ...] = ()
    """Whole file names."""
    function: str = "language"
    """What the module calls the function that hands the grammar over."""
    queries: tuple[str, ...] = ()
    """Files in queries/, without `.scm`, read as one in this order; empty: the one with the language's name."""


GRAMMARS: dict[str, Grammar] = {
    "bash": Grammar("tree_sitter_bash", (".sh", ".bash"), (".bashrc", ".profile", ".bash_profile")),
    "c": Grammar("tree_sitter_c", (".c", ".h")),
    "c_sharp": Grammar("tree_sitter_c_sharp", (".cs",)),
    "cpp": Grammar("tree_sitter_cpp", (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), queries=("c", "cpp")),
    "elixir": Grammar("tree_sitter_elixir", (".ex", ".exs")),
    "go": Grammar("tree_sitter_go", (".go",)),
    "java": Grammar("tree_sitter_java", (".java",)),
    "javascript": Grammar(
        "tree_sitter_javascript", (".js", ".jsx", ".mjs", ".cjs"), queries=("script", "javascript", "jsx")
    ),
    "kotlin": Grammar("tree_sitter_kotlin", (".kt", ".kts")),
    "lua": Grammar("tree_sitter_lua", (".lua",)),
    "php": Grammar("tree_sitter_php", (".php",), function="language_php"),
    "python": Grammar("tree_sitter_python", (".py", ".pyi")),
    "ruby": Grammar("tree_sitter_ruby", (".rb", ".rake"), ("Rakefile", "Gemfile")),
    "rust": Grammar("tree_sitter_rust", (".rs",)),
    "scala": Grammar("tree_sitter_scala", (".scala", ".sbt", ".sc")),
    "swift": Grammar("tree_sitter_swift", (".swift",)),
    "tsx": Grammar(
        "tree_sitter_typescript", (".tsx",), function="language_tsx", queries=("script", "typescript", "jsx")
    ),
    "typescript": Grammar(
        "tree_sitter_typescript",
        (".ts", ".mts", ".cts"),
        function="language_typescript",
        queries=("script", "typescript"),
    ),
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


def grammar_versions(languages: Iterable[str]) -> Mapping[str, str]:
    """The versions of the installed grammars of `languages`, sorted by language."""
    return {name: metadata.version(GRAMMARS[name].module.replace("_", "-")) for name in sorted(set(languages))}


def parse(language: str, data: bytes) -> Tree | None:
    """The syntax tree of `data`; a file with errors gives a tree with error nodes. None if the parser loses its way.

    `Node.text` is slow in these trees; take the bytes from `data`.
    """
    watch = _Watch(data)
    try:
        tree = Parser(_load(language)).parse(watch.read, progress_callback=watch.is_lost)
    except ValueError:
        return None
    return None if _is_scattered(tree) else watch.released(tree)


def _is_scattered(tree: Tree) -> bool:
    """One error of the tree holds so many pieces that a query would take minutes: it looks at each beside each."""
    waiting = [tree.root_node] if tree.root_node.has_error else []
    while waiting:
        node = waiting.pop()
        if node.is_error and node.child_count > _MOST_PIECES:
            return True
        waiting += [child for child in node.children if child.has_error]
    return False


class _Watch:
    """Feeds a parser and sees when it loses its way.

    Its search for a way out of an error, some scanners' for the end of a string, and readings of an ambiguous run that
    it follows side by side, grow with the square of the file.
    Steps are counted and not seconds, so that the same bytes always give the same answer.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._chunk = _CHUNK
        self._reads_left: float = _MOST_READS * (len(data) // _CHUNK + 16)
        self._steps_left = _MOST_STEPS_IN_ERROR
        self._all_left = _LEAST_STEPS + len(data) // _BYTES_PER_STEP

    def read(self, first: int, _: Point) -> bytes:
        """The bytes from `first` on; none once it is lost."""
        self._reads_left -= 1
        return self._data[first : first + self._chunk] if self._reads_left >= 0 else b""

    def is_lost(self, _: int, has_error: bool) -> bool:
        """Asked by the parser every hundred operations; true ends it."""
        self._steps_left -= has_error
        self._all_left -= 1
        return self._reads_left < 0 or self._steps_left < 0 or self._all_left < 0

    def released(self, tree: Tree) -> Tree | None:
        """The tree, if the parser did not lose its way; conditions of queries may read names from it."""
        if self.is_lost(0, False):
            return None
        self._reads_left, self._chunk = math.inf, _NAME_CHUNK
        return tree


def query_text(language: str) -> str:
    """The query of a language, as written in queries/."""
    folder = resources.files("hybridcode.repo") / "queries"
    names = GRAMMARS[language].queries or (language,)
    return "\n".join((folder / f"{name}.scm").read_text("utf-8") for name in names)


def compile_query(language: str, text: str) -> Query:
    """A query over the trees of a language.

    Raises: ValueError if `text` is no query or names nodes that the grammar does not have.
    """
    return Query(_load(language), text)


@functools.cache
def _load(language: str) -> Language:
    grammar = GRAMMARS[language]
    # Imported late: a wheel is a shared library, and most runs need one or two of them.
    wheel = importlib.import_module(grammar.module)
    capsule = cast(Callable[[], _Capsule], getattr(wheel, grammar.function))
    return Language(capsule())
