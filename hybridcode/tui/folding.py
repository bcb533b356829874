"""Paragraphs as rows, folded or in full.

Invariant: what is folded away is counted; unfolded, the whole text is there.
"""

from typing import NamedTuple

from hybridcode.tui.amounts import plural
from hybridcode.tui.entry import Entry, Fold
from hybridcode.tui.markdown_rows import markdown_rows, plain_rows
from hybridcode.tui.styled import Row, Run
from hybridcode.tui.visible import beside_ours, foreign

KEY = "Ctrl+O"
"""What unfolds all, where a person has no other key for it."""


_WRITTEN = frozenset({"you", "steer"})
"""Labels of what a person wrote."""


class Laid(NamedTuple):
    """The rows of a paragraph."""

    rows: list[Row]
    hidden: int = 0
    """Rows that are folded away."""


def lay_out(entry: Entry, cells: int, *, is_open: bool = False, key: str = KEY) -> Laid:
    """The rows of a paragraph at a width; they are whole where it is open or short. `key` unfolds all."""
    if entry.fold is not None and entry.fold.is_summed_up and not is_open:
        first, _, rest = entry.text.partition("\n")
        return Laid(plain_rows(first, cells), len(plain_rows(rest, cells)) if rest else 0)
    if entry.form == "markdown":
        rows = markdown_rows(foreign(entry.text), cells)
    elif entry.tone == "code":
        rows = plain_rows(foreign(entry.text), cells, "code")
    else:
        rows = plain_rows(foreign(entry.text) if entry.label in _WRITTEN else beside_ours(entry.text), cells)
    if entry.fold is None:
        return Laid(rows)
    if entry.fold.says:
        return Laid([_said(entry.fold.says), *rows] if is_open else [_said(f"{entry.fold.says} · {key}")], len(rows))
    if entry.fold.is_summed_up:
        return Laid(rows, max(len(rows) - 1, 0))
    return _folded(rows, entry.fold, is_open=is_open, key=key)


def _folded(rows: list[Row], fold: Fold, *, is_open: bool, key: str) -> Laid:
    hidden = len(rows) - fold.first - fold.last
    lost = [_said("⋯ what stood above is not in the receipt")] if fold.is_tail else []
    if hidden <= 1:
        return Laid([*lost, *rows])
    if is_open:
        return Laid([*lost, *rows], hidden)
    least = "at least " if fold.is_tail else ""
    said = _said(f"⋯ {least}{plural(hidden, 'line')} · {key}")
    return Laid([*rows[: fold.first], said, *rows[len(rows) - fold.last :]], hidden)


def _said(text: str) -> Row:
    return Row((Run(text, "quiet"),))


def guess_height(entry: Entry, cells: int, *, is_open: bool = False) -> tuple[int, bool]:
    """How many rows a paragraph takes, without laying it out; True when that is certain."""
    text, fold = entry.text, entry.fold
    if fold is not None and fold.says and not is_open:
        return 1, True
    if len(text) <= cells and entry.form == "plain" and fold is None and text.isascii() and text.isprintable():
        return 1, True
    if fold is not None and fold.is_summed_up and not is_open:
        first = text.partition("\n")[0]
        return len(first) // cells + 1, len(first) <= cells and first.isascii()
    lines = text.count("\n") + 1
    if fold is not None and not is_open:
        folded = fold.first + fold.last + 1
        is_certain = entry.form == "plain" and lines > folded
        return min(lines + len(text) // cells, folded), is_certain
    return lines + len(text) // cells, False
