"""One file of a change set on its way: staged beside its place, put there, looked at, and taken back if need be.

Invariant: what stood in the place is only dropped after it was seen to be what the change was made for; bytes that
nobody accounts for are put back, or left where they are.
"""

import contextlib
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal

from hybridcode.domain.action import FileEdit
from hybridcode.gate.file_folders import CannotWrite, Folders, Parts, close
from hybridcode.gate.file_swap import NotOffered, exchange, move_to_new

Load = Callable[[str], bytes]
"""The bytes behind a digest."""
State = Literal["result", "base", "other"]
OUR_PREFIX = ".hybridcode-"
"""How the names of our own files beside the user's begin, while an apply is going on."""
_CHUNK = 1 << 20
LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""How a file is opened for reading that may be anything by now."""
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a file of our own is made."""
_KEPT_ATTRIBUTES = ("user.", "security.selinux", "system.posix_acl_access")


class MovedOn(Exception):
    """The file changed between the check and the write."""


@dataclass(frozen=True)
class Found:
    """An ordinary file as it was when it was looked at."""

    digest: str
    mode: int
    uid: int
    gid: int


def find(folder: int, name: str) -> Found | None:
    """What has this name; None if nothing has.

    Raises:
        CannotWrite: no ordinary file has it.
        OSError: it cannot be read, or is a link.
    """
    try:
        descriptor = os.open(name, LOOK, dir_fd=folder)
    except FileNotFoundError:
        return None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise CannotWrite(f"{name}: is no ordinary file")
        digest = hashlib.sha256()
        while chunk := os.read(descriptor, _CHUNK):
            digest.update(chunk)
        return Found(digest.hexdigest(), stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid)
    finally:
        close(descriptor)


_STRANGE = Found("", -1, -1, -1)
"""Something that is no ordinary file."""


def _find_any(folder: int, name: str) -> Found | None:
    try:
        return find(folder, name)
    except CannotWrite:
        return _STRANGE
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            return _STRANGE
        raise


@dataclass
class Job:
    """One file on its way. `staged` is ours until it is whole; `aside` is what changes places with the user's file."""

    edit: FileEdit
    parent: Parts
    name: str
    staged: str
    aside: str
    folder: int = -1
    """Descriptor of the folder; -1 while it does not exist."""
    found: Found | None = None
    is_done: bool = False
    keeps_former: bool = False
    """`aside` is the former file."""
    is_unclear: bool = False
    """`aside` holds bytes that nobody accounts for, or cannot be looked at, and stays."""

    def look(self) -> None:
        """Take note of what the file is now."""
        self.found = None
        if self.folder >= 0:
            with _named(self.edit.path, self.name):
                self.found = find(self.folder, self.name)

    @property
    def is_base(self) -> bool:
        """True when it was what the change was made for."""
        return self.edit.before_sha256 == (None if self.found is None else self.found.digest)

    @property
    def state(self) -> State:
        """What it was when it was looked at last."""
        if self.found is None or self.edit.after_sha256 is None:
            is_result = self.found is None and self.edit.after_sha256 is None
        else:
            is_result = (self.found.digest, self.found.mode) == (self.edit.after_sha256, self.edit.mode & 0o777)
        return "result" if is_result else "base" if self.is_base else "other"

    def stage(self, folders: Folders, load: Load) -> None:
        """Everything that can fail for want of space or permission, before any file is touched."""
        if self.found is not None and not self.found.mode & 0o222:
            raise CannotWrite(f"{self.edit.path}: is read-only; `chmod u+w` it first if it may change")
        if self.edit.after_sha256 is None:
            return
        if self.folder < 0:
            self.folder = folders.enter(self.parent, create=True)
        self._write(load(self.edit.after_sha256), self.edit.mode & 0o777)

    def _write(self, data: bytes, mode: int) -> None:
        descriptor = os.open(self.staged, CREATE, 0o600, dir_fd=self.folder)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
            self._keep_attributes(descriptor)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)

    def _keep_attributes(self, descriptor: int) -> None:
        """Owner, access lists and labels of the file it replaces, as far as we may set them."""
        if self.found is None:
            return
        if (self.found.uid, self.found.gid) != (os.geteuid(), os.getegid()):
            for owner in ((-1, self.found.gid), (self.found.uid, -1)):
                with contextlib.suppress(OSError):
                    os.fchown(descriptor, *owner)
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                former = os.open(self.name, LOOK, dir_fd=self.folder)
                try:
                    for attribute in os.listxattr(former):
                        if attribute.startswith(_KEPT_ATTRIBUTES):
                            os.setxattr(descriptor, attribute, os.getxattr(former, attribute))
                finally:
                    close(former)

    def commit(self) -> None:
        """The step that others see: one rename.

        Raises:
            MovedOn: the file was not any more what it had been; it is as it was found.
        """
        if self.found is None:
            if self.edit.after_sha256 is not None:
                self._create()
            return
        try:
            if self.edit.after_sha256 is None:
                os.rename(self.name, self.aside, src_dir_fd=self.folder, dst_dir_fd=self.folder)
            else:
                self._exchange()
        except FileNotFoundError as error:
            raise MovedOn(self.edit.path) from error
        if not self.is_done:
            self.is_done = self.keeps_former = True
            if not self._is_as_found(self.aside):
                self.take_back()
                raise MovedOn(self.edit.path)

    def _create(self) -> None:
        try:
            self._give_name(self.staged)
        except FileExistsError as error:
            raise MovedOn(self.edit.path) from error
        self.is_done = True

    def _give_name(self, source: str) -> None:
        """Let a file of ours have the user's name, which must be free.

        Raises:
            FileExistsError: it is not.
        """
        try:
            move_to_new(self.folder, source, self.name)
        except NotOffered:
            self._link_name(source)

    def _link_name(self, source: str) -> None:
        try:
            os.link(source, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError as error:  # a file system without links as well
            if not self._is(self.name, None):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self.name) from error
            os.rename(source, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)

    def _exchange(self) -> None:
        """Let the new file and the former one change places; where that cannot be, look once more and replace."""
        os.rename(self.staged, self.aside, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        try:
            exchange(self.folder, self.aside, self.name)
            return
        except NotOffered:
            os.rename(self.aside, self.staged, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        with contextlib.suppress(OSError):
            os.link(self.name, self.aside, src_dir_fd=self.folder, dst_dir_fd=self.folder, follow_symlinks=False)
            self.keeps_former = True
        if not self._is_as_found(self.aside if self.keeps_former else self.name):
            self.keeps_former = False
            raise MovedOn(self.edit.path)
        os.rename(self.staged, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        self.is_done = True

    def _is_as_found(self, name: str) -> bool:
        """True when this name has the very content and mode that were looked at."""
        return self._at(name) == self.found

    def _is(self, name: str, digest: str | None) -> bool:
        found = self._at(name)
        return found != _STRANGE and (None if found is None else found.digest) == digest

    def _at(self, name: str) -> Found | None:
        """What has this name; a disk that failed once is asked once more."""
        try:
            return _find_any(self.folder, name)
        except OSError:
            return _find_any(self.folder, name)

    def take_back(self, load: Load | None = None) -> bool:
        """Undo a commit; may be tried again. False: somebody has written there since, and that stays.

        Raises:
            OSError: it could not be put back.
        """
        if not self.is_done:
            return True
        if self.edit.before_sha256 is None:
            is_back = self._take_back_created()
        elif not self.keeps_former:
            is_back = load is not None and self._take_back_from(load(self.edit.before_sha256))
        elif self.edit.after_sha256 is None:
            is_back = self._return(self.aside)
        else:
            is_back = self._take_back_replaced()
        self.is_done = False
        return is_back

    def _take_back_created(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            os.rename(self.name, self.aside, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        if self._is(self.aside, self.edit.after_sha256) or self._is(self.aside, None):
            return True
        self._return(self.aside)
        return False

    def _take_back_replaced(self) -> bool:
        try:
            exchange(self.folder, self.aside, self.name)
        except FileNotFoundError:
            return False
        except NotOffered:
            if not self._is(self.name, self.edit.after_sha256):
                return False
            os.rename(self.aside, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
            return True
        if self._is(self.aside, self.edit.after_sha256):
            return True
        exchange(self.folder, self.aside, self.name)  # somebody's bytes are newer than both
        return False

    def _take_back_from(self, data: bytes) -> bool:
        """Where the former file itself is gone: its bytes."""
        if not self._is(self.name, self.edit.after_sha256):
            return False
        self._drop(self.staged)
        self._write(data, self.edit.mode & 0o777 if self.found is None else self.found.mode)
        if self.edit.after_sha256 is None:
            return self._return(self.staged)
        os.rename(self.staged, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        return True

    def _return(self, source: str) -> bool:
        """Give a file its name again. False: something else has it by now, and is newer."""
        try:
            self._give_name(source)
        except FileExistsError:
            return False
        return True

    def adopt(self) -> None:
        """Take up what a crash left behind, so that the file can be finished or taken back."""
        if self.folder >= 0:
            self._drop(self.staged)
            is_former = self._sort_out_aside()
            self.look()
            is_changed = is_former or self.edit.before_sha256 != self.edit.after_sha256
            self.is_done = is_changed and self.state == "result"
            self.keeps_former = self.is_done and is_former

    def _sort_out_aside(self) -> bool:
        """True when the former file stands aside; what stands there otherwise is dropped, put back, or left."""
        before, after = self.edit.before_sha256, self.edit.after_sha256
        if self._is(self.aside, None):
            return False
        if before is not None and self._is(self.aside, before):
            return True
        if after is not None and not self._is(self.aside, after) and self._is(self.name, after):
            with contextlib.suppress(NotOffered, OSError):
                exchange(self.folder, self.aside, self.name)  # the crash came between putting it there and looking
        is_ours = after is not None and self._is(self.aside, after)
        self.is_unclear = not is_ours and not self._return(self.aside)
        if is_ours:
            self._drop(self.aside)
        return False

    def clean(self) -> None:
        """Remove our own files beside the user's."""
        self._drop(self.staged)
        if not self.is_unclear:
            self._drop(self.aside)

    def _drop(self, name: str) -> None:
        for _ in range(2 if self.folder >= 0 else 0):  # a disk that failed once is asked once more
            try:
                os.unlink(name, dir_fd=self.folder)
            except FileNotFoundError:
                return
            except OSError:
                continue
            return


@contextlib.contextmanager
def _named(path: str, name: str) -> Generator[None]:
    """Say the whole path where only the last name is known."""
    try:
        yield
    except CannotWrite as error:
        raise CannotWrite(f"{path}{str(error).removeprefix(name)}") from error
