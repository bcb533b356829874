"""Themes from TOML files: shipped ones and the user's own.

Invariant: every theme defines every token in TOKENS, so a stylesheet may use any of them under any theme.
"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from textual.theme import Theme

from hybridcode.domain.errors import ConfigError

TOKENS = (
    "quiet",
    "line",
    "cursor-background",
    "diff-add",
    "diff-add-background",
    "diff-add-word",
    "diff-delete",
    "diff-delete-background",
    "diff-delete-word",
    "syntax-keyword",
    "syntax-string",
    "syntax-number",
    "syntax-comment",
    "syntax-name",
)
"""Our own colour tokens, beside Textual's."""

_HERE = Path(__file__).resolve().parent.parent
_PLACES = (_HERE / "themes", _HERE.parent / "themes")


class ThemeColors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ten base colours of a theme, as `#rrggbb`."""

    primary: str
    secondary: str
    accent: str
    foreground: str
    background: str
    surface: str
    panel: str
    success: str
    warning: str
    error: str


class ThemeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A theme as it stands in a TOML file."""

    name: str
    dark: bool
    colors: ThemeColors
    variables: dict[str, str]


def shipped_dir() -> Path:
    """Where our themes lie: beside the package in a wheel, at the top of the repository in a checkout."""
    return next((place for place in _PLACES if place.is_dir()), _PLACES[0])


def read_theme(path: Path) -> ThemeFile:
    """Read one theme file.

    Raises:
        ConfigError: when it is not a theme; the message names the file and the field.
    """
    try:
        theme = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ThemeFile)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path.name} is not a theme: {error}", "Compare it with a theme that ships.") from error
    missing, unknown = set(TOKENS) - set(theme.variables), set(theme.variables) - set(TOKENS)
    if missing or unknown:
        said = [f"missing {', '.join(sorted(missing))}"] * bool(missing)
        said += [f"unknown {', '.join(sorted(unknown))}"] * bool(unknown)
        raise ConfigError(f"{path.name}, [variables]: {'; '.join(said)}", "Compare it with a theme that ships.")
    return theme


def load_themes(folders: Iterable[Path]) -> tuple[dict[str, ThemeFile], tuple[ConfigError, ...]]:
    """Every theme in the folders by name, later folders win; files that are not themes are reported, not fatal."""
    themes: dict[str, ThemeFile] = {}
    errors: list[ConfigError] = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.toml"))):
        try:
            theme = read_theme(path)
        except ConfigError as error:
            errors.append(error)
        else:
            themes[theme.name] = theme
    return themes, tuple(errors)


def textual_theme(theme: ThemeFile) -> Theme:
    """The theme as Textual takes it."""
    colors: Mapping[str, str] = msgspec.structs.asdict(theme.colors)
    quiet = theme.variables["quiet"]
    derived = {
        "text-muted": quiet,
        "text-disabled": quiet,
        "block-cursor-background": theme.variables["cursor-background"],
        "block-cursor-foreground": theme.colors.foreground,
        "block-cursor-text-style": "bold",
        "border": theme.variables["line"],
        "scrollbar": theme.variables["line"],
        "scrollbar-background": theme.colors.background,
        "scrollbar-corner-color": theme.colors.background,
        "scrollbar-hover": quiet,
        "scrollbar-active": theme.colors.accent,
        "scrollbar-background-hover": theme.colors.background,
        "scrollbar-background-active": theme.colors.background,
        "input-selection-background": theme.variables["diff-add-word"],
    }
    return Theme(
        name=theme.name,
        primary=colors["primary"],
        secondary=colors["secondary"],
        accent=colors["accent"],
        foreground=colors["foreground"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["panel"],
        success=colors["success"],
        warning=colors["warning"],
        error=colors["error"],
        dark=theme.dark,
        variables={**derived, **theme.variables},
    )
