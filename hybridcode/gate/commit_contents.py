"""The bytes behind what a session wrote, for a commit: from the journal, else from the work tree.

Invariant: bytes count only under their digest; what a commit is to hold is a blob of the journal before anybody
is asked.
"""

import asyncio
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from hybridcode.domain.action import FileState
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import IntegrityError
from hybridcode.gate.own_writes import Write, own_states
from hybridcode.journal.store import SessionJournal

Writes = Mapping[str, Sequence[Write]]


async def contents_of(journal: SessionJournal, root: Path, writes: Writes) -> dict[str, bytes]:
    """The bytes of these paths' states by digest, as far as anybody still has them."""
    known = _stored(journal, writes)
    found = await asyncio.to_thread(_left_behind, root, writes, known)
    for data in found.values():
        journal.put_blob(data)
    return known | found


def _stored(journal: SessionJournal, writes: Writes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for each in writes.values():
        for state in own_states(each):
            if state is None or state.sha256 in found:
                continue
            try:
                found[state.sha256] = journal.get_blob(state.sha256)
            except IntegrityError:
                continue  # bytes that a command left are no blobs, unless something changed them since
    return found


def _left_behind(root: Path, writes: Writes, known: Mapping[str, bytes]) -> dict[str, bytes]:
    """What commands left and only the work tree has, if it still has it."""
    found: dict[str, bytes] = {}
    for path, each in writes.items():
        now = each[-1].after
        if now is not None and now.sha256 not in known and (data := _on_disk(root / path, now)) is not None:
            found[now.sha256] = data
    return found


def _on_disk(place: Path, state: FileState) -> bytes | None:
    """The bytes of a state, if the path still holds it."""
    try:
        data = os.fsencode(place.readlink()) if stat.S_ISLNK(state.mode) else place.read_bytes()
    except OSError:
        return None
    return data if sha256_hex(data) == state.sha256 else None
