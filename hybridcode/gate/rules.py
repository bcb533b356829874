"""A person's own rules, as `Bash(npm test)`, `Bash(npm run *)` or `Edit(src/**)`.

Invariant: a rule that allows matches only what it can see completely (one plain command, or exactly the written text);
rules that ask or deny match every part of a command.
"""

import re
from dataclasses import dataclass
from typing import Literal

from hybridcode.domain.action import Action, ShellCommand, Verdict
from hybridcode.domain.errors import ConfigError
from hybridcode.gate.commands.shell import Script

_RULE = re.compile(r"(Bash|Edit|Write)(?:\((.*)\))?\Z", re.DOTALL)


@dataclass(frozen=True)
class Rule:
    """One rule."""

    verdict: Verdict
    tool: Literal["Bash", "Edit"]
    pattern: str
    text: str
    """As written in the settings."""

    @classmethod
    def parse(cls, text: str, verdict: Verdict) -> "Rule":
        """Read a rule.

        Raises:
            ConfigError: it is none.
        """
        found = _RULE.match(text.strip())
        if found is None:
            raise ConfigError(
                f"[approval] {verdict}: `{text}` is not a rule.",
                "Write `Bash(npm test)`, `Bash(npm run *)` or `Edit(src/**)`.",
            )
        tool: Literal["Bash", "Edit"] = "Bash" if found[1] == "Bash" else "Edit"
        return cls(verdict, tool, (found[2] or ("*" if tool == "Bash" else "**")).strip(), text.strip())

    def is_exactly(self, text: str) -> bool:
        """True when the rule is the command's very text."""
        return self.tool == "Bash" and self.pattern == text.strip()

    def matches_command(self, text: str, script: Script) -> bool:
        """True when the rule is about this command."""
        if self.tool != "Bash":
            return False
        if self.is_exactly(text):
            return True
        pattern = _glob(self.pattern, star=".*")
        if self.verdict == "allow":
            return script.is_plain and pattern.fullmatch(script.commands[0].line) is not None
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
        pattern = _glob(self.pattern.removeprefix("./"), star="[^/]*")
        if self.verdict == "allow":
            return pattern.fullmatch(path) is not None
        return re.compile(pattern.pattern, pattern.flags | re.IGNORECASE).fullmatch(path) is not None


def exact_rule(action: Action) -> str | None:
    """The rule that allows this very command again; None for what can only be approved one by one."""
    return f"Bash({action.text.strip()})" if isinstance(action, ShellCommand) else None


def _glob(pattern: str, *, star: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": star, "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)
