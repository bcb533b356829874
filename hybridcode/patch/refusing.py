"""How a refusal travels inside this room.

Invariant: `Refused` never leaves the room: read_answer and place turn it into a Refusal, which is a value.
"""

from hybridcode.domain.refusal import Refusal


class Refused(Exception):
    """Carries one Refusal up to the room's door, past the levels that have nothing to add to it."""

    def __init__(
        self,
        reason: str,
        *,
        advice: str = "",
        near: str = "",
        path: str | None = None,
        hunk: int | None = None,
        left_out: tuple[str, ...] = (),
        is_already: bool = False,
        is_formless: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
        self.near = near
        self.path = path
        self.hunk = hunk
        self.left_out = left_out
        self.is_already = is_already
        self.is_formless = is_formless

    def refusal(self, *, path: str | None = None, hunk: int | None = None) -> Refusal:
        """The value; `path` and `hunk` (0-based) fill in what the raiser did not know."""
        return Refusal(
            reason=self.reason,
            path=self.path if self.path is not None else path,
            hunk=self.hunk if self.hunk is not None else hunk,
            near=self.near,
            advice=self.advice,
            left_out=self.left_out,
            is_already=self.is_already,
            is_formless=self.is_formless,
        )


CUT_OFF = "Answer again, shorter, and close every fence and block."
ASK_FOR_MORE_CONTEXT = "Repeat the lines around the change, exactly as they stand in the file, until they are unique."
COPY_EXACTLY = "Copy the lines to change exactly as they stand in the file."
NO_ELISION = "Write every line; leave nothing out."
"""Advice used in more than one place."""
