"""What a person allowed while approving, and taking it back.

Invariant: a rule is asked about again only once that is on record; rules that stand in somebody's file are left alone,
but for the one that this very yes wrote.
"""

from hybridcode.config.policy_file import remove_project_rule
from hybridcode.domain.errors import GateError
from hybridcode.gate.grants import grants_of, withdraw
from hybridcode.session.session import Session


def withdraw_rule(session: Session, rule: str, *, by: str) -> None:
    """Take back a rule that was made in this session; one for the repository goes out of the user's policy file too.

    Raises:
        GateError: it was not made in this session.
        ConfigError: the policy file cannot be read or written; then the rule still holds.
    """
    granted = [event for event in grants_of(session.state.envelopes) if event.rule == rule]
    if not granted:
        raise GateError(f"{rule} was not made in this session.", "What stands in a file is changed there.")
    if any(event.scope == "project" for event in granted):
        remove_project_rule(session.options.workspace, rule)
    session.gate.policy = withdraw(session.log, session.gate.policy, rule, by=by)
