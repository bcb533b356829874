"""The last word on a task: goal, final diff and the end of the check's output, in one small call.

Invariant: the request's size does not grow with the number of drafts or steps.
"""

import asyncio

from hybridcode.agent.checks import said
from hybridcode.agent.diffs import Versions, bounded_diff
from hybridcode.agent.distil import at_words
from hybridcode.agent.leftovers import MOST, left_behind, taken_whole, told_mentions, told_whole
from hybridcode.agent.run import Run
from hybridcode.agent.steering import beside
from hybridcode.context.signals import is_test
from hybridcode.domain.errors import EgressForbidden, ModelError
from hybridcode.domain.events import CheckRan, NoticeGiven, TaskJudged
from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.plan import Plan
from hybridcode.models.egress import denied_files
from hybridcode.models.prompts import load

DIFF_CHARS = 12_000
"""Of a longer diff, removed lines are folded and hunks left out."""
REASON_CHARS = 500
"""Of why the judge says so."""
TAIL_CHARS = 600
"""Of each check's output. A check that failed has ended the task before."""


async def judge(run: Run, plan: Plan, checks: list[CheckRan]) -> TaskJudged:
    """Ask whether the result meets the goal. A judge that is not or cannot be asked is `skipped`, and says why."""
    if why := why_not_asked(run, plan, checks):
        return _record(run, TaskJudged("skipped", why))
    info = run.senders.pick(run.settings.roles.judge).model.info
    if passed_before(run) and would_be_enough(run, plan, checks):
        assert run.baseline is not None
        text = f"`{run.baseline.command}` passed before any change too, so it does not prove the task"
        run.journal.append(NoticeGiven("info", text, "The result is judged."))
    if info.profile == "tiny":
        return _record(run, TaskJudged("skipped", "the shipped fixture cannot judge"))
    try:
        text = await _ask(run, checks)
    except (ModelError, EgressForbidden) as error:
        run.journal.append(NoticeGiven("warning", f"The result was not judged: {error.message}", error.hint))
        return _record(run, TaskJudged("skipped", error.message))
    return _record(run, read_verdict(text, model=info.name))


def why_not_asked(run: Run, plan: Plan, checks: list[CheckRan]) -> str:
    """Why the result needs no judge; empty if it does.

    By itself it needs none where a check that did not pass before any change proves the only step, unless that step
    changed tests which were there before. Of a plan of the local model's it must be known that the check failed.
    """
    if run.settings.routing.judge != "auto":
        return "[routing] judge is never" if run.settings.routing.judge == "never" else ""
    if passed_before(run) or _is_doubtful(run) or not (proof := would_be_enough(run, plan, checks)):
        return ""
    return f"`{proof}` proves the only step"


def passed_before(run: Run) -> bool:
    """The check passed before any change, so that it proves nothing about the task when it passes afterwards."""
    return run.baseline is not None and run.baseline.passed


def _is_doubtful(run: Run) -> bool:
    """The local model planned where another one decides, and nobody knows how the check ended before any change."""
    went_local_first = run.planner == "local" and run.senders.info(run.decider) is not None
    return went_local_first and run.baseline is None


def would_be_enough(run: Run, plan: Plan, checks: list[CheckRan]) -> str:
    """The check that would prove the only step; empty if none does."""
    proof = next((event.command for event in checks if event.passed), "")
    changed_tests = [path for path, before in run.before.items() if before is not None and is_test(path)]
    if not proof or len(plan.steps) != 1 or changed_tests:
        return ""
    return proof


def read_verdict(text: str, *, model: str) -> TaskJudged:
    """Read `good|bad|unsure` as the first word and the sentence after it; anything else is `unsure`."""
    words = text.strip().split(maxsplit=1)
    first = words[0].strip("*_`\"':.,;-").lower() if words else ""
    rest = words[1].strip(" -:—\n") if len(words) > 1 else ""
    match first:
        case "good" | "bad" | "unsure":
            return TaskJudged(first, at_words(rest, REASON_CHARS), model)
        case _:
            return TaskJudged("unsure", f"the judge answered: {text.strip()[:200]}", model)


def final_diff(run: Run) -> str:
    """What this task changed on disk, as one unified diff, bounded."""
    found: dict[str, Versions] = {}
    for path in shown_paths(run):
        file = run.root / path
        found[path] = Versions(run.before[path], file.read_bytes() if file.is_file() else None)
    return bounded_diff(found, most_chars=DIFF_CHARS)


def shown_paths(run: Run) -> tuple[str, ...]:
    """Changed files whose changes the judge may see: of a remote one, none that `deny_paths` names."""
    is_remote = run.senders.pick(run.settings.roles.judge).model.info.is_remote
    denied = denied_files(run.before, run.settings.egress.deny_paths) if is_remote else []
    return tuple(path for path in sorted(run.before) if path not in denied)


def goal_part(task: str) -> str:
    """What every request for a verdict begins with."""
    return f"# Goal\n{task}"


def diff_part(diff: str) -> str:
    """How the final diff stands in it."""
    return f"# Diff\n{diff or '(no change)'}"


async def _ask(run: Run, checks: list[CheckRan]) -> str:
    shown, role = shown_paths(run), run.settings.roles.judge
    hidden = len(run.before) - len(shown)
    parts = [f"{goal_part(run.task.text)}{beside(run.notes)}", diff_part(final_diff(run))]
    if hidden:
        parts.append(f"{hidden} more changed files may not be shown to you.")
    for event in checks[-2:]:
        parts.append(f"# Check\n{said(event, run.before, most_chars=TAIL_CHARS)}")
    if checks and passed_before(run):
        parts.append("The check passed before the change too.")
    tree = await run.snapshot()
    seen = run.shown_to(role, tree)
    mentions = await asyncio.to_thread(left_behind, run.before, tree, shown=seen, task=run.task.text)
    whole = await asyncio.to_thread(taken_whole, run.before, tree, task=run.task.text)
    parts += filter(None, (told_mentions(mentions), told_whole(whole)))
    request = ModelRequest(
        call_id=run.next_call_id(),
        role="judge",
        messages=(Message("system", load("judge")), Message("user", "\n\n".join(parts))),
        max_output_tokens=200,
        files=(*shown, *(f"{one.path}#L{one.line}" for one in mentions[:MOST])),
    )
    reply = await run.senders.pick(role).ask(request, on_chunk=run.show(None, request.call_id))
    return reply.text


def _record(run: Run, event: TaskJudged) -> TaskJudged:
    run.journal.append(event)
    return event
