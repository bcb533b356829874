"""Renames that look first: two names exchanged at once, and a rename that replaces nothing.

Invariant: each of them happens whole or not at all, and follows no link in the last component; where the kernel or the
file system has none, `NotOffered` is raised and nothing has happened.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache

_LINUX = ("renameat2", 2, 1)
_MACOS = ("renameatx_np", 2, 4)
"""Name of the call in libc, its flag to exchange and its flag to replace nothing."""
_NOT_OFFERED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})


class NotOffered(Exception):
    """This kernel or file system cannot do it."""


def exchange(folder: int, one: str, other: str) -> None:
    """Let two names of a folder change places.

    Raises:
        FileNotFoundError: one of them does not exist.
        NotOffered: see the module.
    """
    _, flag, _ = _names()
    _rename(folder, one, other, flag)


def move_to_new(folder: int, source: str, target: str) -> None:
    """Rename within a folder, where nothing may have the new name.

    Raises:
        FileExistsError: something has it.
        NotOffered: see the module.
    """
    _, _, flag = _names()
    _rename(folder, source, target, flag)


def _names() -> tuple[str, int, int]:
    return _MACOS if sys.platform == "darwin" else _LINUX


@cache
def _call() -> Callable[[int, bytes, int, bytes, int], int] | None:
    found = getattr(ctypes.CDLL(None, use_errno=True), _names()[0], None)
    if found is not None:
        found.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
        found.restype = ctypes.c_int
    return found


def _rename(folder: int, source: str, target: str, flag: int) -> None:
    call = _call()
    if call is None:
        raise NotOffered
    if call(folder, os.fsencode(source), folder, os.fsencode(target), flag) == 0:
        return
    number = ctypes.get_errno()
    if number in _NOT_OFFERED:
        raise NotOffered
    raise OSError(number, os.strerror(number), source, None, target)
