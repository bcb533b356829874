"""What a person has already agreed to when a session opens.

Invariant: a command that a repository proposes is never consent, whatever layer it overrides.
"""

import msgspec

from hybridcode.config.load import Loaded
from hybridcode.config.rules import WrittenRule
from hybridcode.config.settings import Settings
from hybridcode.gate.rules import exact_rule_text

_CHECKS = ("verify.test_cmd", "verify.lint_cmd")
_FOREIGN = ("repository", "local", "default")
"""Layers that are nobody's consent, unless the repository is trusted."""


def consented_checks(loaded: Loaded) -> tuple[str, ...]:
    """Check commands that a person named: on the command line, in the environment or in their own config."""
    return tuple(_consented(loaded).values())


def _consented(loaded: Loaded) -> dict[str, str]:
    verify = loaded.settings.verify
    lines = {"verify.test_cmd": verify.test_cmd, "verify.lint_cmd": verify.lint_cmd}
    foreign = ("default",) if loaded.is_trusted else _FOREIGN
    return {name: line for name, line in lines.items() if line and loaded.origin[name].layer not in foreign}


def foreign_checks(loaded: Loaded) -> tuple[str, ...]:
    """Names of check settings that only an untrusted repository speaks for."""
    names = (name for name in _CHECKS if loaded.origin[name].layer in ("repository", "local"))
    return () if loaded.is_trusted else tuple(names)


def with_consent(loaded: Loaded, *, is_attended: bool) -> Settings:
    """The settings. Where nobody can be asked, checks of an untrusted repository are left out: a fresh clone executes
    nothing."""
    settings = loaded.settings
    if is_attended or not (foreign := foreign_checks(loaded)):
        return settings
    dropped = {name.removeprefix("verify."): "" for name in foreign}
    return msgspec.structs.replace(settings, verify=msgspec.structs.replace(settings.verify, **dropped))


def agreed_rules(loaded: Loaded) -> tuple[WrittenRule, ...]:
    """The rules of all layers, and one for each check that a person named."""
    if loaded.only_managed_allow:
        return loaded.rules
    checks = (
        WrittenRule("allow", (exact_rule_text(line),), loaded.origin[name], name)
        for name, line in _consented(loaded).items()
    )
    return (*loaded.rules, *checks)
