"""Themes from TOML files: shipped ones and the user's own.

Invariant: every theme defines every token in TOKENS, so a stylesheet may use any of them under any theme.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from textual.color import Color, ColorParseError
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

_COMPARE = "Compare it with a theme that ships."
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
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
        ConfigError: when it is not a theme; the message names the file, the line where it can be told, and the field.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        theme = msgspec.convert(tomllib.loads(text), ThemeFile)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} is not a theme: {error}", _COMPARE) from error
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].strip("`").rpartition(".")[2]
        raise ConfigError(f"{path.name}{_line_of(text, field)} is not a theme: {error}", _COMPARE) from error
    _require_tokens(path, theme)
    _require_shown(path, theme, text)
    return theme


def _require_shown(path: Path, theme: ThemeFile, text: str) -> None:
    """A name that can be chosen, and colours that are some."""
    if not _NAME.fullmatch(theme.name):
        raise ConfigError(
            f"{path.name}{_line_of(text, 'name')}: {theme.name!r} cannot be a theme's name",
            "Letters, digits, hyphens; a letter first.",
        )
    for field, colour in (*msgspec.structs.asdict(theme.colors).items(), *theme.variables.items()):
        try:
            Color.parse(colour)
        except ColorParseError as error:
            raise ConfigError(
                f"{path.name}{_line_of(text, field)}: {field} = {colour!r} is no colour", "Write it as #8ab4f8."
            ) from error


def _line_of(text: str, field: str) -> str:
    """`, line 12` for the line on which a field stands, empty where it stands on none."""
    found = re.search(rf"^[ \t]*[\"']?{re.escape(field)}[\"']?[ \t]*=", text, re.MULTILINE) if field else None
    return f", line {text.count(chr(10), 0, found.start()) + 1}" if found else ""


def _require_tokens(path: Path, theme: ThemeFile) -> None:
    missing, unknown = set(TOKENS) - set(theme.variables), set(theme.variables) - set(TOKENS)
    if missing or unknown:
        said = [f"missing {', '.join(sorted(missing))}"] * bool(missing)
        said += [f"unknown {', '.join(sorted(unknown))}"] * bool(unknown)
        raise ConfigError(f"{path.name}, [variables]: {'; '.join(said)}", _COMPARE)


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
