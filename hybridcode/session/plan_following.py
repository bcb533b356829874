"""Who decides about plans where nobody is asked.

Invariant: a plan is followed as it is.
"""

from hybridcode.domain.plan import Plan


class FollowPlan:
    """A plan approver for runs without a person: plans change nothing, so they are followed as they are."""

    async def decide_plan(self, plan: Plan) -> Plan | None:
        """The plan itself."""
        return plan
