"""The filter of system calls, as a program for the kernel (classic BPF), for two kinds of processors.

Invariant: a call of another processor's numbering is refused, so that every number means what the table says.
"""

import errno
import struct
from collections.abc import Iterator

_X86_64, _AARCH64 = "x86_64", "aarch64"
_ARCHITECTURES = {_X86_64: 0xC000003E, _AARCH64: 0xC00000B7}
_X32 = 0x4000_0000

# Numbers on x86_64 and on aarch64, -1 where there is none.
_REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "open_by_handle_at": (304, 265), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "acct": (163, 89), "iopl": (172, -1), "ioperm": (173, -1), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "sethostname": (170, 161), "setdomainname": (171, 162),
}  # fmt: skip
_UNKNOWN = {"io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
            "clone3": (435, 435)}  # fmt: skip
"""Refused as if the kernel did not have them, so that programs fall back to the older calls, which can be looked at."""
_SOCKET, _CLONE, _IOCTL = (41, 198), (56, 220), (16, 29)
_NEW_NAMESPACES = 0x7E02_0000
_TYPING_FOR_OTHERS = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_INTERNET = (2, 10, 16)  # IPv4, IPv6, and netlink, which name look-ups ask for the addresses of this machine
_ALLOW, _ERROR = 0x7FFF_0000, 0x0005_0000
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_AT, _SECOND_AT = 0, 4, 16, 24


def is_known(machine: str) -> bool:
    """There is a table for this kind of processor."""
    return machine in _ARCHITECTURES


def program(machine: str, *, network: bool) -> bytes:
    """The filter; no sockets but those of the internet, and these only with `network`.

    Raises:
        KeyError: no table for this kind of processor.
    """
    architecture = _ARCHITECTURES[machine]
    column = 0 if machine == _X86_64 else 1
    lines = [
        _line(_LOAD, _ARCHITECTURE_AT),
        _line(_JUMP_EQUAL, architecture, 1, 0),
        _line(_RETURN, _ERROR | errno.ENOSYS),
        _line(_LOAD, _NUMBER_AT),
        _line(_JUMP_AT_LEAST, _X32, 0, 1),
        _line(_RETURN, _ERROR | errno.ENOSYS),
    ]
    for refused, code in ((_REFUSED, errno.EPERM), (_UNKNOWN, errno.ENOSYS)):
        for numbers in refused.values():
            if numbers[column] >= 0:
                lines += [_line(_JUMP_EQUAL, numbers[column], 0, 1), _line(_RETURN, _ERROR | code)]
    lines += _looked_at(_SOCKET[column], list(_sockets(network=network)))
    lines += _looked_at(
        _CLONE[column],
        [
            _line(_LOAD, _FIRST_AT),
            _line(_JUMP_ANY_BIT, _NEW_NAMESPACES, 0, 1),
            _line(_RETURN, _ERROR | errno.EPERM),
            _line(_RETURN, _ALLOW),
        ],
    )
    lines += _looked_at(_IOCTL[column], list(_ioctls()))
    return b"".join((*lines, _line(_RETURN, _ALLOW)))


def _sockets(*, network: bool) -> Iterator[bytes]:
    yield _line(_LOAD, _FIRST_AT)
    for family in _INTERNET if network else ():
        yield _line(_JUMP_EQUAL, family, 0, 1)
        yield _line(_RETURN, _ALLOW)
    yield _line(_RETURN, _ERROR | errno.EPERM)


def _ioctls() -> Iterator[bytes]:
    yield _line(_LOAD, _SECOND_AT)
    for request in _TYPING_FOR_OTHERS:
        yield _line(_JUMP_EQUAL, request, 0, 1)
        yield _line(_RETURN, _ERROR | errno.EPERM)
    yield _line(_RETURN, _ALLOW)


def _looked_at(number: int, lines: list[bytes]) -> list[bytes]:
    """These lines for one call; the others pass by."""
    return [_line(_JUMP_EQUAL, number, 0, len(lines)), *lines]


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
