"""What a replay found out about one recorded thing.

Invariant: `ok` means that it was made again, or computed again, and is equal byte for byte; whatever could not be made
again says why and is never called equal.
"""

from typing import Literal

import msgspec

from hybridcode.domain.secrets import MARK

Verdict = Literal["ok", "differs", "not_rebuilt"]
Kind = Literal["chain", "blob", "outline", "window", "request", "draft", "proposal", "decision", "effect"]
WORDS: dict[Verdict, str] = {"ok": "ok", "differs": "differs", "not_rebuilt": "cannot be rebuilt"}
"""A verdict for people."""


class Checked(msgspec.Struct, frozen=True):
    """One line of a replay."""

    seq: int
    """Number of the event; 0 for what is not about one."""
    kind: Kind
    verdict: Verdict
    what: str
    """What was looked at, with its size or place."""
    why: str = ""
    """What is different, or why it cannot be made again."""
    recorded: str = ""
    """SHA-256 on record."""
    rebuilt: str = ""
    """SHA-256 of what was made again; empty where nothing was."""

    def __str__(self) -> str:
        place = f"event {self.seq:>4}" if self.seq else " " * 10
        digest = f"  {self.recorded[:12]}" if self.recorded else ""
        if self.rebuilt and self.rebuilt != self.recorded:
            digest += f" rebuilt {self.rebuilt[:12]}"
        return f"{WORDS[self.verdict]:<17} {place}  {self.what}{digest}{': ' + self.why if self.why else ''}"


def agrees(recorded: str, rebuilt: str) -> bool:
    """True if a recorded text is the rebuilt one, each redaction mark standing for what was taken out there."""
    if recorded == rebuilt:
        return True
    parts = MARK.split(recorded)
    if len(parts) == 1 or not rebuilt.startswith(parts[0]) or not rebuilt.endswith(parts[-1]):
        return False
    at, end = len(parts[0]), len(rebuilt) - len(parts[-1])
    for part in parts[1:-1]:
        found = rebuilt.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end
