import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color, ColorSystem

import hybridcode.tui
from hybridcode.domain.errors import ConfigError
from hybridcode.tui.amounts import dollars, plural, seconds, size, tokens
from hybridcode.tui.highlight import find_lexer, pieces
from hybridcode.tui.meter import fitting
from hybridcode.tui.paint import clip, clip_left, fit, width, wrap
from hybridcode.tui.themes import load_themes, read_theme, shipped_dir
from hybridcode.tui.visible import hidden_flags, visible

ROOM = Path(hybridcode.tui.__file__).parent


@given(st.text())
def test_visible_is_printable_and_settles(text: str) -> None:
    shown = visible(text)
    assert "\x1b" not in shown
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in shown)
    assert visible(shown) == shown


@given(st.text(max_size=80), st.integers(1, 40))
def test_cut_text_fits(text: str, cells: int) -> None:
    assert width(fit(text, cells)) == cells
    assert width(clip(text, cells)) <= cells
    assert width(clip_left(text, cells)) <= cells


@given(st.text(alphabet="ab \n", max_size=120), st.integers(2, 30))
def test_wrapping_keeps_every_letter_and_fits(text: str, cells: int) -> None:
    lines = wrap(text, cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_flags_name_what_hides() -> None:
    assert hidden_flags([b"plain\n", "a\u202eb\r\n".encode(), b"\tindented\n"]) == ("bidi:202E",)


@given(st.text(max_size=60))
def test_colours_never_change_the_text(line: str) -> None:
    lexer = find_lexer("x.py")
    assert "".join(text for text, _ in pieces(lexer, line)) == line


def test_amounts_have_units() -> None:
    assert [tokens(950), tokens(3_240), tokens(1_200_000)] == ["950 tok", "3.2k tok", "1.20M tok"]
    assert [size(12), size(12_400)] == ["12 B", "12.4 kB"]
    assert [seconds(0.42), seconds(12.2), seconds(185)] == ["0.4 s", "12 s", "3 min 05 s"]
    assert [dollars(None), dollars(0.0), dollars(0.0012), dollars(0.31)] == [
        "cost unknown",
        "$0.00",
        "$0.0012",
        "$0.31",
    ]
    assert [plural(1, "file"), plural(1_000, "file")] == ["1 file", "1,000 files"]


def test_the_least_needed_item_goes_first() -> None:
    items = [(1, "aaaa"), (3, "bbbb"), (0, "cccc")]
    assert fitting(items, 40) == ["aaaa", "bbbb", "cccc"]
    assert fitting(items, 12) == ["aaaa", "cccc"]
    assert fitting(items, 4) == ["cccc"]
    assert fitting(items, 1) == []


def test_three_themes_ship_and_define_every_token() -> None:
    themes, errors = load_themes([shipped_dir()])
    assert errors == ()
    assert {"hybridcode-dark", "hybridcode-light", "hybridcode-contrast"} <= set(themes)


@pytest.mark.parametrize("path", sorted(shipped_dir().glob("*.toml")), ids=lambda path: path.stem)
def test_every_text_colour_survives_sixteen_colours(path: Path) -> None:
    theme = read_theme(path)

    def ansi(color: str) -> int | None:
        return Color.parse(color).downgrade(ColorSystem.STANDARD).number

    background = ansi(theme.colors.background)
    texts = {
        name: color for name, color in theme.variables.items() if not name.endswith(("background", "word", "line"))
    }
    texts |= {"foreground": theme.colors.foreground, "accent": theme.colors.accent, "error": theme.colors.error}
    assert [name for name, color in texts.items() if ansi(color) == background] == []


def test_a_broken_theme_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text('name = "odd"\n')
    themes, errors = load_themes([tmp_path])
    assert themes == {}
    assert isinstance(errors[0], ConfigError)
    assert "odd.toml" in errors[0].message


def test_only_paint_makes_segments_and_content() -> None:
    makers = {"Segment", "Content", "Text", "Static", "Label", "Markdown", "RichLog", "notify"}
    found: list[str] = []
    for path in sorted(ROOM.rglob("*.py")):
        if path.name in ("paint.py", "painted.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in makers:
                    found.append(f"{path.name}:{node.lineno} {name}")
    assert found == []


def test_start_imports_nothing_heavy() -> None:
    code = "import sys, hybridcode.tui.app; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pygments", "litellm", "httpx", "git", "tomlkit", "rapidfuzz", "markdown_it", "llama_cpp", "pydantic"}
    assert heavy & set(names) == set()
