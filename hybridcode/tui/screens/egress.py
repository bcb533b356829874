"""What left this machine: every request to another one, with what was taken out of it before.

Invariant: lists what the journal recorded before sending; nothing listed means nothing was sent.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Envelope
from hybridcode.tui.amounts import plural, size
from hybridcode.tui.desk import Desk
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, clip_left, fit
from hybridcode.tui.prompt_text import prompt_screen
from hybridcode.tui.requests import Request, Requests
from hybridcode.tui.screens.context import held_back_parts
from hybridcode.tui.screens.following import FollowingList
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.times import clock_time
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row, Rows


class EgressScreen(FollowingList):
    """Requests that left, newest first."""

    HINTS: ClassVar[Keys] = (Hint("Enter", "exact text", is_needed=True), Hint("/", "search"))
    NOTHING: ClassVar[str] = "nothing has left this machine"

    def __init__(self, envelopes: Callable[[], Sequence[Envelope]], blob: Callable[[str], bytes]) -> None:
        super().__init__(envelopes)
        self._blob = blob
        self._fold = Requests()
        self._sent: dict[str, Request] = {}

    def take(self, envelopes: Sequence[Envelope]) -> None:
        """Fold on."""
        found = self._fold.take(envelopes).found
        self._sent = {key: request for key, request in found.items() if request.asked.is_remote}

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """What this is, and the sums."""
        sent = [request.asked for request in self._sent.values()]
        items: list[Item] = [(0, plural(len(sent), "request")), (0, size(sum(asked.prompt_bytes for asked in sent)))]
        hosts = sorted({request.host for request in self._sent.values()})
        return (("egress ", "bold $accent"), ("what left this machine", "bold")), [
            *items,
            *([(1, ", ".join(hosts))] if hosts else []),
        ]

    def rows(self, cells: int) -> Sequence[Row]:
        """Time, purpose, host, size."""
        return [_row(request, cells) for request in reversed(self._sent.values())]

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """Everything recorded about a request."""
        request = self._sent.get(key)
        if request is None:
            return []
        asked = request.asked
        step = f" of step {asked.step}" if asked.step else ""
        parts: list[Part | str] = [
            (f"{request.host}\n", "bold"),
            f"model    {clip(asked.model, cells - 9)}\n",
            f"purpose  {asked.role}{step}, try {asked.attempt}\n",
            f"size     {size(asked.prompt_bytes)}\n",
            f"via      {asked.via or 'no proxy'}\n",
            (f"\n{plural(len(asked.files), 'place')} of the repository\n", "bold"),
        ]
        return [*parts, *(f"  {clip_left(name, cells - 2)}\n" for name in asked.files), *held_back_parts(request)]

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Show the exact text."""
        event.stop()
        try:
            self.program.push_screen(prompt_screen(self._sent[event.key], self._blob))
        except HybridcodeError as error:
            self.flash(error.message)


def _row(request: Request, cells: int) -> Row:
    asked = request.asked
    step = f"step {asked.step}" if asked.step else ""
    start = f" {clock_time(request.at)}  {fit(asked.role, 8)}{fit(step, 8)}"
    held = f"  {asked.redactions} replaced" if asked.redactions else ""
    held += f"  {asked.withheld} withheld" if asked.withheld else ""
    room = max(cells - len(start) - 10 - len(held), 8)
    return Row(
        request.key,
        (
            (start, "plain"),
            (fit(clip_left(request.host, room), room), "quiet"),
            (f"{size(asked.prompt_bytes):>9}", "plain"),
            (held, "warn"),
        ),
    )


def open_egress(desk: Desk, argument: str) -> EgressScreen:
    """What this session sent."""
    del argument
    talk = desk.conversation
    return EgressScreen(lambda: talk.envelopes, talk.blob)
