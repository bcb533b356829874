"""What a person has already agreed to when a session opens.

Invariant: a command that a repository proposes is never consent, whatever layer it overrides.
"""

import msgspec

from hybridcode.config.load import Loaded
from hybridcode.config.rules import project_rules
from hybridcode.config.settings import Settings
from hybridcode.gate.rules import exact_rule_text

_CHECKS = ("verify.test_cmd", "verify.lint_cmd")
_FOREIGN = ("repository", "local", "default")
"""Layers that are nobody's consent, unless the repository is trusted."""


def consented_checks(loaded: Loaded) -> tuple[str, ...]:
    """Check commands that a person named: on the command line, in the environment or in their own config."""
    verify = loaded.settings.verify
    lines = {"verify.test_cmd": verify.test_cmd, "verify.lint_cmd": verify.lint_cmd}
    foreign = ("default",) if loaded.is_trusted else _FOREIGN
    return tuple(lines[name] for name in _CHECKS if lines[name] and loaded.origin[name].layer not in foreign)


def foreign_checks(loaded: Loaded) -> tuple[str, ...]:
    """Names of check settings that only an untrusted repository speaks for."""
    names = (name for name in _CHECKS if loaded.origin[name].layer in ("repository", "local"))
    return () if loaded.is_trusted else tuple(names)


def with_consent(loaded: Loaded, *, is_attended: bool) -> Settings:
    """The settings, with named checks and this workspace's own rules allowed.

    Where nobody can be asked, checks of an untrusted repository are left out: a fresh clone executes nothing.
    """
    settings = loaded.settings
    if not is_attended and (foreign := foreign_checks(loaded)):
        dropped = {name.removeprefix("verify."): "" for name in foreign}
        settings = msgspec.structs.replace(settings, verify=msgspec.structs.replace(settings.verify, **dropped))
    checks = tuple(exact_rule_text(line) for line in consented_checks(loaded))
    rules = project_rules(loaded.repository.workspace)
    approval = msgspec.structs.replace(settings.approval, allow=(*settings.approval.allow, *checks, *rules))
    return msgspec.structs.replace(settings, approval=approval)
