"""What the Linux kernel offers a process that wants to lock itself in: Landlock, and filters of system calls.

Invariant: rights only ever get fewer; whatever the kernel refuses is an OSError, never a silent gap.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable, Sequence

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CAPABILITY_VERSION = 0x2008_0522
_READ = 0b1100  # files, folders
_EXECUTE, _LIST = 0b1, 0b1000
_IOCTL = 1 << 15
_MAKE_DEVICES = 1 << 6 | 1 << 11
_OF_FILES = 1 | 1 << 1 | 1 << 2 | 1 << 14 | _IOCTL
"""Rights that make sense for something that is not a folder."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


def end_with_parent(number: int) -> None:
    """Get this signal when the process that started this one ends."""
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent has ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def give_up_capabilities() -> None:
    """Be root in name only; with what follows here, no program gives them back."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    header, none = struct.pack("=II", _CAPABILITY_VERSION, 0), bytes(24)
    if _LIBC.capset(ctypes.c_char_p(header), ctypes.c_char_p(none)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def landlock_version() -> int:
    """The version of Landlock in this kernel, 0 without any."""
    return max(0, _LIBC.syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint(1)))


def restrict_files(
    *, read: Sequence[str], listed: Sequence[str], write: Sequence[str], devices: Sequence[str], network: bool
) -> None:
    """Give up all access to files but this, TCP without `network`, and signals to others. Paths may be missing.

    Raises:
        OSError: the kernel refuses.
    """
    version = landlock_version()
    handled = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    tcp = 0b11 if version >= 4 and not network else 0
    scopes = 0b11 if version >= 6 else 0
    words = (handled, tcp, scopes)[: 1 + (version >= 4) + (version >= 6)]
    attributes = struct.pack(f"={len(words)}Q", *words)
    rules = _call(_CREATE_RULESET, ctypes.c_char_p(attributes), ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    everything = handled & ~_MAKE_DEVICES & ~_IOCTL
    _allow(rules, read, _READ | _EXECUTE)
    _allow(rules, listed, _LIST)
    _allow(rules, write, everything)
    _allow(rules, devices, handled & _OF_FILES & ~_EXECUTE)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _call(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint(0))
    os.close(rules)


def _allow(rules: int, paths: Iterable[str], rights: int) -> None:
    for path in paths:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            rights_here = rights if stat.S_ISDIR(os.fstat(place).st_mode) else rights & _OF_FILES
            if rights_here:
                rule = struct.pack("=Qi", rights_here, place)
                _call(_ADD_RULE, ctypes.c_int(rules), ctypes.c_int(1), ctypes.c_char_p(rule), ctypes.c_uint(0))
        finally:
            os.close(place)


def filter_calls(program: bytes) -> None:
    """Have every system call from now on looked at by a filter, in this process and all that it starts.

    Raises:
        OSError: the kernel refuses.
    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    _prctl(_PR_SET_SECCOMP, 2, ctypes.c_char_p(header))


def _prctl(option: int, value: int, more: "ctypes.c_char_p | None" = None) -> None:
    done = _LIBC.prctl(
        ctypes.c_int(option), ctypes.c_ulong(value), more or ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)
    )
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _call(number: int, *arguments: "ctypes.c_char_p | ctypes.c_size_t | ctypes.c_uint | ctypes.c_int") -> int:
    done = _LIBC.syscall(ctypes.c_long(number), *arguments)
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done
