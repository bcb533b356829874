"""From a task to a typed plan, in a bounded number of calls.

Invariant: every call is built afresh from the task, the outline and what was asked for; a plan that reaches the loop
names only files and symbols that exist or that an earlier step makes.
"""

import asyncio
import re

import msgspec

from hybridcode.agent.budget import after_overflow
from hybridcode.agent.run import Run
from hybridcode.agent.scheduler import find_cycle
from hybridcode.context.lookup import look_up
from hybridcode.context.outline import outline
from hybridcode.context.regions import resolve
from hybridcode.domain.errors import ContextError, ContextOverflow, LimitReached, PlanInvalid
from hybridcode.domain.events import NoticeGiven, OutlineMade, PlanMade
from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.models.prompts import load
from hybridcode.repo.snapshot import Snapshot

_ID = re.compile(r"[A-Za-z0-9._-]{1,40}\Z")
MAX_REPAIRS = 2
"""How often an unusable reply is sent back with the reason."""
_FENCED = re.compile(r"```[\w-]*\n(.*?)\n```", re.DOTALL)


class MoreWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The planner's request to see more before it answers."""

    read: tuple[str, ...] = ()
    """Regions to show."""
    search: tuple[str, ...] = ()
    """Words to look for."""


async def make_plan(run: Run, snapshot: Snapshot) -> Plan:
    """Ask for a plan until it can be followed; journals the one it returns.

    Raises:
        PlanInvalid: when the replies stay unusable.
        LimitReached: when the plan has more steps than allowed.
        ModelError: when the model cannot be asked.
    """
    run.senders.pick(run.settings.roles.plan)
    snapshot = run.shown_to(run.settings.roles.plan, snapshot)
    budget = run.settings.context.plan_tokens
    base, files, used = await _asked(run, snapshot, budget)
    shown, complaint, more = "", "", tuple[str, ...]()
    reads_left, repairs_left = run.settings.context.read_rounds, MAX_REPAIRS
    while True:
        try:
            reply = await _ask(run, base + shown + complaint, files + more)
            answer = parse_reply(reply)
            if isinstance(answer, Plan):
                problems = problems_of(answer, snapshot)
                if not problems:
                    return _accept(run, answer)
                raise PlanInvalid("; ".join(problems))
            if not reads_left:
                raise PlanInvalid("nothing more can be shown: answer with the plan now")
            reads_left -= 1
            more += tuple(text for text in answer.read if Region.parse(text).path in snapshot.files)
            found = await asyncio.to_thread(_look_up, run, snapshot, answer, budget // 2)
            shown += f"\n\n# You asked to see\n{found}"
            complaint = ""
        except ContextOverflow as error:
            budget = after_overflow(run, min(budget, used), error, what="the planner's outline")
            base, files, used = await _asked(run, snapshot, budget)
        except PlanInvalid as error:
            if not repairs_left:
                raise PlanInvalid(
                    f"The planner's reply could not be used: {error.message}",
                    "Word the task more precisely, or choose another planning model with --model.",
                ) from error
            repairs_left -= 1
            run.journal.append(NoticeGiven("warning", f"plan refused: {error.message}", "asking again"))
            complaint = f"\n\n# Your last answer was refused\n{error.message}\nAnswer again, JSON only."


def parse_reply(text: str) -> Plan | MoreWanted:
    """Read the planner's JSON, bare or in a fence, with chatter around it.

    Raises:
        PlanInvalid: with the path of the field that is wrong.
    """
    fenced = _FENCED.search(text)
    body = (fenced[1] if fenced else text).strip()
    start, end = body.find("{"), body.rfind("}")
    if start < 0 or end < start:
        raise PlanInvalid("the answer is not a JSON object")
    raw = body[start : end + 1].encode()
    try:
        keys = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).keys()
        if keys & {"read", "search"}:
            return msgspec.json.decode(raw, type=MoreWanted)
        plan = msgspec.json.decode(raw, type=Plan)
    except (msgspec.DecodeError, RecursionError) as error:
        raise PlanInvalid(f"the JSON does not fit: {error}") from error
    if not plan.steps and not plan.answer:
        raise PlanInvalid("the plan has neither steps nor an answer")
    return plan


def problems_of(plan: Plan, snapshot: Snapshot) -> list[str]:
    """What keeps a plan from being followed on this tree; [] when nothing does."""
    problems: list[str] = []
    ids = [step.id for step in plan.steps]
    problems += [
        f"{name!r} is not a step id (letters, digits, . _ -; at most 40)" for name in ids if not _ID.match(name)
    ]
    problems += [f"step id {name!r} is used twice" for name in sorted({n for n in ids if ids.count(n) > 1})]
    for step in plan.steps:
        problems += [f"step {step.id} needs {need!r}, which is no step" for need in step.needs if need not in ids]
    if cycle := find_cycle(plan):
        problems.append(f"steps {', '.join(cycle)} wait for each other")
    made: set[str] = set()
    for step in plan.steps:
        problems += [f"step {step.id}: {text}" for text in _step_problems(step, snapshot, made)]
        made.update(region.path for region in step.regions)
    return problems


def _step_problems(step: Step, snapshot: Snapshot, made: set[str]) -> list[str]:
    if step.kind == "command":
        return [] if step.command else ["kind command without a command"]
    if not step.touches:
        return [f"kind {step.kind} without touches"]
    problems: list[str] = []
    for region in step.regions:
        exists = region.path in snapshot.files
        if not region.path or region.path.startswith("/") or ".." in region.path.split("/"):
            problems.append(f"{region.path!r} is not a path inside the repository")
        elif step.kind == "create":
            if exists:
                problems.append(f"{region.path} exists already: use kind edit")
        elif not exists and region.path not in made:
            problems.append(f"there is no file {region.path}")
        elif step.kind == "edit" and exists and region.path not in made:
            problems += _region_problems(region, snapshot)
    return problems


def _region_problems(region: Region, snapshot: Snapshot) -> list[str]:
    try:
        resolve(snapshot, region)
    except ContextError as error:
        return [error.advice]
    return []


def _look_up(run: Run, snapshot: Snapshot, wanted: MoreWanted, budget: int) -> str:
    return look_up(run.corpus(snapshot), read=wanted.read, search=wanted.search, budget=budget)


async def _asked(run: Run, snapshot: Snapshot, budget: int) -> tuple[str, tuple[str, ...], int]:
    """The first question, what of the repository it shows, as Region strings, and the tokens of that."""
    if not snapshot.files:
        return _question(run, "# Repository\n(no files yet)"), (), 0
    corpus = await asyncio.to_thread(run.corpus, snapshot)
    window = (await asyncio.to_thread(outline, corpus, task=run.task.text, budget=budget)).window
    read = {excerpt.path for excerpt in window.excerpts}
    source = await run.keeper.source(corpus, run.task.text, read=read)
    digest = run.journal.put_blob(run.clean(window.text).encode())
    run.journal.append(OutlineMade(digest, window.used, window.budget, source))
    files = tuple(f"{e.path}#L{e.start}-{e.end}" for e in window.excerpts)
    return _question(run, window.text), files, window.used


def _question(run: Run, repository: str) -> str:
    parts = [repository]
    verify = run.settings.verify
    if run.history:
        parts.append(f"# Earlier in this session\n{run.history}")
    if checks := [command for command in (verify.lint_cmd, verify.test_cmd) if command]:
        parts.append("# Checks that will run at the end\n" + "\n".join(checks))
    parts.append(f"# Task\n{run.task.text}")
    return "\n\n".join(parts)


async def _ask(run: Run, question: str, files: tuple[str, ...]) -> str:
    sender = run.senders.pick(run.settings.roles.plan)
    request = ModelRequest(
        call_id=run.next_call_id(),
        role="plan",
        messages=(Message("system", load("plan")), Message("user", question)),
        max_output_tokens=run.settings.models.frontier.max_output_tokens,
        files=files,
    )
    reply = await sender.ask(request, on_chunk=run.show(None, request.call_id))
    if reply.finish == "length":
        raise PlanInvalid(
            "The plan was cut off at the output limit.", "Raise [models.frontier] max_output_tokens or split the task."
        )
    return reply.text


def check_length(run: Run, plan: Plan) -> None:
    """Raise LimitReached for a plan with more steps than allowed."""
    limit = run.settings.limits.max_steps
    if limit and len(plan.steps) > limit:
        raise LimitReached(
            f"The plan has {len(plan.steps)} steps; the limit is {limit}.", "Raise --max-steps or split the task."
        )


def _accept(run: Run, plan: Plan) -> Plan:
    check_length(run, plan)
    sender = run.senders.pick(run.settings.roles.plan)
    source = "scripted" if sender.model.info.is_scripted else sender.model.info.backend
    run.journal.append(PlanMade(plan, source))
    return plan
