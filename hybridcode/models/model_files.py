"""Changes to the folder of downloaded models: parts that grow, files that are complete, files that go.

Invariant: nothing outside the folder is written or deleted, no link is followed out of it, and a name that ends in
`.gguf` appears only with all its bytes on disk.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import BinaryIO

import msgspec

from hybridcode.config.atomic import sync_folder, write_atomic
from hybridcode.domain.errors import ConfigError


class ModelBusy(ConfigError):
    """Another process changes the same model."""


HASH_BLOCK = 4 * 1024 * 1024
"""Bytes hashed between two reports."""

OnBytes = Callable[[int], None]


class PartRecord(msgspec.Struct, frozen=True):
    """What has to be the same for a part to be gone on with."""

    url: str
    etag: str = ""
    """The server's name for these bytes; empty if it has none."""
    total: int | None = None
    """Bytes of the whole file, if the server said."""
    announced: str = ""
    """SHA-256 that the server itself names; empty if none."""


class Part:
    """`NAME.gguf.part` and the record beside it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.target = folder / f"{name}.gguf"
        self.path = folder / f"{name}.gguf.part"
        self._record = folder / f"{name}.gguf.part.json"

    @property
    def size(self) -> int:
        """Bytes that are there."""
        try:
            return self.path.lstat().st_size
        except FileNotFoundError:
            return 0

    @property
    def record(self) -> PartRecord | None:
        """Where the bytes come from; None if that is not known."""
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=PartRecord)
        except (OSError, msgspec.DecodeError):
            return None

    def begin(self, record: PartRecord) -> None:
        """Note where the bytes will come from, before the first one is there."""
        write_atomic(self._record, msgspec.json.encode(record))

    def append(self, *, at: int) -> BinaryIO:
        """The part, cut to `at` bytes and open for what follows."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        file = os.fdopen(descriptor, "wb")
        file.truncate(at)
        file.seek(at)
        return file

    def sha256(self, on_bytes: OnBytes) -> str:
        """Digest of all bytes; `on_bytes` hears how many are done."""
        digest, done = hashlib.sha256(), 0
        with self.path.open("rb") as file:
            while block := file.read(HASH_BLOCK):
                digest.update(block)
                on_bytes(done := done + len(block))
        return digest.hexdigest()

    def complete(self) -> None:
        """Give the part its final name, durably."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.path.rename(self.target)
        sync_folder(self.folder)
        self._record.unlink(missing_ok=True)

    def discard(self) -> None:
        """Take the part away, and what is known of it."""
        self.path.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make the folder of models.

    Raises:
        ConfigError: when that cannot be.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {error.strerror}", "Make its parent writable for you.") from error


def delete(folder: Path, file: str) -> None:
    """Delete one entry of the folder; a link goes, what it points to stays.

    Raises:
        ConfigError: it is not an entry of the folder, or cannot be deleted.
    """
    if Path(file).name != file:
        raise ConfigError(f"{file} is not a file in {folder}.", "Nothing outside that folder is ever deleted.")
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.unlink(file, dir_fd=descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(f"{folder / file} cannot be deleted: {error.strerror}", "Check its permissions.") from error


@contextlib.contextmanager
def claimed(folder: Path, name: str, *, wait: bool = False) -> Generator[None]:
    """The right to change one model; a kernel's lock, so that it ends with its process.

    Raises:
        ModelBusy: another process has it, and it is not waited for.
        ConfigError: the lock cannot be made.
    """
    path = folder / f".{name}.lock"
    try:
        descriptor = _locked(path, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ModelBusy(
            f"Another process is working on the model {name}.", "Wait for it, or give this one another --name."
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be locked: {error.strerror}", "Make the folder writable for you.") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(path: Path, how: int) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            if _is_still_there(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its former owner has just removed it


def _is_still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
