import gc
import time
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.repo.sections import STRUCTURED, Section, error_count, sections

LANGUAGES = sorted(STRUCTURED)
PIECES = [
    "{", "}", "[", "]", '"', "'", "a", "key", ":", ": ", ",", "- ", "-", "=", "\n", "\n", "\n", "\r\n", " ", "  ", "\t",
    "#", "# ", "## b", "---", "===", "```", "~~~", "//", "/*", "*/", "<!--", "-->", "<div id='x'>", "</div>", "<br>",
    "<script>", "</script>", "<", ">", "|", "&x ", "!t ", "*y", "\\", "$", "$$", "$t$", "$(", ")", ";",
    "create table x (", "create trigger t begin", "end;", "delimiter //", "go", "FROM a AS b", "RUN <<E", "E",
    "define x", "endef", "ifdef", "endif", "x: y", "x:\n\ty", "[[a.b]]", "[a]", '"""', "'''", "@media x {",
    "url(", "#{", "{{", "}}", "{%", "\x00", "é", "\u2028",
]  # fmt: skip


def check(language: str, data: bytes) -> tuple[Section, ...]:
    found = sections(language, data)
    lines = data.count(b"\n") + 1
    around: list[Section] = []
    before = (0, 0)
    for section in found:
        assert 1 <= section.start <= section.end <= lines
        assert section.name
        assert section.name.isprintable()
        assert len(section.name) <= 120
        assert (section.start, -section.end) > before
        before = (section.start, -section.end)
        while around and around[-1].end < section.start:
            around.pop()
        assert not around or section.end <= around[-1].end
        assert section.level > (around[-1].level if around else 0)
        around.append(section)
    assert sections(language, bytes(data)) == found
    errors = error_count(language, data)
    assert errors is None or errors >= 0
    return found


def bytes_of(pieces: Iterable[str]) -> bytes:
    return "".join(pieces).encode()


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=80, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=120), times=st.sampled_from([1, 1, 20]))
def test_whatever_the_text_sections_nest_inside_the_file(language: str, pieces: list[str], times: int) -> None:
    check(language, bytes_of(pieces) * times)


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=300))
def test_whatever_the_bytes_sections_nest_inside_the_file(language: str, data: bytes) -> None:
    check(language, data)


SAMPLES = {
    "json": b'{\n"a": {\n"b": 1,\n"c": 2\n},\n"d": [\n1,\n2\n]\n}\n',
    "toml": b"[a]\nb = 1\nc = 2\n\n[d]\ne = 1\n",
    "yaml": b"a:\n  b: 1\n  c: 2\n# x\nd:\n- 1\n- 2\n",
    "markdown": b"# A\n\ntext\n\n## B\n\ntext\n\nC\n===\ntext\n",
    "sql": b"create table a (\n b int\n);\n\nselect 1\nfrom b;\n",
    "html": b"<head>\n<title>x</title>\n</head>\n<div id=a>\n\n</div>\n",
    "css": b"a {\n b: c;\n}\n\n/* x */\nd {\n e: f\n}\n",
    "dockerfile": b"FROM a AS b\nRUN x\n\nFROM c AS d\nRUN y \\\n  z\n",
    "makefile": b"a:\n\tb\n\n# x\nc: d\n\te\n",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_line_ends_a_mark_at_the_front_and_bad_bytes_change_nothing(language: str) -> None:
    data = SAMPLES[language]
    expected = check(language, data)
    assert len(expected) >= 2
    assert check(language, data.replace(b"\n", b"\r\n")) == expected
    assert check(language, b"\xef\xbb\xbf" + data) == expected
    assert check(language, data + b"\xff\xfe\x00") is not None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf", b"\x00", b"\xff\xfe", b"\r", b"no structure at all"])
def test_where_nothing_stands_out_there_are_no_sections(language: str, data: bytes) -> None:
    assert check(language, data) == ()


NESTED = [
    b"[", b"{", b'{"a":', b"<div>", b"<div>\n", b"a{", b"a {\n", b"- ", b">", b"(", b"begin ", b"/*", b"<!--", b"'",
    b'"', b"$(", b"${", b"$a$", b"[[", b"a:\n", b"```\n", b"FROM a\n", b"define a\n", b"\\\n", b"'''", b"a\n---\n",
    b"a = [", b";", b"go\n", b"}{", b"a: b\n", b"\n",
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_ten_thousand_open_marks_are_read_in_time(language: str) -> None:
    for piece in NESTED:
        began = time.process_time()
        assert len(sections(language, piece * 10_000)) <= 10_000
        assert time.process_time() - began < 5, piece


def test_nested_lists_of_any_depth_are_read() -> None:
    deep = b"".join(b" " * level + b"a%d:\n" % level for level in range(1000))
    assert [section.name for section in check("yaml", deep)][:2] == ["a0", "a0.a1"]
    assert [section.name for section in check("json", b'{"a":\n' * 10_000 + b"}" * 10_000)][:2] == ["a", "a.a"]


def test_a_megabyte_on_one_line_has_no_sections() -> None:
    row = b'{"id": 1, "tags": ["a", {"b": [1, 2]}]}'
    data = b'{"rows": [' + b",".join([row] * 26_000) + b"]}"
    assert len(data) > 1_000_000
    assert check("json", data) == ()


@pytest.mark.parametrize("language", ["json", "markdown", "yaml"])
def test_time_grows_with_the_bytes(language: str) -> None:
    def seconds(times: int) -> float:
        began = time.process_time()
        sections(language, SAMPLES[language] * times)
        return time.process_time() - began

    seconds(500)
    gc.disable()  # what it takes depends on all that other tests have left in this process
    try:
        assert seconds(8_000) < 40 * max(seconds(1_000), 0.002)
    finally:
        gc.enable()
