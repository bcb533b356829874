"""Who answers when policy says `ask`: a person, --yes, nobody, or a script.

Invariant: an approver never sees what policy allows or denies, and only a person's answer carries a `by` that begins
with `person`.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable

from hybridcode.domain.action import (
    Approve,
    ChangeSet,
    Decision,
    GitCommit,
    Proposal,
    Reject,
    ShellCommand,
    ToolCall,
    Unanswered,
)
from hybridcode.domain.errors import GateError
from hybridcode.domain.ports import Approver
from hybridcode.gate.commands.plain import is_same_command
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.states import ApprovalState
from hybridcode.models.egress import ASK_RULE

NO_SANDBOX = "policy:approval.no-sandbox"


class Inbox:
    """A person: through a UI of this process, or through another terminal that writes the same journal."""

    def __init__(
        self, approvals: Approvals, *, notify: Callable[[Proposal], None] | None = None, poll_s: float = 0.3
    ) -> None:
        self.approvals = approvals
        self.requests: asyncio.Queue[Proposal] = asyncio.Queue()
        """Proposals in the order they began to wait, for a UI that prefers to pull."""
        self._notify = notify
        self._poll_s = poll_s
        self._waiting: dict[str, asyncio.Future[Decision]] = {}

    @property
    def waiting(self) -> tuple[str, ...]:
        """Ids of the proposals that wait here, oldest first."""
        return tuple(self._waiting)

    async def decide(self, proposal: Proposal) -> Decision:
        """Wait for `answer`, or for the row to be decided elsewhere."""
        answer = self._waiting[proposal.id] = asyncio.get_running_loop().create_future()
        self.requests.put_nowait(proposal)
        if self._notify is not None:
            self._notify(proposal)
        try:
            while True:
                await asyncio.wait({answer}, timeout=self._poll_s)
                if answer.done():
                    return answer.result()
                row = self.approvals.get(proposal.id)
                if row.state != ApprovalState.PENDING:
                    return row.decision or Unanswered(f"it is {row.state} now")
        finally:
            del self._waiting[proposal.id]

    def answer(self, proposal_id: str, decision: Decision) -> bool:
        """Answer a waiting proposal. False: it does not wait here any more."""
        future = self._waiting.get(proposal_id)
        if future is None or future.done():
            return False
        future.set_result(decision)
        return True


class PolicyOnly:
    """`--yes`: yes to what policy would ask, except what only a person may decide, and commands outside a sandbox.

    `checks` are the command lines a person named (--test-cmd, --lint-cmd, user config): these may run without one.
    """

    def __init__(self, *, is_sandboxed: bool, checks: Collection[str] = ()) -> None:
        self.is_sandboxed = is_sandboxed
        self.checks = tuple(checks)

    async def decide(self, proposal: Proposal) -> Decision:
        """Answer at once."""
        if proposal.ruling.person_only:
            return Unanswered(f"--yes does not answer this: {proposal.ruling.reason}")
        match proposal.action:
            case ChangeSet() | GitCommit():
                return Approve(proposal.digest, "--yes")
            case ShellCommand() as command if self.is_sandboxed or self._is_named(command.text):
                return Approve(proposal.digest, "--yes")
            case ShellCommand():
                return Reject("there is no sandbox here that --yes could run commands in", NO_SANDBOX)
            case ToolCall() if proposal.ruling.rule == ASK_RULE:
                return Approve(proposal.digest, "--yes")
            case ToolCall():
                return Unanswered("--yes does not answer calls of outside tools")

    def _is_named(self, text: str) -> bool:
        return any(is_same_command(line, text) for line in self.checks)


class Refuse:
    """Headless without --yes: nobody is there."""

    async def decide(self, proposal: Proposal) -> Decision:
        """Leave it pending."""
        return Unanswered(f"nobody is here to answer: {proposal.ruling.reason}")


def has_person(approver: Approver) -> bool:
    """Somebody looks at what is asked while the run goes on."""
    return not isinstance(approver, Refuse | PolicyOnly)


Answer = Decision | Callable[[Proposal], Decision]


class Scripted:
    """Answers written beforehand, in order."""

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self.answers = list(answers)
        self.asked: list[Proposal] = []

    async def decide(self, proposal: Proposal) -> Decision:
        """Give the next answer.

        Raises:
            GateError: there is none left.
        """
        self.asked.append(proposal)
        if not self.answers:
            raise GateError(f"No answer is left for {proposal.title or proposal.id}.", "Write one more.")
        answer = self.answers.pop(0)
        return answer(proposal) if callable(answer) else answer

    def finish(self) -> None:
        """Check that every answer was used.

        Raises:
            GateError: some were not.
        """
        if self.answers:
            raise GateError(f"{len(self.answers)} answers were never asked for.", "Remove them, or find out why.")


def yes(proposal: Proposal) -> Decision:
    """A person's yes, for Scripted."""
    return Approve(proposal.digest, "person:script")


def no(reason: str = "") -> Decision:
    """A person's no, for Scripted."""
    return Reject(reason, "person:script")
