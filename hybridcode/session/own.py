"""A person's own commands: one at a time, beside whatever task runs, with or without one.

Invariant: each goes through the session's gate like any other command and is recorded as the person's; it holds up no
task, and no task holds it up.
"""

import asyncio
from collections.abc import Callable, Coroutine

from hybridcode.agent.commands import shell_command
from hybridcode.domain.action import Receipt, Reject
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.own import OWN_PURPOSE
from hybridcode.gate.gate import Gate
from hybridcode.gate.own import perform_own
from hybridcode.gate.policy import READ_ONLY
from hybridcode.gate.processes import environment_names
from hybridcode.session.state import ProposalView, SessionState


class OwnCommands:
    """The command that a person runs in a session right now, if any."""

    def __init__(self, gate: Gate, state: SessionState, *, on_ran: Callable[[], None]) -> None:
        self._gate, self._state, self._on_ran = gate, state, on_ran
        self._task: asyncio.Task[Receipt] | None = None

    @property
    def is_running(self) -> bool:
        """True while a command runs, or waits to be looked at."""
        return self._task is not None and not self._task.done()

    async def run(self, line: str, *, by: str) -> Receipt | None:
        """Run a command line as a person typed it, to its end; None when it was cut off.

        There is no time limit: the person who typed it ends it.

        Raises:
            HybridcodeError: another one runs, or it could not be recorded.
        """
        self.require_rest()
        command = shell_command(line, timeout_s=0.0, purpose=OWN_PURPOSE, env_names=environment_names())
        return await self._watch(perform_own(self._gate, command, by=by))

    async def take_up(self, proposal: str) -> Receipt | None:
        """Go on with a command that was answered when nobody waited for the answer any more.

        Raises:
            HybridcodeError: another one runs.
        """
        self.require_rest()
        return await self._watch(self._gate.resubmit(proposal))

    def require_rest(self) -> None:
        """Raises HybridcodeError while a command runs."""
        if self.is_running:
            view = self._latest
            what = f"`{view.proposal.title}`" if view is not None else "A command"
            is_waiting = view is not None and view.status == "pending"
            raise HybridcodeError(
                f"{what} {'waits for your answer' if is_waiting else 'still runs'}.",
                "Ctrl+Y shows it, Esc withdraws it." if is_waiting else "Esc ends it.",
            )

    def stop(self, by: str) -> None:
        """End the command with all its processes, what it printed is kept; withdraw one that still waits."""
        view = self._latest
        if self._task is None or self._task.done() or (view is not None and self._gate.effects.stop(view.proposal.id)):
            return
        if view is not None and view.status == "pending":
            self._gate.approvals.answer(view.proposal.id, Reject("", by))
        else:
            self._task.cancel()

    async def close(self) -> None:
        """Cut off what runs; what waits for an answer stays pending."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    @property
    def _latest(self) -> ProposalView | None:
        own = self._state.own
        return own[-1] if own else None

    async def _watch(self, work: Coroutine[object, object, Receipt]) -> Receipt | None:
        task = self._task = asyncio.ensure_future(work)
        try:
            return await task
        except asyncio.CancelledError:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
                raise
            return None
        finally:
            view = self._latest
            if view is None or view.proposal.ruling.rule != READ_ONLY:
                self._on_ran()
