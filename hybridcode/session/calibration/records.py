"""What earlier calibrations of this repository found out: read back from the journal.

Invariant: a pure read; what is on record counts as done, whichever session it was done in.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from hybridcode.domain.trials import CaseChecked, TrialEnded
from hybridcode.journal.store import Journal

TrialKey = tuple[str, str, str, int]
"""Case, setup, model, sample."""
_Kind = TypeVar("_Kind", CaseChecked, TrialEnded)


def checked_cases(journal: Journal) -> Mapping[str, CaseChecked]:
    """The last finding about each case, by key."""
    return {event.key: event for event in _events(journal, CaseChecked)}


def trials(journal: Journal) -> Mapping[TrialKey, TrialEnded]:
    """The last trial of each case with each setup, model and sample."""
    return {key_of(event): event for event in _events(journal, TrialEnded)}


def key_of(trial: TrialEnded) -> TrialKey:
    """What makes two trials the same one."""
    return trial.key, trial.setup, trial.model, trial.sample


def _events(journal: Journal, kind: type[_Kind]) -> list[_Kind]:
    rows = journal.rows("SELECT event FROM event WHERE type = ? ORDER BY session, seq", (kind.__name__,))
    return [msgspec.json.decode(text, type=kind) for (text,) in rows]
