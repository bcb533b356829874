"""Numbers as they stand on screen: short, and always with a unit.

Invariant: an unknown amount is called unknown and never shown as zero.
"""


def tokens(count: int) -> str:
    """`950 tok`, `3.2k tok`, `1.20M tok`."""
    return f"{_short(count)} tok"


def _short(count: int) -> str:
    if count < 1_000:
        return str(count)
    if count < 999_950:
        return f"{count / 1_000:.1f}k"
    return f"{count / 1_000_000:.2f}M"


def short(count: int) -> str:
    """A count without its unit, for places where the unit stands beside it."""
    return _short(count)


def size(count: int) -> str:
    """`950 B`, `3.2 kB`, `1.2 MB`."""
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1_000:.1f} kB" if count < 999_950 else f"{count / 1_000_000:.1f} MB"


def seconds(amount: float) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`."""
    if amount < 10:
        return f"{amount:.1f} s"
    if amount < 60:
        return f"{amount:.0f} s"
    return f"{int(amount) // 60} min {int(amount) % 60:02d} s"


def dollars(amount: float | None) -> str:
    """`$0.04`, `$0.0012`, `cost unknown`."""
    if amount is None:
        return "cost unknown"
    return f"${amount:.2f}" if amount >= 0.01 or amount == 0 else f"${amount:.4f}"


def plural(count: int, noun: str) -> str:
    """`1 file`, `3 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
