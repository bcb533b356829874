"""What a command leaves behind in the tree: a look before and one after it, so that undo can take the difference back.

Invariant: the bytes that an undo would need are in the journal or in git before the process starts, or the path is
named as one that cannot be put back; nothing that was there before is ever taken for something the command made.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hybridcode.domain.action import ShellCommand, TreeChange
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.errors import RepoError
from hybridcode.domain.events import CommandChanged, TreeKept
from hybridcode.gate.differing import Difference, Manifest, bytes_at, difference, read_manifest
from hybridcode.gate.overlaps import unrecorded
from hybridcode.gate.paths import folded
from hybridcode.gate.protected import is_protected
from hybridcode.journal.store import SessionJournal
from hybridcode.repo.entry import FileEntry
from hybridcode.repo.memory import Remembered
from hybridcode.repo.objects import git_kept, is_object, read_objects
from hybridcode.repo.snapshot import Snapshot, take

MAX_FILE_BYTES = 8_000_000
"""Larger files are not read, so what becomes of them cannot be put back."""
KEPT_BYTES = 64_000_000
"""Of contents that one command makes the journal keep; the smallest files come first."""
_NAMED = 4
"""Paths that one note names."""
_LISTED = 100
"""Paths that an event names as not captured."""


class _Stamps:
    """Stamps of the tree, kept in memory between the looks of one session. Implements the StatMemory port."""

    def __init__(self) -> None:
        self._known: dict[str, Remembered] = {}

    def recall(self) -> Mapping[str, Remembered]:
        return self._known

    def remember(self, seen: Mapping[str, Remembered], forgotten: Collection[str]) -> None:
        self._known = {path: stamp for path, stamp in self._known.items() if path not in forgotten} | dict(seen)


@dataclass(frozen=True)
class _Seen:
    """A look at the tree, and what of it git could give back."""

    snapshot: Snapshot
    manifest: Manifest
    loose: Mapping[str, FileEntry]
    """Files whose bytes only the disk has, as far as is known."""


class Traces:
    """Keeps what an undo of commands needs, for one session in one workspace."""

    def __init__(self, workspace: Path, journal: SessionJournal) -> None:
        self._root = workspace
        self._journal = journal
        self._stamps = _Stamps()
        self._proven: dict[tuple[str, str], bool] = {}
        """Content and git object -> whether they are the same bytes."""
        self._begun: dict[str, tuple[str, int]] = {}
        """By proposals of commands that run: the manifest, which two may share, and the seq of the TreeKept."""

    async def limits(self, command: ShellCommand, *, sandbox: str) -> tuple[str, ...]:
        """What an undo of the command would not cover, in sentences for whoever is asked about it."""
        notes: list[str] = []
        try:
            seen = await asyncio.to_thread(self._look)
        except RepoError as error:
            return (f"undo cannot cover it: {error.message}",)
        manifest = self._placed(seen, self._known(seen))[0]
        if manifest.out_of_sight:
            notes.append(f"undo does not cover what is ignored or hidden: {_some(manifest.out_of_sight)}")
        if manifest.beyond:
            notes.append(f"undo does not cover {_some([f'{path} ({why})' for path, why in manifest.beyond.items()])}")
        if sandbox == "none":
            notes.append("undo covers this folder only; without a sandbox the command may change others")
        if command.network:
            notes.append("undo does not cover what it does over the network")
        return tuple(notes)

    async def begin(self, proposal: str) -> str:
        """Look at the tree and make what may be needed durable; returns the digest of what was seen.

        Raises:
            RepoError: the tree cannot be read, so nothing could be undone.
            JournalError: it could not be recorded.
        """
        seen = await asyncio.to_thread(self._look)
        manifest, wanted = self._placed(seen, self._known(seen))
        contents, moved = await asyncio.to_thread(self._read, seen.snapshot, wanted)
        if contents:
            self._journal.put_blobs(contents)
        if moved:
            manifest = replace_files(manifest, moved)
        digest = self._journal.put_blob(canonical_json(manifest))
        self._begun[proposal] = digest, self._journal.append(TreeKept(proposal, digest)).seq
        return digest

    async def end(self, proposal: str, manifest_sha256: str) -> CommandChanged:
        """Record what the command changed."""
        manifest = read_manifest(self._journal.get_blob(manifest_sha256))
        found = await asyncio.to_thread(self._difference, manifest)
        return self._record(proposal, manifest_sha256, found, is_certain=True)

    def end_now(self, proposal: str, manifest_sha256: str, *, is_certain: bool = True) -> CommandChanged:
        """`end`, at once: for a command that is being stopped, or was cut off."""
        found = self._difference(read_manifest(self._journal.get_blob(manifest_sha256)))
        return self._record(proposal, manifest_sha256, found, is_certain=is_certain)

    def cut_off(self, proposal: str) -> CommandChanged | None:
        """What is different since a command began that a crash cut off; None if it had not begun."""
        for envelope in self._journal.envelopes():
            match envelope.event:
                case TreeKept(proposal=name, manifest_sha256=digest):
                    self._begun[name] = digest, envelope.seq
                case CommandChanged(proposal=name) as told:
                    self._begun.pop(name, None)
                    if name == proposal:
                        return told
                case _:
                    pass
        begun = self._begun.get(proposal)
        return self.end_now(proposal, begun[0], is_certain=False) if begun else None

    def _look(self) -> _Seen:
        git = git_kept(self._root)
        snapshot = take(self._root, max_file_bytes=MAX_FILE_BYTES, memory=self._stamps)
        hidden = {skipped.path for skipped in snapshot.skipped if skipped.reason != "deleted"}
        manifest = Manifest.of(snapshot, out_of_sight=tuple(sorted({*git.out_of_sight, *hidden})))
        files = dict(manifest.files)
        loose: dict[str, FileEntry] = {}
        for path, was in manifest.files.items():
            entry = snapshot.files[path]
            object_id = git.objects.get(path, "")
            if object_id and self._is_proven(snapshot, entry, object_id):
                files[path] = replace(was, object_id=object_id)
            else:
                loose[path] = entry
        return _Seen(snapshot, replace(manifest, files=files), loose)

    def _is_proven(self, snapshot: Snapshot, entry: FileEntry, object_id: str) -> bool:
        key = (entry.sha256, object_id)
        if key not in self._proven:
            try:
                self._proven[key] = is_object(bytes_at(snapshot, entry), object_id)
            except RepoError:
                return False
        return self._proven[key]

    def _known(self, seen: _Seen) -> set[str]:
        """Digests of loose files whose bytes the journal has already."""
        digests = {entry.sha256 for entry in seen.loose.values()}
        return self._journal.keep_known(digests) if digests else digests

    def _placed(self, seen: _Seen, known: set[str]) -> tuple[Manifest, list[FileEntry]]:
        """The manifest with the fate of each loose file, and those whose bytes are still to be kept."""
        beyond = dict(seen.manifest.beyond)
        wanted: list[FileEntry] = []
        room = KEPT_BYTES
        for path, entry in sorted(seen.loose.items(), key=lambda item: (item[1].size, item[0])):
            if is_protected(folded(path)) == "credentials":
                beyond[path] = "holds credentials, which are not copied"
            elif entry.sha256 in known:
                continue
            elif entry.size > room:
                beyond[path] = f"{KEPT_BYTES // 1_000_000} MB of other files are kept already"
            else:
                room -= entry.size
                wanted.append(entry)
        return replace(seen.manifest, beyond=beyond), wanted

    def _read(self, snapshot: Snapshot, wanted: list[FileEntry]) -> tuple[list[bytes], dict[str, str]]:
        """Bytes to keep, and files that changed while they were read."""
        contents: list[bytes] = []
        moved: dict[str, str] = {}
        for entry in wanted:
            try:
                contents.append(bytes_at(snapshot, entry))
            except RepoError:
                moved[entry.path] = "was being written to"
        return contents, moved

    def _difference(self, manifest: Manifest) -> Difference:
        try:
            snapshot = take(self._root, max_file_bytes=MAX_FILE_BYTES, memory=self._stamps)
        except RepoError as error:
            return Difference((), {}, (f"everything ({error.message})",))
        found = difference(manifest, snapshot)
        lost = {change.path: manifest.files[change.path] for change in found.changes if _needs_git(change, manifest)}
        given = read_objects(self._root, [was.object_id for was in lost.values()])
        contents = {**found.contents, **{path: given.get(was.object_id, b"") for path, was in lost.items()}}
        return found.with_contents(contents, {path: was.sha256 for path, was in lost.items()})

    def _record(self, proposal: str, manifest_sha256: str, found: Difference, *, is_certain: bool) -> CommandChanged:
        if found.contents:
            self._journal.put_blobs(_within(found.contents.values(), KEPT_BYTES))
        listed = found.not_captured[:_LISTED]
        if (more := len(found.not_captured) - len(listed)) > 0:
            listed = (*listed, f"and {more} more")
        _, since = self._begun.pop(proposal, ("", 0))
        changes = unrecorded(found.changes, self._journal.envelopes(after=since)) if since else found.changes
        event = CommandChanged(proposal, changes, listed, is_certain)
        self._journal.append(event)
        if all(digest != manifest_sha256 for digest, _ in self._begun.values()):
            self._journal.drop_blob(manifest_sha256)
        return event


def told(changed: CommandChanged | None) -> str:
    """What a command changed, as the end of a sentence; empty if nothing is known to have changed."""
    if changed is None or not (changed.changes or changed.not_captured):
        return ""
    paths = [change.path for change in changed.changes]
    return f"; since it began these changed: {_some([*paths, *changed.not_captured])}"


def replace_files(manifest: Manifest, beyond: Mapping[str, str]) -> Manifest:
    """The manifest with more files that cannot be put back."""
    return replace(manifest, beyond={**manifest.beyond, **beyond})


def _needs_git(change: TreeChange, manifest: Manifest) -> bool:
    """Its former bytes are needed, and only git has them."""
    was, after = manifest.files.get(change.path), change.after
    if change.before is None or was is None or not was.object_id:
        return False
    return after is None or after.sha256 != change.before.sha256


def _some(names: Collection[str]) -> str:
    shown = list(names)[:_NAMED]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _within(contents: Collection[bytes], room: int) -> list[bytes]:
    """The smallest contents that fit together."""
    chosen: list[bytes] = []
    for data in sorted(contents, key=len):
        room -= len(data)
        if room < 0:
            break
        chosen.append(data)
    return chosen
