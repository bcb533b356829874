"""Events of one kind, the newest first.

Invariant: what is looked at is what it costs: a session of any length answers about its last events at once.
"""

from collections.abc import Iterator
from typing import TypeVar

from hybridcode.domain.events import Event
from hybridcode.journal import chain
from hybridcode.journal.store import SessionJournal

Kind = TypeVar("Kind", bound=Event)

_AT_A_TIME = 8
_NO_SEQ = 2**63 - 1


def newest(journal: SessionJournal, kind: type[Kind]) -> Iterator[Kind]:
    """A session's events of one kind, from the last one back, read as far as they are asked for.

    Raises:
        IntegrityError: a stored event cannot be read.
    """
    before = _NO_SEQ
    while rows := journal.journal.rows(
        "SELECT session, seq, at, prev_hash, hash, event FROM event"
        " WHERE session = ? AND type = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        (journal.id, kind.__name__, before, _AT_A_TIME),
    ):
        for row in rows:
            event = chain.envelope(*row).event
            if isinstance(event, kind):
                yield event
        before = int(rows[-1][1])
