"""A Conversation that plays envelopes from a list and records every answer.

Invariant: blobs are content-addressed, so a digest always leads to the bytes it was made from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

import msgspec
from scripted_archive import ScriptedArchive
from scripted_choices import scripted_choices
from scripted_fittings import ScriptedFittings
from scripted_records import ScriptedLibrary, ScriptedPast

from hybridcode.config.load import Loaded
from hybridcode.domain.action import ChangeSet, Decision, FileChange, FileEdit
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import ConfigError, HybridcodeError, IntegrityError
from hybridcode.domain.events import Envelope, Event, ModeChanged, SessionForked
from hybridcode.domain.plan import Plan
from hybridcode.session.modes import SWITCHABLE
from hybridcode.session.watchers import Piece
from hybridcode.tui.choices import Choices
from hybridcode.tui.conversation import Facts, Remember


@dataclass
class ScriptedConversation:
    facts: Facts
    events: list[Event] = field(default_factory=list[Event])
    is_running: bool = True
    blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    answers: list[tuple[str, Decision, Remember | None]] = field(
        default_factory=list[tuple[str, Decision, Remember | None]]
    )
    plans: list[Plan | None] = field(default_factory=list[Plan | None])
    told: list[str] = field(default_factory=list[str])
    started: list[str] = field(default_factory=list[str])
    archive: ScriptedArchive = field(default_factory=ScriptedArchive)
    fittings: ScriptedFittings = field(default_factory=ScriptedFittings)
    refusal: str = ""
    is_own_running: bool = False
    own: list[str] = field(default_factory=list[str])
    stops: int = 0
    notes: list[str] = field(default_factory=list[str])
    interrupts: int = 0
    resumes: int = 0
    live: "SimpleQueue[Piece]" = field(default_factory=lambda: SimpleQueue[Piece]())
    callbacks: list[Callable[[Envelope], None]] = field(default_factory=list[Callable[[Envelope], None]])
    library: ScriptedLibrary = field(default_factory=ScriptedLibrary)
    past: ScriptedPast = field(default_factory=ScriptedPast)
    opened: list[tuple[str | None, SessionForked | None]] = field(
        default_factory=list[tuple[str | None, SessionForked | None]]
    )
    name: str = "20260101-000000-test"
    folder: Path = Path("nowhere")
    taken: list[Loaded] = field(default_factory=list[Loaded])
    own_choices: Choices | None = None

    def __post_init__(self) -> None:
        self.past.play = self.fittings.play = self.play

    @property
    def choices(self) -> Choices:
        if self.own_choices is None:
            self.own_choices = scripted_choices(self.take, self.folder)
        return self.own_choices

    async def take(self, loaded: Loaded) -> bool:
        self.taken.append(loaded)
        ui = loaded.settings.ui
        self.facts = msgspec.structs.replace(
            self.facts,
            theme=ui.theme,
            is_ascii=ui.glyphs == "ascii",
            side_by_side=ui.side_by_side,
            bell=ui.bell,
            notify=ui.notify,
            title=ui.title,
        )
        return not self.events

    async def open_session(self, session: str | None, *, forked: SessionForked | None = None) -> None:
        if self.refusal:
            raise HybridcodeError(self.refusal)
        self.opened.append((session, forked))
        self.name, self.events = session or "20260102-000000-anew", []
        if session is not None:
            self.events = list(self.library.events.get(session, []))
        elif forked is not None:
            self.events = [forked]

    @property
    def envelopes(self) -> Sequence[Envelope]:
        return [self._envelope(number, event) for number, event in enumerate(self.events, 1)]

    def play(self, event: Event) -> None:
        self.events.append(event)
        for callback in tuple(self.callbacks):
            callback(self._envelope(len(self.events), event))

    def _envelope(self, number: int, event: Event) -> Envelope:
        return Envelope(self.name, number, "2026-01-01T00:00:00.000000Z", "0" * 64, "0" * 64, event)

    def subscribe(self, on_envelope: Callable[[Envelope], None]) -> Callable[[], None]:
        self.callbacks.append(on_envelope)
        return lambda: self.callbacks.remove(on_envelope)

    def store(self, data: bytes) -> str:
        digest = sha256_hex(data)
        self.blobs[digest] = data
        return digest

    def blob(self, sha256: str) -> bytes:
        if sha256 not in self.blobs:
            raise IntegrityError(f"The journal lacks the bytes {sha256[:12]}.", "Run `hybridcode audit verify`.")
        return self.blobs[sha256]

    def seal(self, changes: Sequence[FileChange]) -> ChangeSet:
        edits = [
            FileEdit(
                change.path,
                None if change.before is None else self.store(change.before),
                None if change.after is None else self.store(change.after),
                change.mode,
            )
            for change in sorted(changes, key=lambda change: change.path)
        ]
        return ChangeSet(tuple(edits))

    def unseal(self, changes: ChangeSet) -> dict[str, bytes | None]:
        return {
            edit.path: None if edit.after_sha256 is None else self.blobs[edit.after_sha256] for edit in changes.edits
        }

    async def start(self, text: str) -> None:
        if self.refusal:
            raise HybridcodeError(self.refusal)
        self.started.append(text)

    async def resume(self) -> None:
        self.resumes += 1

    async def paths(self) -> Sequence[str]:
        return ("README.md", "shop/cart.py", "shop/money.py", "tests/test_cart.py")

    async def interrupt(self) -> None:
        self.interrupts += 1

    async def run_own(self, line: str) -> None:
        if self.refusal:
            raise HybridcodeError(self.refusal)
        self.own.append(line)

    async def stop_own(self) -> None:
        self.stops += 1

    async def steer(self, text: str) -> None:
        if not self.is_running or self.refusal:
            raise HybridcodeError(self.refusal or "No task is running.", "Enter sends it as a task.")
        self.notes.append(text)

    async def answer(self, proposal_id: str, decision: Decision, *, remember: Remember | None = None) -> None:
        self.answers.append((proposal_id, decision, remember))

    async def switch_mode(self, name: str) -> None:
        if name not in SWITCHABLE:
            raise ConfigError(f"No switch to {name}.", "Only a start with --unsafe does.")
        self.facts = msgspec.structs.replace(self.facts, mode=name)
        self.play(ModeChanged(name, "person:tui"))

    async def answer_plan(self, plan: Plan | None) -> None:
        self.plans.append(plan)

    async def answer_questions(self, answer: str) -> None:
        if self.refusal:
            raise HybridcodeError(self.refusal)
        self.told.append(answer)
