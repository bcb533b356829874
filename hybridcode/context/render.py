"""How excerpts look in a window.

Invariant: the same lines always give the same text; a fence is longer than any run of backticks inside it.
"""

import re
from collections.abc import Sequence

from hybridcode.domain.window import Target
from hybridcode.repo.grammars import language_of
from hybridcode.repo.lines import split_lines

_TICKS = re.compile(r"`{3,}")
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LICENCE = re.compile(r"copyright|licen[sc]e|SPDX-|all rights reserved", re.IGNORECASE)
_COMMENT_LINE = re.compile(r"\s*(?:#|//|/\*|\*|--|;|%|<!--|\(\*)")
BYTES_PER_TOKEN = 4


def tokens(text: str) -> int:
    """Size of a text in tokens of four bytes, rounded up."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def lines_text(data: bytes, start: int | None, end: int | None) -> str:
    """Lines start..end (1-based, inclusive; None = all) as text with LF; bytes that are not UTF-8 are replaced."""
    lines = split_lines(data)
    chosen = lines if start is None or end is None else lines[start - 1 : end]
    return b"".join(chosen).decode("utf-8", "replace").replace("\r\n", "\n")


def licence_lines(lines: Sequence[str]) -> int:
    """How many first lines are a comment that tells the file's licence, with the blank lines below it."""
    count, is_in_block = 0, False
    for line in lines:
        if not (is_in_block or _COMMENT_LINE.match(line)):
            break
        is_in_block = ("/*" in line or is_in_block) and "*/" not in line
        count += 1
    if not any(_LICENCE.search(line) for line in lines[:count]):
        return 0
    while count < len(lines) and not lines[count].strip():
        count += 1
    return count


def file_heading(path: str) -> str:
    """Stands above the excerpts of a file."""
    return f"## {path}\n"


def excerpt_body(path: str, text: str, start: int, end: int, *, within: str = "") -> str:
    """Lines of a file below its heading, with the signature of the class they stand in."""
    place = f"line {start}" if start == end else f"lines {start}-{end}"
    return f"{place}{f', in `{within}`' if within else ''}:\n{fenced(text, path=path)}\n"


def numbered(text: str, start: int) -> str:
    """A text with `7: ` before each of its lines, which begin with number `start`."""
    lines = text.removesuffix("\n").split("\n")
    shown = "\n".join(f"{number}: {line}" if line else f"{number}:" for number, line in enumerate(lines, start))
    return shown + "\n" if text.endswith("\n") else shown


def section(heading: str, text: str, *, path: str) -> str:
    """A heading and a fenced text, with a blank line below."""
    return f"## {heading}\n{fenced(text, path=path)}\n"


def fenced(text: str, *, path: str) -> str:
    """A text in a fence that nothing inside it can close."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    body = text if text.endswith("\n") or not text else text + "\n"
    return f"{fence}{language_of(path) or ''}\n{body}{fence}\n"


def place_of(path: str, start: int | None, end: int | None) -> str:
    """`shop/cart.py, lines 3-9`, `shop/cart.py, line 3` or `shop/cart.py`."""
    if start is None or end is None:
        return path
    return f"{path}, line {start}" if start == end else f"{path}, lines {start}-{end}"


def excerpt_section(path: str, data: bytes, start: int, end: int, *, is_numbered: bool = False) -> str:
    """Lines of a file, each behind its number where they are to have them."""
    text = lines_text(data, start, end)
    return section(place_of(path, start, end), numbered(text, start) if is_numbered else text, path=path)


def target_section(target: Target, data: bytes | None) -> str:
    """What is to be written, last in a window: the region's lines as they stand, or a new file's name."""
    if data is None:
        return f"## NEW FILE: {target.path}\n"
    place = place_of(target.path, target.start, target.end)
    text = lines_text(data, target.start, target.end)
    match target.format:
        case "region" if target.start is not None:
            heading = f"REWRITE THESE LINES: {place}"
        case "blocks":
            heading = f"EDIT: {place}"
        case _:
            heading = f"REWRITE THIS FILE: {place}"
    return section(heading, text, path=target.path).removesuffix("\n")


def shown_otherwise(path: str, data: bytes) -> Sequence[str]:
    """Notes on how a file's lines stand in a window where that is not byte for byte."""
    notes: list[str] = []
    if b"\r\n" in data:
        notes.append(f"{path} has CRLF line ends; they are shown as LF and kept")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        notes.append(f"{path} holds bytes that are not UTF-8; they are shown as U+FFFD")
    return notes


def hidden_characters(path: str, text: str) -> Sequence[str]:
    """One note if the text holds characters that a reader cannot see."""
    found = sorted({f"U+{ord(character):04X}" for character in _HIDDEN.findall(text)})
    return (f"{path} holds characters that cannot be seen: {', '.join(found)}",) if found else ()
