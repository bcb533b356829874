"""Questions, proofs and the worktree of a session in one line each: the same words on the screen and in plain lines.

Invariant: pure; nothing is cut.
"""

from typing import Literal

from hybridcode.domain.asked import FailureReproduced, Question, QuestionAnswered, TaskQuestioned
from hybridcode.domain.planned import BaselineTaken
from hybridcode.domain.worktree import WorktreeLeft, WorktreeMade

Tone = Literal["warn", "strong", "good"]


def told(event: TaskQuestioned | QuestionAnswered | FailureReproduced | BaselineTaken) -> list[tuple[str, str, Tone]]:
    """Label, text and tone of each line that an event adds to a transcript."""
    match event:
        case TaskQuestioned(questions=questions):
            return [("?", asked(question), "warn") for question in questions]
        case QuestionAnswered(answer=answer):
            return [("you", answer, "strong")]
        case FailureReproduced():
            return [("", f"✓ {reproduced(event)}", "good")]
        case BaselineTaken():
            return [("check", before(event), "strong")]


def asked(question: Question) -> str:
    """A question, and the answers that come to mind."""
    options = f" ({' / '.join(question.options)})" if question.options else ""
    return f"{question.text}{options}"


def reproduced(event: FailureReproduced) -> str:
    """What failed before the change."""
    what = ", ".join(event.tests) or f"`{event.command}`"
    return f"reproduced: {what} failed before the change"


def worktree_made(event: WorktreeMade) -> str:
    """Where the session works."""
    links = f", with links to {', '.join(event.links)}" if event.links else ""
    return f"works in a git worktree begun at commit {event.commit[:12]}{links}: {event.path}"


def worktree_left(event: WorktreeLeft) -> str:
    """Where the work is, and how to take it."""
    taken = f"the work is on branch {event.branch}: `git merge {event.branch}` takes it" if event.branch else ""
    if event.is_removed:
        return f"{taken}; its worktree is removed" if taken else "nothing was committed; the worktree is removed"
    kept = f"the worktree is kept, since {event.why}: {event.path}"
    return f"{taken}; {kept}" if taken else kept


def before(event: BaselineTaken) -> str:
    """How the check ended before any change, and what that is worth."""
    again = "known from an earlier task" if event.is_reused else f"{event.seconds:.1f} s"
    if event.passed:
        return f"`{event.command}` passes before any change ({again}): passing afterwards proves nothing by itself"
    count = "1 test fails" if len(event.failing) == 1 else f"{len(event.failing)} tests fail"
    what = count if event.failing else f"exit code {event.exit_code}"
    return f"`{event.command}` fails before any change ({again}): {what}"
