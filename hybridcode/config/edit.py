"""Changes to config files at a person's own command: the user's, and those of a repository.

Invariant: comments and order of a file survive; a value that `load` would refuse is never written; nothing is written
through a link of a repository.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import tomlkit

from hybridcode.config.atomic import write_atomic
from hybridcode.config.layers import read_bounded
from hybridcode.config.paths import user_config_dir
from hybridcode.config.rewriting import Rewrite, carry_out, foresee
from hybridcode.config.rules import POLICY_FILE, parse_policy, read_policy
from hybridcode.config.trust import RepositoryConfig, is_trusted, read_repository, trust
from hybridcode.domain.errors import ConfigError

SHARED_FILE, LOCAL_FILE = "config.toml", "config.local.toml"


def set_user_value(key: str, value: object, *, path: Path | None = None) -> Path:
    """Set one setting in the user's config.toml (`path` if given) and return the file's path.

    Raises:
        ConfigError: no such setting, a wrong value, `bypass`, or a file that is not TOML or cannot be written.
    """
    target = path or user_config_dir() / "config.toml"
    carry_out(foresee(target, {key: value}))
    return target


def write_repository_config(path: Path, values: Mapping[str, object]) -> None:
    """Write a repository's `.hybridcode/config.toml` for the first time, and keep config.local.toml out of git.

    Args:
        values: by dotted name; empty ones are left out.

    Raises:
        ConfigError: the file is already there, its folder is a symbolic link, or a value cannot be used.
    """
    _carry_out_inside(foresee_first(path, values))


def foresee_first(path: Path, values: Mapping[str, object]) -> Rewrite:
    """What `write_repository_config` would write. Raises ConfigError, as that does."""
    if path.exists() or path.is_symlink():
        raise ConfigError(f"{path} exists already", "Edit it, or move it away first.")
    _require_no_link(path)
    said = {key: value for key, value in values.items() if value not in ("", (), [])}
    return foresee(path, said, layer="repository", mode=0o644)


def foresee_local(folder: Path, changes: Mapping[str, object], *, named: Collection[str] = ()) -> Rewrite:
    """What `config.local.toml` below a repository's `.hybridcode` would hold; `named` as for `foresee`.

    Raises:
        ConfigError: as `foresee`.
    """
    path = folder / LOCAL_FILE
    _require_no_link(path)
    return foresee(path, changes, layer="local", named=named)


def carry_out_all(rewrites: Sequence[Rewrite], repository: RepositoryConfig, *, store: Path | None = None) -> bool:
    """Write what was shown, at a person's own command.

    Files of the repository that were trusted stay trusted with what was just written, and so do files that hold nothing
    else.

    Returns:
        False if a repository's file was written that is not trusted: it may only tighten.

    Raises:
        ConfigError: a file changed since it was shown, or cannot be written.
    """
    was_own = not repository.files or is_trusted(repository, store=store)
    inside = [rewrite for rewrite in rewrites if rewrite.path.parent == repository.folder]
    for rewrite in rewrites:
        if rewrite in inside:
            _carry_out_inside(rewrite)
        else:
            carry_out(rewrite)
    if not inside:
        return True
    present = read_repository(repository.workspace)
    expected = {**repository.files, **{rewrite.path.name: rewrite.after for rewrite in inside}}
    if was_own and dict(present.files) == expected:
        trust(present, store=store)
        return True
    return False


def add_project_rule(workspace: Path, rule: str, *, path: Path | None = None) -> Path:
    """Add an allow rule for one workspace to the user's policy.toml (`path` if given) and return the file's path.

    Raises:
        ConfigError: policy.toml cannot be read, understood or written.
    """
    target, root = path or user_config_dir() / POLICY_FILE, workspace.resolve()
    present = read_policy(target, layer="user", workspace=root)
    if any(known.verdict == "allow" and known.match == (rule,) for known in present):
        return target
    added = tomlkit.dumps({"workspace": str(root), "verdict": "allow", "match": rule})
    data = b"".join((_line_ended(read_bounded(target) or b""), b"[[rule]]\n", added.encode()))
    parse_policy(data, layer="user", path=target, workspace=root)
    write_atomic(target, data)
    return target


def _line_ended(data: bytes) -> bytes:
    return data if not data or data.endswith(b"\n") else data + b"\n"


def _require_no_link(path: Path) -> None:
    for place in (path, path.parent):
        if place.is_symlink():
            raise ConfigError(f"{place} is a symbolic link", "Nothing is written through a link of the repository.")


def _carry_out_inside(rewrite: Rewrite) -> None:
    _require_no_link(rewrite.path)
    carry_out(rewrite)
    ignored = rewrite.path.parent / ".gitignore"
    if not ignored.exists() and not ignored.is_symlink():
        write_atomic(ignored, b"config.local.toml\n", mode=0o644)
