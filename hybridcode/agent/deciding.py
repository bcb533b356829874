"""A plan before it is followed: whether it fits the tree, and what a person says of it.

Invariant: a plan that is followed fits the tree as far as it is still to be done, and what has begun stays as it was;
who is asked, if anybody, is the plan approver's business, for the first plan as for a revised one.
"""

from collections.abc import Collection

from hybridcode.agent.again import still_open
from hybridcode.agent.planner import check_length, problems_of
from hybridcode.agent.run import Run
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.events import NoticeGiven, PlanDecided, PlanMade
from hybridcode.domain.plan import Plan, Step


async def check_given(run: Run, plan: Plan) -> None:
    """A plan from a file or an interrupted run must fit the tree as it is now. Raises ConfigError, LimitReached."""
    check_length(run, plan)
    settled = run.done | run.settled.keys()
    if problems := problems_of(still_open(plan, settled), await run.snapshot()):
        raise ConfigError(f"The plan cannot be followed: {'; '.join(problems)}", "Correct it, or ask for a new one.")


async def decide(run: Run, plan: Plan) -> Plan | None:
    """The plan as a person approved or edited it; an edit that cannot be followed is asked about again.

    Who approves a plan in plan mode switches to another mode first; otherwise it is only shown.
    """
    chosen = await _asked(run, plan, begun=(), settled=run.done | run.settled.keys())
    if chosen is None:
        run.journal.append(PlanDecided(False, by="person"))
    return chosen


async def decide_revised(run: Run, revised: Plan, *, former: Plan, settled: Collection[str]) -> Plan | None:
    """The same for steps that are to come in place of others, while the plan is followed; None: the former plan stays.

    `settled` are the steps that have ended. They, and those at work, are no longer a matter of the plan.
    """
    begun = [step for step in former.steps if step.id in settled or step.id in run.lanes.doing]
    chosen = await _asked(run, revised, begun=begun, settled=settled)
    if chosen is None:
        run.journal.append(PlanMade(former, "person"))
        run.journal.append(PlanDecided(True, by="person", reason="the new steps were declined"))
    return chosen


async def _asked(run: Run, plan: Plan, *, begun: Collection[Step], settled: Collection[str]) -> Plan | None:
    while True:
        chosen = await run.plan_approver.decide_plan(plan)
        if chosen is None:
            return None
        if chosen != plan:
            run.journal.append(PlanMade(chosen, "person"))
        if run.is_planning_only:
            return chosen
        problems = [f"step {step.id} has begun and stays as it was" for step in begun if step not in chosen.steps]
        problems += problems_of(still_open(chosen, settled), await run.snapshot())
        if not problems:
            check_length(run, chosen)
            run.plan_is_approved = True
            run.journal.append(PlanDecided(True, by="run" if chosen == plan else "person"))
            return chosen
        run.journal.append(NoticeGiven("error", f"the plan cannot be followed: {'; '.join(problems)}", "edit it again"))
        plan = chosen
