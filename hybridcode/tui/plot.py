"""A curve as text: an area of blocks with two axes.

Invariant: pure; every line has the same width, and each axis says its largest value with its unit.
"""

from collections.abc import Callable, Sequence

Point = tuple[float, float]
"""Moment and value."""

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_PER_CELL = 8


def plot(
    points: Sequence[Point], cells: int, rows: int, *, x_text: Callable[[float], str], y_text: Callable[[float], str]
) -> list[str]:
    """The curve of a value that holds from each point to the next, in `cells` cells and `rows` rows of area.

    Moments are seconds from 0 on, in order; values are 0 or more.
    """
    top = max((value for _, value in points), default=0.0)
    end = max((moment for moment, _ in points), default=0.0)
    labels = [y_text(top), *[""] * (rows - 2), "0"] if rows > 1 else [y_text(top)]
    margin = max(map(len, labels))
    width = max(cells - margin - 2, 4)
    heights = [_height(value, top, rows) for value in _sampled(points, end, width)]
    lines = [
        f"{label:>{margin}} │" + "".join(_cell(height, rows - 1 - row) for height in heights)
        for row, label in enumerate(labels)
    ]
    ticks = f"0{x_text(end):>{width - 1}}"
    return [*lines, f"{'':{margin}} └{'─' * width}", f"{'':{margin}}  {ticks}"]


def _sampled(points: Sequence[Point], end: float, width: int) -> list[float]:
    """The value at the right edge of each column."""
    values: list[float] = []
    place, value = 0, 0.0
    for column in range(1, width + 1):
        edge = end * column / width
        while place < len(points) and (points[place][0] <= edge or column == width):
            value = points[place][1]
            place += 1
        values.append(value)
    return values


def _height(value: float, top: float, rows: int) -> int:
    """In eighths of a row; anything above nothing is seen."""
    if value <= 0 or top <= 0:
        return 0
    return max(1, round(value / top * rows * _PER_CELL))


def _cell(height: int, row: int) -> str:
    """The part of a column in a row, counted from below."""
    return _EIGHTHS[min(max(height - row * _PER_CELL, 0), _PER_CELL)]
