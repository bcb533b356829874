"""Moments as they stand on screen, by the clock on the wall here.

Invariant: pure but for the time zone of this machine.
"""

from datetime import datetime


def clock_time(at: str) -> str:
    """`14:03:22` of a moment in ISO 8601."""
    return f"{datetime.fromisoformat(at).astimezone():%H:%M:%S}"


def age(at: str, now: datetime) -> str:
    """How long ago that was: `40 s`, `12 min`, `3 h`, `5 d`."""
    gone = max(0, int((now - datetime.fromisoformat(at)).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if gone >= length:
            return f"{gone // length} {unit}"
    return f"{gone} s"
