from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.context.corpus import Corpus
from hybridcode.context.records import analysed, language_at
from hybridcode.context.terms import terms
from hybridcode.repo.grammars import GRAMMARS
from hybridcode.repo.lines import split_lines
from hybridcode.repo.sections import STRUCTURED
from tests.support import polyglot
from tests.support.contexts import corpus_at, corpus_of, definers, users


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_at(polyglot.write(tmp_path_factory.mktemp("corpus") / "shop"))


def test_every_language_is_there(shop: Corpus) -> None:
    assert {language_at(path) for path in shop.paths} == {*GRAMMARS, *STRUCTURED, "text"}
    assert set(shop.grammars) >= set(GRAMMARS)
    assert len(shop.paths) > 380


def test_what_is_left_out_has_its_reason(shop: Corpus) -> None:
    reasons = {skipped.path: skipped.reason for skipped in shop.left_out}
    wanted = {
        ".env": "looks like a secret",
        "assets/logo.png": "binary",
        "assets/tail.dat2": "binary",
        "data/huge.py": "large (1.2 MB)",
        "data/ledger.csv": "data",
        "gen/bundle.min.js": "generated",
        "gen/flat.js": "minified or data: very long lines",
        "gen/says_so.py": "generated: it says so",
        "gen/schema_pb2.py": "generated",
        "legacy/wide.txt": "binary",
        "links/inside.py": "a symbolic link",
        "modules/other": "a submodule",
        "poetry.lock": "a lock file",
        "private/": "named in .hybridcodeignore",
        "third_party/lib.js": "vendored",
    }
    assert {path: reasons.get(path) for path in wanted} == wanted
    assert not set(reasons) & set(shop.paths)
    assert not [path for path in (*shop.paths, *reasons) if path.startswith(("node_modules", "build", "links/folder/"))]
    assert "prose/says_so.txt" in shop.paths


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_names_link_the_files_of_a_language(shop: Corpus, language: str) -> None:
    from_here = [number for number, path in enumerate(shop.paths) if language_at(path) == language]
    linked = {
        (file, other)
        for file in from_here
        for name in shop.record(file).references
        for other in definers(shop, name)
        if shop.paths[file] != other
    }
    assert len(linked) >= 6


def test_chunks_of_a_file_are_whole_lines_in_order_and_hold_all_that_is_written(shop: Corpus) -> None:
    for number, path in enumerate(shop.paths):
        lines = split_lines(shop.snapshot.read(path))
        chunks = shop.record(number).chunks
        inside = {line for chunk in chunks for line in range(chunk.start, chunk.end + 1)}
        assert [chunk.start for chunk in chunks] == sorted(chunk.start for chunk in chunks)
        assert len(inside) == sum(chunk.end - chunk.start + 1 for chunk in chunks)
        assert inside >= {line for line, text in enumerate(lines, 1) if text.strip()}, path
        assert all(chunk.size == sum(map(len, lines[chunk.start - 1 : chunk.end])) for chunk in chunks)


def test_counts_are_those_of_the_chunks_text(shop: Corpus) -> None:
    found = shop.chunk_counts(["ledg", "settl", "=collectvoucher", "absent"])
    for term, at in found.items():
        wanted: list[tuple[int, int]] = []
        for file, path in enumerate(shop.paths):
            for number, chunk in enumerate(shop.record(file).chunks, shop.first_chunk[file]):
                lines = split_lines(shop.snapshot.read(path))[chunk.start - 1 : chunk.end]
                count = terms(b"".join(lines).decode("utf-8", "replace")).count(term)
                wanted += [(number, count)] if count else []
        assert at == wanted
    assert found["ledg"]
    assert found["absent"] == []


def test_a_file_that_does_not_parse_is_taken_by_lines_and_says_so(shop: Corpus) -> None:
    notes = shop.oddities(["broken/half.ts", "broken/half.ts", "shop/ledger.py", "absent.py"])
    assert len(notes) == 1
    assert notes[0].startswith("broken/half.ts does not parse as typescript (")
    assert shop.record(shop.number["broken/half.ts"]).symbols == ()


def test_a_name_that_too_many_files_define_links_nothing(tmp_path: Path) -> None:
    files = {f"{number}.py": "def settle(): ...\n" for number in range(3)} | {"use.py": "settle()\n"}
    assert len(corpus_of(tmp_path / "three", files).links(["settle"], 3)) == 1
    assert corpus_of(tmp_path / "four", files | {"x.py": "def settle(): ...\n"}).links(["settle"], 3) == {}


def test_uses_are_counted(tmp_path: Path) -> None:
    corpus = corpus_of(
        tmp_path / "tree", {"a.py": "def settle(): ...\n", "b.py": "settle()\nsettle()\n", "c.py": "unsettle()\n"}
    )
    assert users(corpus, "settle") == {"b.py": 2}
    assert users(corpus, "absent") == {}


@given(st.binary(max_size=400), st.sampled_from(sorted({*GRAMMARS, *STRUCTURED, "text"})))
def test_any_bytes_are_taken_apart_into_lines_of_theirs(data: bytes, language: str) -> None:
    found = analysed(language, data)
    count = len(split_lines(data))
    ends = 0
    for chunk in found.record.chunks:
        assert ends < chunk.start <= chunk.end <= count
        ends = chunk.end
    assert len(found.counts) == len(found.names) == len(found.record.chunks)
    assert analysed(language, data) == found
