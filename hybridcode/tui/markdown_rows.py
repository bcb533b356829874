"""Blocks of a model's Markdown as rows of a width.

Invariant: no row is wider than the width; every word of a block is in its rows, in order, at any width.
"""

from collections.abc import Iterable, Iterator

from hybridcode.tui.markdown import Block, Code, Lead, Rule, Table, Words, read_markdown
from hybridcode.tui.markdown_table import table_lines
from hybridcode.tui.styled import Row, Run, Runs, cells_of, flow

ROOM = 12
"""Cells that text keeps however deep its lists are nested, where the width has as many."""

_INSET = Run("  ", "code")
"""Program text stands in, which tells it without a colour."""


def markdown_rows(text: str, cells: int) -> list[Row]:
    """A text of a model, laid out; one that cannot be read as Markdown as it stands."""
    blocks = read_markdown(text)
    if blocks is None:
        return plain_rows(text, cells)
    rows: list[Row] = []
    for block in blocks:
        if block.is_apart and rows:
            rows.append(Row(_bare(block.lead, cells)))
        rows.extend(_rows(block, cells))
    return rows or [Row()]


def plain_rows(text: str, cells: int, ground: str = "") -> list[Row]:
    """A text as it stands, wrapped."""
    return [Row(runs, ground) for line in text.split("\n") for runs in flow((Run(line.rstrip(), ground),), cells)]


def _rows(block: Block, cells: int) -> Iterator[Row]:
    signs, first, rest = _fitting(block.lead, cells)
    yield from map(Row, signs)
    room = cells - max(cells_of(first), cells_of(rest))
    match block:
        case Words(runs=runs):
            yield from map(Row, _led(first, rest, flow(runs, room)))
        case Code(text=text, info=info):
            if info:
                yield from map(Row, _led(first, rest, flow((Run(info, "quiet"),), room)))
                first = rest
            lines = (line for raw in text.split("\n") for line in flow((Run(raw, "code"),), room - 2, at_blanks=False))
            language = info.split(maxsplit=1)[0] if info else ""
            yield from (Row(runs, "code", language) for runs in _led((*first, _INSET), (*rest, _INSET), lines))
        case Rule():
            yield Row((*first, Run("─" * min(room, 40), "mark")))
        case Table():
            yield from map(Row, _led(first, rest, table_lines(block, room)))


def _led(first: Runs, rest: Runs, lines: Iterable[Runs]) -> Iterator[Runs]:
    for number, line in enumerate(lines):
        yield (*(rest if number else first), *line)


def _fitting(lead: Lead, cells: int) -> tuple[list[Runs], Runs, Runs]:
    """Rows of signs that would leave no room for text, then what stands before the first row and the others."""
    most = max(cells - ROOM, cells // 2)
    if cells_of(lead.first) <= most and cells_of(lead.rest) <= most:
        return [], lead.first, lead.rest
    has_signs = any(run.text.strip(" │") for run in lead.first)
    rest = flow(lead.rest, most, at_blanks=False)[0]
    return (flow(lead.first, cells, at_blanks=False) if has_signs else []), rest, rest


def _bare(lead: Lead, cells: int) -> Runs:
    """What goes on in front of a blank row: bars of quotes that were there before."""
    if not any(run.text.strip() for run in lead.before):
        return ()
    return flow(lead.before, max(cells, 1), at_blanks=False)[0]
