from pathlib import Path

import pytest
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from test_themes import contrast
from textual.color import Color

from hybridcode.config.load import load
from hybridcode.tui.few_colours import In256
from hybridcode.tui.surroundings import ui_here
from hybridcode.tui.themes import ThemeFile, load_themes, shipped_dir, textual_theme

THEMES, _ = load_themes((shipped_dir(),))
ROWS = ("diff-add-background", "diff-delete-background")
WORDS = ("diff-add-word", "diff-delete-word")
TEXTS = ("foreground", "quiet", "syntax-keyword", "syntax-string", "syntax-number", "syntax-comment", "syntax-name")


def tokens_of(theme: ThemeFile) -> dict[str, str]:
    made = textual_theme(theme)
    return {"foreground": str(made.foreground), "background": str(made.background), **made.variables}


def shown(tokens: dict[str, str], text: str, ground: str) -> tuple[str, str]:
    style = Style(color=tokens[text], bgcolor=tokens[ground])
    ((_, painted, _),) = In256(lambda: tokens).apply([Segment("x", style)], Color(0, 0, 0))
    assert painted is not None
    assert painted.color is not None
    assert painted.bgcolor is not None
    assert painted.color.type is painted.bgcolor.type is ColorType.EIGHT_BIT
    return painted.color.get_truecolor().hex, painted.bgcolor.get_truecolor().hex


@pytest.mark.parametrize("name", sorted(set(THEMES) - {"hybridcode-sixteen"}))
def test_with_256_colours_added_deleted_and_plain_rows_and_their_words_stay_apart(name: str) -> None:
    tokens = tokens_of(THEMES[name])
    grounds = [shown(tokens, "foreground", ground)[1] for ground in ("background", *ROWS, *WORDS)]
    assert len(set(grounds)) == len(grounds)


@pytest.mark.parametrize("name", sorted(THEMES))
def test_with_256_colours_text_on_a_diff_can_be_read(name: str) -> None:
    tokens = tokens_of(THEMES[name])
    for ground in ("background", *ROWS, *WORDS):
        for text in TEXTS if ground not in WORDS else TEXTS[:1]:
            wanted = min(4.5, contrast(tokens[text], tokens[ground]))
            assert contrast(*shown(tokens, text, ground)) >= wanted - 0.2, (text, ground)


def test_another_theme_counts_from_the_next_line_on() -> None:
    worn = [tokens_of(THEMES["hybridcode-dark"]), tokens_of(THEMES["hybridcode-light"])]
    filtering = In256(lambda: worn[0])
    line = [Segment("x", Style(bgcolor="#15291c"))]
    dark = filtering.apply(line, Color(0, 0, 0))
    worn.pop(0)
    assert filtering.apply(line, Color(0, 0, 0)) != dark


@pytest.mark.parametrize(
    ("environ", "theme"),
    [
        ({"TERM": "screen"}, "hybridcode-sixteen"),
        ({"TERM": "xterm"}, "hybridcode-sixteen"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "hybridcode-dark"),
        ({"TERM": "screen-256color"}, "hybridcode-dark"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "hybridcode-dark"),
        ({}, "hybridcode-dark"),
    ],
)
def test_where_nobody_chose_a_theme_sixteen_colours_have_their_own(
    environ: dict[str, str], theme: str, tmp_path: Path
) -> None:
    loaded = load(tmp_path)
    assert ui_here(loaded, environ).theme == theme
