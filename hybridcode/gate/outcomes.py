"""What a decision means: policy's own decisions, and refusals as receipts.

Invariant: everything here is a pure function of its arguments.
"""

import msgspec

from hybridcode.domain.action import Approve, Decision, Declined, Denied, Receipt, Reject, Ruling
from hybridcode.journal.approvals import ApprovalRow

PERSON = "person"
"""`by` of a decision starts with this when a person took it, as in `person:tui`."""
POLICY = "policy:"
"""`by` of a decision starts with this, and goes on with the rule, when no person was asked."""

_HINTS = {
    "approval.no-sandbox": "Run with --no-sandbox to let commands run without one, or name the check with --test-cmd.",
    "files.none": "Choose at least one change, or reject the proposal.",
    "mode.plan": "Leave plan mode (--permission-mode default) to change anything.",
    "mode.dontAsk": "Add an [approval] allow rule in your own config, or run where somebody can answer.",
}
_DEFAULT_HINT = "Only a rule in your own config can allow this; `hybridcode policy explain` shows why it was denied."


def for_person(ruling: Ruling, reason: str) -> Ruling:
    """A ruling that only a person can turn into a yes, for this reason; as it is where there is none."""
    if not reason or ruling.verdict == "deny":
        return ruling
    return msgspec.structs.replace(ruling, verdict="ask", reason=reason, rule="gate.person", person_only=True)


def ruled(ruling: Ruling, digest: str) -> Approve | Reject:
    """The decision that policy takes by itself."""
    by = f"{POLICY}{ruling.rule}"
    return Approve(digest, by) if ruling.verdict == "allow" else Reject(ruling.reason, by)


def refusal(row: ApprovalRow) -> Receipt:
    """The receipt of a rejected proposal: declined by somebody, or denied by policy."""
    decision: Decision | None = row.decision
    reason, by = (decision.reason, decision.by) if isinstance(decision, Reject) else (row.reason, row.by)
    if not by.startswith(POLICY):
        return Declined(reason, by)
    rule = by.removeprefix(POLICY)
    return Denied(reason, rule, _HINTS.get(rule, _DEFAULT_HINT))


def denial(ruling: Ruling) -> Denied:
    """The receipt of what policy denies."""
    return Denied(ruling.reason, ruling.rule, _HINTS.get(ruling.rule, _DEFAULT_HINT))


def approved_digest(row: ApprovalRow) -> str:
    """What was approved; empty if nothing was."""
    return row.decision.digest if isinstance(row.decision, Approve) else ""
