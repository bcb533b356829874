"""After a person declined a step for good: other steps in place of those that needed it.

Invariant: asked once in a task, in one bounded request and at most one repair; steps that did not need the declined one
stay as they are; where nothing comes of it the plan stays too, and what needed the step is left undone with the reason.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from hybridcode.agent.again import fresh_id
from hybridcode.agent.asking import ask
from hybridcode.agent.deciding import decide_revised
from hybridcode.agent.diffs import Bounded, Versions, bounded
from hybridcode.agent.distil import at_words
from hybridcode.agent.new_names import with_files_of_new_names
from hybridcode.agent.plan_reply import parse_reply
from hybridcode.agent.planner import check_length, problems_of
from hybridcode.agent.run import Run, holds_credentials
from hybridcode.agent.scheduler import dependants
from hybridcode.agent.steering import beside
from hybridcode.domain.errors import EgressForbidden, LimitReached, ModelError, PlanInvalid
from hybridcode.domain.events import NoticeGiven, PlanMade, PlanRevised, StepOutcome
from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.render import escape
from hybridcode.models.egress import denied_files
from hybridcode.models.prompts import load

DIFF_CHARS = 6_000
"""Of what is done so far."""
TASK_CHARS = 4_000
GOAL_CHARS = 300
"""Of each step."""
MOST_STEPS = 40
"""Of the plan, around those that are asked about."""
REASON_CHARS = 2_000
_TRIES = 2


@dataclass(frozen=True)
class _Declined:
    """A step that a person said no to, and those that needed it."""

    step: str
    reason: str
    dropped: tuple[Step, ...]


async def revise(
    run: Run, plan: Plan, declined: str, reason: str, *, outcomes: Mapping[str, StepOutcome]
) -> Plan | None:
    """The plan with other steps in place of those that needed a declined one; None where it stays as it is."""
    dropped = dependants(plan, declined)
    if not dropped or run.is_revised or run.senders.frontier is None:
        return None
    run.is_revised = True
    run.journal.append(PlanRevised(declined, reason, tuple(step.id for step in dropped)))
    try:
        return await _asked(run, plan, _Declined(declined, reason, dropped), outcomes)
    except (ModelError, EgressForbidden, PlanInvalid, LimitReached) as error:
        names = ", ".join(step.id for step in dropped)
        run.journal.append(NoticeGiven("warning", f"no steps in place of {names}: {error.message}", error.hint))
        return None


async def _asked(run: Run, plan: Plan, declined: _Declined, outcomes: Mapping[str, StepOutcome]) -> Plan | None:
    question = _question(run, plan, declined, outcomes)
    complaint = ""
    for left in reversed(range(_TRIES)):
        try:
            revised = await _answer(run, plan, declined, question + beside(run.notes) + complaint)
        except PlanInvalid as error:
            if not left:
                raise
            run.journal.append(NoticeGiven("warning", f"plan refused: {error.message}", "asking again"))
            complaint = f"\n\n# Your last answer was refused\n{error.message}\nAnswer again, JSON only."
            continue
        check_length(run, revised)
        run.journal.append(PlanMade(revised, "frontier"))
        return await decide_revised(run, revised, former=plan, settled=outcomes.keys())
    raise AssertionError("the last try returns or raises")


async def _answer(run: Run, plan: Plan, declined: _Declined, question: str) -> Plan:
    """The whole plan with what a reply puts in place. Raises PlanInvalid."""
    sender = run.senders.pick("frontier")
    request = ModelRequest(
        call_id=run.next_call_id(),
        role="revise",
        messages=(Message("system", load("revise")), Message("user", question)),
        max_output_tokens=run.settings.models.frontier.max_output_tokens,
        files=tuple(told_paths(run)),
    )
    reply = await ask(run, sender, request)
    if reply.finish == "length":
        raise PlanInvalid("the answer was cut off at the output limit")
    found = parse_reply(reply.text, task=run.task.text)
    if not isinstance(found, Plan):
        raise PlanInvalid("nothing more can be shown: answer with the steps now")
    if not found.steps:
        raise PlanInvalid(found.answer)
    snapshot = run.shown_to("frontier", await run.snapshot())
    found = with_files_of_new_names(found, snapshot)
    if problems := problems_of(Plan(found.steps), snapshot):
        raise PlanInvalid("; ".join(problems))
    return _with(plan, declined, found.steps)


def _with(plan: Plan, declined: _Declined, new: tuple[Step, ...]) -> Plan:
    """New steps at the end, under names of their own; they wait for what the dropped ones waited for."""
    gone = {declined.step, *(step.id for step in declined.dropped)}
    kept = tuple(step for step in plan.steps if step.id == declined.step or step.id not in gone)
    needed = tuple(dict.fromkeys(need for step in declined.dropped for need in step.needs if need not in gone))
    taken = {step.id for step in plan.steps}
    names = {step.id: fresh_id(f"{declined.step}.{step.id}", taken) for step in new}
    renamed = (replace(step, id=names[step.id], needs=(*needed, *(names[need] for need in step.needs))) for step in new)
    return replace(plan, steps=(*kept, *renamed))


def _question(run: Run, plan: Plan, declined: _Declined, outcomes: Mapping[str, StepOutcome]) -> str:
    gone = {step.id for step in declined.dropped}
    first = [step for step in plan.steps if step.id in gone or step.id == declined.step]
    ordered = [*first, *(step for step in plan.steps if step not in first)]
    rows = [row_of(step, "dropped" if step.id in gone else outcomes.get(step.id, "to do")) for step in ordered]
    cut = f"\n[{len(rows) - MOST_STEPS} more steps]" if len(rows) > MOST_STEPS else ""
    reason = escape(declined.reason).text.strip()[:REASON_CHARS]
    quoted = "\n".join(f"> {line}" for line in reason.split("\n"))
    return (
        f"# Task\n{run.task.text[:TASK_CHARS]}\n\n# Plan\n" + "\n".join(rows[:MOST_STEPS]) + cut + "\n\n"
        f"# A person declined step {declined.step} and said\n{quoted}\n\n# Diff so far\n{diff_so_far(run).text}"
    )


def row_of(step: Step, state: str) -> str:
    """A step of a plan as the frontier is told it."""
    what = step.command if step.kind == "command" else ", ".join(step.touches)
    needs = f" needs {', '.join(step.needs)}" if step.needs else ""
    return f"{step.id} [{state}] {step.kind} {what}{needs}: {at_words(step.goal, GOAL_CHARS)}"


def told_paths(run: Run) -> list[str]:
    """Changed files whose changes the frontier may see."""
    info = run.senders.info("frontier")
    denied = denied_files(run.before, run.settings.egress.deny_paths) if info is None or info.is_remote else []
    return [path for path in sorted(run.before) if path not in denied and not holds_credentials(path)]


def diff_so_far(run: Run, *, places: Mapping[str, Collection[int]] | None = None) -> Bounded:
    """What this task changed, as far as the frontier may see it; hunks at `places` (lines of files) first."""
    files: dict[str, Versions] = {}
    for path in told_paths(run):
        file = run.root / path
        after = file.read_bytes() if file.is_file() else None
        if after != run.before[path]:
            files[path] = Versions(run.before[path], after)
    found = bounded(files, most_chars=DIFF_CHARS, places=places)
    return found._replace(text=found.text or "(nothing yet)")
