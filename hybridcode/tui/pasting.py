"""Long pastes as one short token in what a person writes.

Invariant: what is sent holds the pasted text itself; a token that was changed by hand is text like any other.
"""

from hybridcode.tui.amounts import plural

FOLD_LINES = 10
"""A paste of more lines is folded."""
FOLD_CHARACTERS = 2_000
"""So is one of more characters."""


class Pastes:
    """The folded pastes of one text, by their tokens."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._count = 0

    def fold(self, text: str) -> str:
        """The token for a long paste, a short one as it is."""
        lines = text.removesuffix("\n").count("\n") + 1
        if lines <= FOLD_LINES and len(text) <= FOLD_CHARACTERS:
            return text
        self._count += 1
        size = plural(lines, "line") if lines > 1 else plural(len(text), "character")
        token = f"[pasted {size} #{self._count}]"
        self._texts[token] = text
        return token

    def unfold(self, text: str) -> str:
        """The text with each token replaced by what was pasted; a token inside a paste stays as it was pasted."""
        parts, at = list[str](), 0
        while found := self._next(text, at):
            place, token = found
            parts += [text[at:place], self._texts[token]]
            at = place + len(token)
        return "".join((*parts, text[at:]))

    def _next(self, text: str, at: int) -> tuple[int, str] | None:
        places = [(place, token) for token in self._texts if (place := text.find(token, at)) >= 0]
        return min(places, default=None)

    def before(self, line: str, column: int) -> int:
        """Characters of the token that ends at `column`, 0 if none does."""
        return next((len(token) for token in self._texts if line[:column].endswith(token)), 0)

    def after(self, line: str, column: int) -> int:
        """Characters of the token that begins at `column`, 0 if none does."""
        return next((len(token) for token in self._texts if line[column:].startswith(token)), 0)
