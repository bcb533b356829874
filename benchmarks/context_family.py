"""Processor time and memory of a process and everything it started, read from outside (Linux: /proc).

Invariant: a process that ended counts until its parent has taken note of it, and as its parent's from then on.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PARENT, _TIMES, _PAGES = 1, slice(11, 15), 21
"""Fields of /proc/PID/stat after the name: parent, own and children's time in ticks, resident pages."""


@dataclass(frozen=True)
class Spent:
    """What a family of processes has used and holds."""

    cpu_s: float
    resident_mb: float
    """Sum over its processes: pages that two of them share count twice."""


def spent_by(root: int) -> Spent:
    """What the process `root` and its descendants have used so far."""
    stats = dict(_stats())
    family = {root}
    while more := {pid for pid, fields in stats.items() if pid not in family and int(fields[_PARENT]) in family}:
        family |= more
    members = [stats[pid] for pid in family if pid in stats]
    return Spent(
        cpu_s=sum(int(ticks) for fields in members for ticks in fields[_TIMES]) / _TICKS_PER_S,
        resident_mb=sum(int(fields[_PAGES]) for fields in members) * _PAGE_BYTES / 1e6,
    )


def _stats() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield int(entry.name), (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
