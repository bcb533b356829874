from pathlib import Path

import pytest

from hybridcode.repo.grammars import GRAMMARS
from hybridcode.repo.symbols import Symbol, analyse, candidates, find, outline

LANGUAGES = Path(__file__).parent / "languages"
"""For each language a source, and what `told` says of it: a changed file here is a reviewed change."""


def told(language: str, data: bytes) -> str:
    """Everything that an analysis holds, as text."""
    found = analyse(language, data)
    symbols = [_line(symbol) for symbol in found.symbols]
    references = [f"{name} {count}" for name, count in found.references.items()]
    parts = [f"errors {found.errors}", *symbols, "", "references", *references, "", "imports", *found.imports]
    return "\n".join(parts) + "\n"


def _line(symbol: Symbol) -> str:
    place = f"{symbol.start}-{symbol.end}"
    local = "  local" if symbol.is_local else ""
    return f"{symbol.name}  {symbol.kind}  {place}  in {symbol.parent or 'file'}{local}  | {symbol.signature}"


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_definitions_references_and_imports(language: str) -> None:
    source = (LANGUAGES / f"{language}.txt").read_bytes()
    assert told(language, source) == (LANGUAGES / f"{language}.expected").read_text("utf-8")


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_line_ends_do_not_matter(language: str) -> None:
    source = (LANGUAGES / f"{language}.txt").read_bytes()
    unix, dos = analyse(language, source), analyse(language, source.replace(b"\n", b"\r\n"))
    assert [(s.name, s.kind, s.start, s.end) for s in dos.symbols] == [
        (s.name, s.kind, s.start, s.end) for s in unix.symbols
    ]
    assert (dos.references, dos.imports) == (unix.references, unix.imports)


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_an_outline_leaves_out_what_stands_in_functions(language: str) -> None:
    source = (LANGUAGES / f"{language}.txt").read_bytes()
    shown = outline(f"x{GRAMMARS[language].suffixes[0]}", source)
    assert shown == tuple(symbol for symbol in analyse(language, source).symbols if not symbol.is_local)
    assert shown


def test_a_struct_and_its_typedef_are_one_definition() -> None:
    found = find("a.c", b"typedef struct cart {\n    int size;\n} cart;\n", "cart")
    assert found is not None
    assert (found.kind, found.start, found.end) == ("class", 1, 3)


def test_clauses_of_a_function_are_one_definition() -> None:
    source = b"defmodule A do\n  def f(0), do: 1\n  def f(n), do: n\n\n  def g(n), do: n\n  def f(a, b), do: a\nend\n"
    assert [(s.start, s.end) for s in candidates("a.ex", source, "f")] == [(2, 3), (6, 6)]


def test_methods_are_found_by_their_receiver() -> None:
    go = b"package a\n\nfunc (c *Cart[T]) Total() int {\n\treturn 1\n}\n"
    rust = b"impl<'a> fmt::Show for &'a mut shop::Cart<T> {\n    fn total(&self) {}\n}\n"
    assert [(s.name, s.parent) for s in candidates("a.go", go, "Cart.Total")] == [("Cart.Total", "")]
    assert [(s.name, s.parent) for s in candidates("a.rs", rust, "Cart::total")] == [("Cart.total", "Cart")]


def test_where_a_name_is_defined_it_is_not_used() -> None:
    assert analyse("go", b"package a\n\ntype Cart struct{ next *Cart }\n").references == {"Cart": 1}
    assert analyse("ruby", b"class Cart\nend\n").references == {}


def test_names_of_two_characters_are_no_references() -> None:
    assert analyse("python", b"f(a)\nab(a)\nabc(a)\n").references == {"abc": 1}


def test_a_definition_inside_a_test_case_is_local_and_the_case_has_no_name() -> None:
    source = b"describe('a', () => {\n  it('b', () => {\n    function helper() {}\n  });\n});\n"
    assert [(s.name, s.is_local) for s in analyse("javascript", source).symbols] == [("helper", True)]
    assert outline("a.js", source) == ()
