"""The transcript of a session in which a person went back: what was gone back from is told no more.

Invariant: the same envelopes give the same entries, live or resumed.
"""

from collections.abc import Iterable

from hybridcode.domain.events import Envelope, Rewound, TaskGiven
from hybridcode.session.state import SessionState
from hybridcode.tui.entry import Entry
from hybridcode.tui.story import entries


def told_again(envelopes: Iterable[Envelope]) -> list[Entry]:
    """Every entry of a session, less those of tasks that a person went back from."""
    state = SessionState()
    told: list[Entry] = []
    begun: dict[str, int] = {}
    """Task -> number of entries in front of it."""
    for envelope in envelopes:
        state.apply(envelope)
        if isinstance(envelope.event, TaskGiven):
            begun[envelope.event.task.id] = len(told)
        elif isinstance(envelope.event, Rewound) and envelope.event.conversation:
            del told[begun.get(envelope.event.task, len(told)) :]
        told += entries(envelope.event, state)
    return told
