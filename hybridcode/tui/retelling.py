"""The transcript of a session in which a person went back: what was gone back from is told no more.

Invariant: the same envelopes give the same entries, live or resumed.
"""

from collections.abc import Callable, Iterable

from hybridcode.domain.events import Envelope, Event, Rewound, TaskGiven
from hybridcode.session.state import SessionState
from hybridcode.tui.entry import Entry
from hybridcode.tui.story import entries


def forgets(event: Event) -> bool:
    """True where something is told no more from here on."""
    return isinstance(event, Rewound) and event.conversation


def told_again(
    envelopes: Iterable[Envelope], *, state: SessionState | None = None, fold: Callable[[Envelope], None] | None = None
) -> list[Entry]:
    """Every entry of a session, less those of tasks that a person went back from.

    `fold` takes each envelope into `state`; both are its own if they are not given.
    """
    state = state or SessionState(keeps_record=False, forgets_ended=True)
    fold = fold or state.apply
    told: list[Entry] = []
    begun: dict[str, int] = {}
    """Task -> number of entries in front of it."""
    for envelope in envelopes:
        fold(envelope)
        if isinstance(envelope.event, TaskGiven):
            begun[envelope.event.task.id] = len(told)
        elif isinstance(envelope.event, Rewound) and forgets(envelope.event):
            del told[begun.get(envelope.event.task, len(told)) :]
        told += entries(envelope.event, state)
    return told
