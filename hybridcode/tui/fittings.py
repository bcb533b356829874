"""What a session works with: its models, the rules that hold, and the machine under it.

Invariant: looking changes nothing and leaves this machine nowhere; what changes something is a person's own command,
and is on record before it has an effect.
"""

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from hybridcode.config.rules import WrittenRule
    from hybridcode.domain.action import Action
    from hybridcode.domain.events import RuleGranted
    from hybridcode.gate.explaining import Explanation
    from hybridcode.gate.policy import Policy
    from hybridcode.session.choosing import Choice, ModelsShown
    from hybridcode.session.doctor import Finding


class RulesShown(msgspec.Struct, frozen=True):
    """The rules that hold now."""

    policy: "Policy"
    granted: tuple["RuleGranted", ...]
    """What a person allowed while approving, in this session."""
    ignored: tuple["WrittenRule", ...]
    """Rules that stand somewhere and do not count, with the reason told at the start."""
    sandbox: str
    """Kind of sandbox that commands run in."""
    missing: tuple[str, ...] = ()
    """Why there is no better one."""
    unenforced: tuple[str, ...] = ()
    """What it cannot keep a command from."""
    policy_file: str = ""
    """Where a person's own rules stand."""


class Fittings(Protocol):
    """Models, rules and machine as the screens see them."""

    async def models(self) -> "ModelsShown":
        """The models as they are now, and which ones could be chosen."""
        ...

    async def choose(self, choice: "Choice") -> None:
        """Work with another model from the next task on, until the program ends. Raises HybridcodeError."""
        ...

    async def start(self) -> None:
        """Load the models now. Raises ModelError."""
        ...

    async def rules(self) -> RulesShown:
        """The rules in force. Raises ConfigError."""
        ...

    async def explain(self, action: "Action") -> "Explanation":
        """What policy says of an action, as `hybridcode policy explain` does. Nothing is run or written."""
        ...

    async def withdraw(self, rule: str) -> None:
        """Take back a rule that was made in this session. Raises HybridcodeError."""
        ...

    def findings(self) -> AsyncIterator["Finding"]:
        """What `hybridcode doctor` finds, one after the other as they are there."""
        ...


def of_kind(findings: Iterable["Finding"], *, ok: bool) -> int:
    """How many are well, or not."""
    return sum(finding.ok == ok for finding in findings)
