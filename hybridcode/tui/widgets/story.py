"""The transcript with what belongs to it: the line to search it, and the text that is being written.

Invariant: a search ends where it began unless a person says that this is what they looked for; of thoughts at most
KEPT_CHARS are kept, in memory only, and what is not kept is said.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from hybridcode.session.watchers import Piece
from hybridcode.tui.amounts import plural
from hybridcode.tui.entry import Entry, Fold
from hybridcode.tui.key_names import key_name
from hybridcode.tui.seeking import Search
from hybridcode.tui.stack import Place
from hybridcode.tui.widgets.finder import Finder
from hybridcode.tui.widgets.live import Live
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.transcript import Transcript

KEPT_CHARS = 1_000_000
"""Characters of thoughts that are kept, all in all."""


_HINTS = (
    ("story.fold", "unfold"),
    ("story.copy", "copy"),
    ("story.copy-code", "code"),
    ("story.find", "find"),
    ("story.leave", "back"),
)
"""Bindings of the transcript and what the line below it calls them."""


class Story(Vertical):
    """Everything between the plan and the composer."""

    @dataclass
    class Said(Message):
        """Something to tell a person for a moment."""

        text: str

    class Left(Message):
        """The keys go back to where a person writes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(id="story")
        self._clock = clock
        self._search = Search()
        self._number = 0
        self._began: tuple[bool, Place | None] | None = None
        """Where a person was when they began to search."""
        self._thoughts: deque[int] = deque()
        """Paragraphs that are thoughts whose text is kept."""
        self._kept = 0

    def compose(self) -> ComposeResult:
        """Transcript, search, live text."""
        yield Transcript()
        with Horizontal(id="seek"):
            yield Finder()
            yield Painted(ident="found")
        yield Live(self._clock, ident="live")
        yield Live(self._clock, ident="own")

    @property
    def transcript(self) -> Transcript:
        """What happened."""
        return self.query_one(Transcript)

    @property
    def live(self) -> Live:
        """What is being written."""
        return self.query_one("#live", Live)

    @property
    def own(self) -> Live:
        """What the person's own command prints."""
        return self.query_one("#own", Live)

    def tell(self, entries: Iterable[Entry]) -> None:
        """Add paragraphs."""
        new = list(entries)
        self.transcript.add(new)
        if self._search.words:
            self._search.extend(new)
            self._show_count()

    def forget(self) -> None:
        """Empty the transcript."""
        self._end_search()
        self._thoughts.clear()
        self._kept = 0
        self.transcript.clear()

    def feed(self, pieces: Sequence[Piece], *, own: str) -> None:
        """Take in live text; what the person's own command prints, whose id is `own`, stands apart."""
        for live, is_shown in ((self.live, False), (self.own, True)):
            if shown := [piece for piece in pieces if (bool(own) and piece.source == own) is is_shown]:
                live.feed(shown)

    def name_key(self, key: str) -> None:
        """Name the key that unfolds all."""
        self.transcript.name_key(key)
        for live in self.query(Live):
            live.name_key(key)

    def unfold_all(self) -> None:
        """Show all long paragraphs in full, or fold them."""
        self.transcript.unfold_all()
        self.live.unfold(is_open=self.transcript.stack.is_open)

    def enter(self) -> None:
        """Give the keys to the transcript."""
        if self.transcript.stack.entries:
            self.transcript.focus()

    def find(self) -> None:
        """Open the line to search; while it is open, go to the match before."""
        finder = self.query_one(Finder)
        if finder.has_focus:
            self._go(-1)
            return
        if self._began is None:
            self._began = self.transcript.place
        finder.open()
        self._show_line()

    def on_descendant_focus(self) -> None:
        """The line below says what the keys do here."""
        self._show_line()

    def on_descendant_blur(self) -> None:
        """It goes when the keys do."""
        self.call_after_refresh(self._show_line)

    def _show_line(self) -> None:
        is_walking = self.transcript.has_focus
        self.query_one("#seek").set_class(is_walking or self._began is not None, "-on")
        if is_walking:
            keys: dict[str, str] = {}
            for active in self.screen.active_bindings.values():
                keys.setdefault(active.binding.id or "", key_name(active.binding.key))
            hints = "  ".join(f"{keys.get(name, '')} {does}" for name, does in _HINTS)
            self.query_one("#found", Painted).paint((self._counted(), "bold"), (f" {hints} ", "$quiet"))
        else:
            self._show_count()

    def on_finder_typed(self, event: Finder.Typed) -> None:
        """Find at once: the newest match where the end is followed, else the first one from here on."""
        event.stop()
        if self._began is None or event.words.lower() == self._search.words:
            return
        transcript = self.transcript
        self._search = Search(event.words, transcript.stack.entries)
        transcript.words = self._search.words
        is_at_end, first = self._began
        here = 0 if first is None else first.entry
        self._number = max(self._search.count - 1, 0) if is_at_end else self._search.first_from(here)
        self._show()

    def on_finder_closed(self, event: Finder.Closed) -> None:
        """Enter keeps the match; Escape goes back to where the search began."""
        event.stop()
        if self.query_one(Finder).value:
            self.transcript.focus()
        else:
            self._return()

    def on_transcript_left(self, event: Transcript.Left) -> None:
        """Escape ends the search first."""
        event.stop()
        self.query_one(Finder).clear()
        self._return()

    def on_transcript_find_asked(self, event: Transcript.FindAsked) -> None:
        """Search from where the person reads."""
        event.stop()
        self.find()

    def on_transcript_next_asked(self, event: Transcript.NextAsked) -> None:
        """Another match."""
        event.stop()
        self._go(event.step)

    def on_transcript_said(self, event: Transcript.Said) -> None:
        """Pass it on."""
        event.stop()
        self.post_message(self.Said(event.text))

    def on_live_thought(self, event: Live.Thought) -> None:
        """A model has thought: one line, and the text behind it."""
        event.stop()
        says = f"thinking · {plural(event.words, 'word')}"
        lost = f"… {plural(event.lost, 'character')} before this are not kept\n" if event.lost else ""
        self._thoughts.append(len(self.transcript.stack.entries))
        self._kept += len(event.text)
        self.tell([Entry("", lost + event.text, "quiet", fold=Fold(says=says))])
        while self._kept > KEPT_CHARS:
            number = self._thoughts.popleft()
            old = self.transcript.stack.entries[number]
            self._kept -= len(old.text)
            said = old.fold.says if old.fold is not None else ""
            self.transcript.replace(number, Entry("", f"{said} · no longer kept", "quiet"))

    def _go(self, step: int) -> None:
        if not self._search.count:
            words = self._search.words
            self.post_message(self.Said(f"nothing matches {words}" if words else "nothing is searched for: / searches"))
            return
        self._number = (self._number + step) % self._search.count
        self._show()

    def _show(self) -> None:
        self._show_count()
        count = self._search.count
        self.transcript.show_match(self._search.match(self._number) if count else None)

    def _counted(self) -> str:
        count = self._search.count
        return f" {self._number + 1:,}/{count:,} " if count else (" no match " if self._search.words else "")

    def _show_count(self) -> None:
        if self.transcript.has_focus:
            self._show_line()
            return
        style = "bold" if self._search.count else "$warning"
        self.query_one("#found", Painted).paint(
            (self._counted(), style), (" Enter to it  ^F before  Esc back ", "$quiet")
        )

    def _return(self) -> None:
        began = self._began
        self._end_search()
        if began is not None:
            self.transcript.go_back(began)
        self.post_message(self.Left())

    def _end_search(self) -> None:
        self._search, self._began, self.transcript.words = Search(), None, ""
        self.query_one(Finder).display = False
        self._show_line()
