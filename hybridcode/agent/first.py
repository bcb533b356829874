"""Which model plans a task: a small, clear one with a check goes to the local model first; of any other the local model
drafts the plan, and the frontier corrects it.

Invariant: a function of the task's text, the files it names, and the settings; no model is asked, and the reason is
recorded. The local model's plan and drafts are held to the same check, so a wrong guess costs local tokens and time.
A check that fails before any change says more of the task than its words: then twice as much counts as small, and no
file has to be named.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from hybridcode.config.settings import Settings
from hybridcode.domain.plan import Writer
from hybridcode.repo.classify import reads_as_prose

MOST_WORDS = 80
"""A longer task is not small."""
MOST_ITEMS = 2
"""Points of a list, or paragraphs: a task of more is several."""
MOST_FILES = 2
"""A task that names more files is not for one small change."""
MOST_STEPS = 3
"""A local plan with more steps says that the task was not small."""

_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n\s*\n")
_ASKS = re.compile(r"(?:is|are|does|should|do(?! not\b))\b", re.IGNORECASE)
_WONDERS = re.compile(
    r"(?:(?:why|how|which|who|explain|describe)\b"
    r"|(?:what|where|when)(?:'s|\s+(?:is|are|was|were|does|do|did|will|would|should|can|could|has|have|happens))\b)",
    re.IGNORECASE,
)
"""`When a key fits no schema, ...` says when something is so, and asks nothing."""
_JUDGEMENT = re.compile(
    r"\b(?:(?:re)?design\w*|architect\w*|rewrit\w+|refactor\w*|restructur\w*|migrat\w+|decide|investigat\w+|find out|"
    r"figure out|analy[sz]\w+|optimi[sz]\w+|performance|faster|secur\w+|vulnerab\w+|race|races|deadlocks?|concurren\w+|"
    r"thread[- ]safe\w*|everywhere|throughout|codebase|all (?:callers|files|modules|places)|"
    r"whole (?:project|repo\w*))\b",
    re.IGNORECASE,
)
"""Words of work whose size or answer the text does not give away."""


class First(NamedTuple):
    """Who plans, and why."""

    writer: Writer
    why: str
    is_drafted: bool = False
    """The local model drafts the plan that the frontier makes."""


def choose_planner(
    task: str,
    *,
    named: Sequence[str],
    settings: Settings,
    has_local: bool,
    has_frontier: bool,
    is_tiny: bool = False,
    fits: bool = False,
    fails_now: bool | None = None,
) -> First:
    """Who plans `task`, of which `named` are the files that it names beyond doubt. `frontier` is whoever [roles] plan
    names, unless that is the local model.

    `is_tiny`: the local model is the shipped fixture, which cannot plan. `fits`: a planner is shown the whole tree, so
    that there is nothing to look for. `fails_now`: how the check ends before any change, if that is known.
    """
    role = settings.roles.plan
    wanted: Writer = "local" if role == "local" else "frontier"
    if not has_local or not has_frontier:
        only: Writer = "local" if has_local else "frontier"
        return First(only, "" if only == wanted else f"no {role} model")
    if wanted == "local":
        return First("local", "[roles] plan")
    match settings.routing.first:
        case "frontier":
            return First("frontier", "[routing] first")
        case "local" if not is_tiny:
            return First("local", "[routing] first")
        case _:
            doubt = "the shipped fixture cannot plan" if is_tiny else _doubt(task, named, settings, fails_now)
            if not doubt:
                return First("local", _clear(task, named, _proof(settings, fails_now)))
            may_draft = settings.routing.draft == "auto" and not (is_tiny or fits or asks(task))
            return First("frontier", doubt, is_drafted=may_draft)


def is_question(task: str) -> bool:
    """The task asks something beyond doubt, so that perhaps nothing is to be changed."""
    return task.rstrip().endswith("?") or _WONDERS.match(task.lstrip()) is not None


def asks(task: str) -> bool:
    """The task may be a question."""
    return is_question(task) or _ASKS.match(task.lstrip()) is not None


def _clear(task: str, named: Sequence[str], proof: str) -> str:
    words = f"{len(task.split())} words"
    return f"small and clear: {', '.join((words, *named, proof))}"


def _proof(settings: Settings, fails_now: bool | None) -> str:
    """What would prove a task."""
    now = {None: "", True: ", which fails now", False: ", which passes now"}[fails_now]
    return f"check `{settings.verify.test_cmd}`{now}"


def _doubt(task: str, named: Sequence[str], settings: Settings, fails_now: bool | None) -> str:
    """Why a task is not small and clear; empty if it is."""
    times = 2 if fails_now else 1
    words = len(task.split())
    parts = max(len(_ITEM.findall(task)), len(_PARAGRAPH.split(task.strip())))
    if asks(task):
        return "a question"
    if not settings.verify.test_cmd:
        return "no check would prove it (--test-cmd)"
    if words > MOST_WORDS * times:
        return f"{words} words; small is up to {MOST_WORDS * times}"
    if parts > MOST_ITEMS * times:
        return f"{parts} points; small is up to {MOST_ITEMS * times}"
    if found := _JUDGEMENT.search(task):
        return f"`{found[0].lower()}` asks for judgement"
    if not named and not fails_now:
        return "it names no file or definition of this repository"
    if named and all(reads_as_prose(path) for path in named):
        return f"it names only documentation: {', '.join(named)}"
    if len(named) > MOST_FILES * times:
        return f"it names {len(named)} files; small is up to {MOST_FILES * times}"
    return ""
