"""Where our own files live on this machine (XDG).

Invariant: nothing of ours is ever inside a repository, except what a person put into `.hybridcode/`.
"""

import hashlib
from pathlib import Path

import platformdirs

from hybridcode.domain.errors import ConfigError

_APP = "hybridcode"


def user_config_dir() -> Path:
    """Folder of the user's config.toml, policy.toml, keys.toml and themes/."""
    return Path(platformdirs.user_config_dir(_APP))


def state_dir(workspace: Path, override: str = "") -> Path:
    """Folder of the journal of one workspace: `<state>/<12 hex digits of its resolved path>-<name>`."""
    base = Path(override).expanduser() if override else Path(platformdirs.user_state_dir(_APP))
    return base / _name_of(workspace)


def worktrees_dir(workspace: Path) -> Path:
    """Folder of the git worktrees of one workspace. It is not below the state folder: no command may see that one."""
    return Path(platformdirs.user_state_dir(f"{_APP}-worktrees")) / _name_of(workspace)


def _name_of(workspace: Path) -> str:
    resolved = workspace.resolve()
    digest = hashlib.sha256(str(resolved).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"{digest}-{resolved.name or 'root'}"


def cache_dir() -> Path:
    """Folder of what can be rebuilt at will (the context index)."""
    return Path(platformdirs.user_cache_dir(_APP))


def data_dir() -> Path:
    """Folder of what is large and worth keeping."""
    return Path(platformdirs.user_data_dir(_APP))


def plans_dir() -> Path:
    """Folder of plans that a person saved from a pane."""
    return data_dir() / "plans"


def models_dir() -> Path:
    """Folder of downloaded models."""
    return data_dir() / "models"


def expanded(path: str | Path) -> Path:
    """A path with `~` and `~name` resolved. Raises: ConfigError when there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{path}: {error}", "Write the path out.") from error
