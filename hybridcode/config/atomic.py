"""The one way our own small files are written.

Invariant: after a crash at any point the file holds its old bytes or its new ones.
"""

import os
import tempfile
from pathlib import Path

from hybridcode.domain.errors import ConfigError


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write `data` to `path` (through a symbolic link: to its target), durably and all at once.

    Args:
        mode: permission bits of the file; missing folders get the matching ones.

    Raises:
        ConfigError: the folder cannot be made or the file cannot be written; the old bytes are still there.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(mode=mode | (mode & 0o444) >> 2, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", "Check permissions and free space.") from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_durably(path: Path) -> bool:
    """Remove a file of ours, and make that last. False: there was none.

    Raises:
        ConfigError: it cannot be removed.
    """
    try:
        path.unlink()
        sync_folder(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(f"{path} cannot be removed: {error.strerror}", "Correct its permissions.") from error
    return True
