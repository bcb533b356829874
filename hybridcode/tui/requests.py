"""The requests of a session: what each model was shown and what left the machine; a fold of its envelopes.

Invariant: every try that was sent is listed once, in order; a window belongs to the drafts of its step that follow it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

import msgspec

from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.events import Envelope, ModelAnswered, ModelAsked, TaskGiven, WindowAssembled
from hybridcode.domain.model import Message


@dataclass(frozen=True)
class Request:
    """One try of one call."""

    key: str
    at: str
    """When it was about to leave; UTC."""
    asked: ModelAsked
    task: str = ""
    """Text of the task it was made for."""
    window: WindowAssembled | None = None
    """What of the repository was chosen for it; only drafts have one."""
    answered: ModelAnswered | None = None
    """None while nothing came back, and for a try that another one followed."""

    @property
    def host(self) -> str:
        """Where it went."""
        return self.asked.host or ("another machine" if self.asked.is_remote else "this machine")


@dataclass
class Requests:
    """All requests in their order, so far."""

    found: dict[str, Request] = field(default_factory=dict[str, Request])
    """By key."""
    _latest: dict[str, str] = field(default_factory=dict[str, str])
    _windows: dict[str, WindowAssembled] = field(default_factory=dict[str, WindowAssembled])
    _task: str = ""

    def take(self, envelopes: Iterable[Envelope]) -> Self:
        """Take in later envelopes."""
        for envelope in envelopes:
            match envelope.event:
                case TaskGiven(task=given):
                    self._task = given.text
                    self._windows.clear()
                case WindowAssembled(step=step) as window:
                    self._windows[step] = window
                case ModelAsked() as asked:
                    key = f"{envelope.seq}"
                    shown = self._windows.get(asked.step or "") if asked.role == "draft" else None
                    self.found[key] = Request(key, envelope.at, asked, self._task, shown)
                    self._latest[asked.call_id] = key
                case ModelAnswered(call_id=call) as answered if call in self._latest:
                    key = self._latest[call]
                    self.found[key] = replace(self.found[key], answered=answered)
                case _:
                    pass
        return self


def requests_of(envelopes: Iterable[Envelope]) -> list[Request]:
    """All requests in their order."""
    return list(Requests().take(envelopes).found.values())


def messages_of(blob: bytes) -> tuple[Message, ...]:
    """The messages of a stored prompt. Raises: IntegrityError: the bytes are none."""
    try:
        return msgspec.json.decode(blob, type=tuple[Message, ...])
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"The stored prompt cannot be read: {error}", "Run `hybridcode audit verify`.") from error
