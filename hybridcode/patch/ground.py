"""What the blocks of one file are placed on: the file, and what the blocks say of each other.

Invariant: everything here is a function of the file and of all blocks; it is found out when it is asked for, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hybridcode.patch.answer import Dialect, Edits, MarkedLine
from hybridcode.patch.filetext import FileText, indentation
from hybridcode.patch.indent import IndentRule, from_style
from hybridcode.patch.match import Hit, hits, similar_hits


@dataclass(frozen=True)
class Ground:
    """A file and the edits that are placed on it."""

    file: FileText
    edits: Edits
    region: tuple[int, int] | None
    """Lines (0-based, end excluded) that the answer was asked for."""
    _found: dict[int, list[Hit]] = field(default_factory=dict[int, list[Hit]], repr=False)
    """By the identity of a block's lines, which live as long as the edits."""

    @property
    def dialect(self) -> Dialect:
        """What the edits are written in."""
        return self.edits.dialect

    def hits(self, lines: Sequence[MarkedLine]) -> list[Hit]:
        """`match.hits` of a block. Raises: Refused."""
        found = self._found.get(id(lines))
        if found is None:
            found = self._found[id(lines)] = hits(self.file, lines)
        return found

    @cached_property
    def foreign(self) -> IndentRule | None:
        """For added lines in an indentation that the file does not use, where their own block shows no pair: the rule
        of a block that shows one."""
        for lines in self._indented_blocks():
            found = self.hits(lines)
            if len(found) == 1:
                return found[0].rule
        return from_style(self.file.lines)

    @cached_property
    def learned(self) -> IndentRule | None:
        """How other blocks are indented otherwise than the file, for blocks that show no indentation themselves.

        Another width or sign for a step; what moves whole blocks says nothing of the others.
        """
        for lines in self._indented_blocks():
            found = self.hits(lines) or similar_hits(self.file, lines)
            if len(found) == 1 and not found[0].rule.is_identity and found[0].rule.keeps_the_margin:
                return found[0].rule
        return None

    @cached_property
    def numbers_are_right(self) -> bool:
        """The line numbers of a diff lead every block that can be found without them to where it stands."""
        blocks = [readings[0] for readings in self.edits.readings] if self.dialect == "diff" else []
        telling = [block for block in blocks if any(text.strip() for text in block.old)]
        return 0 < len(telling) < len(blocks) and all(
            block.has_right_counts and [hit.at + 1 for hit in self.hits(block.lines)] == [block.at] for block in telling
        )

    def _indented_blocks(self) -> list[tuple[MarkedLine, ...]]:
        return [
            readings[0].lines
            for readings in self.edits.readings
            if len(readings) == 1 and any(indentation(text) for text in readings[0].old)
        ]
