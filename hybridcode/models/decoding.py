"""From token bytes to text that may be shown: whole characters only, and nothing of a stop string.

Invariant: what `feed` and `close` returned, joined, is the decoded text before the stop string that is complete first,
however the bytes were split.
"""

import codecs
from collections.abc import Sequence


class TextStream:
    """Decodes UTF-8 that arrives in pieces and ends at the first stop string (broken bytes become U+FFFD)."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(text for text in stop if text)
        self._held: str = ""
        self.is_stopped = False
        """True once a stop string was seen; what comes after it is dropped."""

    def feed(self, data: bytes) -> str:
        """Take in bytes; return what can be shown by now."""
        return self._release(self._decoder.decode(data))

    def close(self) -> str:
        """Return what was held back, at the end of the answer."""
        shown = self._release(self._decoder.decode(b"", final=True))
        held, self._held = self._held, ""
        return shown if self.is_stopped else shown + held

    def _release(self, text: str) -> str:
        if not self._stop:
            return text
        if self.is_stopped:
            return ""
        text, self._held = self._held + text, ""
        found = [(place + len(stop), place) for stop in self._stop if (place := text.find(stop)) >= 0]
        if found:
            self.is_stopped = True
            return text[: min(found)[1]]
        keep = max((_overlap(text, stop) for stop in self._stop), default=0)
        cut = len(text) - keep
        self._held = text[cut:]
        return text[:cut]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that a stop string begins with."""
    for size in range(min(len(stop) - 1, len(text)), 0, -1):
        if stop.startswith(text[-size:]):
            return size
    return 0
