"""Why policy says what it says, and what would come of it: for `hybridcode policy explain`.

Invariant: pure, as policy is; the verdict of an explanation is the verdict of `Policy.judge`.
"""

from dataclasses import replace
from typing import get_args

import msgspec

from hybridcode.config.settings import Mode
from hybridcode.domain.action import Action, ChangeSet, Ruling, ShellCommand, Verdict
from hybridcode.gate.commands.judge import judge_argv, judge_text
from hybridcode.gate.commands.scope import Finding
from hybridcode.gate.commands.shell import Script, of_argv
from hybridcode.gate.paths import Places
from hybridcode.gate.policy import Policy
from hybridcode.gate.rules import exact_rule

_NOT_BY_RULE = "no rule lifts this: change the file yourself"


class Spoken(msgspec.Struct, frozen=True):
    """One check that had something to say."""

    verdict: Verdict
    rule: str
    reason: str


class Part(msgspec.Struct, frozen=True):
    """One command of a command line, judged as if it stood alone."""

    command: str
    verdict: Verdict
    findings: tuple[Spoken, ...]


class Explanation(msgspec.Struct, frozen=True):
    """Everything there is to say about one action."""

    ruling: Ruling
    parts: tuple[Part, ...]
    together: tuple[Spoken, ...]
    """What was found in the whole command line and in no part alone."""
    rules: tuple[Spoken, ...]
    """Rules of policy.toml and [approval] that are about it, in the order of their layers."""
    lifted_by: str
    """The rule that would allow it, or a sentence about why there is none; empty if nothing stands against it."""
    outcomes: dict[str, str]
    """What happens with each mode, with --yes, and where nobody can be asked."""


def explain(policy: Policy, action: Action) -> Explanation:
    """Take the judgement of an action apart."""
    ruling = policy.judge(action)
    parts, together = _parts(policy, action) if isinstance(action, ShellCommand) else ((), ())
    return Explanation(
        ruling=ruling,
        parts=parts,
        together=together,
        rules=tuple(Spoken(rule.verdict, f"{rule.text} ({rule.source})", rule.reason) for rule in policy.about(action)),
        lifted_by=_lifted_by(ruling, action),
        outcomes={
            **{mode: _in_words(replace(policy, mode=mode).judge(action)) for mode in get_args(Mode)},
            "--yes": _with_yes(ruling, action),
            "nobody": _with_nobody(ruling),
        },
    )


def _parts(policy: Policy, command: ShellCommand) -> tuple[tuple[Part, ...], tuple[Spoken, ...]]:
    if command.argv:
        script = of_argv(command.argv)
        findings = judge_argv(script, policy.places, command.cwd)
    else:
        script, findings = judge_text(command.script, policy.places, command.cwd)
    parts = tuple(_part(each.line, judge_argv(Script((each,)), policy.places, command.cwd)) for each in script.commands)
    told = {found.reason for part in parts for found in part.findings}
    return parts, tuple(_spoken(found) for found in findings if found.reason not in told)


def _part(line: str, findings: list[Finding]) -> Part:
    verdicts: set[Verdict] = {found.verdict for found in findings}
    worst: Verdict = "deny" if "deny" in verdicts else "ask" if "ask" in verdicts else "allow"
    return Part(line, worst, tuple(map(_spoken, findings)))


def _spoken(found: Finding) -> Spoken:
    return Spoken(found.verdict, found.rule, found.reason)


def _lifted_by(ruling: Ruling, action: Action) -> str:
    if ruling.verdict == "allow":
        return ""
    if ruling.rule.startswith("user:"):
        return f"the rule in {ruling.source} says so: change it there"
    if ruling.person_only:
        return "no rule lifts this: a person is asked every time"
    if rule := exact_rule(action):
        return rule
    is_edit = isinstance(action, ChangeSet)
    if not is_edit or ruling.verdict == "deny":
        return _NOT_BY_RULE if is_edit else "no rule lifts this"
    return " ".join(f"Edit(={edit.path})" for edit in action.edits)


def _in_words(ruling: Ruling) -> str:
    return {"allow": "happens unasked", "ask": "is asked", "deny": "is denied"}[ruling.verdict]


def _with_yes(ruling: Ruling, action: Action) -> str:
    match ruling.verdict:
        case "ask" if ruling.person_only:
            return "stops, saved, with exit code 4: only a person answers this"
        case "ask" if isinstance(action, ShellCommand):
            return "runs inside the sandbox; where there is none it is denied with exit code 5"
        case "ask":
            return "happens"
        case "allow":
            return "happens unasked"
        case "deny":
            return "is denied, exit code 5"


def _with_nobody(ruling: Ruling) -> str:
    return {
        "allow": "happens unasked",
        "ask": "stops, saved, with exit code 4",
        "deny": "is denied, exit code 5",
    }[ruling.verdict]


def foreseen(command: ShellCommand, places: Places) -> tuple[str, ...]:
    """What a command line is seen to do, as sentences in its order; nothing here says that it does no more."""
    if command.argv:
        findings = judge_argv(of_argv(command.argv), places, command.cwd)
    else:
        findings = judge_text(command.script, places, command.cwd)[1]
    return tuple(dict.fromkeys(found.reason for found in findings))
