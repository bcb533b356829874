"""What each model saw: the requests of this session, newest first, with the excerpts chosen for each.

Invariant: shows what the journal has, byte for byte; a score is shown only where one was given.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Envelope
from hybridcode.domain.window import Excerpt
from hybridcode.tui.amounts import dollars, plural, seconds, short, size, tokens
from hybridcode.tui.desk import Desk
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip, clip_left, fit
from hybridcode.tui.prompt_text import prompt_screen
from hybridcode.tui.requests import Request, Requests
from hybridcode.tui.screens.asked_index import AskedIndexScreen
from hybridcode.tui.screens.following import FollowingList
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row, Rows, RowTone

_BAR = 20


class ContextScreen(FollowingList):
    """Requests of a session and what each of them showed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "copy the digest of what was shown", id="context.copy"),
    ]
    HINTS: ClassVar[Keys] = (Hint("Enter", "exact text", is_needed=True), Hint("/", "search"), Hint("c", "copy digest"))
    NOTHING: ClassVar[str] = "no model was asked anything in this session yet · /context QUESTION asks the index"

    def __init__(self, envelopes: Callable[[], Sequence[Envelope]], blob: Callable[[str], bytes]) -> None:
        super().__init__(envelopes)
        self._blob = blob
        self._fold = Requests()

    @property
    def _requests(self) -> dict[str, Request]:
        return self._fold.found

    def take(self, envelopes: Sequence[Envelope]) -> None:
        """Fold on."""
        self._fold.take(envelopes)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """What this is."""
        return (("context ", "bold $accent"), ("what the models saw", "bold")), [
            (0, plural(len(self._requests), "request"))
        ]

    def rows(self, cells: int) -> Sequence[Row]:
        """Requests, newest first, under the task they were made for."""
        rows: list[Row] = []
        task: str | None = None
        for request in reversed(self._requests.values()):
            if request.task != task:
                task = request.task
                rows.append(Row("", ((clip(task or "before a task", cells - 1), "accent"),)))
            rows.append(_row(request, cells))
        return rows

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """Everything known about a request."""
        request = self._requests.get(key)
        return request_parts(request, cells) if request is not None else []

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Enter on a row."""
        event.stop()
        self.choose(event.key)

    def choose(self, key: str) -> None:
        """Show the exact text."""
        try:
            self.program.push_screen(prompt_screen(self._requests[key], self._blob))
        except HybridcodeError as error:
            self.flash(error.message)

    def action_copy(self) -> None:
        """Copy the digest of the window, or of the prompt where there is no window."""
        request = self._requests.get(self.key)
        if request is None:
            return
        window = request.window
        self.program.copy_to_clipboard(window.digest if window else request.asked.prompt_sha256)
        self.flash(f"copied the digest of the {'window' if window else 'prompt'}")


def _row(request: Request, cells: int) -> Row:
    asked, window = request.asked, request.window
    step = f"step {asked.step}" if asked.step else ""
    filled = bar(window.used, window.budget, 8) if window and cells >= _ROOMY else ""
    room = f"{short(window.used)}/{short(window.budget)} tok" if window else size(asked.prompt_bytes)
    wide = max(8, min(22, cells - _COLUMNS))
    text = f"{fit(asked.role, 8)}{fit(step, wide)} {fit(asked.backend, 9)}{filled and fit(filled, 9)}{room:>15}"
    return Row(request.key, ((f" {text}  ", "plain"), *_state(request)))


_ROOMY = 56
_COLUMNS = 65
"""Cells of a row beside the name of its step."""


def _state(request: Request) -> tuple[tuple[str, RowTone], ...]:
    if request.asked.is_remote:
        return (("left ", "warn"), *_end(request))
    return _end(request)


def _end(request: Request) -> tuple[tuple[str, RowTone], ...]:
    if request.answered is None:
        return (("no answer yet", "quiet"),)
    if request.answered.error:
        return (("failed", "bad"),)
    return ((request.answered.finish, "quiet"),) if request.answered.finish != "stop" else ()


def bar(used: int, room: int, cells: int) -> str:
    """How much of a budget is used, drawn in `cells` cells."""
    full = min(cells, round(cells * used / room)) if room else 0
    return "█" * full + "░" * (cells - full)


def request_parts(request: Request, cells: int) -> list[Part | str]:
    """A request in full: who, how much, which excerpts and why, what was held back."""
    asked = request.asked
    parts: list[Part | str] = [
        (f"{asked.model}\n", "bold"),
        (f"{'left this machine for' if asked.is_remote else 'stayed on'} {request.host}\n", "$quiet"),
    ]
    parts += _answer_parts(request)
    if request.window is not None:
        parts += _window_parts(request, cells)
    elif asked.files:
        parts.append((f"\n{plural(len(asked.files), 'place')} of the repository\n", "bold"))
        parts += [f"  {clip_left(name, cells - 2)}\n" for name in asked.files]
    else:
        parts.append(("\nno window: nothing of the repository was chosen for it\n", "$quiet"))
    return [*parts, *held_back_parts(request)]


def _answer_parts(request: Request) -> list[Part | str]:
    parts: list[Part | str] = [f"prompt {size(request.asked.prompt_bytes)}"]
    answered = request.answered
    if answered is None:
        return [*parts, "\n"]
    usage, timing = answered.usage, answered.timing
    if usage.input_tokens:
        fresh = usage.input_tokens - usage.cached_tokens
        parts.append(f", {tokens(usage.input_tokens)}: {short(usage.cached_tokens)} reused, {short(fresh)} new")
    parts.append(f"\nanswer {tokens(usage.output_tokens)} in {seconds(timing.total_s)}, {dollars(answered.cost_usd)}\n")
    if answered.error:
        parts.append((f"failed: {answered.error}\n", "$error"))
    return parts


def _window_parts(request: Request, cells: int) -> list[Part | str]:
    window = request.window
    assert window is not None
    share = round(100 * window.used / window.budget) if window.budget else 0
    parts: list[Part | str] = [
        ("\nwindow ", "bold"),
        (bar(window.used, window.budget, min(_BAR, cells // 3)), "$accent"),
        f" {short(window.used)} of {tokens(window.budget)} ({share} %)\n",
        (f"digest {window.digest[:16]}…  c copies it\n", "$quiet"),
        (f"{plural(len(window.excerpts), 'excerpt')}\n", "bold"),
    ]
    for excerpt in window.excerpts:
        parts += _excerpt_parts(excerpt, cells)
    return parts


def _excerpt_parts(excerpt: Excerpt, cells: int) -> list[Part | str]:
    lines = f" {excerpt.start}-{excerpt.end}"
    score = f"  score {excerpt.score / 1e6:.2f}" if excerpt.score else ""
    return [
        f"  {clip_left(excerpt.path, max(cells - len(lines) - 2, 8))}{lines}\n",
        (f"    {clip(excerpt.reason + score, max(cells - 4, 8))}\n", "$quiet"),
    ]


def held_back_parts(request: Request) -> list[Part | str]:
    """What was taken out before it was sent."""
    asked = request.asked
    kinds = Counter(asked.redacted)
    parts: list[Part | str] = []
    if asked.redactions:
        named = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        parts.append((f"\n{plural(asked.redactions, 'secret')} replaced{f': {named}' if named else ''}\n", "$warning"))
    if asked.withheld:
        parts.append((f"{plural(asked.withheld, 'piece')} of denied files withheld\n", "$warning"))
    if not asked.redactions and not asked.withheld:
        parts.append(("\nnothing was replaced or withheld\n", "$quiet"))
    return parts


def open_context(desk: Desk, argument: str) -> ContextScreen | AskedIndexScreen:
    """What the models of this session saw; with a question: what the index would show for it."""
    if argument:
        return AskedIndexScreen(desk.conversation.archive, argument)
    talk = desk.conversation
    return ContextScreen(lambda: talk.envelopes, talk.blob)
