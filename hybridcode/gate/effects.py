"""The one door: writes the user's files and starts the user's commands.

Invariant: only the gate calls this, after the approval of the same digest is on disk; what is written are the blobs the
approval names, checked against their digests once more.
"""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from hybridcode.domain.action import Applied, ChangeSet, Failed, Ran, ShellCommand, Stale
from hybridcode.domain.errors import GateError, IntegrityError
from hybridcode.domain.ports import Watcher
from hybridcode.gate import files, processes, sandbox
from hybridcode.journal.store import SessionJournal

TAIL_CHARACTERS = 4_000
"""How much of a command's output a receipt shows."""


class Effects:
    """Changes one workspace. `blobs` holds the approved bytes and takes the outputs."""

    def __init__(
        self, workspace: Path, blobs: SessionJournal, watcher: Watcher, *, sandboxing: Literal["auto", "off"] = "auto"
    ) -> None:
        self.workspace = workspace.resolve()
        self.blobs = blobs
        self.watcher = watcher
        self.clean: Callable[[str], str] = str
        """Takes secrets out of what a command printed, before it is written down or shown to a model."""
        self.sandbox = sandbox.probe() if sandboxing == "auto" else sandbox.NONE

    async def apply(self, change: ChangeSet, *, stop: threading.Event) -> Applied | Stale | Failed:
        """Write all files of a change set, or none, in a thread: see `files.apply`.

        Must be awaited to its end, whatever happens; `stop` ends a wait for other processes early.
        """
        try:
            blobs = self._blobs_of(change)
        except IntegrityError as error:
            return Failed(f"{error.message} Nothing was written.")
        return await asyncio.to_thread(
            files.apply, self.workspace, change, load=blobs.__getitem__, is_stopped=stop.is_set
        )

    def redo(self, change: ChangeSet) -> Applied | Stale | Failed:
        """Finish an apply that a crash cut off; blocks."""
        try:
            blobs = self._blobs_of(change)
        except IntegrityError as error:
            return Failed(f"{error.message} Nothing was written.")
        return files.apply(self.workspace, change, load=blobs.__getitem__, is_redo=True)

    def _blobs_of(self, change: ChangeSet) -> dict[str, bytes]:
        """All bytes that will be written, read in the journal's own thread."""
        digests = {edit.after_sha256 for edit in change.edits if edit.after_sha256 is not None}
        return {digest: self.blobs.get_blob(digest) for digest in digests}

    def survey(self, change: ChangeSet) -> dict[str, files.State]:
        """What each file of a change set is now: its result, its base, or something else; may run in a thread."""
        return files.survey(self.workspace, change)

    def read(self, path: str) -> tuple[bytes, int] | None:
        """Bytes and permission bits of an ordinary file of the workspace, None if there is none."""
        found = self.workspace / path
        if found.is_symlink() or not found.is_file():
            return None
        return found.read_bytes(), found.stat().st_mode & 0o777

    async def run(self, command: ShellCommand, *, proposal: str = "") -> Ran | Failed:
        """Run a command to its end; its output goes to the watcher piece by piece."""
        cwd = (self.workspace / command.cwd).resolve()
        if not cwd.is_relative_to(self.workspace) or not cwd.is_dir():
            return Failed(f"{command.cwd}: there is no such folder in the workspace")
        env = processes.environment(command.env_names, workspace=self.workspace, keep_path=command.purpose == "check")
        try:
            argv = _argv(command, path=env["PATH"], cwd=cwd)
        except GateError as error:
            return Failed(f"{error.message} {error.hint}")
        covered = self.sandbox.mount_points(self.workspace)
        try:
            ended = await processes.run(
                self.sandbox.wrap(argv, workspace=self.workspace, cwd=cwd, network=command.network),
                cwd=cwd,
                env=env,
                timeout_s=command.timeout_s,
                show=lambda text: self.watcher.output(proposal=proposal, text=text),
            )
        except OSError as error:
            return Failed(f"`{command.text}` could not be started: {error.strerror or error}")
        finally:
            _remove_empty(covered)
        text = ended.output.decode("utf-8", "replace")
        cleaned = self.clean(text)
        return Ran(
            exit_code=ended.exit_code,
            output_sha256=self.blobs.put_blob(ended.output if cleaned == text else cleaned.encode()),
            tail=cleaned[-TAIL_CHARACTERS:],
            seconds=round(ended.seconds, 3),
            sandbox=self.sandbox.kind,
            timed_out=ended.timed_out,
            command=command.text,
        )


def _argv(command: ShellCommand, *, path: str, cwd: Path) -> list[str]:
    name = command.argv[0] if command.argv else "bash"
    program = processes.find_program(name, path=path, cwd=cwd)
    if program is None:
        raise GateError(f"The program `{name}` was not found.", "Is it on the PATH, outside the workspace?")
    if command.argv:
        return [program, *command.argv[1:]]
    return [program, "--noprofile", "--norc", "-c", command.script]


def _remove_empty(folders: list[Path]) -> None:
    """Take away the mount points that the sandbox left behind."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            continue
