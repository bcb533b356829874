"""A library and a past that play what they were given and record what they were asked.

Invariant: the time stands still, at noon of 2026-01-03 UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hybridcode.domain.errors import ConfigError, GateError
from hybridcode.domain.events import Event, Rewound, SessionForked, UndoMade
from hybridcode.gate.taking_back import Reach
from hybridcode.gate.undo import Foreseen
from hybridcode.journal.overview import SessionOverview

NOW = datetime(2026, 1, 3, 12, 0, tzinfo=UTC)


@dataclass
class ScriptedLibrary:
    found: list[SessionOverview] = field(default_factory=list[SessionOverview])
    events: dict[str, list[Event]] = field(default_factory=dict[str, list[Event]])
    exported: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    deleted: list[str] = field(default_factory=list[str])

    def now(self) -> datetime:
        return NOW

    async def sessions(self) -> list[SessionOverview]:
        return [one for one in self.found if one.row.id not in self.deleted]

    async def fork(self, session: str, task: str) -> SessionForked:
        title = next(one.row.title for one in self.found if one.row.id == session)
        return SessionForked(session, task, title, f"- {title}")

    async def export(self, session: str, path: str) -> str:
        if (session, path) in self.exported:
            raise ConfigError(f"{path} is there already; nothing was written.", "Choose another name.")
        self.exported.append((session, path))
        return f"/home/someone/src/shop/{path}"

    async def delete(self, session: str) -> None:
        self.deleted.append(session)


@dataclass
class ScriptedPast:
    foreseen: Foreseen = field(default_factory=lambda: Foreseen((), {}, ()))
    disk: dict[str, bytes] = field(default_factory=dict[str, bytes])
    refusal: str = ""
    asked: list[Reach] = field(default_factory=list[Reach])
    undone: list[Reach] = field(default_factory=list[Reach])
    rewound: list[tuple[str, bool, bool]] = field(default_factory=list[tuple[str, bool, bool]])
    play: Callable[[Event], None] = field(default=lambda event: None)

    async def foresee(self, reach: Reach) -> Foreseen:
        self.asked.append(reach)
        return self.foreseen

    async def take_back(self, reach: Reach) -> UndoMade:
        if self.refusal:
            raise GateError(self.refusal, "Look at it.")
        self.undone.append(reach)
        kept = self.foreseen.kept
        made = UndoMade(
            "20260101-000000-test",
            reach.step,
            self.foreseen.restored,
            tuple(sorted(kept)),
            dict(kept),
            since=reach.since,
            until=reach.until,
        )
        self.play(made)
        return made

    async def rewind(self, task: str, *, files: bool, conversation: bool) -> None:
        self.rewound.append((task, files, conversation))
        if files:
            await self.take_back(Reach())
        self.play(Rewound(task, files, conversation))

    def on_disk(self, path: str) -> bytes | None:
        return self.disk.get(path)
