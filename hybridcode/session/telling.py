"""Questions and proofs of a session in one line each: the same words on the screen, in plain lines and headless.

Invariant: pure; nothing is cut.
"""

from typing import Literal

from hybridcode.domain.asked import FailureReproduced, Question, QuestionAnswered, TaskQuestioned

Tone = Literal["warn", "strong", "good"]


def told(event: TaskQuestioned | QuestionAnswered | FailureReproduced) -> list[tuple[str, str, Tone]]:
    """Label, text and tone of each line that an event adds to a transcript."""
    match event:
        case TaskQuestioned(questions=questions):
            return [("?", asked(question), "warn") for question in questions]
        case QuestionAnswered(answer=answer):
            return [("you", answer, "strong")]
        case FailureReproduced():
            return [("", f"✓ {reproduced(event)}", "good")]


def asked(question: Question) -> str:
    """A question, and the answers that come to mind."""
    options = f" ({' / '.join(question.options)})" if question.options else ""
    return f"{question.text}{options}"


def reproduced(event: FailureReproduced) -> str:
    """What failed before the change."""
    what = ", ".join(event.tests) or f"`{event.command}`"
    return f"reproduced: {what} failed before the change"
