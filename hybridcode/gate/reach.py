"""What a command can reach, in words, by the kind of sandbox that it would run in.

Invariant: pure; nothing is called held back that this kind does not hold back.
"""

from collections.abc import Sequence

_LIMITS = {
    "bwrap": "changes this folder only, sees no credentials",
    "landlock": "changes this folder only, reads no credentials, makes nothing new directly in it",
    "seatbelt": "changes this folder only, sees no credentials",
}


def sandbox_words(kind: str, unenforced: Sequence[str] = ()) -> str:
    """The kind, what it limits, and what it cannot keep a command from."""
    if kind not in _LIMITS:
        return f"{kind}: it can do what you can do"
    gaps = f"; not kept from: {', '.join(unenforced)}" if unenforced else ""
    return f"{kind}: {_LIMITS[kind]}{gaps}"


def network_words(kind: str, *, network: bool) -> str:
    """Whether it may connect, and whether anything would stop it."""
    if network:
        return "YES"
    return "no" if kind in _LIMITS else "not asked for, but without a sandbox nothing stops it"
