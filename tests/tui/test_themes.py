import itertools
from pathlib import Path

import pytest

from hybridcode.tui.themes import TOKENS, ThemeFile, load_themes, read_theme, shipped_dir

DOCS = Path(__file__).parents[2] / "docs" / "themes.md"
PATHS = sorted(shipped_dir().glob("*.toml"))
HIGH_CONTRAST = {"hybridcode-contrast", "hybridcode-paper"}
SAFE = {"hybridcode-contrast", "hybridcode-paper", "hybridcode-safe"}
GROUNDS = ("diff-add-background", "diff-delete-background", "diff-add-word", "diff-delete-word", "cursor-background")
SYNTAX = tuple(token for token in TOKENS if token.startswith("syntax-"))
BLINDNESS = {
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
"""Machado, Oliveira and Fernandes 2009, severity 1, on linear light."""

Light = tuple[float, float, float]


def linear(color: str) -> Light:
    red, green, blue = (_linear(int(color[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return red, green, blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def luminance(color: str) -> float:
    red, green, blue = linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def seen(color: str, blindness: str) -> list[float]:
    light = linear(color)
    return [sum(weight * part for weight, part in zip(row, light, strict=True)) for row in BLINDNESS[blindness]]


def distance(one: str, other: str, blindness: str) -> float:
    return sum(abs(a - b) for a, b in zip(seen(one, blindness), seen(other, blindness), strict=True))


def themes(names: set[str]) -> list[ThemeFile]:
    return [theme for path in PATHS if (theme := read_theme(path)).name in names]


def test_eight_themes_ship_each_in_a_file_of_its_name() -> None:
    found, errors = load_themes([shipped_dir()])
    assert errors == ()
    assert set(found) == {path.stem for path in PATHS}
    assert len(found) == 8


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_text_can_be_read_on_every_ground(path: Path) -> None:
    theme = read_theme(path)
    colors, tokens = theme.colors, theme.variables
    ground = colors.background
    least = 7.0 if theme.name in HIGH_CONTRAST else 4.5
    texts = {name: getattr(colors, name) for name in ("foreground", "accent", "success", "warning", "error")}
    ratios = {name: contrast(text, ground) for name, text in texts.items()}
    ratios |= {f"foreground on {name}": contrast(colors.foreground, tokens[name]) for name in GROUNDS}
    ratios |= {name: contrast(tokens[name], ground) for name in (*SYNTAX, "quiet")}
    for kind in ("add", "delete"):
        on = tokens[f"diff-{kind}-background"]
        ratios |= {f"{name} on {kind}": contrast(tokens[name], on) for name in SYNTAX}
        ratios[f"{kind} sign"] = contrast(tokens[f"diff-{kind}"], on)
    assert {name: ratio for name, ratio in ratios.items() if ratio < min(least, 4.5)} == {}
    assert contrast(colors.foreground, ground) >= least
    assert contrast(tokens["quiet"], ground) >= least


@pytest.mark.parametrize(
    ("theme", "blindness"), itertools.product(themes(SAFE), BLINDNESS), ids=lambda value: getattr(value, "name", value)
)
def test_added_and_deleted_are_told_apart_by_everybody(theme: ThemeFile, blindness: str) -> None:
    tokens = theme.variables
    assert distance(tokens["diff-add"], tokens["diff-delete"], blindness) > 0.2
    assert distance(tokens["diff-add-word"], tokens["diff-delete-word"], blindness) > 0.03


def test_every_token_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [token for token in TOKENS if f"`{token}`" not in text] == []
    assert [name for name in (path.stem for path in PATHS) if f"`{name}`" not in text] == []
