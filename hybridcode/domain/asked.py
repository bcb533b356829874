"""Facts about what a person is asked and names beside approvals: checks, questions of the planner, reproduced failures.

Invariant: as in `events`, which makes them part of its union: past participles, on record before they take effect.
"""

import msgspec

from hybridcode.domain.errors import ConfigError

MAX_ANSWER = 4_000
"""Characters that an answer may have."""


class Fact(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """What all events are: their name is their type."""


def answer_of(text: str) -> str:
    """The answer as it goes on record. Raises ConfigError: it is too long, and none of it counts."""
    answer = text.strip()
    if (over := len(answer) - MAX_ANSWER) > 0:
        said = f"The answer to what the planner asks is {over:,} characters too long; it may have {MAX_ANSWER:,}."
        raise ConfigError(said, "Say it shorter; what is long can stand in a file that it mentions as @path.")
    return answer


class ChecksNamed(Fact, frozen=True):
    """Check commands that a person named on the command line; after SessionOpened or SessionResumed. They hold when the
    session goes on without them."""

    test_cmd: str
    lint_cmd: str


class Question(msgspec.Struct, frozen=True):
    """Something that only the person knows."""

    text: str
    options: tuple[str, ...] = ()
    """Answers that come to mind; any other one is as good."""


class TaskQuestioned(Fact, frozen=True):
    """The planner asks back, at most once for a task: after TaskGiven, before PlanMade."""

    task: str
    questions: tuple[Question, ...]


class QuestionAnswered(Fact, frozen=True):
    """After TaskQuestioned, before the planner is asked again."""

    task: str
    answer: str
    """What the person wrote, to all of the questions."""
    by: str


class FailureReproduced(Fact, frozen=True):
    """A test that a step wrote fails before the bug is fixed: after the CheckRan that says so."""

    step: str
    command: str
    tests: tuple[str, ...]
    """Names of the failing tests, as far as the output tells them."""


AskedEvent = ChecksNamed | TaskQuestioned | QuestionAnswered | FailureReproduced
