"""What policy says of an action, before anybody is asked.

Invariant: `judge` is a pure function of the action, the settings, the file system's names and git's configuration; it
starts nothing and writes nothing. The verdict is the worst over all rules, so that no order of rules and no further
deny or ask rule can lower it; only a person's allow rule lifts, and never what only a person may decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from hybridcode.config.layers import Origin
from hybridcode.config.paths import state_dir, user_config_dir
from hybridcode.config.rules import WrittenRule, listed_rules
from hybridcode.config.settings import ApprovalSettings, Mode, Settings
from hybridcode.domain.action import Action, ChangeSet, FileEdit, Ruling, ShellCommand, ToolCall, Verdict
from hybridcode.gate.commands.judge import judge_argv, judge_text
from hybridcode.gate.commands.scope import Finding
from hybridcode.gate.commands.shell import Script, of_argv
from hybridcode.gate.flags import command_flags
from hybridcode.gate.paths import Kind, Place, Places
from hybridcode.gate.rules import Rule, read_rules
from hybridcode.gate.sandbox_git import writes_git

RANK: dict[Verdict, int] = {"allow": 0, "ask": 1, "deny": 2}
"""From harmless to worst."""

READ_ONLY = "commands.read-only"
"""The rule of commands that run unasked, where they can write nothing; so they leave nothing to undo."""

_VERDICT_OF: dict[Kind, Verdict] = {
    "inside": "ask",
    "protected": "ask",
    "own": "deny",
    "outside": "deny",
    "unusable": "deny",
}


def worse(one: Ruling, other: Ruling) -> Ruling:
    """The stricter of two rulings. What only a person may decide stays so, with its reason; so does a person's rule."""
    picked = max((one, other), key=_weight)
    flags = tuple(dict.fromkeys((*one.flags, *other.flags)))
    person_only = one.person_only or other.person_only
    return Ruling(picked.verdict, picked.reason, picked.rule, picked.source, person_only, flags)


def _weight(ruling: Ruling) -> tuple[int, bool, bool]:
    return RANK[ruling.verdict], ruling.person_only, ruling.rule.startswith("user:")


@dataclass(frozen=True)
class Policy:
    """The rules of one workspace."""

    places: Places
    mode: Mode = "default"
    rules: tuple[Rule, ...] = ()

    @classmethod
    def load(
        cls,
        settings: Settings,
        workspace: Path,
        *,
        rules: Sequence[WrittenRule] | None = None,
        home: Path | None = None,
    ) -> "Policy":
        """The policy of these settings and rules (of `config.load`); None: those that the settings themselves list.

        Raises:
            ConfigError: a rule that cannot be read, or an example of it that does not hold.
        """
        written = _listed(settings.approval) if rules is None else rules
        own = (state_dir(workspace, settings.audit.state_dir), user_config_dir())
        return cls(
            places=Places.of(workspace, own=own, home=home),
            mode=settings.approval.mode,
            rules=tuple(rule for each in written for rule in read_rules(each)),
        )

    def allowing(self, rule: str) -> "Policy":
        """This policy with one more allow rule (a person's `s` key: for this session), which lifts no deny.

        Raises:
            ConfigError: a rule that cannot be read.
        """
        return replace(self, rules=(*self.rules, replace(Rule.parse(rule, "allow"), lifts_deny=False)))

    def without(self, rule: str) -> "Policy":
        """This policy without what `allowing` added for a rule."""
        return replace(self, rules=tuple(one for one in self.rules if not (one.text == rule and one.is_of_session)))

    def in_mode(self, mode: Mode) -> "Policy":
        """The same rules in another mode."""
        return replace(self, mode=mode)

    def about(self, action: Action) -> tuple[Rule, ...]:
        """The rules that somebody wrote about an action."""
        match action:
            case ChangeSet(edits=edits):
                found = [rule for edit in edits for rule in self._about_edit(edit)]
            case ShellCommand():
                script, _ = self._findings(action)
                found = [rule for rule in self.rules if rule.matches_command(action.text, script)]
            case ToolCall():
                found = []
            case _:
                assert_never(action)
        return tuple(dict.fromkeys(found))

    def _about_edit(self, edit: FileEdit) -> list[Rule]:
        names = {edit.path, self._place_of(edit).relative}
        return [rule for rule in self.rules if any(rule.matches_path(name) for name in names if name)]

    def judge(self, action: Action) -> Ruling:
        """The verdict on an action, its reason and the rule behind it."""
        match action:
            case ChangeSet(edits=edits):
                return self._judge_edits(edits)
            case ShellCommand():
                return self._in_mode(self._judge_command(action), is_edit=False)
            case ToolCall(server=server, tool=tool):
                ruling = Ruling("ask", f"calls {tool} of {server}", "tools.call", flags=("network",))
                return self._in_mode(ruling, is_edit=False)
            case _:
                assert_never(action)

    def _judge_edits(self, edits: Sequence[FileEdit]) -> Ruling:
        """The worst over all edits, each in this mode by itself: none is let through because of another one."""
        ruling: Ruling | None = None
        seen: set[str] = set()
        for edit in edits:
            place = self._place_of(edit)
            own = self._judge_edit(edit)
            if place.real and place.real in seen:
                own = worse(own, Ruling("deny", f"{edit.path} is changed twice at once", "files.twice"))
            seen.add(place.real)
            own = self._in_mode(own, is_edit=True)
            ruling = own if ruling is None else worse(ruling, own)
        return ruling or Ruling("deny", "changes nothing", "files.none")

    def _place_of(self, edit: FileEdit) -> Place:
        return self.places.of_link(edit.path) if edit.is_link else self.places.of_edit(edit.path)

    def _judge_edit(self, edit: FileEdit) -> Ruling:
        place = self._place_of(edit)
        flags = ("destructive",) if edit.after_sha256 is None else ()
        why = "is a symbolic link, or becomes one" if edit.is_link and place.kind == "inside" else place.why
        if place.has_other_names and not edit.is_link:
            flags, why = (*flags, "hard-link"), f"{why}; its other names (hard links) keep the old bytes"
        if (0 if edit.is_link else edit.mode) & ~0o777:
            return Ruling("deny", f"{edit.path} would get special permission bits", "files.mode", flags=flags)
        is_link = edit.is_link and place.kind == "inside"
        built_in = Ruling(
            verdict=_VERDICT_OF[place.kind],
            reason=f"{edit.path} {why}",
            rule="files.link" if is_link else f"files.{place.kind}",
            person_only=place.kind == "protected" or is_link,
            flags=(*flags, "outside") if place.kind == "outside" else flags,
        )
        return self._with_rules(built_in, self._about_edit(edit))

    def _judge_command(self, command: ShellCommand) -> Ruling:
        script, findings = self._findings(command)
        worst = max(findings, key=lambda finding: RANK[finding.verdict], default=None)
        flags = dict.fromkeys(flag for finding in findings for flag in finding.flags)
        flags |= dict.fromkeys(command_flags(command.text))
        flags |= dict.fromkeys(("writes-git",) if writes_git(command) else ())
        if worst is None:
            built_in = Ruling("allow", "only reads inside the workspace", READ_ONLY, flags=tuple(flags))
        else:
            built_in = Ruling(worst.verdict, worst.reason, worst.rule, flags=tuple(flags))
        matching = [rule for rule in self.rules if rule.matches_command(command.text, script)]
        exact = (rule for rule in matching if rule.verdict == "allow" and rule.is_exactly(command.text))
        return self._with_rules(built_in, matching, lifting=next((rule for rule in exact if rule.lifts_deny), None))

    def _findings(self, command: ShellCommand) -> tuple[Script, list[Finding]]:
        if bool(command.argv) == bool(command.script.strip()):
            return Script(()), [Finding("deny", "commands.unparsed", "is not exactly one command line")]
        folder = self.places.at(command.cwd, base=self.places.workspace)
        extra: list[Finding] = []
        if folder.kind in ("outside", "unusable"):
            extra.append(Finding("deny", "commands.folder", f"would run in `{command.cwd}`, which {folder.why}"))
        if command.network:
            extra.append(Finding("ask", "commands.network", "wants the network", ("network",)))
        if command.argv:
            script = of_argv(command.argv)
            return script, [*judge_argv(script, self.places, command.cwd), *extra]
        script, findings = judge_text(command.script, self.places, command.cwd)
        return script, [*findings, *extra]

    def _with_rules(self, built_in: Ruling, matching: Sequence[Rule], *, lifting: Rule | None = None) -> Ruling:
        """What a person's rules make of it; `lifting` is the one that lifts even a denial."""
        ruling = built_in
        allowing = next((rule for rule in matching if rule.verdict == "allow"), None)
        if built_in.verdict == "deny":
            allowing = lifting
        if allowing is not None and built_in.verdict != "allow" and not built_in.person_only:
            ruling = by_rule(built_in, allowing)
        for rule in matching:
            is_own = ruling.rule.startswith("user:")
            if RANK[rule.verdict] > RANK[ruling.verdict] or (rule.verdict == ruling.verdict and not is_own):
                ruling = by_rule(ruling, rule)
        return ruling

    def _in_mode(self, ruling: Ruling, *, is_edit: bool) -> Ruling:
        match self.mode:
            case "plan":
                return self._moded(ruling, "deny", "plan mode writes nothing and runs nothing")
            case "dontAsk" if ruling.verdict == "ask":
                return self._moded(ruling, "deny", f"nobody may be asked in this mode: {ruling.reason}")
            case "acceptEdits" if is_edit and ruling.rule == "files.inside" and _is_open(ruling):
                return self._moded(ruling, "allow", f"{ruling.reason}; edits are accepted in this mode")
            case "bypass" if _is_open(ruling):
                return self._moded(ruling, "allow", f"--unsafe allows what would be asked: {ruling.reason}")
            case _:
                return ruling

    def _moded(self, ruling: Ruling, verdict: Verdict, reason: str) -> Ruling:
        if ruling.verdict == verdict:
            return ruling
        return Ruling(verdict, reason, f"mode.{self.mode}", "[approval] mode", ruling.person_only, ruling.flags)


def _is_open(ruling: Ruling) -> bool:
    """True for an ask that something else than a person may answer."""
    return ruling.verdict == "ask" and not ruling.person_only


_OWNERS = {
    "repository": "the repository's",
    "local": "the repository's",
    "managed": "the administrator's",
}
"""Whose rule it is, by the layer that its source begins with."""


def by_rule(ruling: Ruling, rule: Rule) -> Ruling:
    """`ruling` as a rule that somebody wrote changes it; the reason names the rule and where it stands."""
    verb = "allows it" if rule.verdict == "allow" else f"says {rule.verdict}"
    whose = _OWNERS.get(rule.source.partition(":")[0], "your")
    reason = f"{whose} rule {rule.text} {verb} ({rule.source}){f': {rule.reason}' if rule.reason else ''}"
    return Ruling(rule.verdict, reason, f"user:{rule.text}", rule.source, ruling.person_only, ruling.flags)


def _listed(approval: ApprovalSettings) -> tuple[WrittenRule, ...]:
    origin = Origin("user")
    return listed_rules(
        {
            "allow": [(text, origin) for text in approval.allow],
            "ask": [(text, origin) for text in approval.ask],
            "deny": [(text, origin) for text in approval.deny],
        }
    )
