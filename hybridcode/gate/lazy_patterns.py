"""Regular expressions that are compiled when they are first used.

Invariant: one stands for the very pattern that `re.compile` would give. Most commands need few of the gate's
patterns, while compiling all of them takes longer than the verdict.
"""

import re
from functools import cached_property


class LazyPattern:
    """A pattern; its methods are those of `re.Pattern`, and cost no more than these once they have been used."""

    def __init__(self, text: str, flags: re.RegexFlag = re.NOFLAG) -> None:
        self._text = text
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._text, self._flags)

    @cached_property
    def match(self):
        """Where the text begins with it."""
        return self._compiled.match

    @cached_property
    def fullmatch(self):
        """Where the whole text is it."""
        return self._compiled.fullmatch

    @cached_property
    def search(self):
        """Its first place in a text."""
        return self._compiled.search

    @cached_property
    def finditer(self):
        """All its places in a text."""
        return self._compiled.finditer
