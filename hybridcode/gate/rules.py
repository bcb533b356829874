"""A person's own rules, as `Bash(npm test)`, `Bash(npm run *)`, `Edit(src/**)`, or exactly: `Bash(=rm build/*)`.

A pattern that begins with `=` has no wildcards: it is the very text of a command, or the very path of a file. Rules
that the program makes from something a person agreed to are always of this form.

Invariant: a rule that allows matches only what it can see completely (one plain command, or exactly the written text);
rules that ask or deny match every part of a command.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hybridcode.config.rules import WrittenRule
from hybridcode.domain.action import Action, ShellCommand, Verdict
from hybridcode.domain.errors import ConfigError
from hybridcode.gate.commands.plain import is_same_command
from hybridcode.gate.commands.shell import Script
from hybridcode.gate.commands.syntax import parse

_WILDCARD = re.compile(r"(\*\*/|\*\*|\*|\?)")
_RULE = re.compile(r"(Bash|Edit|Write)(?:\((.*)\))?\Z", re.DOTALL)

OF_SESSION = "this session"
"""Source of a rule that was made while approving."""


@dataclass(frozen=True)
class Rule:
    """One rule."""

    verdict: Verdict
    tool: Literal["Bash", "Edit"]
    pattern: str
    """Without the `=` of an exact rule."""
    text: str
    """As written in the settings."""
    has_wildcards: bool = True
    """False: `pattern` stands for itself."""
    source: str = OF_SESSION
    """The layer, file and place it stands in."""
    reason: str = ""
    """Why, in its author's words."""
    lifts_deny: bool = True
    """An exact allow rule of a person's own settings lifts what is built in; one of a repository, a variable or this
    session does not."""

    @property
    def is_of_session(self) -> bool:
        """True for a rule that a person made while approving; it stands in no file that was read."""
        return self.source == OF_SESSION

    @classmethod
    def parse(cls, text: str, verdict: Verdict, *, place: str = "") -> "Rule":
        """Read a rule. `place` is where it stands, for messages.

        Raises:
            ConfigError: it is none.
        """
        found = _RULE.match(text.strip())
        written = ((found and found[2]) or "").strip()
        if found is None or written == "=":
            raise ConfigError(
                f"{place or f'[approval] {verdict}'}: `{text}` is not a rule.",
                "Write `Bash(npm test)`, `Bash(npm run *)` or `Edit(src/**)`; `Bash(=ls *.md)` is exactly that text.",
            )
        tool: Literal["Bash", "Edit"] = "Bash" if found[1] == "Bash" else "Edit"
        if written.startswith("="):
            return cls(verdict, tool, written[1:].strip(), text.strip(), has_wildcards=False)
        return cls(verdict, tool, written or ("*" if tool == "Bash" else "**"), text.strip())

    def is_exactly(self, text: str) -> bool:
        """True when the rule is the command's very text, or its very words quoted otherwise."""
        if self.tool != "Bash" or (self.has_wildcards and _WILDCARD.search(self.pattern)):
            return False
        return is_same_command(self.pattern, text)

    def matches_command(self, text: str, script: Script) -> bool:
        """True when the rule is about this command."""
        if self.tool != "Bash":
            return False
        if self.is_exactly(text):
            return True
        pattern = self._expression(".*")
        if self.verdict == "allow":
            return self.has_wildcards and script.is_plain and pattern.fullmatch(script.commands[0].line) is not None
        tails = [
            " ".join(word.text or word.raw for word in command.words[start:])
            for command in script.commands
            for start in range(len(command.words))
        ]
        return any(pattern.fullmatch(tail) for tail in [text.strip(), *tails])

    def matches_path(self, path: str) -> bool:
        """True when the rule is about a file; rules that ask or deny do not care about case."""
        if self.tool != "Edit":
            return False
        pattern = self._expression("[^/]*")
        if self.verdict == "allow":
            return pattern.fullmatch(path) is not None
        return re.compile(pattern.pattern, pattern.flags | re.IGNORECASE).fullmatch(path) is not None

    def _expression(self, star: str) -> re.Pattern[str]:
        pattern = self.pattern.removeprefix("./") if self.tool == "Edit" else self.pattern
        return re.compile(_glob(pattern, star=star) if self.has_wildcards else re.escape(pattern), re.DOTALL)


def read_rules(written: WrittenRule) -> tuple[Rule, ...]:
    """The patterns of a written rule, once its examples hold.

    Raises:
        ConfigError: a pattern cannot be read, or an example does not hold; names file, rule and example.
    """
    source = written.source
    rules = tuple(
        replace(
            Rule.parse(text, written.verdict, place=source),
            source=source,
            reason=written.reason,
            lifts_deny=written.lifts_deny,
        )
        for text in written.match
    )
    for example in examples_of(written, rules):
        if not example.holds:
            raise ConfigError(
                f"{source}: the rule {', '.join(written.match)} {example.fault} `{example.text}`",
                "Correct the rule or its example; hybridcode policy test shows all of them.",
            )
    return rules


@dataclass(frozen=True)
class Example:
    """One example of a rule, and whether the rule is as it says."""

    text: str
    is_meant: bool
    """True for `matches`, False for `misses`."""
    holds: bool

    @property
    def fault(self) -> str:
        """What is wrong if it does not hold."""
        return "does not match its own example" if self.is_meant else "matches what it must not:"


def examples_of(written: WrittenRule, rules: Sequence[Rule]) -> list[Example]:
    """Each example with its outcome: for a command rule a command line, for a file rule a path."""
    return [
        Example(text, is_meant, any(_is_about(rule, text) for rule in rules) == is_meant)
        for is_meant, texts in ((True, written.matches), (False, written.misses))
        for text in texts
    ]


def _is_about(rule: Rule, text: str) -> bool:
    if rule.tool == "Edit":
        return rule.matches_path(text)
    return rule.matches_command(text, parse(text, {}))


def exact_rule(action: Action) -> str | None:
    """The rule that allows this very command again; None for what can only be approved one by one."""
    return exact_rule_text(action.text) if isinstance(action, ShellCommand) else None


def exact_rule_text(line: str) -> str:
    """The rule for exactly this command line, whatever characters it holds."""
    return f"Bash(={line.strip()})"


def _glob(pattern: str, *, star: str) -> str:
    parts = _WILDCARD.split(pattern)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": star, "?": "[^/]"}
    return "".join(meaning.get(part, re.escape(part)) for part in parts)
