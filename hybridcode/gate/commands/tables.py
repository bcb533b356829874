"""What is known of programs: the data of read_only.toml and programs.toml.

Invariant: what is not in the data has no grammar and belongs to no class.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from hybridcode.gate.commands.options import Grammar
from hybridcode.gate.lazy_patterns import LazyPattern


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))


_DATA = _load("read_only.toml")
_PROGRAMS = _load("programs.toml")

SHOWS_VERSION = frozenset(_DATA["versions"]["programs"].split())
"""Programs that are harmless when all they are asked for is their version."""

SHORT_VERSION = frozenset(_DATA["versions"]["short"].split())
"""Programs that show it for `-v`, or `go` for `version`."""

STEERED = {program: files.split() for files, programs in _DATA["steered"].items() for program in programs.split()}
"""Files of a repository that decide which program answers to such a name."""

STEERS_ALL = (".tool-versions", "mise.toml", ".mise.toml")
"""The same for version managers that stand before any program."""

VERSION_FLAGS = frozenset(_DATA["versions"]["flags"].split())

DANGERS = tuple(
    (LazyPattern(pattern, re.IGNORECASE | re.MULTILINE), what) for what, pattern in _PROGRAMS["dangers"].items()
)
"""Traces that dangerous code leaves, and what such code does."""


@cache
def known_as(program_class: str) -> frozenset[str]:
    """The programs of a class: `shells`, `fetchers`, `privilege`, ..."""
    return frozenset(_PROGRAMS["classes"][program_class].split())


@cache
def grammar_of(program: str) -> Grammar | None:
    """The grammar of a read-only program, None for all others."""
    return _grammar("programs", program)


@cache
def git_grammar_of(subcommand: str) -> Grammar | None:
    """The grammar of a read-only git subcommand, None for all others."""
    return _grammar("git", subcommand)


def _grammar(section: str, name: str) -> Grammar | None:
    text = _DATA[section].get(name)
    return Grammar.read(text) if text is not None else None
