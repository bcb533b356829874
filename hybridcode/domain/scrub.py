"""Events without secrets, as they are written down.

Invariant: what an approval is bound to, and what a digest covers, stays: proposals, plans, decisions.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from hybridcode.domain.action import Applied, Committed, Declined, Failed, Ran, Receipt, Unknown
from hybridcode.domain.asked import QuestionAnswered, TaskQuestioned
from hybridcode.domain.events import (
    BaselineTaken,
    CheckRan,
    DraftRefused,
    EffectFinished,
    Event,
    ModelAnswered,
    ModelReplaced,
    NoteGiven,
    NoticeGiven,
    OutlineMade,
    PlannerChosen,
    RepairAsked,
    StepEnded,
    TaskEnded,
    TaskGiven,
    TaskJudged,
    WindowAssembled,
)

Clean = Callable[[str], str]
"""A text without its secrets."""
_Value = TypeVar("_Value", bound=msgspec.Struct)


def scrubbed(event: Event, clean: Clean) -> Event:
    """The event with its free texts cleaned; the event itself where there is nothing to clean."""
    match event:
        case NoticeGiven():
            return _with(event, clean, "text", "hint")
        case NoteGiven():
            return _with(event, clean, "text")
        case QuestionAnswered():
            return _with(event, clean, "answer")
        case TaskQuestioned(questions=questions):
            return _changed(event, questions=tuple(_with(one, clean, "text") for one in questions))
        case TaskGiven(task=task):
            return _changed(event, task=_with(task, clean, "text"))
        case CheckRan():
            return _with(event, clean, "tail")
        case BaselineTaken():
            return _with(event, clean, "told")
        case EffectFinished(receipt=receipt):
            return _changed(event, receipt=_receipt(receipt, clean))
        case DraftRefused(refusals=refusals):
            return _changed(event, refusals=tuple(_with(one, clean, "reason", "near", "advice") for one in refusals))
        case WindowAssembled(excerpts=excerpts, source=source):
            from_there = source if isinstance(source, msgspec.UnsetType) else _with(source, clean, "region")
            shown = tuple(_with(one, clean, "path") for one in excerpts)
            return _changed(event, excerpts=shown, source=from_there)
        case OutlineMade(places=places):
            return _changed(_with(event, clean, "check"), places=tuple(map(clean, places)))
        case StepEnded() | PlannerChosen() | RepairAsked() | ModelReplaced():
            return _with(event, clean, "why")
        case TaskEnded():
            return _with(event, clean, "message")
        case TaskJudged():
            return _with(event, clean, "reason")
        case ModelAnswered():
            return _with(event, clean, "error")
        case _:
            return event


def _receipt(receipt: Receipt, clean: Clean) -> Receipt:
    match receipt:
        case Ran():
            return _with(receipt, clean, "tail")
        case Committed():
            return _with(receipt, clean, "subject")
        case Failed() | Unknown() | Declined() | Applied():
            return _with(receipt, clean, "reason")
        case _:
            return receipt


def _with(value: _Value, clean: Clean, *names: str) -> _Value:
    texts = {name: str(getattr(value, name)) for name in names if getattr(value, name)}
    return _changed(value, **{name: clean(text) for name, text in texts.items()})


def _changed(value: _Value, **fields: object) -> _Value:
    changed = {name: new for name, new in fields.items() if new != getattr(value, name)}
    return msgspec.structs.replace(value, **changed) if changed else value
