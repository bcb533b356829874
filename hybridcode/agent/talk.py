"""What a planner is told, turn by turn.

Invariant: it only grows: what was sent stays the beginning of every later request, byte for byte, so that caches of
prompts serve it, and each line of the tree is shown once. Only a question that did not fit is put in other words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hybridcode.agent.distil import cut
from hybridcode.agent.steering import beside
from hybridcode.context.passages import Taken
from hybridcode.context.render import tokens
from hybridcode.domain.model import Message
from hybridcode.domain.window import Excerpt

REPLY_CHARS = 4_000
"""Of each answer of the planner that it is shown again; the rest is counted."""


@dataclass
class Talk:
    """A conversation about one plan."""

    system: str
    question: str
    """The first turn."""
    excerpts: tuple[Excerpt, ...] = ()
    """Lines that the question shows."""
    later: list[Message] = field(default_factory=list[Message])
    more: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    """Lines that later turns show, as path, first and last line."""
    _notes: str = ""
    """What a person said before the question was sent."""
    _told: int = 0
    """Notes that it holds."""

    def messages(self, notes: Sequence[str]) -> tuple[Message, ...]:
        """The next request; notes that it does not hold yet go to its end."""
        fresh, self._told = beside(notes[self._told :]), len(notes)
        if self.later:
            self.later[-1] = Message("user", self.later[-1].content + fresh)
        else:
            self._notes += fresh
        return Message("system", self.system), Message("user", self.question + self._notes), *self.later

    def ask_anew(self, question: str, excerpts: tuple[Excerpt, ...]) -> None:
        """Put another question in the place of one that did not fit."""
        self.question, self.excerpts = question, excerpts

    def go_on(self, reply: str, told: str) -> None:
        """Take in what the planner answered, and what it is told to that."""
        self.later += [Message("assistant", cut(reply.strip() or "(no answer)", REPLY_CHARS)), Message("user", told)]

    def show(self, look: Callable[[Taken], str]) -> str:
        """What `look` finds beside the lines that are shown already."""
        taken = Taken()
        for path, start, end in (*((one.path, one.start, one.end) for one in self.excerpts), *self.more):
            taken.add(path, start, end)
        known = taken.copy()
        found = look(taken)
        self.more += taken.since(known)
        return found

    @property
    def tokens(self) -> int:
        """Size of what it holds, in tokens of four bytes."""
        return tokens("".join((self.system, self.question, self._notes, *(one.content for one in self.later))))

    @property
    def files(self) -> tuple[str, ...]:
        """Every line of the tree that the next request shows, as Region strings."""
        first = (f"{one.path}#L{one.start}-{one.end}" for one in self.excerpts)
        return *first, *(f"{path}#L{start}-{end}" for path, start, end in self.more)


def asked_to_see(found: str, *, left: int) -> str:
    """What a planner is told that asked to see more, headed with how often it may ask again."""
    match left:
        case 0:
            again = "answer with the plan now"
        case 1:
            again = "you may ask once more"
        case _:
            again = f"you may ask {left} more times"
    return f"# You asked to see ({again})\n{found}"
