import functools
import re
from importlib import metadata
from pathlib import Path

import pytest

from hybridcode.repo import grammars
from hybridcode.repo.grammars import GRAMMARS, compile_query, grammar_versions, language_of, query_text
from hybridcode.repo.imports import modules

QUERIES = Path(grammars.__file__).parent / "queries"
ROLE = re.compile(r"@(definition\.[a-z]+|extent|leading|local|reference\.[a-z]+|import)\b")


@functools.cache
def patterns(language: str) -> list[str]:
    text = query_text(language)
    query, source = compile_query(language, text), text.encode()
    spans = [(query.start_byte_for_pattern(i), query.end_byte_for_pattern(i)) for i in range(query.pattern_count)]
    return [source[start:end].decode() for start, end in spans]


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_every_pattern_has_one_role(language: str) -> None:
    for pattern in patterns(language):
        assert len(set(ROLE.findall(pattern))) == 1, pattern


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_every_query_tells_definitions_references_and_imports(language: str) -> None:
    roles = {role.partition(".")[0] for pattern in patterns(language) for role in ROLE.findall(pattern)}
    assert {"definition", "reference", "import"} <= roles


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_kinds_are_the_documented_ones(language: str) -> None:
    documented = {
        "function", "method", "class", "interface", "enum", "type", "module", "impl", "macro", "prototype", "constant",
        "field", "declaration", "clause",
    }  # fmt: skip
    assert set(re.findall(r"@definition\.(\w+)", query_text(language))) <= documented


def test_every_query_file_is_read_by_a_language() -> None:
    read = {name for language, grammar in GRAMMARS.items() for name in grammar.queries or (language,)}
    assert {path.stem for path in QUERIES.glob("*.scm")} == read


def test_conditions_that_the_library_takes_for_true_are_not_used() -> None:
    assert not [path.name for path in QUERIES.glob("*.scm") if "not-any-of" in path.read_text("utf-8")]


def test_a_query_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="no_such_node"):
        compile_query("python", "(no_such_node) @x")


def test_versions_of_grammars_are_those_that_are_installed() -> None:
    assert list(grammar_versions(["rust", "c_sharp", "tsx", "rust"])) == ["c_sharp", "rust", "tsx"]
    assert grammar_versions(["tsx"])["tsx"] == metadata.version("tree-sitter-typescript")
    assert grammar_versions(sorted(GRAMMARS)).keys() == GRAMMARS.keys()


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "python"), ("a.pyi", "python"), ("a.cs", "c_sharp"), ("a.php", "php"), ("a.swift", "swift"),
        ("a.kt", "kotlin"), ("build.gradle.kts", "kotlin"), ("a.scala", "scala"), ("build.sbt", "scala"),
        ("a.sc", "scala"), ("a.lua", "lua"), ("a.ex", "elixir"), ("mix.exs", "elixir"), ("a.h", "c"),
        ("a.hpp", "cpp"), ("a.d.ts", "typescript"), ("a.jsx", "javascript"), ("lib/Rakefile", "ruby"),
        (".bashrc", "bash"), ("a.CS", "c_sharp"), ("swift", None), ("a.txt", None), (".lua", "lua"), ("a.lua/b", None),
    ],
)  # fmt: skip
def test_languages_are_known_by_suffix_and_name(path: str, language: str | None) -> None:
    assert language_of(path) == language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("textual.widgets", ("textual.widgets",)),
        (".", (".",)),
        ("..lines", ("..lines",)),
        ("crate::a::b", ("crate::a::b",)),
        ("a::b::{c, d as e, f::*, g::{self, h}}", ("a::b::c", "a::b::d", "a::b::f", "a::b::g", "a::b::g::h")),
        ("use A\\B\\{C, D as E};", ("A\\B\\C", "A\\B\\D")),
        ("use function I\\j;", ("I\\j",)),
        ("import a.b.{C, D => E, _}", ("a.b.C", "a.b.D", "a.b")),
        ("import a.b, c.d", ("a.b", "c.d")),
        ("java.io.*", ("java.io",)),
        ("C.{D, E}", ("C.D", "C.E")),
        ("<stdio.h>", ("stdio.h",)),
        ('"${HOME}/a b.sh"', ("${HOME}/a b.sh",)),
        ("../a/{b}", ("../a/{b}",)),
        ("a::{b", ("a::b",)),
        ("a}, b", ("a", "b")),
        ("{" * 100 + "a", ()),
        ("a" * 2000, ()),
        ("  ", ()),
    ],
)
def test_imports_are_spread_out(text: str, expected: tuple[str, ...]) -> None:
    assert modules(text) == expected
