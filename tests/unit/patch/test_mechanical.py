import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.domain.action import FileChange
from hybridcode.patch.hunks import choose, split
from hybridcode.patch.mechanical import mechanical

SOURCE = b'''import os
import sys
from json import dumps

# says hello
def greet(name, times):
    """Greets."""
    for turn in range(times):
        if turn:
            print("hello  " + name)
        print(os.sep)
    return dumps(sys.argv)
'''


def kinds(before: bytes, after: bytes, path: str = "a.py") -> dict[int, str]:
    return dict(mechanical(FileChange(path, before, after, 0o644)))


def test_blanks_and_line_breaks_inside_an_expression_are_whitespace():
    after = SOURCE.replace(b"range(times)", b"range(\n        times\n    )").replace(
        b"(name, times)", b"( name,  times )"
    )
    assert set(kinds(SOURCE, after).values()) == {"whitespace"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"hello  "', b'"hello "'),
        (b"        print(os.sep)", b"            print(os.sep)"),
        (b"        print(os.sep)", b"    print(os.sep)"),
        (b"range(times)", b"range(times + 1)"),
        (b'"""Greets."""', b'"""Greets!"""'),
        (b"(name, times)", b"(times, name)"),
        (b"(name, times)", b"(name, times=1)"),
        (b"    return dumps(sys.argv)\n", b"    return dumps(sys.argv)\n)\n"),
    ],
)
def test_what_means_something_is_not_mechanical(old: bytes, new: bytes):
    assert kinds(SOURCE, SOURCE.replace(old, new)) == {}


def test_a_comment_is_mechanical_unless_a_tool_reads_it():
    assert kinds(SOURCE, SOURCE.replace(b"# says hello", b"# greets")) == {0: "comments"}
    assert kinds(SOURCE, SOURCE.replace(b"# says hello", b"# type: int")) == {}
    assert kinds(b"x = 1  # no" + b"qa\n", b"x = 1\n") == {}


def test_imports_in_another_order_are_told_apart_from_other_imports():
    assert set(kinds(SOURCE, SOURCE.replace(b"import os\nimport sys\n", b"import sys\nimport os\n")).values()) <= {
        "imports"
    }
    assert kinds(SOURCE, SOURCE.replace(b"import os\n", b"import abc\n")) == {}


def test_one_name_for_another_throughout_is_a_rename():
    assert set(kinds(SOURCE, SOURCE.replace(b"times", b"count")).values()) == {"rename"}


@pytest.mark.parametrize("new", [b"name", b"os", b"print"])
def test_a_name_that_the_file_has_already_is_no_rename(new: bytes):
    after = SOURCE.replace(b"for turn", b"for " + new).replace(b"if turn", b"if " + new)
    assert kinds(SOURCE, after) == {}


def test_a_rename_that_leaves_one_behind_is_none():
    assert kinds(SOURCE, SOURCE.replace(b"for turn", b"for number")) == {}
    mentioned = b'turn = 1\nprint("turn")\n'
    assert kinds(mentioned, b'number = 1\nprint("turn")\n') == {}


def test_a_mechanical_hunk_beside_another_one_is_found_alone():
    after = SOURCE.replace(b"# says hello", b"# greets").replace(b"print(os.sep)", b"print(os.name)")
    assert kinds(SOURCE, after) == {0: "comments"}


def test_javascript_line_breaks_that_end_a_statement_are_not_whitespace():
    before = b"function f() {\n  return g();\n}\n"
    assert kinds(before, b"function f() {\n  return\n  g();\n}\n", "a.js") == {}
    assert kinds(before, b"function f()\n{\n    return g();\n}\n", "a.js") == {0: "whitespace"}


def test_other_languages_broken_files_new_files_and_data_have_none():
    assert kinds(b"a:   1\n", b"a: 1\n", "a.yaml") == {}
    assert kinds(b"def f(:\n", b"def f( :\n") == {}
    assert dict(mechanical(FileChange("a.py", None, b"x = 1\n", 0o644))) == {}


TOKENS = st.sampled_from(
    ["x", "y", "x1", "1", "2", "+", "-", "(", ")", " ", "\n", "    ", "# c\n", '"a b"', "if x:\n", ","]
)


@given(before=st.lists(TOKENS, max_size=14), at=st.integers(0, 13), new=TOKENS)
def test_whatever_is_called_whitespace_or_comment_compiles_to_the_same_code(before: list[str], at: int, new: str):
    after = [*before[:at], new, *before[at + 1 :]]
    old_data, new_data = "".join(before).encode() + b"\n", "".join(after).encode() + b"\n"
    found = kinds(old_data, new_data)
    for index, kind in found.items():
        if kind in ("whitespace", "comments"):
            alone = choose(old_data, new_data, accepted={index})
            assert code_of(old_data) == code_of(alone)
    assert set(found) <= set(range(len(split(old_data, new_data))))


def code_of(data: bytes) -> bytes | None:
    try:
        return compile(data, "f", "exec", optimize=0).co_code
    except (SyntaxError, ValueError):
        return None
