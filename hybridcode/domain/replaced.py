"""What becomes of the models of a task, as events.

Invariant: as in domain/events.py.
"""

import msgspec


class ModelReplaced(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After a model could not be asked, before its `fallback` is asked the same, for the rest of the task."""

    model: str
    by: str
    """Name of the other model."""
    is_remote: bool
    """True when requests to the other one leave this machine."""
    why: str
