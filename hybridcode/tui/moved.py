"""Blocks of lines that only stand somewhere else in the file now.

Invariant: both places are told, and only where no other block could be meant; but for the indentation of the whole
block, every byte is the same.
"""

from collections.abc import Iterable, Sequence

from hybridcode.tui.diff_rows import Changes

_LEAST = 3
"""Lines that are not blank, below which two blocks are the same by chance."""
_MOST_CHANGES = 5_000

_Block = tuple[bytes, ...]


def moved(changes: Changes) -> dict[int, str]:
    """What is told of a change that is one end of a move: where the other end stands, in lines of both files."""
    if len(changes) > _MOST_CHANGES:
        return {}
    gone, come = dict[_Block, list[int]](), dict[_Block, list[int]]()
    for number, (a0, a1, b0, b1) in enumerate(changes.spans):
        if b0 == b1:
            _keep(gone, changes.old[a0:a1], number)
        elif a0 == a1:
            _keep(come, changes.new[b0:b1], number)
    told: dict[int, str] = {}
    for block in gone.keys() & come.keys():
        if len(gone[block]) == len(come[block]) == 1:
            (source,), (target,) = gone[block], come[block]
            told[source] = f"moved to line {changes.spans[target][2] + 1:,}"
            told[target] = f"moved from line {changes.spans[source][0] + 1:,}"
    return told


def _keep(blocks: dict[_Block, list[int]], lines: Sequence[bytes], number: int) -> None:
    block = _bare(lines)
    if len(block) - block.count(b"") >= _LEAST:
        blocks.setdefault(block, []).append(number)


def _bare(lines: Iterable[bytes]) -> _Block:
    """The lines without blank ones at both ends and without the indentation that all of them share."""
    block = [line.rstrip(b"\r\n") if line.strip() else b"" for line in lines]
    while block and not block[0]:
        del block[0]
    while block and not block[-1]:
        del block[-1]
    shared = min((len(line) - len(line.lstrip(b" \t")) for line in block if line), default=0)
    return tuple(line[shared:] for line in block)
