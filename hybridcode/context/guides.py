"""The repository's own guidance for writers: AGENTS.md, else CLAUDE.md, the nearest one.

Invariant: guidance is bounded and comes from the snapshot; what is cut is said.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hybridcode.context.render import section
from hybridcode.domain.window import Excerpt
from hybridcode.repo.snapshot import Snapshot

_NAMES = ("AGENTS.md", "CLAUDE.md")


@dataclass(frozen=True)
class Guide:
    """One file of guidance, perhaps cut at a line."""

    path: str
    text: str
    end: int
    """Last line that is shown."""
    total: int
    """Lines of the file."""

    @property
    def section(self) -> str:
        """How it stands in a window."""
        return section(f"Guidance: {self.path}", self.text, path=self.path)

    @property
    def excerpt(self) -> Excerpt:
        """The lines that are shown."""
        return Excerpt(path=self.path, start=1, end=self.end, reason="guide")

    @property
    def note(self) -> str:
        """What is cut; empty for a whole guide."""
        return f"{self.path} is cut after line {self.end} of {self.total}" if self.end < self.total else ""


def guides_for(snapshot: Snapshot, paths: Iterable[str], *, max_bytes: int) -> tuple[Guide, ...]:
    """The guides of the folders that `paths` lie in, sorted by path, together at most `max_bytes` of text."""
    found = sorted({guide for path in paths if (guide := _nearest(snapshot, path)) is not None})
    guides: list[Guide] = []
    room = max_bytes
    for path in found:
        guide = _cut(path, snapshot.text(path) or "", room)
        if guide is not None:
            guides.append(guide)
            room -= len(guide.text.encode())
    return tuple(guides)


def _nearest(snapshot: Snapshot, path: str) -> str | None:
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        for name in _NAMES:
            guide = f"{folder}/{name}" if folder else name
            if snapshot.text(guide) is not None:
                return guide
    return None


def _cut(path: str, text: str, max_bytes: int) -> Guide | None:
    """The first lines of a guide that fit."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line.encode()) + 1
        if size > max_bytes:
            break
        kept.append(line)
    if not any(line.strip() for line in kept):
        return None
    return Guide(path=path, text="\n".join(kept) + "\n", end=len(kept), total=len(lines))
