"""When keys were typed and when a frame is on a person's screen, as far as a terminal can tell.

Invariant: keys and the terminal's answers come in one stream, in order, stamped by the thread that reads them; so what
was typed before a frame was drawn stands before the answer that follows the frame.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from textual.message import Message

from hybridcode.tui.guard import Seen

ASK = "\x1b[6n"
"""Asks a terminal where its cursor is: it answers when it has drawn everything before."""
PATIENCE_S = 1.0
"""Seconds that a terminal which never answered gets to answer."""
LONG_PATIENCE_S = 5.0
"""The same for one that is known to answer, over a slow line."""
BURST_S = 0.015
"""Seconds between two keys, below which no finger pressed them one after the other."""


@dataclass
class _Question:
    asked_at: float
    seen: Seen
    is_over: bool = False


@dataclass
class Sight:
    """One for an app, whose messages it is told of."""

    clock: Callable[[], float]
    """Seconds that only grow."""
    send: Callable[[str], bool]
    """Writes to the terminal behind all frames so far; False where there is none that could answer."""
    later: Callable[[float, Callable[[], None]], object]
    """Calls back after some seconds."""
    typed_at: float = float("-inf")
    """When the last key was typed that has been taken in."""
    typed_before: float = float("-inf")
    """When the key before that was typed."""
    is_answering: bool | None = None
    """None until it is known."""
    _questions: deque[_Question] = field(default_factory=deque[_Question])

    def stamp(self, message: Message) -> float:
        """When a message was made, by our clock: that is when it was read, however late it is handled."""
        return self.clock() - (Message().time - message.time)

    def take_key(self, event: Message) -> None:
        """Any key, before anything is done with it."""
        self.typed_before, self.typed_at = self.typed_at, self.stamp(event)

    def is_burst(self) -> bool:
        """True when the last two keys came faster than anybody types: as text that is pasted does."""
        return self.typed_at - self.typed_before < BURST_S

    def take_answer(self, event: Message) -> None:
        """The terminal has drawn what was sent before its oldest open question."""
        self.is_answering = True
        if self._questions:
            self._end(self._questions.popleft(), self.stamp(event))

    def when_seen(self, seen: Seen) -> None:
        """Call back once everything sent so far is on the screen."""
        question = _Question(self.clock(), seen)
        if self.is_answering is False or not self.send(ASK):
            self._end(question, question.asked_at)
            return
        self._questions.append(question)
        self.later(LONG_PATIENCE_S if self.is_answering else PATIENCE_S, lambda: self._give_up(question))

    def _give_up(self, question: _Question) -> None:
        if question.is_over:
            return
        if self.is_answering:
            self._end(question, self.clock())
        else:
            self.is_answering = False
            self._end(question, question.asked_at)

    def _end(self, question: _Question, at: float) -> None:
        if not question.is_over:
            question.is_over = True
            question.seen(at)
