"""Moments as a person reads them: how long ago, and exactly when.

Invariant: pure but for the zone, which is that of `now` or of this machine.
"""

from datetime import datetime


def moment(at: str, now: datetime) -> datetime:
    """A time of the journal in the zone of `now`."""
    return datetime.fromisoformat(at).astimezone(now.tzinfo)


def ago(at: str, now: datetime) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 days ago`, and the date from a month on."""
    then = moment(at, now)
    passed = int((now - then).total_seconds())
    if passed < 60:
        return "just now"
    if passed < 3600:
        return f"{passed // 60} min ago"
    if passed < 86_400:
        return f"{passed // 3600} h ago"
    days = passed // 86_400
    if days < 31:
        return "1 day ago" if days == 1 else f"{days} days ago"
    return f"{then:%Y-%m-%d}"


def exactly(at: str, now: datetime) -> str:
    """`2026-01-31 14:02`."""
    return f"{moment(at, now):%Y-%m-%d %H:%M}"


def clock(at: str, now: datetime) -> str:
    """`14:02`."""
    return f"{moment(at, now):%H:%M}"


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
