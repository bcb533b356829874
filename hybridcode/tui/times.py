"""Moments as a person reads them: how long ago, and exactly when.

Invariant: pure; the zone is that of `now`.
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
