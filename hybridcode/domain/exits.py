"""Exit codes of every command.

Invariant: a run whose needed write was denied never ends with DONE.
"""

import enum


class ExitCode(enum.IntEnum):
    """What a process of ours ends with; the names are also the `exit_reason` in JSON (lower case)."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    VERIFICATION_FAILED = 3
    APPROVAL_PENDING = 4
    DENIED = 5
    LIMIT = 6
    MODEL_UNAVAILABLE = 7
    STALE = 8
    INTEGRITY = 9
    TRANSIENT = 75
    INTERRUPTED = 130
    TERMINATED = 143

    @property
    def reason(self) -> str:
        """The word used for this code in JSON and in the journal."""
        return self.name.lower()
