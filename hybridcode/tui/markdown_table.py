"""Tables as lines: in columns where they fit, one field under the other where they do not.

Invariant: no line is wider than the room, and no cell is cut.
"""

from collections.abc import Iterator

from hybridcode.tui.markdown import Table
from hybridcode.tui.styled import Run, Runs, cells_of, flow

LEAST = 8
"""Cells below which a column is not narrowed."""
_BETWEEN = Run(" │ ", "mark")


def table_lines(table: Table, room: int) -> Iterator[Runs]:
    """The lines of a table."""
    columns = len(table.is_right)
    natural = [max((_natural(row[at]) for row in table.rows), default=0) for at in range(columns)]
    widths = _widths(natural, room - 3 * (columns - 1))
    return _in_columns(table, widths) if widths else _as_fields(table, room)


def _natural(cell: Runs) -> int:
    return max(cells_of(line) for line in flow(cell, 100_000))


def _widths(natural: list[int], room: int) -> list[int]:
    """Cells for each column, narrow ones in full; empty where some would get too few."""
    left = list(range(len(natural)))
    widths = [0] * len(natural)
    while left:
        fair = room // len(left)
        small = [at for at in left if natural[at] <= fair]
        if not small:
            if fair < LEAST:
                return []
            for number, at in enumerate(left):
                widths[at] = fair + (1 if number < room - fair * len(left) else 0)
            return widths
        for at in small:
            widths[at] = natural[at]
            room -= natural[at]
            left.remove(at)
    return widths


def _in_columns(table: Table, widths: list[int]) -> Iterator[Runs]:
    for number, row in enumerate(table.rows):
        cells = [flow(cell, width) for cell, width in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells), default=0)):
            runs: list[Run] = []
            for at, pieces in enumerate(cells):
                piece = pieces[line] if line < len(pieces) else ()
                blank = Run(" " * (widths[at] - cells_of(piece)))
                runs += [_BETWEEN] if at else []
                runs += [blank, *piece] if table.is_right[at] else [*piece, blank]
            yield tuple(run for run in runs if run.text)
        if number == 0:
            yield (Run("─┼─".join("─" * width for width in widths), "mark"),)


def _as_fields(table: Table, room: int) -> Iterator[Runs]:
    head, *rows = table.rows
    if not rows:
        rows, head = [head], tuple(() for _ in head)
    for row in rows:
        for at, cell in enumerate(row):
            name = (*head[at], Run(": ", "quiet")) if head[at] else ()
            sign = Run("• " if at == 0 else "  ", "mark")
            for number, line in enumerate(flow((*name, *cell), max(room - 2, 1))):
                yield (Run("  ") if number else sign, *line)
