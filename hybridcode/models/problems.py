"""What can go wrong with a model, as values on the pipe and as errors in this process.

Invariant: each kind of problem has one error class; only `transient` ones are worth another try.
"""

import email.utils
import re
import time
from dataclasses import dataclass

from hybridcode.domain.errors import (
    ContextOverflow,
    ModelCrashed,
    ModelError,
    ModelTransient,
    ModelUnauthorised,
    ModelUnavailable,
)
from hybridcode.models.framing import Problem, ProblemKind

MAX_DETAIL = 600
"""Characters of a provider's own words that are kept."""

_ERRORS: dict[ProblemKind, type[ModelError]] = {
    "unavailable": ModelUnavailable,
    "unauthorised": ModelUnauthorised,
    "overflow": ContextOverflow,
    "crashed": ModelCrashed,
    "invalid": ModelError,
}
_OVERFLOW = re.compile(
    r"exceed_context_size|context_length_exceeded|maximum context length|context (?:size|window|length)[^.]{0,60}exceed"
    r"|exceed[^.]{0,60}context (?:size|window|length)|prompt is too long|longer than the context length"
    r"|context length of only \d+ tokens",
    re.IGNORECASE,
)


class RetryLater(ModelTransient):
    """A transient failure, with the seconds the other side asked to wait (None if it did not say)."""

    def __init__(self, message: str, hint: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class TryElsewhere(RetryLater):
    """One of several servers failed before it answered anything: the next one may be asked at once."""

    def __init__(self, message: str, hint: str = "", *, place: str) -> None:
        super().__init__(message, hint, retry_after_s=0.0)
        self.place = place
        """Which of them."""


@dataclass(eq=False)
class Trouble(Exception):
    """Raised inside a child process: becomes a Problem on the pipe."""

    kind: ProblemKind
    message: str
    hint: str = ""
    retry_after_s: float | None = None
    over: int | None = None

    def on(self, ask_id: int) -> Problem:
        """The frame that tells the parent."""
        return Problem(ask_id, self.kind, self.message, self.hint, self.retry_after_s, self.over)


def error_of(problem: Problem) -> ModelError:
    """The error that a caller in this process sees."""
    if problem.kind == "transient":
        return RetryLater(problem.message, problem.hint, retry_after_s=problem.retry_after_s)
    error = _ERRORS[problem.kind](problem.message, problem.hint)
    if isinstance(error, ContextOverflow):
        error.over = problem.over
    return error


def trouble_of_status(status: int, words: str, *, who: str, retry_after: str | None = None) -> Trouble:
    """What an HTTP status of 400 or more means; `words` is the body or the provider's words, `who` names the server."""
    said = shortened(words)
    if status in (401, 402, 403):
        reason = "wants payment" if status == 402 else "refused the key"
        return Trouble("unauthorised", f"{who} {reason} ({status}): {said}", "Check the key and its rights.")
    if status == 413 or (status != 429 and _OVERFLOW.search(words)):
        return _overflow(said, who)
    if status in (408, 409, 425, 429) or status >= 500:
        return Trouble("transient", f"{who} answered {status}: {said}", "", seconds_to_wait(retry_after))
    if status == 404:
        return Trouble("unavailable", f"{who} has no such model or path (404): {said}", "Check the model's name.")
    return Trouble("invalid", f"{who} refused the request ({status}): {said}", "Check the model's settings.")


def trouble_in_stream(words: str, *, who: str) -> Trouble:
    """What an error in the middle of a stream means: LM Studio says there that a prompt is too long."""
    said = shortened(words)
    if _OVERFLOW.search(words):
        return _overflow(said, who)
    return Trouble("transient", f"{who} broke off with an error: {said}")


def seconds_to_wait(header: str | None, *, now: float | None = None) -> float | None:
    """Read a Retry-After header: seconds, or an HTTP date (`now` in Unix seconds). None if there is nothing usable."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - (time.time() if now is None else now)
        except ValueError:
            return None
    return max(0.0, seconds) if seconds == seconds else None


def shortened(words: str) -> str:
    """A provider's words on one line, with the end cut off where it is too long, and the cut shown."""
    line = " ".join(words.split())
    return line if len(line) <= MAX_DETAIL else f"{line[:MAX_DETAIL]}... ({len(line) - MAX_DETAIL} more characters)"


def _overflow(said: str, who: str) -> Trouble:
    return Trouble(
        "overflow",
        f"The prompt is too long for {who}: {said}",
        "Give the model a longer context at the server, or lower [context] step_tokens.",
    )
