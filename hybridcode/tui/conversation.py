"""What the terminal program needs of a session, and nothing more.

Invariant: everything a screen shows comes from `envelopes` and later ones, in order; pieces in `live` may be dropped.
"""

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from hybridcode.config.settings import Mode, Notify
from hybridcode.domain.action import ChangeSet, Decision, FileChange
from hybridcode.domain.events import Envelope, SessionForked
from hybridcode.domain.plan import Plan
from hybridcode.models.pricing import Price
from hybridcode.session.watchers import Piece
from hybridcode.tui.records import Library, Past

if TYPE_CHECKING:
    from hybridcode.tui.archive import Archive
    from hybridcode.tui.choices import Choices
    from hybridcode.tui.fittings import Fittings

PERSON = "person:tui"
"""The `by` of every decision made on a screen of ours."""

_WHO = {PERSON: "you", "person": "you", "person:terminal": "you, in another terminal", "a key": "you"}


def whom(by: str) -> str:
    """Who that is, for the person at this screen."""
    return _WHO.get(by, by)


class Facts(msgspec.Struct, frozen=True):
    """What is known before the first event, and changes only by a person's own command."""

    workspace: str
    """For eyes, as `~/src/shop`."""
    branch: str = ""
    dirty: int = 0
    """Number of files that differ from the last commit."""
    frontier: str | None = None
    """Name of the model that decides; None = not configured."""
    local: str | None = None
    """Name of the model that writes; None = not configured."""
    roles: tuple[str, ...] = ()
    """Roles that further models play, as `plan gpt-5-mini`."""
    mode: Mode = "default"
    is_offline: bool = False
    is_resumable: bool = False
    """True when the session has a task that stopped before its end."""
    advice: tuple[str, ...] = ()
    """Lines for the first screen: how to configure what is missing."""
    sandbox: str = ""
    """Kind of sandbox that commands run in from now on; empty before a session is open."""
    unenforced: tuple[str, ...] = ()
    """What that sandbox cannot keep a command from."""
    expires_s: float = 0.0
    """Seconds after which a question lapses; 0 = never."""
    side_by_side: bool = False
    is_ascii: bool = False
    """True where signs and lines of ours are ASCII only."""
    has_unicode: bool = True
    """False where the terminal cannot show other characters either."""
    theme: str = "hybridcode-dark"
    bell: bool = False
    notify: Notify = "off"
    title: bool = False
    price: Price | None = None
    """Of the frontier, where it stands in the settings."""
    budget_usd: float = 0.0
    """Dollars that a session may cost; 0 = no limit."""


class Remember(msgspec.Struct, frozen=True):
    """A rule a person made while approving: ask no more for exactly this."""

    scope: Literal["session", "project"]
    rule: str
    """As it stands in the settings: `Bash(pytest -q)`."""


class Conversation(Protocol):
    """A session as a screen sees it. Methods that can take long are async; none of them waits for a person."""

    @property
    def facts(self) -> Facts:
        """What holds now."""
        ...

    @property
    def envelopes(self) -> Sequence[Envelope]:
        """Everything that happened so far, in order."""
        ...

    @property
    def live(self) -> "SimpleQueue[Piece]":
        """Text as it is being written; drained by one timer."""
        ...

    @property
    def is_running(self) -> bool:
        """True while a task is being worked on, or waits for a person's answer."""
        ...

    @property
    def is_own_running(self) -> bool:
        """True while a command that the person typed runs, or waits to be looked at."""
        ...

    @property
    def library(self) -> Library:
        """All sessions of this repository."""
        ...

    @property
    def past(self) -> Past:
        """Going back in this session; only once there is one."""
        ...

    async def open_session(self, session: str | None, *, forked: SessionForked | None = None) -> None:
        """Leave this session, what it waits for kept, and go over to another.

        None = a new one, opened by its first task, or at once where it begins with what `forked` says. Nothing is
        called back for what happened before: `envelopes` has it.

        Raises:
            HybridcodeError: a task is running, or the other one cannot be opened; then this one stays.
        """
        ...

    def subscribe(self, on_envelope: Callable[[Envelope], None]) -> Callable[[], None]:
        """Call back for each later envelope, from whatever thread; returns what ends that."""
        ...

    def blob(self, sha256: str) -> bytes:
        """The bytes behind a digest. Raises IntegrityError."""
        ...

    def seal(self, changes: Sequence[FileChange]) -> ChangeSet:
        """Store the bytes and return the change set that names them."""
        ...

    @property
    def archive(self) -> "Archive":
        """All sessions of this repository: what waits, what they used."""
        ...

    @property
    def choices(self) -> "Choices":
        """The settings, with their origins; a change shows in `facts` as far as it holds at once."""
        ...

    @property
    def fittings(self) -> "Fittings":
        """What this session works with: models, rules, the machine."""
        ...

    async def start(self, text: str) -> None:
        """Begin a task; returns when the session has taken it, not when it is done."""
        ...

    async def resume(self) -> None:
        """Go on with the task that stopped before its end."""
        ...

    async def paths(self) -> Sequence[str]:
        """Files of the repository, tracked or not ignored, sorted."""
        ...

    async def interrupt(self) -> None:
        """Stop what runs; pending approvals stay pending."""
        ...

    async def run_own(self, line: str) -> None:
        """Run a command line that the person typed, beside whatever task runs; returns when it has been taken.

        Raises:
            HybridcodeError: another one runs.
        """
        ...

    async def stop_own(self) -> None:
        """End that command with all its processes; withdraw one that waits to be looked at."""
        ...

    async def steer(self, text: str) -> None:
        """Say something to the task that runs. Raises HybridcodeError: none runs, or it is too long."""
        ...

    async def answer(self, proposal_id: str, decision: Decision, *, remember: Remember | None = None) -> None:
        """Hand in a person's decision; `remember` adds a rule of the user's own."""
        ...

    async def switch_mode(self, name: str) -> None:
        """Work in another permission mode from the next judgement on. Raises ConfigError where that may not be."""
        ...

    async def answer_plan(self, plan: Plan | None) -> None:
        """Approve the waiting plan (as shown, or as edited), or say no with None."""
        ...

    async def answer_questions(self, answer: str) -> None:
        """Answer what the planner asked; the task goes on. Raises HybridcodeError: it asks nothing now."""
        ...


def live_pieces(conversation: Conversation) -> list[Piece]:
    """Take what the live queue holds right now."""
    pieces: list[Piece] = []
    while True:
        try:
            pieces.append(conversation.live.get_nowait())
        except Empty:
            return pieces
