"""Going back in a session: undoing some of its changes, and forgetting its latest tasks.

Invariant: nothing goes back while a task runs; files are put back by the gate's undo and by nothing else, and what is
forgotten stays on record.
"""

from hybridcode.domain.action import Reject
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import NoticeGiven, Rewound, UndoMade
from hybridcode.gate.reverting import commits_behind, told
from hybridcode.gate.taking_back import Reach
from hybridcode.gate.undo import Foreseen, foresee, undo
from hybridcode.session.session import Session


async def foresee_undo(session: Session, reach: Reach) -> Foreseen:
    """What `take_back` would do now.

    Raises:
        GateError: there is no such step.
    """
    return await foresee(session.log, session.gate, reach)


async def take_back(session: Session, reach: Reach, *, by: str) -> UndoMade:
    """Put back what the session changed within `reach`, as far as it is still ours.

    Raises:
        HybridcodeError: a task is running, or the gate said no.
    """
    _require_rest(session)
    undone = await undo(session.log, session.gate, reach, by=by)
    if text := told(commits_behind(session.log, undone)):
        session.log.append(NoticeGiven("info", text, "`hybridcode undo --commit` reverts it in a new commit."))
    return undone


async def rewind(session: Session, task: str, *, files: bool, conversation: bool, by: str) -> None:
    """Go back to before a task: its files and those of later ones, what is remembered of them, or both.

    Raises:
        HybridcodeError: a task is running, there is no such task, or the files could not be put back; then nothing is
            forgotten either.
    """
    _require_rest(session)
    view = next((view for view in session.state.tasks if view.task.id == task), None)
    if view is None:
        raise HybridcodeError(f"There is no task {task} in this session.")
    if files:
        reach = Reach(since=view.begun_at)
        foreseen = await foresee(session.log, session.gate, reach)
        if foreseen.restored or foreseen.kept:
            await undo(session.log, session.gate, reach, by=by)
    if conversation:
        _close_questions(session, view.begun_at, by=by)
    session.log.append(Rewound(task, files, conversation))


def _close_questions(session: Session, since: int, *, by: str) -> None:
    """What waits for the forgotten tasks is answered with no."""
    forgotten = {view.task.id for view in session.state.tasks if view.begun_at >= since}
    for view in session.state.waiting:
        if view.task in forgotten:
            session.gate.approvals.answer(view.proposal.id, Reject("a person went back to before this task", by))


def _require_rest(session: Session) -> None:
    if session.is_running:
        raise HybridcodeError("A task is running.", "Esc interrupts it.")
    session.own.require_rest()
