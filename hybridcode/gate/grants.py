"""A person's yes to the same command from now on, and which of them still count.

Invariant: a grant is one command's very text and never a kind of action; it is on record before it lets anything pass,
lifts neither a deny nor what only a person may decide, and ends when the program that runs the session does.
"""

from collections.abc import Iterable
from typing import Literal

from hybridcode.domain.errors import GateError
from hybridcode.domain.events import Envelope, RuleGranted, RuleWithdrawn, SessionOpened, SessionResumed
from hybridcode.gate.policy import Policy
from hybridcode.gate.rules import Rule
from hybridcode.journal.store import SessionJournal


def grant(
    journal: SessionJournal, policy: Policy, rule: str, *, scope: Literal["session", "project"], by: str
) -> Policy:
    """The policy with a person's rule, once that is on record.

    Raises:
        ConfigError: it is no rule.
        GateError: it says more than one command's very text.
    """
    read = Rule.parse(rule, "allow")
    if read.tool != "Bash" or read.has_wildcards:
        raise GateError(
            f"{rule} allows more than one command.",
            "Only the very command that was shown can be allowed here; wider rules belong into your own config.",
        )
    journal.append(RuleGranted(rule, scope, by))
    return policy.allowing(rule)


def withdraw(journal: SessionJournal, policy: Policy, rule: str, *, by: str) -> Policy:
    """The policy without a rule that was granted in this session, once that is on record.

    Raises:
        GateError: no such rule was granted since the session was opened.
    """
    if all(event.rule != rule for event in grants_of(journal.envelopes())):
        raise GateError(f"{rule} was not granted in this session.", "What stands in a file is changed there.")
    journal.append(RuleWithdrawn(rule, by))
    return policy.without(rule)


def grants_of(envelopes: Iterable[Envelope]) -> tuple[RuleGranted, ...]:
    """What was granted since the session was opened, or opened again, last."""
    granted: list[RuleGranted] = []
    for envelope in envelopes:
        match envelope.event:
            case SessionOpened() | SessionResumed():
                granted.clear()
            case RuleGranted() as event:
                granted.append(event)
            case RuleWithdrawn(rule=rule):
                granted = [event for event in granted if event.rule != rule]
            case _:
                pass
    return tuple(granted)
