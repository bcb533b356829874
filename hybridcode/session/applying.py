"""An answer from anywhere onto the files of a folder, by a person's own command.

Invariant: everything that the answer wants or nothing; what is written goes through the gate, so that it is judged,
recorded and can be undone like any other change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from msgspec.structs import replace as replace_struct

from hybridcode.config.paths import state_dir
from hybridcode.config.rules import WrittenRule
from hybridcode.config.settings import Settings
from hybridcode.domain.action import Applied, ChangeSet, Denied, FileChange, FileEdit, Receipt, Stale
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import GateError
from hybridcode.domain.events import SessionOpened, TaskEnded, TaskGiven
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Task
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Target
from hybridcode.gate.policy import Policy
from hybridcode.journal.store import Journal, new_session_id
from hybridcode.patch.check import warnings
from hybridcode.patch.gitdiff import is_more_than_lines, paths_in, place_git_diff, read_git_diff
from hybridcode.patch.paths import find_path
from hybridcode.patch.place import settle
from hybridcode.patch.read import Form, read_answer
from hybridcode.repo.facts import git_facts
from hybridcode.repo.gitreader import GitReader
from hybridcode.repo.listing import list_files
from hybridcode.repo.look import read_ordinary, why
from hybridcode.session.gates import open_gate
from hybridcode.session.watchers import NullWatcher
from hybridcode.version import __version__

APPLY_STEP = "(apply)"
"""Step of a change that a person applied by hand."""
_MAX_FILE_BYTES = 16_000_000
_DIGEST_CHARS = 64

Format = Form | Literal["patch"]


@dataclass(frozen=True)
class Placed:
    """What an answer means for a folder; nothing is written yet."""

    changes: tuple[FileChange, ...]
    already: tuple[Refusal, ...] = ()
    """Edits that stand in their files."""
    refused: tuple[Refusal, ...] = ()
    """Why there are no changes."""
    warnings: tuple[str, ...] = ()


@dataclass
class _Files:
    """Files of a folder, read when an answer names them."""

    root: Path
    policy: Policy
    data: dict[str, bytes] = field(default_factory=dict[str, bytes])
    modes: dict[str, int] = field(default_factory=dict[str, int])
    unread: dict[str, str] = field(default_factory=dict[str, str])
    """Why a file that is there cannot be used."""
    denied: list[Refusal] = field(default_factory=list[Refusal])

    def take(self, path: str) -> None:
        """Read a file if it is there; one that the command is no approval for is not even opened."""
        if refusal := _denial(path, "0" * _DIGEST_CHARS, self.policy):
            self.denied.append(refusal)
            return
        try:
            if (self.root / path).lstat().st_size > _MAX_FILE_BYTES:
                self.unread[path] = f"larger than {_MAX_FILE_BYTES // 1_000_000} MB"
                return
            data, facts = read_ordinary(str(self.root / path))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return
        except OSError as error:
            self.unread[path] = why(error)
            return
        if b"\0" in data:
            self.unread[path] = "a binary file"
        else:
            self.data[path], self.modes[path] = data, facts.st_mode & 0o777


def place_answer(root: Path, text: str, *, form: Format | None, path: str | None, policy: Policy) -> Placed:
    """Place an answer on the files below `root` that it names; `path` is the file of an edit without a name.

    Bytes of the answer that are not UTF-8 must stand as surrogate escapes.
    """
    files = _Files(root, policy)
    if form == "patch" or (form is None and text.startswith("diff --git ")):
        found = _on_git_diff(files, text)
        if form is None and found.refused and not is_more_than_lines(text):
            found = _on_answer(_Files(root, policy), text, form=None, path=path)
    else:
        found = _on_answer(files, text, form=form, path=path)
    if found.refused or not found.changes:
        return found
    denied = tuple(_denials(found.changes, policy))
    if denied:
        return replace(found, changes=(), refused=denied)
    return replace(found, warnings=warnings(found.changes))


def _on_git_diff(files: _Files, text: str) -> Placed:
    diff = read_git_diff(text)
    if isinstance(diff, Refusal):
        return Placed((), refused=(diff,))
    for name in paths_in(diff):
        files.take(name)
    if unread := _unread(files):
        return Placed((), refused=unread)
    changes: list[FileChange] = []
    already: list[Refusal] = []
    refused: list[Refusal] = []
    for file in diff:
        for one in place_git_diff([file], files.data, modes=files.modes):
            if isinstance(one, FileChange):
                changes.append(one)
            else:
                (already if one.is_already else refused).append(one)
    return Placed((), (), tuple(refused)) if refused else Placed(tuple(changes), tuple(already))


def _on_answer(files: _Files, text: str, *, form: Form | None, path: str | None) -> Placed:
    target = Target(path=path, format="blocks") if path is not None else None
    answer = read_answer(text, finish="stop", target=target, form=form)
    if isinstance(answer, Refusal):
        return Placed((), refused=(answer,))
    names = [*answer.paths, *([path] if path is not None else [])]
    listed = _listed(files.root) if any(not _is_file(files.root / name) for name in names) else ()
    for name in names:
        files.take(find_path([name], listed) or name.removeprefix("./"))
    if refused := _unread(files):
        return Placed((), refused=refused)
    changes, others = settle(answer, files.data, modes=files.modes)
    if changes or all(refusal.is_already for refusal in others):
        return Placed(changes, already=others)
    return Placed((), refused=others)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _listed(root: Path) -> tuple[str, ...]:
    return list_files(root, GitReader.find(root)).paths


def _unread(files: _Files) -> tuple[Refusal, ...]:
    unread = (Refusal(reason=f"the file cannot be changed: {why}", path=path) for path, why in files.unread.items())
    return (*files.denied, *unread)


def _denials(changes: Iterable[FileChange], policy: Policy) -> Iterable[Refusal]:
    """What the command is no approval for: files outside, our own, protected ones, and those that a rule denies."""
    for change in changes:
        digest = None if change.after is None else sha256_hex(change.after)
        if refusal := _denial(change.path, digest, policy, mode=change.mode):
            yield refusal


def _denial(path: str, after_sha256: str | None, policy: Policy, *, mode: int = 0o644) -> Refusal | None:
    ruling = policy.judge(ChangeSet((FileEdit(path, None, after_sha256, mode),)))
    if ruling.verdict != "deny" and not ruling.person_only:
        return None
    advice = "Change it by hand." if ruling.person_only else f"Rule {ruling.rule} says so."
    return Refusal(reason=ruling.reason, path=path, advice=advice)


async def apply_changes(
    root: Path, placed: Placed, *, settings: Settings, rules: Sequence[WrittenRule]
) -> tuple[Receipt, str]:
    """Write the changes through the gate, in a session of their own: the receipt, and the session's id.

    Raises: JournalError if it cannot be recorded; then nothing is written.
    """
    journal = Journal.open(state_dir(root, settings.audit.state_dir) / "journal.db")
    try:
        log = journal.session(new_session_id())
        facts = git_facts(root)
        gate = open_gate(root, log, settings=settings, rules=rules, watcher=NullWatcher())
        log.append(
            SessionOpened(
                workspace=str(root),
                version=__version__,
                mode=settings.approval.mode,
                is_git=facts.is_git,
                is_dirty=facts.is_dirty,
                frontier=None,
                local=None,
                sandbox=gate.effects.sandbox.kind,
            )
        )
        change = gate.seal(placed.changes)
        paths = tuple(sorted({edit.path for edit in change.edits}))
        title = f"apply an answer to {', '.join(paths)}"
        log.append(TaskGiven(Task("task-1", title), tree_digest=""))
        receipt = await gate.perform(change, step=APPLY_STEP, title=title, by="person:apply")
        code = ExitCode.DONE if isinstance(receipt, Applied) else ExitCode.DENIED
        log.append(TaskEnded(int(code), code.reason, paths if isinstance(receipt, Applied) else ()))
        return receipt, log.id
    finally:
        journal.close()


def refusals_of(receipt: Receipt, changes: Mapping[str, FileChange]) -> tuple[Refusal, ...]:
    """Why nothing was written, by file.

    Raises: GateError for what the files themselves are not to blame for.
    """
    match receipt:
        case Applied():
            return ()
        case Stale(paths=paths):
            return tuple(Refusal(reason="the file changed meanwhile", path=path) for path in paths)
        case Denied(reason=reason, hint=hint):
            return tuple(Refusal(reason=reason, path=path, advice=hint) for path in changes)
        case _:
            error = GateError(f"Nothing was written: {getattr(receipt, 'reason', receipt)}.", "Put that right first.")
            error.exit_code = ExitCode.INTERNAL
            raise error


def without_escapes(refusal: Refusal) -> Refusal:
    """A refusal that can be printed as UTF-8."""
    near = refusal.near.encode("utf-8", "replace").decode()
    path = None if refusal.path is None else refusal.path.encode("utf-8", "backslashreplace").decode()
    reason = refusal.reason.encode("utf-8", "backslashreplace").decode()
    return replace_struct(refusal, near=near, path=path, reason=reason)
