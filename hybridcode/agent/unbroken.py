"""What a failed check says in the light of how it ended before any change: which tests are newly broken.

Invariant: a pure reading of both ends' names of failing tests, of the step and of the task. Where names are not told,
or a test that fails may be what the step is about, the failure is held against the step.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hybridcode.agent.run import Run
from hybridcode.domain.events import CheckRan
from hybridcode.domain.plan import Step
from hybridcode.domain.planned import BaselineTaken

_MOST_LISTED = 8
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LEAST_CHARS = 3
_REPAIR = re.compile(
    r"\b(?:fix\w*|bugs?|repair\w*|fail\w*|broken?|breaks?|wrong\w*|incorrect\w*|error\w*|crash\w*|regress\w*|tests?|"
    r"pass\w*|green|correct\w*|debug\w*)\b",
    re.IGNORECASE,
)
"""Words of a task that a failing test may be about, whatever the test is called."""
_SAY_NOTHING = frozenset({"test", "tests", "spec", "specs", "unit", "src", "lib", "the", "and", "for", "with"})


@dataclass(frozen=True)
class Compared:
    """Failing tests of a check by how they did before any change."""

    broken: tuple[str, ...]
    """They passed then."""
    still: tuple[str, ...]
    """They failed then too."""
    mended: tuple[str, ...]
    """They failed then and do not now."""


def compared(before: BaselineTaken | None, event: CheckRan) -> Compared | None:
    """A failed check beside the same command's end before any change; None where the two cannot be compared."""
    if before is None or event.passed or before.command != event.command or not event.failing:
        return None
    if not before.passed and (not before.failing or before.exit_code != event.exit_code):
        return None
    former = set(before.failing)
    return Compared(
        broken=tuple(name for name in event.failing if name not in former),
        still=tuple(name for name in event.failing if name in former),
        mended=tuple(name for name in before.failing if name not in event.failing),
    )


def excuse(run: Run, step: Step, event: CheckRan, *, is_of_all: bool = False) -> str:
    """Why a failed check is not held against a step; empty if it is. `is_of_all`: all steps have to answer for it."""
    found = compared(run.baseline, event)
    if found is None or found.broken or run.baseline is None:
        return ""
    if _is_about(run, step, found, told=run.baseline.told, is_of_all=is_of_all):
        return ""
    return told(found)


def told(found: Compared) -> str:
    """One line about what is newly broken, and what is not."""
    before = f"{_counted(found.still)} failed before any change too" if found.still else ""
    if not found.broken:
        return f"no test newly broken; {before}"
    broken = f"newly broken: {_listed(found.broken)}"
    return f"{broken}; {before}" if before else broken


def comparison(run: Run, event: CheckRan) -> str:
    """What a model or a person is told of a failure beside its output; empty where nothing failed before."""
    found = compared(run.baseline, event)
    return told(found) if found is not None and found.still else ""


def _is_about(run: Run, step: Step, found: Compared, *, told: str, is_of_all: bool) -> bool:
    """A test that still fails may be what the step is there for.

    The last step has to answer for the whole task, earlier ones for what they touch.
    """
    is_last = is_of_all or run.plan is None or step.id == (run.lanes.order or (step.id,))[-1]
    if is_last and _REPAIR.search(run.task.text):
        return True
    if any(_names(told, region.path) for region in step.regions):
        return True
    files = {_file(name) for name in found.mended}
    subject = _words((*step.touches, step.goal, *((run.task.text,) if is_last else ())))
    return any(_file(name) in files or _words((name,)) & subject for name in found.still)


def _names(told: str, path: str) -> bool:
    """The output names this file, and not one whose name ends like it."""
    return re.search(rf"(?<![\w./-]){re.escape(path)}(?!\w)", told) is not None


def _file(name: str) -> str:
    return name.partition("::")[0]


def _words(texts: Iterable[str]) -> set[str]:
    """Words of texts and identifiers, without those that say nothing about a subject."""
    found = {word.lower() for text in texts for word in _WORD.findall(text)}
    return {word for word in found if len(word) >= _LEAST_CHARS} - _SAY_NOTHING


def _counted(names: tuple[str, ...]) -> str:
    return "1 test" if len(names) == 1 else f"{len(names)} tests"


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more
