"""Requests of a recorded session, made again as far as they follow from what is on record.

Invariant: instructions, window, goal, task, history, diff and the reason of a refusal are compared to the byte; what a
check or a person said, and what a planner asked to see, is counted in bytes and not compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from hybridcode.agent.baseline import baseline_part
from hybridcode.agent.drafter import draft_messages, retry_note
from hybridcode.agent.judge import diff_part, goal_part
from hybridcode.domain.events import ModelAsked
from hybridcode.domain.model import Message
from hybridcode.domain.plan import Step
from hybridcode.domain.planned import BaselineTaken
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import ContextWindow
from hybridcode.models.prompts import load
from hybridcode.session.checked import Checked, Verdict
from hybridcode.session.recorded import Missing, Recorded

_MESSAGES = msgspec.json.Decoder(tuple[Message, ...])


@dataclass(frozen=True)
class Expected:
    """What a request has to say."""

    system: str
    start: str
    """The first message after the instructions begins with this."""
    pieces: tuple[str, ...] = ()
    """These stand in it further on, in this order."""
    rest: str = "more"
    """What the bytes behind all that are."""
    goes_on: bool = False
    """More messages may follow the first one: what the model answered, and what it was told to that."""
    may_differ: str = ""
    """Why it may say something else without anybody having changed it; empty: it may not."""


def of_draft(
    window: ContextWindow,
    *,
    step: Step,
    task: str,
    is_tiny: bool,
    refused: tuple[Refusal, ...],
    is_own: bool = True,
) -> Expected:
    """A draft is asked for with its window, the step's goal and why the one before, its own or not, was refused."""
    system, user = draft_messages(window, step=step, task=task, is_tiny=is_tiny, feedback="")
    pieces = (f"\n\n{retry_note(refused, is_own=is_own)}",) if refused and not is_tiny else ()
    return Expected(system.content, user.content, pieces, rest="of notes and what became of the try before")


def of_plan(outline: str, task: str, history: str, baseline: BaselineTaken | None) -> Expected:
    """A plan is asked for with the outline, what is known of earlier tasks and of the check, and the task."""
    earlier = (f"\n\n# Earlier in this session\n{history}",) if history else ()
    now = (f"\n\n{part}",) if (part := baseline_part(baseline)) else ()
    return Expected(
        load("plan"),
        outline,
        (*earlier, *now, f"\n\n# Task\n{task}"),
        rest="of checks, notes and what was asked to see",
        goes_on=True,
    )


def of_judge(task: str, diff: str) -> Expected:
    """A verdict is asked for with the goal and the final diff."""
    why = "the diff in it is not that of the recorded changes: somebody else changed the files before it was made"
    return Expected(
        load("judge"), goal_part(task), (f"\n\n{diff_part(diff)}",), rest="of notes and checks", may_differ=why
    )


def of_hint(step: Step) -> Expected:
    """A hint is asked for with the goal."""
    return Expected(load("hint"), "", (f"# Step\n{step.goal}\n\n# Place\n",), rest="of task, place and reason")


def check_request(seq: int, event: ModelAsked, expected: Expected | None, recorded: Recorded) -> Checked:
    """Compare a request on record with what it has to say; None: nothing is known of that."""
    what = f"request {event.call_id} ({event.role}, {event.backend}), try {event.attempt}, {event.prompt_bytes:,} bytes"
    digest = event.prompt_sha256

    def line(verdict: Verdict, why: str = "") -> Checked:
        return Checked(seq, "request", verdict, what, why, digest, digest if verdict == "ok" else "")

    try:
        messages = _MESSAGES.decode(recorded.blob(digest))
    except Missing as missing:
        return line("not_rebuilt", missing.message)
    except msgspec.DecodeError:
        return line("differs", "its bytes are no messages")
    size = sum(len(message.content.encode()) for message in messages)
    if size != event.prompt_bytes:
        return line("differs", f"it has {size:,} bytes")
    if expected is None:
        return line("not_rebuilt", "what it was made from is not on record")
    left, problem = _rest(messages, expected)
    if not problem:
        return line("ok", f"{left:,} bytes {expected.rest} are not compared" if left else "")
    if event.redactions or event.withheld:
        return line("not_rebuilt", f"{event.redactions} secrets and {event.withheld} pieces were taken out of it")
    return line("not_rebuilt", expected.may_differ) if expected.may_differ else line("differs", problem)


def _rest(messages: Sequence[Message], expected: Expected) -> tuple[int, str]:
    """Bytes behind what is expected, and what is not as expected."""
    if len(messages) < 2 or messages[0].content != expected.system:
        return 0, "its instructions are not those of this version"
    if len(messages) > 2 and not expected.goes_on:
        return 0, "it has more messages than it was made of"
    told = messages[1].content
    if not told.startswith(expected.start):
        return 0, "it does not begin with what was assembled for it"
    at = len(expected.start)
    left = sum(len(message.content.encode()) for message in messages[1:]) - len(expected.start.encode())
    for piece in expected.pieces:
        at = told.find(piece, at)
        if at < 0:
            return 0, f"it lacks `{piece.strip().splitlines()[0]}`"
        at += len(piece)
        left -= len(piece.encode())
    return left, ""
