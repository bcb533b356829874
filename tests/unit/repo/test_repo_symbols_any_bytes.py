import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.repo.grammars import GRAMMARS
from hybridcode.repo.symbols import Analysis, analyse, error_count, outline

LANGUAGES = sorted(GRAMMARS)
SOURCES = {path.stem: path.read_bytes() for path in (Path(__file__).parent / "languages").glob("*.txt")}
SCRAPS = st.sampled_from(
    [line for source in SOURCES.values() for line in source.splitlines(keepends=True)]
    + [b"{", b"}", b"(", b")", b"end\n", b"\r\n", b"\xff", b"\xc3", b'"', b"'''", b"/*", b"\xef\xbb\xbf", b"\t"]
)


def check(found: Analysis, data: bytes) -> None:
    lines = data.count(b"\n") + 1
    known: dict[str, list[tuple[int, int]]] = {}
    for symbol in found.symbols:
        assert symbol.name
        assert 1 <= symbol.start <= symbol.end <= lines
        assert "\n" not in symbol.signature
        if symbol.parent:
            assert symbol.name.startswith(f"{symbol.parent}.")
            around = known[symbol.parent]
            assert any(start <= symbol.start and symbol.end <= end for start, end in around)
        known.setdefault(symbol.name, []).append((symbol.start, symbol.end))
    assert list(found.references) == sorted(found.references)
    assert all(len(name) >= 3 and count > 0 for name, count in found.references.items())
    assert list(found.imports) == sorted(set(found.imports))
    assert found.errors >= 0


@settings(max_examples=150, deadline=None)
@given(language=st.sampled_from(LANGUAGES), data=st.binary(max_size=300))
def test_any_bytes_can_be_analysed(language: str, data: bytes) -> None:
    check(analyse(language, data), data)


@settings(max_examples=300, deadline=None)
@given(language=st.sampled_from(LANGUAGES), scraps=st.lists(SCRAPS, max_size=25))
def test_any_scraps_of_source_can_be_analysed(language: str, scraps: list[bytes]) -> None:
    data = b"".join(scraps)
    found = analyse(language, data)
    check(found, data)
    assert found == analyse(language, data)


@settings(max_examples=200, deadline=None)
@given(language=st.sampled_from(LANGUAGES), cut=st.tuples(st.integers(0, 2000), st.integers(0, 200)))
def test_a_source_with_a_piece_missing_can_be_analysed(language: str, cut: tuple[int, int]) -> None:
    source = SOURCES[language]
    data = source[: cut[0]] + source[cut[0] + cut[1] :]
    check(analyse(language, data), data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_comes_of_nothing(language: str) -> None:
    assert analyse(language, b"") == Analysis(symbols=(), references={}, imports=(), errors=0)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"x = " + b"[" * 10_000 + b"1" + b"]" * 10_000, id="lists"),
        pytest.param(b"x = " + b"(" * 10_000 + b"1" + b")" * 10_000, id="parentheses"),
        pytest.param(b"a" + b".b()" * 10_000, id="calls"),
        pytest.param(b"class A { void f() { " * 1_000, id="unclosed"),
    ],
)
def test_deep_nesting_ends(language: str, data: bytes) -> None:
    check(analyse(language, data), data)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("piece", [b"(", b"[", b"{", b"!", b"begin\n", b"do ", b"$("])
def test_an_error_of_a_hundred_thousand_pieces_takes_seconds(language: str, piece: bytes) -> None:
    data = b"x = " + piece * 100_000
    began = time.process_time()
    check(analyse(language, data), data)
    assert time.process_time() - began < 8


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_long_line_ends(language: str) -> None:
    data = b"total=tidy(1);" * 3_000
    check(analyse(language, data), data)


def test_a_parser_that_loses_its_way_is_ended() -> None:
    data = b"x=f(1);" * 30_000
    assert analyse("bash", data) == Analysis(symbols=(), references={}, imports=(), errors=1)
    assert error_count("a.sh", data) == 1
    assert outline("a.sh", data) == ()


def test_calls_deeper_than_any_program_are_left_out() -> None:
    found = analyse("python", b"a" + b".next()" * 5_000).references
    assert 100 <= found["next"] < 5_000


@pytest.mark.parametrize(
    ("language", "broken", "expected"),
    [
        ("python", b"def f(:\n    return (\n\n\ndef total():\n    return 2\n", "total"),
        ("javascript", b"let a = (1;\n\nfunction total() {\n}\n", "total"),
        ("go", b"package a\n\nfunc a() {\n\tx := \n}\n\nfunc total() {\n}\n", "total"),
        ("rust", b"fn f( {\n}\n\nfn total() {\n}\n", "total"),
    ],
)
def test_errors_do_not_hide_the_rest(language: str, broken: bytes, expected: str) -> None:
    found = analyse(language, broken)
    assert found.errors > 0
    assert expected in [symbol.bare_name for symbol in found.symbols]


def test_a_name_that_the_parser_only_supposes_is_none() -> None:
    found = analyse("c", b"const RATE = 0.2;\n")
    assert found.errors == 1
    assert found.symbols == ()
