"""Structured files as named sections: configuration, documents, style sheets, build files.

Invariant: a function of language and bytes alone that never raises; sections are nested or disjoint and lie inside
the file. Files in which nothing stands out have no sections and are taken by lines.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from hybridcode.repo.structured import (
    css_text,
    docker_text,
    html_text,
    json_text,
    make_text,
    markdown_text,
    sql_text,
    toml_text,
    wheels,
    yaml_text,
)
from hybridcode.repo.structured.blocks import Block, Kind, Section, Style, choose

__all__ = [
    "STRUCTURED",
    "Kind",
    "Section",
    "error_count",
    "sections",
    "structured_grammar_versions",
    "structured_language_of",
]


class _Reader(NamedTuple):
    """How one language is read and named."""

    blocks: Callable[[bytes], list[Block]]
    style: Style
    suffixes: tuple[str, ...]


_READERS: Mapping[str, _Reader] = {
    "css": _Reader(css_text.blocks, css_text.STYLE, (".css", ".scss", ".less")),
    "dockerfile": _Reader(docker_text.blocks, docker_text.STYLE, (".dockerfile",)),
    "html": _Reader(html_text.blocks, html_text.STYLE, (".html", ".htm")),
    "json": _Reader(json_text.blocks, json_text.STYLE, (".json", ".jsonc")),
    "makefile": _Reader(make_text.blocks, make_text.STYLE, (".mk",)),
    "markdown": _Reader(markdown_text.blocks, markdown_text.STYLE, (".md", ".markdown", ".mdx")),
    "sql": _Reader(sql_text.blocks, sql_text.STYLE, (".sql",)),
    "toml": _Reader(toml_text.blocks, toml_text.STYLE, (".toml",)),
    "yaml": _Reader(yaml_text.blocks, yaml_text.STYLE, (".yaml", ".yml")),
}
STRUCTURED: frozenset[str] = frozenset(_READERS)
"""Languages that have sections instead of definitions."""

_BY_SUFFIX = {suffix: language for language, reader in _READERS.items() for suffix in reader.suffixes}
_BY_NAME = {
    "containerfile": "dockerfile",
    "dockerfile": "dockerfile",
    "gnumakefile": "makefile",
    "makefile": "makefile",
}
_BOM = b"\xef\xbb\xbf"
_TEMPLATE = re.compile(rb"\{\{|\{%|<%")


def structured_language_of(path: str) -> str | None:
    """The structured language of `path` by its name alone; None for all others."""
    name = path.rpartition("/")[2].lower()
    if (language := _BY_NAME.get(name)) is not None:
        return language
    dot = name.rfind(".")
    if dot >= 0 and (language := _BY_SUFFIX.get(name[dot:])) is not None:
        return language
    return "dockerfile" if name.startswith(("dockerfile.", "containerfile.")) else None


def sections(language: str, data: bytes) -> tuple[Section, ...]:
    """The named sections of a file in order of appearance; () where nothing stands out or `language` is another."""
    reader = _READERS.get(language)
    if reader is None:
        return ()
    plain = data.removeprefix(_BOM)
    return choose(reader.blocks(plain), plain, reader.style)


def error_count(language: str, data: bytes) -> int | None:
    """Syntax errors of JSON (comments and trailing commas are none), TOML and CSS; None where nothing can be said.

    A file with errors that holds template marks is judged by nobody, for it is no file of its language yet.
    """
    plain = data.removeprefix(_BOM)
    match language:
        case "json":
            count = json_text.errors(plain)
        case "toml":
            count = wheels.syntax_errors("toml", plain)
        case "css":
            count = css_text.errors(plain)
        case _:
            return None
    return None if count and _TEMPLATE.search(plain) else count


def structured_grammar_versions() -> Mapping[str, str]:
    """The versions of the grammars that are used here, sorted by language."""
    return wheels.versions()
