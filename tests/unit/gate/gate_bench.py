"""A workspace with a journal and a gate, for tests of the gate."""

from dataclasses import dataclass, field
from pathlib import Path

from hybridcode.config.settings import ApprovalSettings, AuditSettings, Mode, Settings
from hybridcode.domain.action import FileChange, Receipt
from hybridcode.domain.events import Event
from hybridcode.domain.ports import Approver
from hybridcode.gate.approvers import Answer, Scripted
from hybridcode.gate.effects import Effects
from hybridcode.gate.gate import Gate
from hybridcode.gate.policy import Policy
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.store import Journal, SessionJournal


@dataclass
class Noted:
    """A watcher that keeps what it was shown."""

    outputs: list[str] = field(default_factory=list[str])

    def text(self, *, step: str | None, call_id: str, text: str, reasoning: bool) -> None:
        """Not used by the gate."""

    def output(self, *, proposal: str, text: str) -> None:
        """A running command printed this piece."""
        self.outputs.append(text)

    def progress(self, *, what: str, fraction: float | None) -> None:
        """Not used by the gate."""


@dataclass
class Bench:
    """Everything a test of the gate needs, on real files."""

    root: Path
    journal: Journal
    session: SessionJournal
    gate: Gate
    watcher: Noted

    @property
    def events(self) -> list[Event]:
        """What the session recorded."""
        return [envelope.event for envelope in self.session.envelopes()]

    @property
    def names(self) -> list[str]:
        """The kinds of events the session recorded."""
        return [type(event).__name__ for event in self.events]

    def write(self, path: str, text: str) -> None:
        """Put a file into the workspace behind the gate's back."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def read(self, path: str) -> str | None:
        """A file's text, None if it is not there."""
        target = self.root / path
        return target.read_text() if target.exists() else None

    def change(self, path: str, after: str | None, *, mode: int = 0o644) -> FileChange:
        """A change of a file from what it is now."""
        before = self.read(path)
        return FileChange(
            path, before.encode() if before is not None else None, after.encode() if after is not None else None, mode
        )

    async def submit(self, *changes: FileChange, step: str = "s1") -> Receipt:
        """Hand changes to the gate."""
        return await self.gate.submit_changes(changes, step=step)


def settings_with(
    *, mode: Mode = "default", allow: tuple[str, ...] = (), ask: tuple[str, ...] = (), deny: tuple[str, ...] = ()
) -> Settings:
    """Settings with these rules."""
    return Settings(approval=ApprovalSettings(mode=mode, allow=allow, ask=ask, deny=deny), audit=AuditSettings())


def open_bench(
    folder: Path,
    *answers: Answer,
    approver: Approver | None = None,
    settings: Settings | None = None,
    is_sandboxed: bool = False,
) -> Bench:
    """A bench in `folder`; may be opened again on the same folder, as another process would."""
    root = folder / "ws"
    root.mkdir(exist_ok=True)
    journal = Journal.open(folder / "state" / "journal.db")
    session = journal.session("s")
    watcher = Noted()
    gate = Gate(
        root,
        session,
        approvals=Approvals(journal),
        policy=Policy.load(settings or Settings(), root),
        approver=approver or Scripted(answers),
        effects=Effects(root, session, watcher, sandboxing="auto" if is_sandboxed else "off"),
    )
    return Bench(root, journal, session, gate, watcher)
