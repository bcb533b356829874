"""Taking a rule out of the user's policy.toml again.

Invariant: only a rule that `edit.add_project_rule` wrote is taken out; comments, order and every other rule survive.
"""

from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from hybridcode.config.atomic import write_atomic
from hybridcode.config.layers import read_bounded
from hybridcode.config.paths import user_config_dir
from hybridcode.config.rules import POLICY_FILE, parse_policy
from hybridcode.domain.errors import ConfigError


def remove_project_rule(workspace: Path, rule: str, *, path: Path | None = None) -> bool:
    """Take an allow rule for one workspace out of the user's policy.toml (`path` if given); False: it has none.

    Raises:
        ConfigError: policy.toml cannot be read, understood or written.
    """
    target, root = path or user_config_dir() / POLICY_FILE, workspace.resolve()
    try:
        document = tomlkit.parse((read_bounded(target) or b"").decode("utf-8-sig"))
    except (UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigError(f"{target} is not TOML: {error}", "Correct the file first.") from error
    if "rule" not in document or not isinstance(tables := document["rule"], AoT):
        return False
    wanted = {"workspace": str(root), "verdict": "allow", "match": rule}
    places = [place for place, table in enumerate(tables.unwrap()) if table == wanted]
    for place in reversed(places):
        del tables[place]
    if places and not len(tables):
        del document["rule"]
    data = tomlkit.dumps(document).encode()
    parse_policy(data, layer="user", path=target, workspace=root)
    if places:
        write_atomic(target, data)
    return bool(places)
