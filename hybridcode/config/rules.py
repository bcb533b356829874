"""The rules of all layers: policy.toml of the user, the repository and the administrator, and the lists of [approval].

Invariant: an untrusted repository's rules only ask and deny; where the administrator lists what is allowed, nothing
else is; a file that cannot be understood stops the start, it is never half a policy.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from hybridcode.config.layers import LayerName, Origin, read_bounded
from hybridcode.config.paths import expanded
from hybridcode.domain.action import Verdict
from hybridcode.domain.errors import ConfigError

POLICY_FILE = "policy.toml"
_REPOSITORYS: frozenset[LayerName] = frozenset({"repository", "local"})
_LISTS: tuple[Verdict, ...] = ("allow", "ask", "deny")
_EXAMPLE = 'Write [[rule]], verdict = "ask", match = "Bash(npm publish*)"; reason, matches, misses if you like.'


_AT_RULE = re.compile(r"\A: (?P<what>.*) - at `\$\.rule\[(?P<index>\d+)\]\.?(?P<key>[^`]*)`\Z", re.DOTALL)


class WrittenRule(msgspec.Struct, frozen=True):
    """One rule as somebody wrote it; the gate reads its patterns."""

    verdict: Verdict
    match: tuple[str, ...]
    """Patterns such as `Bash(npm run *)`; one of them is enough."""
    origin: Origin
    place: str
    """Where in its file: `rule 2`, or `[approval] deny`."""
    reason: str = ""
    matches: tuple[str, ...] = ()
    """Command lines or paths that the rule must be about."""
    misses: tuple[str, ...] = ()
    """Command lines or paths that it must not be about."""

    @property
    def source(self) -> str:
        """File and place, for messages."""
        return f"{self.origin}, {self.place}"

    @property
    def lifts_deny(self) -> bool:
        """True for a rule of the user's or the administrator's own: no repository and no variable lifts a denial."""
        return self.origin.layer in ("user", "command line", "managed")


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    verdict: Verdict
    match: str | tuple[str, ...]
    reason: str = ""
    matches: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()
    workspace: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: tuple[_Table, ...] = ()


def parse_policy(data: bytes, *, layer: LayerName, path: Path, workspace: Path) -> tuple[WrittenRule, ...]:
    """The rules of a policy.toml that are about `workspace`.

    Raises:
        ConfigError: not TOML, an unknown key, or a rule for one workspace in a repository's own file.
    """
    try:
        tables = msgspec.convert(tomllib.loads(data.decode("utf-8-sig")), type=_File).rule
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", "Correct the file, or move it away.") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}{_AT_RULE.sub(_numbered, f': {error}')}", _EXAMPLE) from error
    found: list[WrittenRule] = []
    for number, table in enumerate(tables, 1):
        if table.workspace and layer in _REPOSITORYS:
            raise ConfigError(f"{path}, rule {number}: workspace has no meaning here", "Remove the key.")
        if not table.match or table.match == "":
            raise ConfigError(f"{path}, rule {number}: match is empty", _EXAMPLE)
        if table.workspace and expanded(table.workspace).resolve() != workspace:
            continue
        match = (table.match,) if isinstance(table.match, str) else table.match
        origin = Origin(layer, file=path)
        found.append(
            WrittenRule(table.verdict, match, origin, f"rule {number}", table.reason, table.matches, table.misses)
        )
    return tuple(found)


def _numbered(match: re.Match[str]) -> str:
    """The rule and the key that a message is about, counted as people count."""
    key = f", {match['key']}" if match["key"] else ""
    return f", rule {int(match['index']) + 1}{key}: {match['what']}"


def read_policy(path: Path, *, layer: LayerName, workspace: Path) -> tuple[WrittenRule, ...]:
    """The rules of a file, none if it does not exist.

    Raises:
        ConfigError: as `parse_policy`, or it cannot be read.
    """
    return parse_policy(read_bounded(path) or b"", layer=layer, path=path, workspace=workspace)


def listed_rules(lists: Mapping[Verdict, Iterable[tuple[str, Origin]]]) -> tuple[WrittenRule, ...]:
    """The lists of [approval] as rules, each with the layer it comes from."""
    return tuple(
        WrittenRule(verdict, (text,), origin, f"[approval] {verdict}")
        for verdict in _LISTS
        for text, origin in lists.get(verdict, ())
    )


def in_force(rules: Iterable[WrittenRule], *, is_trusted: bool, only_managed: bool) -> tuple[WrittenRule, ...]:
    """The rules that count: no allow rule of an untrusted repository, or beside the administrator's own."""
    return tuple(
        rule
        for rule in rules
        if rule.verdict != "allow"
        or ((is_trusted or rule.origin.layer not in _REPOSITORYS) and (not only_managed or _is_managed(rule)))
    )


def _is_managed(rule: WrittenRule) -> bool:
    return rule.origin.layer == "managed"
