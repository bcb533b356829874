"""What a person has already agreed to when a session opens.

Invariant: a command that a repository proposes is never consent, whatever layer it overrides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hybridcode.config.layers import Origin
from hybridcode.config.load import Loaded
from hybridcode.config.rules import WrittenRule
from hybridcode.config.settings import Settings
from hybridcode.domain.asked import ChecksNamed
from hybridcode.domain.events import NoticeGiven
from hybridcode.gate.rules import exact_rule_text
from hybridcode.repo.checks import detect_checks, first_of

_CHECKS = ("verify.test_cmd", "verify.lint_cmd")
_FOREIGN = ("repository", "local", "default")
"""Layers that are nobody's consent, unless the repository is trusted."""


@dataclass(frozen=True)
class Agreed:
    """Settings and rules of a session, with what a person has agreed to so far."""

    settings: Settings
    rules: tuple[WrittenRule, ...]
    suggested: Mapping[str, str]
    """Check commands that only the repository's files tell, each with the reason: a no to one is no to this alone."""
    notices: tuple[NoticeGiven, ...] = ()


def agree(loaded: Loaded, workspace: Path, *, is_attended: bool, named: ChecksNamed | None) -> Agreed:
    """What holds when a session opens; `named` is what the command line of an earlier run of it named."""
    settings, rules = with_consent(loaded, is_attended=is_attended), agreed_rules(loaded)
    if named is not None:
        before = {"verify.test_cmd": named.test_cmd, "verify.lint_cmd": named.lint_cmd}
        again = {key: line for key, line in before.items() if line and loaded.origin[key].layer == "default"}
        settings = _with_checks(settings, again)
        if not loaded.only_managed_allow:
            origin = Origin("command line")
            rules += tuple(
                WrittenRule("allow", (exact_rule_text(line),), origin, f"{key}, named before")
                for key, line in again.items()
            )
    left_out = () if is_attended else tuple(map(_not_run, foreign_checks(loaded)))
    agreed = Agreed(settings, rules, {}, left_out)
    if settings.verify.test_cmd or settings.verify.detect == "off" or left_out:
        return agreed
    return _with_suggestion(agreed, workspace, is_attended=is_attended)


def _not_run(name: str) -> NoticeGiven:
    text = f"{name} of this repository is not run: name it yourself, or trust the repository (hybridcode trust)."
    return NoticeGiven("warning", text)


def _with_suggestion(agreed: Agreed, workspace: Path, *, is_attended: bool) -> Agreed:
    """The check that the repository's files tell: asked where somebody is there, run where a rule of theirs says so."""
    found = first_of(detect_checks(workspace), "test")
    if found is None:
        return agreed
    settings = _with_checks(agreed.settings, {"verify.test_cmd": found.command})
    exact = exact_rule_text(found.command)
    if any(rule.verdict == "allow" and exact in rule.match and rule.lifts_deny for rule in agreed.rules):
        return Agreed(settings, agreed.rules, {})
    if is_attended:
        return Agreed(settings, agreed.rules, {found.command: found.reason})
    told = f"the check `{found.command}` is not run, though {found.reason}"
    return Agreed(
        agreed.settings, agreed.rules, {}, (NoticeGiven("info", told, f"--test-cmd '{found.command}' runs it."),)
    )


def named_now(loaded: Loaded) -> ChecksNamed | None:
    """The check commands of this command line; None if it names none."""
    lines = {key: line for key, line in _consented(loaded).items() if loaded.origin[key].layer == "command line"}
    return ChecksNamed(lines.get("verify.test_cmd", ""), lines.get("verify.lint_cmd", "")) if lines else None


def without_checks(settings: Settings, lines: set[str]) -> Settings:
    """The settings without a test_cmd that a person said no to."""
    return _with_checks(settings, {"verify.test_cmd": ""}) if settings.verify.test_cmd in lines else settings


def _with_checks(settings: Settings, lines: Mapping[str, str]) -> Settings:
    changed = {key.removeprefix("verify."): line for key, line in lines.items()}
    return msgspec.structs.replace(settings, verify=msgspec.structs.replace(settings.verify, **changed))


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
