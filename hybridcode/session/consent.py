"""What a person has already agreed to when a session opens.

Invariant: a command that a repository proposes is never consent, whatever layer it overrides.
"""

import msgspec

from hybridcode.config.load import Loaded
from hybridcode.config.rules import project_rules
from hybridcode.config.settings import Settings

_CHECKS = ("verify.test_cmd", "verify.lint_cmd")
_FOREIGN = ("repository", "local", "default")


def consented_checks(loaded: Loaded) -> tuple[str, ...]:
    """Check commands that a person named: on the command line, in the environment or in their own config."""
    verify = loaded.settings.verify
    lines = {"verify.test_cmd": verify.test_cmd, "verify.lint_cmd": verify.lint_cmd}
    return tuple(lines[name] for name in _CHECKS if lines[name] and loaded.origin[name].layer not in _FOREIGN)


def with_consent(loaded: Loaded) -> Settings:
    """The settings, with named checks and this workspace's own rules allowed."""
    settings = loaded.settings
    checks = tuple(f"Bash({line})" for line in consented_checks(loaded))
    rules = project_rules(loaded.repository.workspace)
    approval = msgspec.structs.replace(settings.approval, allow=(*settings.approval.allow, *checks, *rules))
    return msgspec.structs.replace(settings, approval=approval)
