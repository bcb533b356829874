"""Cases out of this repository's own sessions: steps that were done and proven, on the trees they began on.

Invariant: a tree is rebuilt from git and the journal's blobs, and counts only if its digest is the recorded one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hybridcode.domain.action import Applied, ChangeSet, FileChange, FileEdit
from hybridcode.domain.events import CheckRan, TaskGiven
from hybridcode.domain.plan import Step
from hybridcode.journal.store import Journal
from hybridcode.repo.facts import GitFacts
from hybridcode.repo.snapshot import Snapshot
from hybridcode.session.calibration.cases import Case, LeftOut
from hybridcode.session.calibration.mined import one_line
from hybridcode.session.calibration.past import CannotRebuild, Past, Rebuilder
from hybridcode.session.calibration.regions import changed_lines
from hybridcode.session.state import ProposalView, SessionState
from hybridcode.session.task_view import TaskView


class _Done(NamedTuple):
    """One change of a step that was applied."""

    step: str
    edits: tuple[FileEdit, ...]


@dataclass
class Recorded:
    """Looks through the sessions of a journal."""

    journal: Journal
    rebuilder: Rebuilder
    present: Snapshot
    facts: GitFacts
    check: str
    """The command that a person named: it stands in for a step's own where that has none."""
    cases: list[Case] = field(default_factory=list[Case])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])

    def look(self, *, limit: int) -> None:
        """Take in the steps of the newest `limit` sessions."""
        for row in [row for row in self.journal.sessions() if not row.is_calibration][:limit]:
            self._look_through(SessionState.of(self.journal.envelopes(row.id)))

    def look_at(self, session: str) -> None:
        """Take in the steps of one session's last task."""
        self._look_through(SessionState.of(self.journal.envelopes(session)), most=1)

    def _look_through(self, state: SessionState, *, most: int | None = None) -> None:
        digests = {
            envelope.event.task.id: envelope.event.tree_digest
            for envelope in state.envelopes
            if isinstance(envelope.event, TaskGiven)
        }
        for view in list(reversed(state.tasks))[:most]:
            if not view.is_forgotten and view.plan is not None:
                self._take(state, view, digests[view.task.id])

    def _take(self, state: SessionState, view: TaskView, digest: str) -> None:
        done = list(_applied(state, view))
        proven = [each for each in done if self._check_of(view, each.step)]
        if not proven:
            return
        try:
            tree = self._tree_before(state, view, digest)
        except CannotRebuild as error:
            names = dict.fromkeys(each.step for each in proven)
            self.left_out += [self._left_out(state, view, name, str(error)) for name in names]
            return
        base = dict[str, Past]()
        after = dict[str, Past]()
        for each in done:
            base.setdefault(each.step, tree)
            tree = after[each.step] = tree.with_changes(tuple(map(self._change, each.edits)))
        for name in after:
            self._add(state, view, name, base[name], after[name], done)

    def _add(
        self, state: SessionState, view: TaskView, name: str, base: Past, after: Past, done: Sequence[_Done]
    ) -> None:
        step, check = view.steps[name].step, self._check_of(view, name)
        if step.kind not in ("edit", "create") or not check:
            self.left_out.append(self._left_out(state, view, name, "no check proves it"))
            return
        edits = [edit for each in done if each.step == name for edit in each.edits]
        lines = sum(changed_lines(self._blob(e.before_sha256) or b"", self._blob(e.after_sha256) or b"") for e in edits)
        plain = Step(
            id=f"{state.session}-{name}"[-40:],
            goal=step.goal,
            kind=step.kind,
            touches=step.touches,
            reads=step.reads,
            check=check,
        )
        self.cases.append(Case(_name(state, name), "recorded", one_line(step.goal, 72), plain, base, after, lines))

    def _check_of(self, view: TaskView, name: str) -> str:
        """The check that passed for a step that was done: its own, or the task's where the task has one step."""
        found = view.steps.get(name)
        if found is None or found.status != "done":
            return ""
        if found.step.check and any(check.passed for check in found.checks):
            return found.step.check
        is_alone = len(view.steps) == 1
        return next((check.command for check in view.checks if _is_proof(check) and is_alone), "")

    def _tree_before(self, state: SessionState, view: TaskView, digest: str) -> Past:
        head = view.task.repo_head
        if head is None:
            raise CannotRebuild("it was not begun on a commit")
        tries = [Past(head)]
        if head == self.facts.head:
            tries.append(Past(head, (*self._now(), *self._taken_back(state, view))))
        for past in tries:
            past = Past(head).with_changes(past.over)
            laid = self.rebuilder.lay(past, self.present, self.facts)
            if self.present.with_changes(laid).digest == digest:
                return past
        raise CannotRebuild("files that were not committed have changed since")

    def _now(self) -> Iterator[FileChange]:
        """What of the present tree is not in its commit."""
        committed, dirty = self.rebuilder.paths(self.facts.head or ""), set(self.facts.dirty_paths)
        for path in sorted({*self.present.files, *dirty} - (committed - dirty)):
            entry = self.present.files.get(path)
            if entry is None:
                yield FileChange(path, before=None, after=None)
            elif entry.kind in ("text", "binary"):
                yield FileChange(path, before=None, after=self.present.read(path), mode=entry.mode)

    def _taken_back(self, state: SessionState, view: TaskView) -> Iterator[FileChange]:
        """What this task and later ones of its session changed, as it was before."""
        begun = [task.task.id for task in state.tasks[state.tasks.index(view) :]]
        former: dict[str, FileEdit] = {}
        for proposal in state.proposals.values():
            if proposal.task in begun:
                for edit in _edits(proposal):
                    former.setdefault(edit.path, edit)
        for path, edit in former.items():
            yield FileChange(path, before=None, after=self._blob(edit.before_sha256), mode=edit.former_mode & 0o777)

    def _change(self, edit: FileEdit) -> FileChange:
        return FileChange(edit.path, before=None, after=self._blob(edit.after_sha256), mode=edit.mode & 0o777)

    def _blob(self, sha256: str | None) -> bytes | None:
        return None if sha256 is None else self.journal.load_blob(sha256)

    def _left_out(self, state: SessionState, view: TaskView, name: str, why: str) -> LeftOut:
        return LeftOut(_name(state, name), one_line(view.steps[name].step.goal, 72), why)


def _name(state: SessionState, step: str) -> str:
    return f"{state.session} step {step}"


def _is_proof(check: CheckRan) -> bool:
    return check.passed and check.step is None


def _applied(state: SessionState, view: TaskView) -> Iterator[_Done]:
    """What the steps of a task changed, in the order in which it was applied."""
    ended = sorted(state.proposals.values(), key=lambda proposal: proposal.ended_at)
    for proposal in ended:
        if proposal.task == view.task.id and proposal.proposal.step in view.steps and (edits := _edits(proposal)):
            yield _Done(proposal.proposal.step, edits)


def _edits(proposal: ProposalView) -> tuple[FileEdit, ...]:
    """The edits of a change that was applied; () for others and for what an undo put back."""
    receipt, action = proposal.receipt, proposal.proposal.action
    return receipt.edits if isinstance(receipt, Applied) and isinstance(action, ChangeSet) else ()
