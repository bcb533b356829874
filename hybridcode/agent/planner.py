"""From a task to a typed plan, in a bounded number of calls; a local model's draft of it saves the frontier most of
the reading.

Invariant: a call holds the task, the outline or the places of the draft, what was asked for and what was refused, and
nothing else; a plan that reaches the loop names only files and symbols that exist or that an earlier step makes.
"""

import asyncio
import re
from functools import partial

import msgspec

from hybridcode.agent.again import Again
from hybridcode.agent.asking_back import answered, ask_back, require_answer
from hybridcode.agent.baseline import baseline_part, check_line, take_baseline
from hybridcode.agent.budget import after_overflow, reading_budget
from hybridcode.agent.first import MOST_STEPS, First, choose_planner
from hybridcode.agent.new_names import advice, is_new, with_files_of_new_names
from hybridcode.agent.plan_draft import draft_part, places_of, room_for, why_unfit
from hybridcode.agent.plan_reply import AskedBack, MoreWanted, parse_reply
from hybridcode.agent.reproducing import ASKED, must_reproduce, problems_of_reproducing, with_reproduction_first
from hybridcode.agent.run import Run
from hybridcode.agent.scheduler import find_cycle
from hybridcode.agent.talk import Talk, asked_to_see
from hybridcode.agent.unattended import for_a_person
from hybridcode.context.corpus import Corpus
from hybridcode.context.lookup import look_up
from hybridcode.context.named import named_files
from hybridcode.context.outline import outline
from hybridcode.context.passages import Taken
from hybridcode.context.places import places
from hybridcode.context.regions import resolve
from hybridcode.context.render import BYTES_PER_TOKEN
from hybridcode.context.task import read_task
from hybridcode.domain.errors import (
    ContextError,
    ContextOverflow,
    EgressForbidden,
    LimitReached,
    ModelError,
    PlanInvalid,
)
from hybridcode.domain.events import NoticeGiven, OutlineMade, PlanMade, PlannerChosen
from hybridcode.domain.mentions import mentions
from hybridcode.domain.model import ModelRequest, Reply
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.planned import JUDGE
from hybridcode.domain.window import ContextWindow, Excerpt
from hybridcode.models.prompts import load
from hybridcode.repo.snapshot import Snapshot

_ID = re.compile(r"[A-Za-z0-9._-]{1,40}\Z")
MAX_REPAIRS = 2
"""How often an unusable reply is sent back with the reason."""


async def make_plan(run: Run, snapshot: Snapshot) -> Plan:
    """Let the model whose turn it is plan, the frontier after a local model that could not; journals the plan.

    Raises:
        PlanInvalid: when the replies stay unusable.
        LimitReached: when the plan has more steps than allowed.
        ModelError: when the model cannot be asked.
    """
    require_answer(run)
    await take_baseline(run)
    first = await asyncio.to_thread(_choose, run, snapshot)
    run.planner = "local" if first.writer == "local" else run.decider
    drafted = "; the local model drafts the plan" if first.is_drafted else ""
    if first.why:
        run.journal.append(PlannerChosen(run.planner, first.why + drafted))
    _tell_missing(run, snapshot, run.shown_to(run.planner, snapshot))
    is_last = run.senders.info(run.decider) is None or run.settings.roles.plan == "local"
    draft: Plan | None = None
    if first.is_drafted or (first.writer == "local" and not is_last):
        open_to_decider = run.shown_to(run.decider, snapshot)
        draft = await _drafted(run, open_to_decider if first.is_drafted else snapshot)
        if draft is not None and first.writer == "local" and len(draft.steps) <= MOST_STEPS:
            return _accept(run, draft, snapshot)
        if draft is not None and not first.is_drafted:
            why = f"the local model's plan has {len(draft.steps)} steps, a small task up to {MOST_STEPS}"
            is_told = run.shown_to("local", snapshot).files == open_to_decider.files
            told = "it is a draft" if is_told else "it was made from files that may not be shown, so it is not told"
            run.journal.append(PlannerChosen(run.decider, f"{why}: {told}"))
            draft = draft if is_told else None
        run.planner = run.decider
    return _accept(run, await _plan(run, snapshot, draft=draft), snapshot)


async def _drafted(run: Run, snapshot: Snapshot) -> Plan | None:
    """The local model's plan; None, as is told, where it made none that can be followed or looked at. What it says of
    the tree may go to whoever corrects it, so `snapshot` holds for a draft what that one may see."""
    run.planner = "local"
    try:
        draft = await _plan(run, snapshot, is_draft=True)
        if not (why := why_unfit(draft, task=run.task.text)):
            return draft
    except (EgressForbidden, ModelError, PlanInvalid) as error:
        why = error.message
    run.journal.append(PlannerChosen(run.decider, f"the local model made no usable plan: {why}"))
    return None


async def plan_again(run: Run, again: Again) -> Plan:
    """Let whoever decides plan what is still to be done after a plan failed; journals the plan, if it has steps.

    Raises: as `make_plan`.
    """
    run.planner = run.decider
    snapshot = await run.snapshot()
    return _accept(run, await _plan(run, snapshot, again=again), snapshot, again)


def take_ruled(run: Run, plan: Plan, snapshot: Snapshot, again: Again) -> Plan:
    """A plan after a failed one that no model was asked for; journals it.

    Raises:
        PlanInvalid: when it cannot be followed.
        LimitReached: when there are more steps than allowed.
    """
    run.planner = run.decider
    if problems := problems_of(plan, snapshot):
        raise PlanInvalid("; ".join(problems))
    return _accept(run, plan, snapshot, again, source=JUDGE)


def _choose(run: Run, snapshot: Snapshot) -> First:
    local = run.senders.info("local")
    seen = run.shown_to("local" if local else run.decider, snapshot)
    corpus = run.corpus(seen) if seen.files else None
    room = run.settings.context.plan_tokens * BYTES_PER_TOKEN
    return choose_planner(
        run.task.text,
        named=named_files(corpus, run.task.text) if corpus else (),
        settings=run.settings,
        has_local=local is not None,
        has_frontier=run.senders.info(run.decider) is not None,
        is_tiny=local is not None and local.profile == "tiny",
        fits=corpus is None or sum(seen.files[path].size for path in corpus.paths) <= room,
        fails_now=None if run.baseline is None else not run.baseline.passed,
    )


async def _plan(
    run: Run, snapshot: Snapshot, *, is_draft: bool = False, draft: Plan | None = None, again: Again | None = None
) -> Plan:
    """Ask for a plan until it can be followed. `is_draft`: the local model is asked, and somebody else if it cannot;
    `draft` is what it came to, `again` what a plan goes on from."""
    run.senders.pick(run.planner)
    snapshot = run.shown_to(run.planner, snapshot)
    budget = await asyncio.to_thread(_tokens_for, run, snapshot, draft, again)
    question, excerpts, used = await _asked(run, snapshot, budget, draft, again)
    talk = Talk(load("plan"), question, excerpts)
    reads_left, repairs_left = run.settings.context.read_rounds, MAX_REPAIRS
    while True:
        said = ""
        try:
            reply = await _ask(run, talk, again)
            said = reply.text
            answer = _read(reply, task=run.task.text, table=_table(run), draft=draft)
            if isinstance(answer, Plan):
                answer = with_files_of_new_names(answer, snapshot)
                problems = problems_of(answer, snapshot)
                if _reproduces(run, again):
                    problems += problems_of_reproducing(answer)
                if not problems:
                    return answer
                raise PlanInvalid("; ".join(problems))
            if isinstance(answer, AskedBack):
                ask_back(run, answer, is_local=is_draft or again is not None)
                continue
            if not reads_left:
                raise PlanInvalid("nothing more can be shown: answer with the plan now")
            reads_left -= 1
            most = _capped(run, reading_budget(run, held=talk.tokens, later=reads_left), again)
            found = await asyncio.to_thread(talk.show, partial(_look_up, run, snapshot, answer, most))
            talk.go_on(said, asked_to_see(found, left=reads_left))
        except ContextOverflow as error:
            budget = after_overflow(run, min(budget, used), error, what="the planner's outline")
            question, excerpts, used = await _asked(run, snapshot, budget, draft, again)
            talk.ask_anew(question, excerpts)
        except PlanInvalid as error:
            if not repairs_left:
                raise PlanInvalid(
                    f"The planner's reply could not be used: {error.message}",
                    "Word the task more precisely, or choose another planning model with --model.",
                ) from error
            repairs_left -= 1
            run.journal.append(NoticeGiven("warning", f"plan refused: {error.message}", "asking again"))
            talk.go_on(said, f"# Your last answer was refused\n{error.message}\nAnswer again, JSON only.")


def _tell_missing(run: Run, whole: Snapshot, shown: Snapshot) -> None:
    """Say which mentioned files there are not, and which the planner may not be shown."""
    named = mentions(run.task.text, whole.files)
    if unknown := [mention.word for mention in named if mention.path is None and mention.looks_like_path]:
        run.journal.append(NoticeGiven("warning", f"the task mentions what is no file here: {', '.join(unknown)}"))
    if hidden := [mention.word for mention in named if mention.is_file and mention.path not in shown.files]:
        text = f"not shown to the planner, though mentioned: {', '.join(hidden)}"
        run.journal.append(NoticeGiven("warning", text, "it holds credentials, or [egress] deny_paths names it"))


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
    problems = [] if step.goal.strip() else ["no goal: say what to do there"]
    if not step.touches:
        return [*problems, f"kind {step.kind} without touches"]
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
            problems += [advice(region)] if is_new(step, region, snapshot) else _region_problems(region, snapshot)
    return problems


def _region_problems(region: Region, snapshot: Snapshot) -> list[str]:
    try:
        resolve(snapshot, region)
    except ContextError as error:
        return [error.advice]
    return []


def _capped(run: Run, tokens: int, again: Again | None) -> int:
    """How much of the tree a turn may show; of a plan after a failure, so little that it can be asked for once more."""
    cap = run.settings.limits.step_input_tokens
    return min(tokens, cap // 3) if again and cap else tokens


def _tokens_for(run: Run, snapshot: Snapshot, draft: Plan | None, again: Again | None) -> int:
    """How much of the tree the first question shows."""
    tokens = run.settings.context.plan_tokens
    if draft is not None and _shown(snapshot, draft, again):
        return min(tokens, room_for(draft))
    sized = read_task(run.corpus(snapshot), run.task.text).tokens_of(tokens) if snapshot.files else tokens
    return _capped(run, sized, again)


def _look_up(run: Run, snapshot: Snapshot, wanted: MoreWanted, tokens: int, taken: Taken) -> str:
    corpus, task = run.corpus(snapshot), run.task.text
    return look_up(corpus, read=wanted.read, search=wanted.search, budget=tokens, task=task, taken=taken)


def _reproduces(run: Run, again: Again | None) -> bool:
    """The plan's first step must reproduce the bug, unless an earlier plan's step has."""
    return must_reproduce(run) and not (again and again.kept)


async def _asked(
    run: Run, snapshot: Snapshot, budget: int, draft: Plan | None, again: Again | None
) -> tuple[str, tuple[Excerpt, ...], int]:
    """The first question, what of the repository it shows, and the tokens of that."""
    if not snapshot.files:
        return _question(run, "# Repository\n(no files yet)", "", draft, again), (), 0
    corpus = await asyncio.to_thread(run.corpus, snapshot)
    shown = _shown(snapshot, draft, again)
    check = "" if shown else check_line(run.settings.verify.test_cmd, run.baseline)
    window = await asyncio.to_thread(_window, corpus, run.task.text, budget, shown, check)
    read = {excerpt.path for excerpt in window.excerpts}
    source = await run.keeper.source(corpus, run.task.text, read=read)
    digest = run.journal.put_blob(run.clean(window.text).encode())
    run.journal.append(OutlineMade(digest, window.used, window.budget, source, check, shown))
    held = for_a_person(run, snapshot)
    return _question(run, window.text, held, draft, again), window.excerpts, window.used


def _shown(snapshot: Snapshot, draft: Plan | None, again: Again | None) -> tuple[str, ...]:
    """The places that the first question shows; none: what ranks high for the task."""
    named = places_of(draft) if draft else again.places if again else ()
    return tuple(place for place in dict.fromkeys(named) if Region.parse(place).path in snapshot.files)


def _window(corpus: Corpus, task: str, budget: int, regions: tuple[str, ...], check: str) -> ContextWindow:
    """What of the tree the first question shows: these places, or what ranks high for the task."""
    if regions:
        return places(corpus, task=task, regions=regions, budget=budget)
    return outline(corpus, task=task, budget=budget, check=check).window


def _question(run: Run, repository: str, held: str, draft: Plan | None, again: Again | None) -> str:
    parts = [repository]
    verify = run.settings.verify
    if run.history:
        parts.append(f"# Earlier in this session\n{run.history}")
    if checks := [command for command in (verify.lint_cmd, verify.test_cmd) if command]:
        parts.append("# Checks that will run at the end\n" + "\n".join(checks))
    if not again:
        parts.append(baseline_part(run.baseline))
    parts.append(held)
    parts.append(f"# Task\n{run.task.text}")
    parts.append(draft_part(draft, task=run.task.text) if draft else "")
    parts += [ASKED if _reproduces(run, again) else "", answered(run), again.told if again else ""]
    return "\n\n".join(part for part in parts if part)


async def _ask(run: Run, talk: Talk, again: Again | None) -> Reply:
    sender, table = run.senders.pick(run.planner), _table(run)
    request = ModelRequest(
        call_id=run.next_call_id(),
        role="plan",
        messages=talk.messages(run.notes),
        max_output_tokens=run.settings.models.of(table).max_output_tokens,
        step=again.label if again else None,
        files=(*talk.files, *again.files) if again else talk.files,
    )
    return await sender.ask(request, on_chunk=run.show(None, request.call_id))


def _read(reply: Reply, *, task: str, table: str, draft: Plan | None) -> Plan | MoreWanted | AskedBack:
    """What the planner answered. Raises PlanInvalid."""
    if reply.finish == "length":
        raise PlanInvalid(
            "The plan was cut off at the output limit.", f"Raise [models.{table}] max_output_tokens or split the task."
        )
    return parse_reply(reply.text, task=task, draft=draft)


def _table(run: Run) -> str:
    """The table of the settings that the planner comes from."""
    return run.senders.pick(run.planner).model.info.table or "frontier"


def check_length(run: Run, plan: Plan) -> None:
    """Raise LimitReached for a plan with more steps than allowed."""
    limit = run.settings.limits.max_steps
    if limit and len(plan.steps) > limit:
        raise LimitReached(
            f"The plan has {len(plan.steps)} steps; the limit is {limit}.", "Raise --max-steps or split the task."
        )


def _alone(run: Run, plan: Plan, snapshot: Snapshot) -> Plan:
    """A plan of one step: its check is that of the whole task, so that it is proven before anybody is asked about the
    draft, and its writer sees the files that the task mentions."""
    if len(plan.steps) != 1 or plan.steps[0].kind == "command":
        return plan
    step = plan.steps[0]
    touched = {region.path for region in step.regions}
    named = [mention.path for mention in mentions(run.task.text, snapshot.files) if mention.path and mention.is_file]
    reads = dict.fromkeys((*step.reads, *(path for path in named if path not in touched)))
    check = step.check or run.settings.verify.test_cmd or plan.check
    return msgspec.structs.replace(plan, steps=(msgspec.structs.replace(step, reads=tuple(reads), check=check),))


def _accept(run: Run, plan: Plan, snapshot: Snapshot, again: Again | None = None, *, source: str = "") -> Plan:
    """Put a plan on record, as it is followed."""
    check_length(run, plan)
    plan = _alone(run, plan, snapshot)
    if _reproduces(run, again) and plan.steps:
        plan = with_reproduction_first(plan)
    if again is not None:
        if not plan.steps:
            return plan
        plan = again.joined(plan)
        check_length(run, plan)
    info = run.senders.pick(run.planner).model.info
    run.journal.append(PlanMade(plan, source or ("scripted" if info.is_scripted else info.backend)))
    return plan
