"""The grammars of structured files that come from wheels.

Invariant: only grammars that stood tests with deeply nested, unbalanced and random bytes are used here.
"""

import functools
import importlib
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import cast

from tree_sitter import Language, Parser, Tree

WHEELS: Mapping[str, str] = {"json": "tree-sitter-json", "toml": "tree-sitter-toml"}
"""Distribution by language."""


class _Capsule:
    """Stands for the opaque pointer that a grammar wheel hands over."""


def parse(language: str, data: bytes) -> Tree:
    """The syntax tree of `data`, whatever it is."""
    return Parser(_load(language)).parse(data)


def syntax_errors(language: str, data: bytes) -> int:
    """ERROR and MISSING nodes of the tree."""
    count = 0
    waiting = [parse(language, data).root_node]
    while waiting:
        node = waiting.pop()
        count += node.is_error or node.is_missing
        if node.has_error:
            waiting.extend(node.children)
    return count


def versions() -> Mapping[str, str]:
    """Installed version by language, sorted."""
    return {language: metadata.version(wheel) for language, wheel in sorted(WHEELS.items())}


@functools.cache
def _load(language: str) -> Language:
    # Imported late: a wheel is a shared library, and most runs need none of them.
    wheel = importlib.import_module(WHEELS[language].replace("-", "_"))
    return Language(cast(Callable[[], _Capsule], wheel.language)())
