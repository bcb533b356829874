"""In which order files are looked at: what can do most harm first.

Invariant: pure and the same everywhere; the reason stands beside the file.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from hybridcode.domain.action import FileChange, Ruling

_SECURITY = re.compile(
    rb"password|passwd|secret|token|credential|crypt|signature|permission|privilege|authori[sz]|authent|sudo|eval\(|exec\("
    rb"|subprocess|os\.system|shell=True|verify=False|pickle|deserial|innerHTML|sql",
    re.IGNORECASE,
)
_TEST = re.compile(r"(?:^|/)(?:tests?|spec|__tests__|fixtures)/|(?:^|/)test_|_test\.|\.(?:test|spec)\.")
_PROSE = re.compile(r"\.(?:md|rst|txt|adoc)$", re.IGNORECASE)


class Risk(NamedTuple):
    """How early a file is looked at, and why."""

    rank: int
    """0 comes first."""
    reason: str
    """In a few words; empty for an ordinary file."""


def risk_of(change: FileChange, flags: tuple[str, ...], ruling: Ruling, *, added: Iterable[bytes]) -> Risk:
    """The risk of one file's change.

    `flags` are those of the diff, `ruling` is that of the whole proposal, `added` are the lines that are put in.
    """
    if ruling.person_only and change.path in ruling.reason:
        return Risk(0, "protected")
    if flags:
        return Risk(0, "flagged")
    if change.after is None:
        return Risk(1, "deleted")
    if change.mode & 0o111 and change.before is None:
        return Risk(1, "new and executable")
    if _is_risky(added, change.before or b""):
        return Risk(2, "touches security")
    if _PROSE.search(change.path):
        return Risk(6, "prose")
    if _TEST.search(change.path):
        return Risk(5, "a test")
    return Risk(3 if change.before is not None else 4, "")


def _is_risky(added: Iterable[bytes], before: bytes) -> bool:
    """True when a line with a word of security is put in that did not stand in the file before, wherever."""
    stood: set[bytes] | None = None
    for line in added:
        if _SECURITY.search(line):
            stood = set(before.splitlines()) if stood is None else stood
            if line.rstrip(b"\r\n") not in stood:
                return True
    return False
