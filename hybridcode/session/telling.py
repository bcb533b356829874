"""Questions and proofs of a session in one line each: the same words on the screen, in plain lines and headless.

Invariant: pure; nothing is cut.
"""

from typing import Literal

from hybridcode.domain.asked import FailureReproduced, Question, QuestionAnswered, TaskQuestioned
from hybridcode.domain.planned import BaselineTaken

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


def before(event: BaselineTaken) -> str:
    """How the check ended before any change, and what that is worth."""
    again = "known from an earlier task" if event.is_reused else f"{event.seconds:.1f} s"
    if event.passed:
        return f"`{event.command}` passes before any change ({again}): passing afterwards proves nothing by itself"
    count = "1 test fails" if len(event.failing) == 1 else f"{len(event.failing)} tests fail"
    what = count if event.failing else f"exit code {event.exit_code}"
    return f"`{event.command}` fails before any change ({again}): {what}"
