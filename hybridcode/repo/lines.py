"""Lines of a file, counted the same way by every room.

Invariant: a line ends with LF and nothing else does; joining the lines gives back the bytes.
"""


def split_lines(data: bytes) -> tuple[bytes, ...]:
    """The lines of `data` with their ends; the last one may lack its LF; no bytes, no lines."""
    if b"\r" not in data:
        return tuple(data.splitlines(keepends=True))
    pieces = data.split(b"\n")
    ended = [piece + b"\n" for piece in pieces[:-1]]
    return (*ended, pieces[-1]) if pieces[-1] else tuple(ended)
