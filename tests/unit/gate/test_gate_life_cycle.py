"""Several gates on one journal, interleaved at random, against a model of what may happen."""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gate_bench import Bench, open_bench
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import booleans, integers, sampled_from

from hybridcode.domain.action import Amend, Approve, ChangeSet, Expired, Held, Reject, ShellCommand, Stale
from hybridcode.domain.events import EffectFinished, EffectStarted, ProposalDecided, ProposalMade
from hybridcode.gate.approvers import Refuse
from hybridcode.gate.lapsing import lapse
from hybridcode.journal.states import LEGAL, ApprovalState
from hybridcode.journal.store import utc_now

GATES = 3
sides = integers(0, GATES - 1)
picks = integers(0, 30)


@dataclass
class Known:
    """What the model knows of one proposal."""

    mark: str
    """Name of the file that its effect makes, or appends a line to."""
    is_command: bool
    states: list[ApprovalState]


class LifeCycle(RuleBasedStateMachine):
    """Each effect leaves a mark of its own: a line in a file, so that a second effect would show."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.benches = [self._open() for _ in range(GATES)]
        self.known: dict[str, Known] = {}
        self.crashed: list[str] = []

    def _open(self) -> Bench:
        return open_bench(Path(self.folder.name), approver=Refuse())

    @rule(side=sides, is_command=booleans())
    def propose(self, side: int, is_command: bool) -> None:
        mark = f"mark{len(self.known)}"
        bench = self.benches[side]
        if is_command:
            action: ShellCommand | ChangeSet = ShellCommand(script=f"echo once >> {mark}")
        else:
            action = bench.gate.seal([bench.change(mark, "once\n")])
        receipt = asyncio.run(bench.gate.submit(action, step="s1"))
        assert isinstance(receipt, Held)
        self.known[receipt.proposal] = Known(mark, is_command, [ApprovalState.PENDING])

    @rule(side=sides, pick=picks, answer=sampled_from(["approve", "reject", "amend", "wrong"]))
    def answer(self, side: int, pick: int, answer: str) -> None:
        if (name := self._picked(pick)) is None:
            return
        bench = self.benches[side]
        row = bench.gate.approvals.get(name)
        match answer:
            case "approve":
                decision = Approve(row.proposal.digest, "person:a")
            case "reject":
                decision = Reject("no", "person:a")
            case "amend":
                decision = Amend(bench.gate.seal([bench.change(f"{name}-amended", "once\n")]), "person:a")
            case _:
                decision = Reject("late", "person:b")
        was_pending = row.state == ApprovalState.PENDING
        assert bench.gate.approvals.answer(name, decision) == was_pending
        self._look(name)

    @rule(side=sides, pick=picks, kind=sampled_from(["expire", "stale"]))
    def close(self, side: int, pick: int, kind: str) -> None:
        if (name := self._picked(pick)) is None:
            return
        row = self.benches[side].gate.approvals.get(name)
        if row.state in (ApprovalState.PENDING, ApprovalState.APPROVED):
            lapse(self.benches[side].gate.approvals, row, Expired("late") if kind == "expire" else Stale(("x",)))
        self._look(name)

    @rule(side=sides, pick=picks)
    def supersede(self, side: int, pick: int) -> None:
        if (name := self._picked(pick)) is None:
            return
        mark = f"mark{len(self.known)}"
        receipt = asyncio.run(
            self.benches[side].gate.submit(ShellCommand(script=f"echo once >> {mark}"), step="s1", resume=name)
        )
        self._look_at_all()
        if isinstance(receipt, Held):
            self.known[receipt.proposal] = Known(mark, is_command=True, states=[ApprovalState.PENDING])

    @rule(side=sides, pick=picks)
    def go_on(self, side: int, pick: int) -> None:
        if (name := self._picked(pick)) is not None:
            asyncio.run(self.benches[side].gate.resubmit(name))
            self._look_at_all()

    @rule(first=sides, second=sides, pick=picks)
    def go_on_at_once(self, first: int, second: int, pick: int) -> None:
        if (name := self._picked(pick)) is None:
            return

        async def both() -> None:
            gates = [self.benches[first].gate, self.benches[second].gate]
            await asyncio.gather(*(gate.resubmit(name) for gate in gates))

        asyncio.run(both())
        self._look_at_all()

    @rule(side=sides, pick=picks)
    def die_in_the_middle(self, side: int, pick: int) -> None:
        """What a process leaves behind that is killed right after it started an effect."""
        if (name := self._picked(pick)) is None:
            return
        approvals = self.benches[side].gate.approvals
        row = approvals.get(name)
        if row.state != ApprovalState.APPROVED:
            return
        started = EffectStarted(name, row.proposal.digest)
        assert approvals.move(name, expect=ApprovalState.APPROVED, to=ApprovalState.EXECUTING, event=started)
        self.crashed.append(name)
        self._look(name)
        self._reopen(side)

    @rule(side=sides)
    def recover(self, side: int) -> None:
        self.benches[side].gate.recover()
        self._look_at_all()

    @rule(side=sides)
    def reopen(self, side: int) -> None:
        self._reopen(side)

    def _reopen(self, side: int) -> None:
        self.benches[side].journal.close()
        self.benches[side] = self._open()

    @rule(side=sides)
    def let_time_pass(self, side: int) -> None:
        bench = self.benches[side]
        bench.gate.expires_s = 60
        bench.journal.clock = lambda: utc_now() + timedelta(seconds=120)

    def _picked(self, pick: int) -> str | None:
        names = sorted(self.known)
        return names[pick % len(names)] if names else None

    def _look_at_all(self) -> None:
        for row in self.benches[0].gate.approvals.in_state(*ApprovalState):
            self.known.setdefault(row.id, Known(f"{row.id}-other", is_command=False, states=[ApprovalState.PENDING]))
            self._look(row.id)

    def _look(self, name: str) -> None:
        """Note where it stands; it must have come there by legal moves."""
        seen = self.known[name].states
        now = self.benches[0].gate.approvals.get(name).state
        if now != seen[-1]:
            assert any(now in LEGAL.get(step, ()) for step in _reachable(seen[-1])), f"{seen[-1]} to {now}"
            seen.append(now)

    @invariant()
    def no_effect_happened_twice_or_without_its_record(self) -> None:
        if not hasattr(self, "benches"):
            return
        bench = self.benches[0]
        started = [event.proposal for event in bench.events if isinstance(event, EffectStarted)]
        assert len(started) == len(set(started))
        for name, known in self.known.items():
            text = bench.read(known.mark)
            assert text in (None, "once\n")
            if text is not None:
                assert name in started
            if known.states[-1] == ApprovalState.DONE and name in started and name not in self.crashed:
                assert text == "once\n" or known.mark.endswith("-other")

    @invariant()
    def the_chain_and_the_rows_tell_the_same(self) -> None:
        if not hasattr(self, "benches"):
            return
        bench = self.benches[0]
        bench.journal.verify()
        approved: set[str] = set()
        seen: set[str] = set()
        for event in bench.events:
            match event:
                case ProposalMade(proposal=proposal):
                    seen.add(proposal.id)
                case ProposalDecided(proposal=name, decision=decision):
                    assert name in seen
                    approved |= {name} if isinstance(decision, Approve) else set()
                case EffectStarted(proposal=name):
                    assert name in approved
                case EffectFinished(proposal=name):
                    assert name in seen
                case _:
                    pass

    def teardown(self) -> None:
        if hasattr(self, "benches"):
            for bench in self.benches:
                bench.journal.close()
            self.folder.cleanup()


def _reachable(state: ApprovalState) -> set[ApprovalState]:
    """The state and what may have been passed through since it was looked at."""
    found, waiting = {state}, [state]
    while waiting:
        for further in LEGAL.get(waiting.pop(), ()):
            if further not in found:
                found.add(further)
                waiting.append(further)
    return found


TestLifeCycle = LifeCycle.TestCase
TestLifeCycle.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
