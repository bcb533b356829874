"""One step, up its ladder: draft, place, try, submit, check, and one rung higher when that fails.

Invariant: every rung and its reason is journalled before it is taken; a failure that was there before, to the letter,
ends the tries at its level; a draft that failed its check before anybody was asked is proposed only when no later one
could be, and only where a person looks at it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from hybridcode.agent.blaming import Blame, blame, may_rework, take_in
from hybridcode.agent.checks import check, without_command
from hybridcode.agent.checks import said as told_of
from hybridcode.agent.drafter import Drafted, draft_step
from hybridcode.agent.endings import Ending, Fell, Note, ending_of, mark_of
from hybridcode.agent.hint import ask_hint, move
from hybridcode.agent.importing import loose_ends, places_of
from hybridcode.agent.kept import Kept
from hybridcode.agent.ladder import Rung, RungName, ladder_for
from hybridcode.agent.narrowing import pointed_to
from hybridcode.agent.notes import AGAIN, Notes, fact, failed_ahead, pointed, refused
from hybridcode.agent.proving import Tried
from hybridcode.agent.reproducing import turned
from hybridcode.agent.ruled import by_rule
from hybridcode.agent.run import Run
from hybridcode.agent.submitting import submit, take_up
from hybridcode.agent.tries import Tries
from hybridcode.agent.whole import is_tried, others_done, try_own, try_whole
from hybridcode.domain.errors import ContextError, EgressForbidden, ModelError, RepoError, StepCapReached
from hybridcode.domain.events import CheckRan, DraftRefused, NoticeGiven, RungTaken
from hybridcode.domain.plan import Region, Step, Writer
from hybridcode.domain.refusal import Refusal
from hybridcode.gate.approvers import has_person
from hybridcode.patch.check import unparsable
from hybridcode.repo.classify import reads_as_prose

REDRAFT = "the files changed meanwhile: drafted anew, once"
"""Why a rung is taken again."""
APART = "local model again: an answer that could not be used and a draft that failed count apart"
"""Why the local model gets one more try."""
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
    return await at.up(await ladder_for(run, step))


def _asks_frontier(rung: Rung) -> bool:
    return rung.writer == "frontier" or rung.name == "frontier_hint"


def _told(notes: Notes, writer: Writer, region: Region) -> str:
    return notes.told(writer, region=region)


@dataclass
class _Climb:
    """How far one step has come."""

    run: Run
    step: Step
    attempt: int = 0
    fell: Fell | None = None
    """The last try that came to nothing."""
    notes: Notes = field(default_factory=Notes)
    """What the next draft is told of all tries."""
    writer: Writer | None = None
    """Whose turn it is; None: an earlier run's."""
    tries: Tries = field(default_factory=Tries)
    """What all tries came to, and how many are left."""
    narrowed: tuple[Region, ...] = ()
    """Places that the last failed check pointed to: the others are not asked for again."""
    answers: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])
    """What models answered for all places, for the tree as it is; sorted, since kept answers come first."""
    kept: Kept = field(default_factory=Kept)
    """Regions that were drafted well in a try in which another one failed."""
    broken: set[Writer] = field(default_factory=set[Writer])
    """Who cannot be asked."""
    error: ModelError | EgressForbidden | None = None
    """Why the last one could not be asked."""
    held_back: tuple[Rung, Drafted, Tried] | None = None
    """A draft that failed its check in a scratch copy: nobody was asked about it yet."""
    unproven: tuple[Rung, Drafted, Tried, Tried] | None = None
    """A draft on which the check of all steps together failed: it is proposed before the frontier is asked."""
    blamed: Blame | None = None
    """What that failure points to; None: the last try failed otherwise."""
    loose: set[str] = field(default_factory=set[str])
    """Names without a definition, and imports without a use, that it was told of once."""
    is_redrafted: bool = False
    """Drafted anew because files changed."""

    async def up(self, ladder: Sequence[Rung]) -> Ending:
        """Take the rungs in order."""
        left = deque(ladder)
        self.tries.begin(ladder)
        while left:
            rung = left.popleft()
            if self._is_left_to_repair(rung):
                break
            if not self._can_be_asked(rung):
                continue
            if rung.name == "local_sample":
                self.kept, self.narrowed = Kept(), ()
            if _asks_frontier(rung) and (ended := await self._as_it_is()) is not None:
                return ended
            has_retry = rung.writer == "local" and bool(left) and left[0].name == "local_retry"
            end = await self._try(self._numbered(rung), is_last=self._is_last(rung, left), has_retry=has_retry)
            match end:
                case None:
                    continue
                case Fell(is_stale=True) if self.is_redrafted:
                    return end.ending
                case Fell(is_stale=True):
                    self.fall(end)
                    name: RungName = "local_retry" if rung.writer == "local" else rung.name
                    left.appendleft(replace(rung, name=name, why=REDRAFT))
                case Fell() if (again := await self._rework(end, left)) is not None:
                    left.appendleft(again)
                case Fell():
                    is_again = self.tries.was_there(end) or self._is_beside_it()
                    if is_again and (end.is_refused or not self.narrowed):
                        self.tries.leave_level(rung, left, end)
                    elif self.tries.has_more(rung, left, end):
                        left.appendleft(replace(rung, name="local_retry", why=APART))
                    self.fall(await self._narrow(end, is_again=is_again))
                case _:
                    return end
        return await self._give_up()

    def _is_beside_it(self) -> bool:
        """The check of all steps together failed, and this step, which writes but documentation, cannot help that."""
        is_elsewhere = self.blamed is not None and not self.blamed.is_own
        return is_elsewhere and all(reads_as_prose(region.path) for region in self.step.regions)

    async def _rework(self, fell: Fell, left: deque[Rung]) -> Rung | None:
        """One more try of the local model, with the place of an earlier step that a failure of all steps together
        points to: where it points to that alone, or where the step's own place was tried again."""
        run, found = self.run, self.blamed
        if found is None or not found.step or "local" in self.broken or not may_rework(run, self.step):
            return None
        is_new = not self.tries.was_there(fell)
        if found.is_own and is_new and left and left[0].name == "local_retry":
            return None
        if not await others_done(run, self.step):
            return None
        self.step = take_in(run, self.step, found)
        self.kept.widen(self.step, await run.snapshot())
        self.narrowed = ()
        self.fall(replace(fell, note=pointed(fell.note, found.region, found.step)))
        return Rung("local_retry", "local", 0, f"the check of all steps together points to {found.region}")

    async def _narrow(self, fell: Fell, *, is_again: bool) -> Fell:
        """Have the next try ask only for the places that a failed check points to; for all, where it failed the same
        way again."""
        if fell.is_refused:
            return fell
        self.narrowed = ()
        if is_again or not fell.said or fell.tree is None:
            return fell
        now = await self.run.snapshot()
        if now.digest not in (fell.tree.digest, self.kept.tree):
            return fell
        before = None if now.digest == fell.tree.digest else now
        found = pointed_to(self.kept.standing(self.step), without_command(fell.said), fell.tree, before=before)
        if not found:
            return fell
        self.kept.narrow(self.step, found, now)
        self.narrowed = found
        return replace(fell, note=pointed(fell.note, ", ".join(map(str, found))))

    async def _as_it_is(self) -> Ending | None:
        """Propose a draft on which the check of all steps together failed: what the frontier is asked for then is
        another plan. None where there is no such draft, or somebody still has to write."""
        if self.unproven is None:
            return None
        (rung, drafted, tried, whole), self.unproven, self.held_back = self.unproven, None, None
        self.narrowed = ()
        await self.run.lanes.turn(self.step.id)
        end = await submit(self.run, self.step, rung, drafted, tried, whole)
        if not isinstance(end, Fell):
            return end
        self.fall(end)
        return None

    def _can_be_asked(self, rung: Rung) -> bool:
        if rung.name == "local_sample" and not is_tried(self.run, self.step):
            return False
        return rung.writer not in self.broken and (rung.name != "frontier_hint" or "frontier" not in self.broken)

    def _is_last(self, rung: Rung, left: deque[Rung]) -> bool:
        """No draft follows this one if a person declines it."""
        return not self.tries.may_have_more(rung, left) and all(
            self._is_left_to_repair(one) or not self._can_be_asked(one) for one in left
        )

    def fall(self, fell: Fell) -> None:
        """Remember a try that came to nothing, for the next one."""
        self.fell = fell
        self.is_redrafted |= fell.is_stale
        if fell.is_stale:
            self.answers.clear()
        if fell.mark:
            self.tries.marks.add(fell.mark)
        if fell.note is not None:
            self.notes.take(fell.note, self.writer)

    def _is_left_to_repair(self, rung: Rung) -> bool:
        """A step of a local plan that the local model could not write: the frontier plans again before it writes."""
        is_local = self.run.planner == self.step.writer == "local" and "local" not in self.broken
        return is_local and rung.writer == "frontier" and self.run.may_repair

    def _numbered(self, rung: Rung) -> Rung:
        """A rung with its number and the reason why it is taken."""
        self.attempt += 1
        why = rung.why
        if self.narrowed:
            why += f", as the failure points to {', '.join(map(str, self.narrowed))}"
        if self.tries.cut_short:
            why, self.tries.cut_short = f"{why}; {self.tries.cut_short}", ""
        elif self.fell is not None and self.fell.ending[1] and why != REDRAFT:
            why = f"{why}: {self.fell.ending[1]}"
        return replace(rung, attempt=self.attempt, why=why[:_WHY_CHARS])

    async def _try(self, rung: Rung, *, is_last: bool, has_retry: bool) -> Ending | Fell | None:
        """One rung; None where its writer could not be asked. `has_retry`: the local model has another try."""
        run, step = self.run, self.step
        self.writer = rung.writer
        run.lanes.write(step.id)
        blamed, self.blamed = self.blamed, None
        run.journal.append(RungTaken(step.id, rung.name, rung.writer, rung.attempt, rung.why, is_last))
        said: list[str] = []
        try:
            drafted = await self._drafted(rung, said)
        except StepCapReached as error:
            run.journal.append(NoticeGiven("warning", f"step {step.id}: {error.message}", error.hint))
            self.broken.add("frontier")
            self.fall(Fell(("failed", error.message)))
            return None
        except (ModelError, EgressForbidden) as error:
            self.error = error
            run.journal.append(NoticeGiven("error", f"step {step.id}: {error.message}", error.hint))
            return None
        except (ContextError, RepoError) as error:
            run.failures[step.id] = error.advice
            return "failed", error.advice
        self.error = None
        if isinstance(drafted, tuple) and all(refusal.is_already for refusal in drafted):
            return await self._unchanged(drafted)
        must_parse = self._must_parse(is_first=rung.attempt == 1 and not is_last)
        if why := await self._refused(rung, drafted, must_parse=must_parse, has_retry=has_retry):
            return Fell(("failed", why[0].reason), refused(why, self.kept.refusals), mark_of(why), is_refused=True)
        assert isinstance(drafted, Drafted)
        if said and tuple(sorted(said)) in self.answers:
            before, self.blamed = self.fell or Fell(("failed", "the same answer twice")), blamed
            return replace(before, note=AGAIN, is_loop=True, is_stale=False)
        self.answers.add(tuple(sorted(said)))
        return await self._proposed(rung, drafted)

    async def _drafted(self, rung: Rung, said: list[str]) -> Drafted | tuple[Refusal, ...]:
        """Ask for a hint where the rung has one, then for a draft. Whoever cannot be asked is not asked again."""
        asked: Writer = rung.writer
        try:
            if rung.name == "frontier_hint":
                asked = "frontier"
                hint = await ask_hint(self.run, self.step, self.notes, self.kept)
                self.notes.take(fact("hint", hint.note), "frontier")
                await self._move(hint.places)
                asked = rung.writer
            if rung.attempt == 1 and (ruled := await by_rule(self.run, self.step, rung)) is not None:
                return ruled
            told = partial(_told, Notes() if rung.name == "local_sample" else self.notes, rung.writer)
            return await draft_step(self.run, self.step, rung, told, said=said, kept=self.kept)
        except (ModelError, EgressForbidden):
            self.broken.add(asked)
            if self.kept.failed:
                self.notes.take(refused([one.refusal for one in self.kept.failed.values()], self.kept.refusals), asked)
            raise

    async def _move(self, places: tuple[str, ...]) -> None:
        """Go on at the place that a hint names: what was answered for another one is no repetition there, and takes no
        note away from the places that are new. Drafts are kept where only those that were refused are moved."""
        there = await move(self.run, self.step, places, failed=self.kept.failed)
        if there is not self.step:
            self.step = there
            self.answers.clear()
            self.notes.spread()
            self.kept = self.kept.elsewhere()

    async def _unchanged(self, same: tuple[Refusal, ...]) -> Ending | Fell:
        """The model wants the lines as they are: right if the check passes or, without one, if it says so twice."""
        run, step = self.run, self.step
        reason, mark, note = same[0].reason, mark_of(same), refused(same)
        if not step.check:
            if mark in self.tries.marks:
                return "done", "nothing to change"
            return Fell(("failed", reason), note, mark)
        await run.lanes.turn(step.id)
        event = await check(run, step.check, step=step.id)
        if not isinstance(event, CheckRan):
            return ending_of(event)
        if event.passed:
            return "done", "nothing to change"
        told = told_of(event, (await run.snapshot()).files)
        fails = f"\n\n# The check fails on them\n{told}"
        return Fell(("failed", reason), Note("checked", note.own + fails, note.other + fails), mark)

    def _must_parse(self, *, is_first: bool) -> bool:
        """A draft with new syntax errors is written again once, and never applied where nobody looks at it."""
        return is_first or not has_person(self.run.gate.approver)

    async def _refused(
        self, rung: Rung, drafted: Drafted | tuple[Refusal, ...], *, must_parse: bool, has_retry: bool
    ) -> tuple[Refusal, ...]:
        """Why a draft is not proposed; with `must_parse` new syntax errors are a reason, with `has_retry` names without
        a definition are one, once. Else both are a warning in the pane."""
        if not isinstance(drafted, Drafted):
            return drafted
        broken = unparsable(drafted.changes) if must_parse else ()
        places = frozenset[Region]()
        if not broken and has_retry:
            found = loose_ends(self.run, self.step, drafted.changes, drafted.circles)
            broken = tuple(one for one in found if f"{one.path} {one.reason}" not in self.loose)
            self.loose |= {f"{one.path} {one.reason}" for one in broken}
            places = places_of(self.step, broken, drafted.changes, drafted.importable)
        if broken:
            self.kept.ask_again(places, await self.run.snapshot())
            self.kept.spoil({one.path for one in broken if one.path is not None} - {place.path for place in places})
            self.run.journal.append(DraftRefused(self.step.id, rung.attempt, broken))
        return broken

    async def _proposed(self, rung: Rung, drafted: Drafted) -> Ending | Fell:
        """Try a draft in a scratch copy, on the very tree that it is proposed for, and propose it."""
        run, step = self.run, self.step
        while True:
            effects = run.lanes.effects
            tried = turned(run, step, await try_own(run, step, drafted.changes))
            if tried.failed:
                self.held_back = rung, drafted, tried
                return self._failed(tried, drafted)
            await run.lanes.turn(step.id)
            if effects == run.lanes.effects or not tried.proven_by:
                break
            if (await run.snapshot()).with_changes(drafted.changes).digest == tried.tree:
                break
        whole = tried if tried.is_of_all else await try_whole(run, step, drafted.changes)
        if whole.failed:
            self.unproven = rung, drafted, tried, whole
            return self._failed(whole, drafted)
        self.held_back = self.unproven = None
        return await submit(run, step, rung, drafted, tried, whole)

    def _failed(self, tried: Tried, drafted: Drafted) -> Fell:
        """A check failed on a draft in a scratch copy."""
        assert tried.event is not None
        self.blamed = blame(self.run, self.step, tried) if tried.is_of_all else None
        reason = f"`{tried.event.command}` failed in a scratch copy{' on all steps together' * tried.is_of_all}"
        note = failed_ahead(tried, drafted.changes)
        return Fell(("failed", reason), note, mark_of(tried.said), said=tried.said, tree=tried.snapshot)

    async def _give_up(self) -> Ending:
        """Nobody is left to try: a draft that was held back is shown to a person, with what its check said.

        A no to that is the end of the step, and of no more than that where another plan may come.
        """
        run, step = self.run, self.step
        if (ended := await self._as_it_is()) is not None:
            return ended
        ending = self.fell.ending if self.fell is not None else ("failed", "no model could write it")
        if self.held_back is not None and has_person(run.gate.approver):
            await run.lanes.turn(step.id)
            end = await submit(run, step, *self.held_back)
            outcome = end.ending[0] if isinstance(end, Fell) else end[0]
            is_no = outcome == "declined" and run.may_repair
            if not isinstance(end, Fell) and not is_no:
                return end
            if isinstance(end, Fell):
                self.fall(end)
                ending = ending if is_no else end.ending
        if self.error is not None:
            raise self.error
        if ending[0] == "failed":
            run.failures[step.id] = self.notes.told()
        return ending
