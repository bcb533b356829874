"""Questions and proofs of a session in one line each: the same words on the screen, in plain lines and headless.

Invariant: pure; nothing is cut.
"""

from hybridcode.domain.events import FailureReproduced, Question


def asked(question: Question) -> str:
    """A question, and the answers that come to mind."""
    options = f" ({' / '.join(question.options)})" if question.options else ""
    return f"{question.text}{options}"


def reproduced(event: FailureReproduced) -> str:
    """What failed before the change."""
    what = ", ".join(event.tests) or f"`{event.command}`"
    return f"reproduced: {what} failed before the change"
