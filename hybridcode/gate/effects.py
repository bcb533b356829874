"""The one door: writes the user's files and starts the user's commands.

Invariant: only the gate calls this, after the approval of the same digest is on disk; what is written are the blobs the
approval names, checked against their digests once more.
"""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from hybridcode.domain.action import Applied, ChangeSet, Committed, Failed, GitCommit, Ran, ShellCommand, Stale, Unknown
from hybridcode.domain.errors import GateError, IntegrityError
from hybridcode.domain.ports import Watcher
from hybridcode.gate import commits, exact, files, sandbox, sandbox_masks, starting
from hybridcode.gate.scratch import Scratch, clear_leftovers
from hybridcode.journal.store import SessionJournal

TAIL_CHARACTERS = 4_000
"""How much of a command's output a receipt shows."""


class Effects:
    """Changes one workspace. `blobs` holds the approved bytes and takes the outputs."""

    def __init__(
        self,
        workspace: Path,
        blobs: SessionJournal,
        watcher: Watcher,
        *,
        sandboxing: Literal["auto", "off"] = "auto",
        scratching: Literal["auto", "off"] = "auto",
    ) -> None:
        self.workspace = workspace.resolve()
        self.blobs = blobs
        self.watcher = watcher
        self.clean: Callable[[str], str] = str
        """Takes secrets out of what a command printed, before it is written down or shown to a model."""
        self.sandbox = sandbox.probe() if sandboxing == "auto" else sandbox.NONE
        can_copy = scratching == "auto" and self.sandbox.kind in ("bwrap", "landlock")
        self._stops: dict[str, asyncio.Event] = {}
        """By the proposals of the commands that run."""
        self.scratch = Scratch(self.workspace, self.sandbox, watcher) if can_copy else None
        """Where checks run before anybody is asked; None where no sandbox hides the workspace from them."""

    def clear_leftovers(self) -> None:
        """Remove what killed sessions left: scratch copies, meanwhile, and folders that held names of the workspace."""
        sandbox_masks.clear_leftovers(self.workspace)
        if self.scratch is not None and self.scratch.base.exists():
            threading.Thread(target=clear_leftovers, args=(self.scratch.base,), daemon=True).start()

    def close(self) -> None:
        """Remove this session's scratch copy."""
        if self.scratch is not None:
            self.scratch.close()

    async def apply(self, change: ChangeSet, *, stop: threading.Event) -> Applied | Stale | Failed | Unknown:
        """Write all files of a change set, or none, in a thread: see `files.apply`.

        Must be awaited to its end, whatever happens; `stop` ends a wait for other processes early.
        """
        try:
            blobs = self._blobs_of(change)
        except IntegrityError as error:
            return Failed(f"{error.message} Nothing was written.")
        apply = exact.apply if exact.is_exact(change) else files.apply
        return await asyncio.to_thread(apply, self.workspace, change, load=blobs.__getitem__, is_stopped=stop.is_set)

    def recover(self, change: ChangeSet) -> Applied | Failed | Unknown:
        """Settle an apply that a crash cut off: see `files.recover` and `exact.recover`; blocks."""
        try:
            if exact.is_exact(change):
                return exact.recover(self.workspace, change, load=self._blobs_of(change).__getitem__)
            return files.recover(self.workspace, change, load=self.blobs.get_blob)
        except IntegrityError as error:
            return Unknown(f"it was cut off and could not be finished: {error.message}")

    def _blobs_of(self, change: ChangeSet) -> dict[str, bytes]:
        """All bytes that will be written, read in the journal's own thread."""
        digests = {edit.after_sha256 for edit in change.edits if edit.after_sha256 is not None}
        return {digest: self.blobs.get_blob(digest) for digest in digests}

    async def commit(self, commit: GitCommit) -> Committed | Failed:
        """Make a commit, or nothing, in a thread: see `commits.make`."""
        try:
            blobs = self._blobs_of_commit(commit)
        except IntegrityError as error:
            return Failed(f"{error.message} Nothing was committed.")
        return await asyncio.to_thread(commits.make, self.workspace, commit, load=blobs.__getitem__)

    def recover_commit(self, commit: GitCommit) -> Committed | Failed | Unknown:
        """Settle a commit that a crash cut off: see `commits.recover`; blocks."""
        try:
            return commits.recover(self.workspace, commit, load=self._blobs_of_commit(commit).__getitem__)
        except IntegrityError as error:
            return Unknown(f"it was cut off and could not be looked at: {error.message}")

    def _blobs_of_commit(self, commit: GitCommit) -> dict[str, bytes]:
        return {name: self.blobs.get_blob(name) for file in commit.files if (name := file.sha256) is not None}

    def survey(self, change: ChangeSet) -> dict[str, files.State]:
        """What each file of a change set is now: its result, its base, or something else; may run in a thread."""
        return (exact.survey if exact.is_exact(change) else files.survey)(self.workspace, change)

    def read(self, path: str) -> tuple[bytes, int] | None:
        """Bytes and permission bits of an ordinary file of the workspace, None if there is none."""
        return read_ordinary(self.workspace, path)

    def stop(self, proposal: str) -> bool:
        """End a running command with all its processes; what it printed is kept. False if it does not run."""
        if (stop := self._stops.get(proposal)) is None:
            return False
        stop.set()
        return True

    async def run(self, command: ShellCommand, *, proposal: str = "", is_reader: bool = False) -> Ran | Failed:
        """Run a command to its end; its output goes to the watcher piece by piece.

        `is_reader`: policy found that it only reads, so it runs where it can write nothing.
        """
        copy = self.scratch if command.tree else None
        if command.tree and (copy is None or copy.tree != command.tree):
            return Failed("the scratch copy that it was to run on is gone")
        stop = self._stops[proposal] = asyncio.Event()
        try:
            ended = await starting.run(
                command,
                workspace=self.workspace,
                box=self.sandbox,
                is_reader=is_reader and copy is None,
                copy=copy,
                hidden=(self.blobs.journal.path.parent,),
                stop=stop,
                show=lambda text: self.watcher.output(proposal=proposal, text=text),
            )
        except GateError as error:
            return Failed(f"{error.message} {error.hint}".strip())
        except OSError as error:
            return Failed(f"`{command.text}` could not be started: {error.strerror or error}")
        finally:
            self._stops.pop(proposal, None)
        text = ended.output.decode("utf-8", "replace")
        cleaned = self.clean(text)
        return Ran(
            exit_code=ended.exit_code,
            output_sha256=self.blobs.put_blob(ended.output if cleaned == text else cleaned.encode()),
            tail=cleaned[-TAIL_CHARACTERS:],
            seconds=round(ended.seconds, 3),
            sandbox=self.sandbox.kind,
            unenforced=self.sandbox.unenforced,
            timed_out=ended.timed_out,
            command=command.text,
        )


def read_ordinary(workspace: Path, path: str) -> tuple[bytes, int] | None:
    """Bytes and permission bits of an ordinary file of a workspace, None if there is none."""
    found = workspace / path
    if found.is_symlink() or not found.is_file():
        return None
    return found.read_bytes(), found.stat().st_mode & 0o777
