"""What kind of work a step is, as far as that is known before anybody wrote a line of it.

Invariant: a Work is a function of the step and the tree it begins on; it is the key of every routing table.
"""

from typing import Literal

import msgspec

WorkKind = Literal["small_edit", "large_edit", "create", "test", "many_places", "config"]

ANY_LANGUAGE = "any"
"""In a routing table: whatever language the step is in."""

WORDS: dict[WorkKind, str] = {
    "small_edit": "small edits",
    "large_edit": "large edits",
    "create": "new files",
    "test": "tests",
    "many_places": "edits in many places",
    "config": "configuration and docs",
}
"""Each kind as people say it, in the order of a table."""


class Work(msgspec.Struct, frozen=True, order=True):
    """Kind and language."""

    kind: WorkKind
    language: str
    """As in the grammars (`python`, `c_sharp`), the file's suffix where there is none, or `mixed`."""

    def __str__(self) -> str:
        """`small edits in python`."""
        return WORDS[self.kind] if self.language == ANY_LANGUAGE else f"{WORDS[self.kind]} in {self.language}"
