"""What a list of sessions tells of each, read without folding any of them.

Invariant: reading changes nothing; an amount nobody knows stays unknown.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec

from hybridcode.journal.store import Journal, SessionRow


class TaskRow(msgspec.Struct, frozen=True):
    """A task of a session and how it ended."""

    id: str
    text: str
    at: str
    """When it was given, UTC."""
    exit_reason: str = ""
    """Empty while it has not ended."""
    message: str = ""
    files: tuple[str, ...] = ()
    is_forgotten: bool = False
    """True once a person went back to before it."""


class SessionOverview(msgspec.Struct, frozen=True):
    """A session in a list."""

    row: SessionRow
    tasks: tuple[TaskRow, ...]
    files: tuple[str, ...]
    """Paths that its edits and commands changed, sorted; undone ones too."""
    usd: float | None
    """Cost of its frontier calls; None as soon as one is unknown."""
    owner: str
    """Who works on it, as a sentence; empty if nobody does, or this process alone through this journal."""
    forked_from: str = ""


@dataclass
class _Gathered:
    tasks: list[TaskRow] = field(default_factory=list[TaskRow])
    files: set[str] = field(default_factory=set[str])
    forked_from: str = ""
    is_scripted: bool = False
    """True when the frontier's answers were written beforehand: they cost nothing."""
    remote: set[str] = field(default_factory=set[str])
    """Ids of calls of the frontier."""
    usd: float | None = 0.0


def overview(journal: Journal) -> list[SessionOverview]:
    """All sessions, newest first.

    Raises:
        JournalError: the journal cannot be read.
    """
    found: dict[str, _Gathered] = {}
    for session, kind, at, facts in journal.rows(_FACTS):
        _gather(found.setdefault(session, _Gathered()), kind, at, json.loads(facts))
    claimed = _claimed(journal)
    return [
        SessionOverview(
            row,
            tuple(gathered.tasks),
            tuple(sorted(gathered.files)),
            gathered.usd,
            owner=journal.who_works_on(row.id) if row.id in claimed else "",
            forked_from=gathered.forked_from,
        )
        for row in journal.sessions()
        for gathered in [found.get(row.id, _Gathered())]
    ]


def _claimed(journal: Journal) -> set[str]:
    """Sessions with a lock file: those that somebody works on, or died over."""
    prefix, end = f"{journal.path.name}-", ".lock"
    names = (path.name for path in journal.path.parent.glob(f"{prefix}*{end}"))
    return {unquote(name.removeprefix(prefix).removesuffix(end)) for name in names}


def _gather(found: _Gathered, kind: str, at: str, facts: dict[str, Any]) -> None:
    match kind:
        case "TaskGiven":
            found.tasks.append(TaskRow(facts["id"], facts["text"], at))
        case "TaskEnded" if found.tasks:
            ended = {"exit_reason": facts["reason"], "message": facts["message"] or ""}
            found.tasks[-1] = msgspec.structs.replace(found.tasks[-1], **ended, files=tuple(facts["files"]))
        case "TaskResumed" if found.tasks:
            found.tasks[-1] = msgspec.structs.replace(found.tasks[-1], exit_reason="", message="")
        case "Rewound" if facts["conversation"]:
            begin = next((n for n, task in enumerate(found.tasks) if task.id == facts["task"]), len(found.tasks))
            rewound = [msgspec.structs.replace(task, is_forgotten=True) for task in found.tasks[begin:]]
            found.tasks[begin:] = rewound
        case "SessionOpened":
            found.is_scripted = bool(facts["scripted"])
        case "ModelAsked" if facts["backend"] == "frontier" and not found.is_scripted:
            found.remote.add(facts["call"])
        case "ModelAnswered" if facts["call"] in found.remote:
            is_uncounted = bool(facts["error"]) or facts["finish"] == "cancelled"
            usd = facts["usd"] or 0.0 if is_uncounted else facts["usd"]
            found.usd = None if found.usd is None or usd is None else found.usd + usd
        case "SessionForked":
            found.forked_from = facts["origin"]
        case "EffectFinished" | "CommandChanged":
            found.files |= {change["path"] for change in facts["changes"] or ()}
        case _:
            pass


_FACTS = """
SELECT session, type, at, json_object(
    'id', json_extract(event, '$.task.id'), 'text', json_extract(event, '$.task.text'),
    'reason', json_extract(event, '$.exit_reason'), 'message', json_extract(event, '$.message'),
    'files', json_extract(event, '$.files'),
    'task', CASE type WHEN 'Rewound' THEN json_extract(event, '$.task') END,
    'conversation', json_extract(event, '$.conversation'), 'origin', json_extract(event, '$.origin'),
    'scripted', json_extract(event, '$.frontier_is_scripted'), 'backend', json_extract(event, '$.backend'),
    'call', json_extract(event, '$.call_id'), 'error', json_extract(event, '$.error'),
    'finish', json_extract(event, '$.finish'), 'usd', json_extract(event, '$.cost_usd'),
    'changes', coalesce(json_extract(event, '$.changes'), json_extract(event, '$.receipt.edits')))
FROM event
WHERE type IN ('SessionOpened', 'SessionForked', 'TaskGiven', 'TaskEnded', 'TaskResumed', 'Rewound', 'CommandChanged',
               'ModelAsked', 'ModelAnswered')
   OR (type = 'EffectFinished' AND json_extract(event, '$.receipt.type') = 'applied')
ORDER BY session, seq
"""
