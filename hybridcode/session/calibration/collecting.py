"""All cases that this repository offers, without running anything.

Invariant: deterministic for one state of repository and journal, bounded, and nothing is left out silently.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.agent.kinds import work_of
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.work import Work
from hybridcode.journal.store import Journal
from hybridcode.repo.commits import read_past
from hybridcode.repo.facts import GitFacts, git_facts
from hybridcode.repo.snapshot import Snapshot, take
from hybridcode.session.calibration.cases import Case, LeftOut
from hybridcode.session.calibration.mined import mined_cases
from hybridcode.session.calibration.past import CannotRebuild, Rebuilder
from hybridcode.session.calibration.recorded import Recorded

Sources = Literal["all", "recorded", "mined"]
MOST_SESSIONS = 50
"""Newest sessions that are looked through."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Where cases come from, and how many."""

    source: Sources = "all"
    limit: int = 200
    """Commits that are looked at."""
    since: str = ""
    """None older than this; a date that git understands."""
    max_cases: int = 20
    """Cases that are tried."""


@dataclass
class Collected:
    """Cases in the order in which they are proven: recorded ones first, then the newest commits."""

    cases: list[Case] = field(default_factory=list[Case])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])
    works: dict[str, Work] = field(default_factory=dict[str, Work])
    """Kind of work of each case, by its key."""
    notes: list[str] = field(default_factory=list[str])
    """What a person should know of the search."""


def collect(
    root: Path, rebuilder: Rebuilder, *, journal: Journal | None, choice: Choice, check: str, max_file_bytes: int
) -> Collected:
    """Look through the journal and the history.

    Raises:
        ConfigError: the folder is not in a git repository with a commit.
    """
    present, facts = take(root, max_file_bytes=max_file_bytes), git_facts(root)
    if not facts.is_git or facts.head is None:
        raise ConfigError(f"{root} is not a git repository with commits.", "Cases are rebuilt from its history.")
    found = Collected()
    if choice.source != "mined" and journal is not None:
        recorded = Recorded(journal, rebuilder, present, facts, check)
        recorded.look(limit=MOST_SESSIONS)
        found.cases += recorded.cases
        found.left_out += recorded.left_out
    if choice.source != "recorded":
        past = read_past(root, head=facts.head, limit=choice.limit, since=choice.since)
        if past.reason:
            found.notes.append(f"no commits to look at: {past.reason}")
        cases, left_out = mined_cases(root, past.commits, check=check)
        found.cases += cases
        found.left_out += left_out
    _sort(found, rebuilder, present, facts)
    return found


def _sort(found: Collected, rebuilder: Rebuilder, present: Snapshot, facts: GitFacts) -> None:
    """Keep what can be rebuilt, each once, with its kind."""
    kept: list[Case] = []
    for case in found.cases:
        try:
            laid = rebuilder.lay(case.base, present, facts)
            work = work_of(case.step, rebuilder.view(case.base, present, laid))
        except CannotRebuild as error:
            found.left_out.append(LeftOut(case.id, case.title, str(error)))
            continue
        if work is None or case.key in found.works:
            found.left_out.append(
                LeftOut(case.id, case.title, "no model writes such a step" if work is None else _AGAIN)
            )
            continue
        found.works[case.key] = work
        kept.append(case)
    found.cases = kept


_AGAIN = "the same as another case"
