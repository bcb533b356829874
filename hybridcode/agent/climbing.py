"""One step, up its ladder: draft, place, try, submit, check, and one rung higher when that fails.

Invariant: every rung and its reason is journalled before it is taken; a failure that was there before, to the letter,
ends the tries at its level; a draft that failed its check before anybody was asked is proposed only when no later one
could be.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hybridcode.agent.checks import check
from hybridcode.agent.checks import said as told_of
from hybridcode.agent.drafter import Drafted, draft_step, retry_note
from hybridcode.agent.endings import Ending, Fell, ending_of, mark_of
from hybridcode.agent.hint import ask_hint
from hybridcode.agent.kinds import work_of
from hybridcode.agent.ladder import Rung, RungName, rungs
from hybridcode.agent.proving import Tried, draft_note, try_ahead
from hybridcode.agent.reproducing import turned
from hybridcode.agent.run import Run
from hybridcode.agent.submitting import submit, take_up
from hybridcode.domain.errors import ContextError, EgressForbidden, ModelError, RepoError, StepCapReached
from hybridcode.domain.events import CheckRan, DraftRefused, NoticeGiven, RungTaken
from hybridcode.domain.plan import Step, Writer
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.check import unparsable

REDRAFT = "the files changed meanwhile: drafted anew, once"
"""Why a rung is taken again."""
_AGAIN = "# You gave the same answer once more, to the letter\nIt was not used either. Write it differently."
_LEVELS: dict[RungName, str] = {"local_retry": "local"}
"""Rungs of one level, by the name of its first one."""
_WHY_CHARS = 200
"""Of the last failure, in the reason for a rung."""


async def climb(run: Run, step: Step) -> Ending:
    """Take rung after rung until the step is done, somebody says no for good, or nobody is left to try.

    Raises:
        ModelError: when no model that could write it can be asked.
        PlanOnly: a person has switched to plan mode.
    """
    at = _Climb(run, step)
    if step.id in run.pending or step.id in run.receipts:
        left = await take_up(run, step)
        if not isinstance(left, Fell):
            return left
        at.fall(left)
    return await at.up(await _ladder(run, step))


async def _ladder(run: Run, step: Step) -> tuple[Rung, ...]:
    has_local, has_frontier = run.senders.local is not None, run.senders.frontier is not None
    work = work_of(step, await run.snapshot()) if run.routes.route else None
    route = run.routes.route_for(work) if work is not None else None
    return tuple(rungs(step, run.settings.routing, has_local=has_local, has_frontier=has_frontier, route=route))


@dataclass
class _Climb:
    """How far one step has come."""

    run: Run
    step: Step
    attempt: int = 0
    fell: Fell | None = None
    """The last try that came to nothing."""
    marks: set[str] = field(default_factory=set[str])
    """What such tries came to."""
    answers: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])
    """What models answered, for the tree as it is."""
    broken: set[Writer] = field(default_factory=set[Writer])
    """Who cannot be asked."""
    error: ModelError | EgressForbidden | None = None
    """Why the last one could not be asked."""
    held_back: tuple[Rung, Drafted, Tried] | None = None
    """A draft that failed its check in a scratch copy: nobody was asked about it yet."""
    is_redrafted: bool = False
    """Drafted anew because files changed."""
    cut_short: str = ""
    """Why tries of a level were left out."""

    async def up(self, ladder: Sequence[Rung]) -> Ending:
        """Take the rungs in order."""
        left = deque(ladder)
        while left:
            rung = left.popleft()
            if not self._can_be_asked(rung):
                continue
            end = await self._try(self._numbered(rung), is_last=not any(map(self._can_be_asked, left)))
            match end:
                case None:
                    continue
                case Fell(is_stale=True) if self.is_redrafted:
                    return end.ending
                case Fell(is_stale=True):
                    self.fall(end)
                    name: RungName = "local_retry" if rung.writer == "local" else rung.name
                    left.appendleft(replace(rung, name=name, why=REDRAFT))
                case Fell():
                    if end.is_loop or end.mark in self.marks:
                        self._leave_level(rung, left, end)
                    self.fall(end)
                case _:
                    return end
        return await self._give_up()

    def _can_be_asked(self, rung: Rung) -> bool:
        return rung.writer not in self.broken and (rung.name != "frontier_hint" or "frontier" not in self.broken)

    def fall(self, fell: Fell) -> None:
        """Remember a try that came to nothing, for the next one."""
        self.fell = fell
        self.is_redrafted |= fell.is_stale
        if fell.is_stale:
            self.answers.clear()
        if fell.mark:
            self.marks.add(fell.mark)

    def _leave_level(self, rung: Rung, left: deque[Rung], fell: Fell) -> None:
        level = _LEVELS.get(rung.name, rung.name)
        while left and _LEVELS.get(left[0].name, left[0].name) == level:
            left.popleft()
            self.cut_short = f"the same failure twice: {fell.ending[1]}"

    def _numbered(self, rung: Rung) -> Rung:
        """A rung with its number and the reason why it is taken."""
        self.attempt += 1
        why = rung.why
        if self.cut_short:
            why, self.cut_short = f"{why}; {self.cut_short}", ""
        elif self.fell is not None and self.fell.ending[1] and why != REDRAFT:
            why = f"{why}: {self.fell.ending[1]}"
        return replace(rung, attempt=self.attempt, why=why[:_WHY_CHARS])

    async def _try(self, rung: Rung, *, is_last: bool) -> Ending | Fell | None:
        """One rung; None where its writer could not be asked."""
        run, step = self.run, self.step
        run.lanes.write(step.id)
        run.journal.append(RungTaken(step.id, rung.name, rung.writer, rung.attempt, rung.why, is_last))
        said: list[str] = []
        try:
            drafted = await self._drafted(rung, said)
        except StepCapReached as error:
            run.journal.append(NoticeGiven("warning", f"step {step.id}: {error.message}", error.hint))
            self.broken.add("frontier")
            self.fall(Fell(("failed", error.message), self.fell.feedback if self.fell else ""))
            return None
        except (ModelError, EgressForbidden) as error:
            self.error = error
            run.journal.append(NoticeGiven("error", f"step {step.id}: {error.message}", error.hint))
            return None
        except (ContextError, RepoError) as error:
            return "failed", error.advice
        self.error = None
        if isinstance(drafted, tuple) and all(refusal.is_already for refusal in drafted):
            return await self._unchanged(drafted)
        if refused := self._refused(rung, drafted, must_parse=rung.attempt == 1 and not is_last):
            return Fell(("failed", refused[0].reason), retry_note(refused), mark_of(refused))
        assert isinstance(drafted, Drafted)
        if said and tuple(said) in self.answers:
            before = self.fell or Fell(("failed", "the same answer twice"), "")
            feedback = f"{before.feedback}\n\n{_AGAIN}".strip()
            return replace(before, feedback=feedback, is_loop=True, is_stale=False)
        self.answers.add(tuple(said))
        return await self._proposed(rung, drafted)

    async def _drafted(self, rung: Rung, said: list[str]) -> Drafted | tuple[Refusal, ...]:
        """Ask for a hint where the rung has one, then for a draft. Whoever cannot be asked is not asked again."""
        feedback = self.fell.feedback if self.fell else ""
        asked: Writer = rung.writer
        try:
            if rung.name == "frontier_hint":
                asked = "frontier"
                feedback += "\n\n" + await ask_hint(self.run, self.step, feedback)
                asked = rung.writer
            return await draft_step(self.run, self.step, rung, feedback, said=said)
        except (ModelError, EgressForbidden):
            self.broken.add(asked)
            raise

    async def _unchanged(self, refused: tuple[Refusal, ...]) -> Ending | Fell:
        """The model wants the lines as they are: right if the check passes or, without one, if it says so twice."""
        run, step = self.run, self.step
        reason, mark = refused[0].reason, mark_of(refused)
        if not step.check:
            if mark in self.marks:
                return "done", "nothing to change"
            return Fell(("failed", reason), retry_note(refused), mark)
        await run.lanes.turn(step.id)
        event = await check(run, step.check, step=step.id)
        if not isinstance(event, CheckRan):
            return ending_of(event)
        if event.passed:
            return "done", "nothing to change"
        told = told_of(event, (await run.snapshot()).files)
        return Fell(("failed", reason), f"{retry_note(refused)}\n\n# The check fails on them\n{told}", mark)

    def _refused(self, rung: Rung, drafted: Drafted | tuple[Refusal, ...], *, must_parse: bool) -> tuple[Refusal, ...]:
        """Why a draft is not proposed; with `must_parse` new syntax errors are a reason, else a warning in the pane."""
        if not isinstance(drafted, Drafted):
            return drafted
        refused = unparsable(drafted.changes) if must_parse else ()
        if refused:
            self.run.journal.append(DraftRefused(self.step.id, rung.attempt, refused))
        return refused

    async def _proposed(self, rung: Rung, drafted: Drafted) -> Ending | Fell:
        """Try a draft in a scratch copy, on the very tree that it is proposed for, and propose it."""
        run, step = self.run, self.step
        while True:
            effects = run.lanes.effects
            tried = turned(run, step, await try_ahead(run, step, drafted.changes))
            if tried.failed:
                self.held_back = rung, drafted, tried
                reason = f"`{step.check}` failed in a scratch copy"
                return Fell(("failed", reason), draft_note(tried, drafted.changes), mark_of(tried.said))
            await run.lanes.turn(step.id)
            if effects == run.lanes.effects or not tried.proven_by:
                break
            if (await run.snapshot()).with_changes(drafted.changes).digest == tried.tree:
                break
        self.held_back = None
        return await submit(run, step, rung, drafted, tried)

    async def _give_up(self) -> Ending:
        """Nobody is left to try: a draft that was held back is shown, with what its check said."""
        ending = self.fell.ending if self.fell is not None else ("failed", "no model could write it")
        if self.held_back is not None:
            await self.run.lanes.turn(self.step.id)
            end = await submit(self.run, self.step, *self.held_back)
            if not isinstance(end, Fell):
                return end
            ending = end.ending
        if self.error is not None:
            raise self.error
        return ending
