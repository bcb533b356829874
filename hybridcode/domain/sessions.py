"""How a session begins and goes on, as events.

Invariant: as in domain/events.py.
"""

from hybridcode.domain.asked import Fact


class SessionOpened(Fact, frozen=True):
    """First event of a session."""

    workspace: str
    version: str
    mode: str
    is_git: bool
    is_dirty: bool
    frontier: str | None
    local: str | None
    frontier_is_scripted: bool = False
    sandbox: str = "none"
    named: dict[str, str] = {}
    """Further models by the name of their [models.NAME]."""

    @property
    def further(self) -> str:
        """Those for people: `, NAME model` for each; empty without any."""
        return "".join(f", {name} {model}" for name, model in sorted(self.named.items()))


class SessionForked(Fact, frozen=True):
    """First after SessionOpened: it begins where another session stood; no approval or rule comes along."""

    origin: str
    """Id of the other session."""
    task: str
    """The last of its tasks that is known here."""
    title: str
    """Text of the other session's first task."""
    record: str
    """What later tasks are told of the other session's, so that it may be deleted."""


class SessionResumed(Fact, frozen=True):
    """After an interruption, before anything else is done again."""

    version: str
