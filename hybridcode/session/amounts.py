"""Sizes and times as people read them.

Invariant: every amount has its unit; an unknown one is called unknown.
"""


def size(count: int | None) -> str:
    """`950 B`, `3.2 KiB`, `1.5 MiB`, `15.7 GiB`."""
    if count is None:
        return "unknown size"
    amount, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def count(number: int) -> str:
    """`756.4 thousand`, `27.3 billion`."""
    for limit, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if number >= limit:
            return f"{number / limit:.1f} {word}"
    return str(number)


def duration(seconds: float) -> str:
    """`9 s`, `3 min 05 s`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60:02} min"
