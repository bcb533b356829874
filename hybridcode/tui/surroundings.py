"""What settings and surroundings mean for the screens.

Invariant: pure functions of their arguments, but for the home folder; nothing that the first paint would wait for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.config.load import Loaded
from hybridcode.config.settings import FrontierSettings, LocalSettings, RoleSettings, Settings, UiSettings


def draws_ascii_only(glyphs: Literal["auto", "unicode", "ascii"], environ: Mapping[str, str]) -> bool:
    """True where lines and signs must be ASCII: by the setting, else by what terminal and locale say."""
    if glyphs != "auto":
        return glyphs == "ascii"
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    charset = locale.partition(".")[2].partition("@")[0].lower().replace("-", "")
    return charset not in ("", "utf8") or environ.get("TERM") in _BARE_CONSOLES


_BARE_CONSOLES = ("linux", "vt100", "vt102", "vt220", "ansi", "cons25")
"""Terminals without most of our signs."""


_SIXTEEN = "hybridcode-sixteen"
_MORE_COLOURS = ("256color", "kitty", "direct")
"""Ends of terminal names that promise more than sixteen colours; others do so by COLORTERM."""


def ui_here(loaded: Loaded, environ: Mapping[str, str]) -> UiSettings:
    """The settings of the screens; where nobody chose a theme, one that the terminal has the colours for."""
    ui = loaded.settings.ui
    is_chosen = loaded.origin["ui.theme"].layer != "default"
    has_more = "COLORTERM" in environ or environ.get("TERM", "").rpartition("-")[2] in _MORE_COLOURS
    if is_chosen or has_more or "NO_COLOR" in environ or "TERM" not in environ:
        return ui
    return msgspec.structs.replace(ui, theme=_SIXTEEN)


def local_name(settings: Settings) -> str | None:
    """Short name of the local model for screens; None where nothing is configured."""
    local = settings.models.local
    return local.name or (Path(local.path).stem if local.path else local.base_url) or None


def further_roles(settings: Settings) -> tuple[str, ...]:
    """Roles that further models play, each with the short name of its model."""
    said = ((role, getattr(settings.roles, role)) for role in RoleSettings.__struct_fields__)
    return tuple(f"{role} {_short(settings.models.of(name))}" for role, name in said if name in settings.models.named)


def _short(model: FrontierSettings | LocalSettings) -> str:
    if isinstance(model, FrontierSettings):
        return model.model.rsplit("/", 1)[-1]
    return model.name or (Path(model.path).stem if model.path else model.base_url)


def short_path(path: Path) -> str:
    """A folder for eyes, as `~/src/shop`."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)


def advice_for(frontier: str | None, local: str | None) -> tuple[str, ...]:
    """How to get what is missing, a line each."""
    lines: list[str] = []
    if frontier is None:
        lines.append("Frontier: hybridcode config set models.frontier.model=NAME  (its key from the environment)")
    if local is None:
        lines.append(
            "Local: hybridcode models list, then models pull NAME  (or set models.local.path, models.local.base_url)"
        )
    return tuple(lines)
