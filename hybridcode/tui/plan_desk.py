"""Where a plan waits for a person.

Invariant: an answer is used once, by the run that asks for it or the next one that does.
"""

import asyncio
from collections.abc import Callable

from hybridcode.config.settings import Mode
from hybridcode.domain.plan import Plan
from hybridcode.session.modes import PLANNED_FIRST


class PlanDesk:
    """Where a plan waits for a person."""

    def __init__(self, mode: Callable[[], Mode]) -> None:
        self._mode = mode
        self._answer: asyncio.Future[Plan | None] | None = None
        self._early: list[Plan | None] = []

    async def decide_plan(self, plan: Plan) -> Plan | None:
        """Wait for a person's answer; in modes that ask about no plan it is followed at once."""
        if self._early:
            return self._early.pop()
        if self._mode() not in PLANNED_FIRST:
            return plan
        self._answer = asyncio.get_running_loop().create_future()
        try:
            return await self._answer
        finally:
            self._answer = None

    def forget(self) -> None:
        """Drop an answer that no run has asked for."""
        self._early.clear()

    def answer(self, plan: Plan | None) -> None:
        """Hand in the answer; one that nobody waits for yet is kept for the run that will."""
        if self._answer is None:
            self._early = [plan]
        elif not self._answer.done():
            self._answer.set_result(plan)
