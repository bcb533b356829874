"""The steps of a plan at work: the next ones are drafted ahead while earlier proposals wait for a person.

Invariant: what is begun, and beside what, is a function of the plan, the outcomes and who waits; an error of a step is
raised once every earlier step is settled, as if they had been done one after the other; nothing is left running.
"""

import asyncio
from functools import partial

from hybridcode.agent.committing import commit_step
from hybridcode.agent.endings import Ending
from hybridcode.agent.revising import revise
from hybridcode.agent.run import Run
from hybridcode.agent.scheduler import sequence, startable
from hybridcode.agent.steps import run_step
from hybridcode.config.settings import FrontierSettings
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import StepEnded, StepOutcome
from hybridcode.domain.model import ModelInfo
from hybridcode.domain.plan import Plan, Step, Writer
from hybridcode.gate.beside import Alone


class Crew:
    """Does the steps of one plan."""

    def __init__(self, run: Run, plan: Plan) -> None:
        self._run = run
        self.plan = plan
        """As it is followed now: steps that needed a declined one may have been replaced."""
        self.outcomes: dict[str, StepOutcome] = {}
        self.reasons: dict[str, str] = {}
        self.denied_twice = ""
        """Why policy denied two steps: the run stops there."""
        self.commit_waits = ""
        """What a commit of a step waits for: the run stops there too."""
        self._errors: dict[str, HybridcodeError] = {}
        self._tasks: dict[asyncio.Task[Ending], str] = {}
        self._order: tuple[Step, ...] = ()
        run.lanes.room = {"local": partial(self._room, "local"), "frontier": partial(self._room, "frontier")}
        self._follow(plan)
        for step in plan.steps:
            if step.id in run.done:
                self.outcomes[step.id] = "done"
            elif step.id in run.settled:
                self.outcomes[step.id] = run.settled[step.id]

    async def work(self) -> None:
        """Do all steps that can be done.

        Raises:
            HybridcodeError: of the first step, in order, that met one.
        """
        gate, lanes = self._run.gate, self._run.lanes
        gate.beside, is_stopped = lanes, True
        try:
            while not self._stops:
                self._begin()
                if not self._waits_for_earlier():
                    break
                await lanes.bell.wait()
                while ended := [task for task in self._tasks if task.done()]:  # more of them may end meanwhile
                    for task in ended:
                        await self._settle(self._tasks.pop(task), task)
            self._raise_first()
        except asyncio.CancelledError:
            is_stopped = False  # whoever interrupts a run records that by itself
            raise
        finally:
            gate.beside = Alone()
            await self._end_all(is_told=is_stopped)

    @property
    def _stops(self) -> bool:
        return bool(self.denied_twice or self.commit_waits)

    def _raise_first(self) -> None:
        """Raise the error of the first step that met one, unless the run would not have come so far."""
        for step in self._order if not self._stops else ():
            if self.outcomes.get(step.id) == "held":
                return
            if step.id in self._errors:
                raise self._errors[step.id]

    def _waits_for_earlier(self) -> bool:
        """Something is at work that has to end before the run does."""
        end = min((self._place(name) for name in self._errors), default=len(self._order))
        return any(self._place(name) < end for name in self._tasks.values())

    def _follow(self, plan: Plan) -> None:
        self.plan = self._run.plan = plan
        self._order = sequence(plan)
        self._run.lanes.order = tuple(step.id for step in self._order)

    def _catch_up(self) -> None:
        """Take in that a step was moved."""
        if self._run.plan is not None and self._run.plan is not self.plan:
            self._follow(self._run.plan)

    def _begin(self) -> None:
        """Begin every step that there is room for. After an error only those that come before it."""
        self._catch_up()
        lanes = self._run.lanes
        order = self._order[: min((self._place(name) for name in self._errors), default=len(self._order))]
        only, busy = self._only_writer, self._busy_lanes()
        for step in startable(order, self.outcomes, {*lanes.doing, *self._tasks.values()}):
            if self._is_full:
                return
            if step.id not in self._run.pending and (only or step.writer) in busy:
                continue
            waits = (one.id for one in self._order[: self._place(step.id)])
            ahead_of = [name for name in waits if name in lanes.doing or self.outcomes.get(name) == "held"]
            lanes.doing[step.id] = "writing"
            task = asyncio.create_task(run_step(self._run, step, ahead_of=ahead_of))
            task.add_done_callback(lambda _: lanes.bell.ring())
            self._tasks[task] = step.id
            busy = self._busy_lanes()

    @property
    def _is_full(self) -> bool:
        """As many steps are under way or wait as may."""
        held = list(self.outcomes.values()).count("held")
        return len(self._run.lanes.doing) + held >= max(1, self._run.settings.limits.max_pending)

    def _busy_lanes(self) -> set[Writer]:
        """Writers whose lanes are taken. A step whose person is asked leaves its lane to the next one."""
        lanes, only = self._run.lanes, self._only_writer
        at_work = (self._step(name) for name, doing in lanes.doing.items() if doing != "asked")
        taken = [only or step.writer for step in at_work]
        return {writer for writer in lanes.room if taken.count(writer) >= lanes.width(writer)}

    @property
    def _only_writer(self) -> Writer | None:
        """In whose lane every step begins; None where the step says it."""
        senders = self._run.senders
        if not senders.has_drafter or senders.frontier is None:
            return "local" if senders.has_drafter else "frontier"
        return None

    def _room(self, writer: Writer) -> int:
        """Requests that a model may be sent at once; a person is asked about one after the other."""
        info: ModelInfo | None = self._run.senders.info(self._run.senders.part(writer))
        settings = self._run.settings
        if info is None or (info.is_remote and settings.egress.mode == "ask"):
            return 1
        asked = settings.models.of(info.table or info.backend)
        return asked.parallel if isinstance(asked, FrontierSettings) else info.capacity

    async def _settle(self, name: str, task: asyncio.Task[Ending]) -> None:
        """Take in how a step ended. Raises what no step may raise."""
        self._catch_up()
        error = task.exception()
        if isinstance(error, HybridcodeError):
            self._errors[name] = error
            return
        outcome, why = task.result()
        self.outcomes[name], self.reasons[name] = outcome, why
        if outcome == "done" and (waits := await commit_step(self._run, self._step(name))):
            self.commit_waits = f"step {name} is done; {waits}"
        if outcome == "denied" and list(self.reasons.values()).count(why) > 1:
            self.denied_twice = why
        if outcome != "declined":
            return
        revised = await revise(self._run, self.plan, name, why, outcomes=self.outcomes)
        if revised is not None:
            self._follow(revised)

    async def _end_all(self, *, is_told: bool) -> None:
        """Cancel what is still at work, wait for it, and tell that it ended."""
        tasks, self._tasks = self._tasks, {}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._run.lanes.doing.clear()
        for task, name in tasks.items():
            if task.cancelled() and is_told:
                self._run.journal.append(StepEnded(name, "interrupted", "stopped with the run"))
            elif not task.cancelled():
                task.exception()  # the first one is on its way already

    def _step(self, name: str) -> Step:
        return self._order[self._place(name)]

    def _place(self, name: str) -> int:
        return self._run.lanes.order.index(name)
