import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.domain.action import FileChange
from hybridcode.tui.diff_paint import DiffPainter
from hybridcode.tui.diff_rows import compare, group_changes
from hybridcode.tui.file_diff import FileDiff, file_diff
from hybridcode.tui.file_review import Mark
from hybridcode.tui.highlight import find_lexer
from hybridcode.tui.multiline import inside
from hybridcode.tui.themes import load_themes, shipped_dir, textual_theme

DARK = textual_theme(load_themes((shipped_dir(),))[0]["hybridcode-dark"])
TOKENS = {**DARK.variables, **{name: str(getattr(DARK, name)) for name in ("foreground", "background", "accent")}} | {
    name: str(getattr(DARK, name)) for name in ("success", "error", "warning")
}


def words(path: str, text: str) -> list[list[tuple[str, str | None]]]:
    lines = [line.encode() + b"\n" for line in text.split("\n")]
    found = inside(path, lines, text.encode())
    assert found is not None
    return [list(found.parts(number, line)) for number, line in enumerate(text.split("\n"))]


def _diff(path: str, before: str, after: str, edits: dict[int, tuple[bytes, ...]] | None = None) -> FileDiff:
    change = FileChange(path, before.encode(), after.encode())
    compared = compare(change)
    return file_diff(change, compared, groups=group_changes(compared.changes), edits=edits or {}, is_folded=False)


def colours(diff: FileDiff) -> list[tuple[str, set[str]]]:
    """Text of each line of the file, and the names of the inks its letters have."""
    marks: list[Mark] = ["undecided"] * len(diff.rows.heads)
    painter = DiffPainter(diff, marks, lexer=find_lexer(diff.path))
    painter.palette.use(TOKENS)
    inks = {style.color: name for name, style in painter.palette.styles.items() if name in ("string", "comment")}
    told: list[tuple[str, set[str]]] = []
    for number, row in enumerate(diff.rows):
        if row.kind in ("same", "add", "delete"):
            segments = list(painter.line(number, 0, 80))[4:]
            named = {inks.get(one.style.color, "other") for one in segments if one.style and one.text.strip()}
            told.append((row.text, named))
    return told


def test_a_docstring_is_one_string_wherever_its_lines_stand() -> None:
    told = words("a.py", 'def f():\n    """One\n    for if "two"\n    """; x = 1\n    y = """in one line"""')
    assert told == [
        [("def f():", None)],
        [("    ", None), ('"""One', "string")],
        [('    for if "two"', "string")],
        [('    """', "string"), ("; x = 1", None)],
        [('    y = """in one line"""', None)],
    ]


@pytest.mark.parametrize(
    "path,text,word",
    [
        ("a.c", "int a; /* for\nwhile\n*/ int b;", "comment"),
        ("a.ts", "const a = `for\nwhile\n`;", "string"),
        ("a.html", "<p> <!-- for\nwhile\n--> </p>", "comment"),
        ("a.lua", "x = 1 --[[ for\nwhile\n]] y = 2", "comment"),
        ("a.sql", "select /* for\nwhile\n*/ 1", "comment"),
        ("a.go", "a := `for\nwhile\n`", "string"),
    ],
)
def test_other_languages_have_theirs(path: str, text: str, word: str) -> None:
    first, second, third = words(path, text)
    assert first[0][1] is None
    assert first[-1][1] == word
    assert second == [("while", word)]
    assert third[0][1] == word


@pytest.mark.parametrize(
    "path,line",
    [
        ("a.py", 'x = 1  # a comment with """ in it'),
        ("a.py", "x = \"it's '''\" + 'a \\' \"\"\" b'"),
        ("a.c", 'char *a = "/*"; // and /* here'),
        ("a.rs", "fn f<'a>(x: &'a str) { '\"' }"),
    ],
)
def test_what_only_looks_like_a_beginning_is_none(path: str, line: str) -> None:
    assert words(path, f'/* """\n{line}\n*/ """\n{line}\nlast')[-1] == [("last", None)]


def test_a_jump_looks_back_over_a_bounded_stretch() -> None:
    told = words("a.py", "x = 1\n" * 5000 + "'''\n" + "for\n" * 200 + "'''\n" + "y = 2\n" * 5000)
    assert told[5100] == [("for", "string")]
    assert told[5301] == [("y = 2", None)]
    far = inside("a.py", [b"x = 1\n"] * 5000 + [b"'''\n"] + [b"for\n"] * 200, b"'''")
    assert far is not None
    assert far.parts(5100, "for") == [("for", "string")]


@given(st.lists(st.sampled_from(['"""', "'''", "'", '"', "#", "\\", "a", " ", "/*", "*/", "`", "//"]), max_size=40))
def test_parts_join_to_the_line(pieces: list[str]) -> None:
    for path in ("a.py", "a.ts", "a.c", "a.go"):
        lines = ["".join(pieces[:20]), "".join(pieces[20:])]
        found = inside(path, [line.encode() for line in lines], b'""" /* `')
        assert found is not None
        for number, line in enumerate(lines):
            assert "".join(text for text, _ in found.parts(number, line)) == line


def test_the_diff_colours_a_changed_line_of_a_docstring_as_a_string() -> None:
    before = 'def f():\n    """One.\n\n    for each of them if any\n    """\n    return 1\n'
    told = colours(_diff("a.py", before, before.replace("each", "all")))
    assert ("    for each of them if any", {"string"}) in told
    assert ("    for all of them if any", {"string"}) in told
    assert {"other"} == next(inks for text, inks in told if text == "    return 1") - {"string", "comment"}


def test_an_edit_that_opens_a_string_colours_what_follows() -> None:
    before, after = "a = 1\nb = 2\nc = 3\n", "a = 1\nb = 4\nc = 3\n"
    assert dict(colours(_diff("a.py", before, after)))["c = 3"] == {"other"}
    assert dict(colours(_diff("a.py", before, after, {0: (b"b = '''\n",)})))["c = 3"] == {"string"}
