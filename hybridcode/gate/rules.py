"""A person's own rules, as `Bash(npm test)`, `Bash(npm run *)`, `Edit(src/**)`, or exactly: `Bash(=rm build/*)`.

A pattern that begins with `=` has no wildcards: it is the very text of a command, or the very path of a file. Rules
that the program makes from something a person agreed to are always of this form.

Invariant: a rule that allows matches only what it can see completely (one plain command, or exactly the written text);
rules that ask or deny match every part of a command.
"""

import re
from dataclasses import dataclass
from typing import Literal

from hybridcode.domain.action import Action, ShellCommand, Verdict
from hybridcode.domain.errors import ConfigError
from hybridcode.gate.commands.shell import Script

_WILDCARD = re.compile(r"(\*\*/|\*\*|\*|\?)")
_RULE = re.compile(r"(Bash|Edit|Write)(?:\((.*)\))?\Z", re.DOTALL)


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
    is_grant: bool = False
    """A person's yes while the session runs, not a rule of their settings."""

    @classmethod
    def parse(cls, text: str, verdict: Verdict) -> "Rule":
        """Read a rule.

        Raises:
            ConfigError: it is none.
        """
        found = _RULE.match(text.strip())
        written = ((found and found[2]) or "").strip()
        if found is None or written == "=":
            raise ConfigError(
                f"[approval] {verdict}: `{text}` is not a rule.",
                "Write `Bash(npm test)`, `Bash(npm run *)` or `Edit(src/**)`; `Bash(=ls *.md)` is exactly that text.",
            )
        tool: Literal["Bash", "Edit"] = "Bash" if found[1] == "Bash" else "Edit"
        if written.startswith("="):
            return cls(verdict, tool, written[1:].strip(), text.strip(), has_wildcards=False)
        return cls(verdict, tool, written or ("*" if tool == "Bash" else "**"), text.strip())

    def is_exactly(self, text: str) -> bool:
        """True when the rule is the command's very text, and nothing in it stands for anything else."""
        is_plain = not self.has_wildcards or not _WILDCARD.search(self.pattern)
        return self.tool == "Bash" and is_plain and self.pattern == text.strip()

    def lifts_deny(self, text: str) -> bool:
        """True when the rule may even allow what is denied: the command's very text, in a person's own settings."""
        return not self.is_grant and self.is_exactly(text)

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
