"""Reads Markdown: headings (ATX and setext) outside code and comments, and front matter.

Invariant: a section ends before the next heading of the same or a higher level. (The tree-sitter grammar needs
several times as long for its tree alone.)
"""

import re

from hybridcode.repo.structured.blocks import Block, Style, text_of

STYLE = Style(separator=" / ", long=0)

_MARK = re.compile(
    rb"^ {0,3}(?:(?P<atx>#{1,6})(?=[ \t\r\n]|\Z)(?P<title>[^\n]*+)|(?P<fence>`{3,}(?=[^`\n]*+$)|~{3,})"
    rb"|(?P<under>=++|-++)[ \t\r]*+$"
    rb"|(?P<comment><!--)|<(?P<raw>pre|script|style|textarea)(?=[\s>]))",
    re.MULTILINE | re.IGNORECASE,
)
_FRONT = re.compile(rb"(---|\+\+\+)[ \t\r]*\n(?=\S)(?:[^\n]*\n)*?(?:\1|\.\.\.)[ \t\r]*(?:\n|\Z)")
_PARAGRAPH_START = re.compile(rb" {0,3}(?![-+*][ \t]|\d{1,9}[.)][ \t]|[>|<#]|`{3}|~{3}|\[[^\]\n]*\]:)[^\s]")
_CLOSING_MARKS = re.compile(rb"(?:^|[ \t]+)#+[ \t\r]*$")
_END_OF_COMMENT = re.compile(rb"-->")
_END_OF_RAW = re.compile(rb"</(?:pre|script|style|textarea)>", re.IGNORECASE)
_LONGEST_HEADING = 5
"""Lines of text above a setext underline."""


def blocks(data: bytes) -> list[Block]:
    """Front matter, then headings with what stands below them; each as deep as its path of headings."""
    found: list[Block] = []
    at = 0
    if front := _FRONT.match(data):
        at = front.end()
        found.append(Block("front matter", "key", 0, depth=0, end=at))
    path: list[tuple[int, Block]] = []
    for start, level, title in _headings(data, at):
        while path and path[-1][0] >= level:
            path.pop()[1].end = start
        block = Block(title or "(untitled)", "heading", start, depth=len(path))
        path.append((level, block))
        found.append(block)
    for _, block in path:
        block.end = len(data)
    return found


def _headings(data: bytes, at: int) -> list[tuple[int, int, str]]:
    """Start, level and text of each heading behind `at`."""
    headings: list[tuple[int, int, str]] = []
    behind = at
    while mark := _MARK.search(data, at):
        at = mark.end()
        if mark["atx"]:
            title = _CLOSING_MARKS.sub(b"", mark["title"])
            headings.append((mark.start(), len(mark["atx"]), text_of(title).strip()))
        elif fence := mark["fence"]:
            at = _end_of_fence(data, at, fence)
        elif mark["under"]:
            if (start := _paragraph_above(data, mark.start(), behind)) is not None:
                title = b" ".join(data[start : mark.start()].split())
                headings.append((start, 1 if mark["under"].startswith(b"=") else 2, text_of(title)))
        else:
            close = _END_OF_RAW if mark["raw"] else _END_OF_COMMENT
            end = close.search(data, at)
            at = end.end() if end else len(data)
        behind = at
    return headings


def _end_of_fence(data: bytes, at: int, fence: bytes) -> int:
    close = re.compile(rb"^[ \t]*+%b+[ \t\r]*+$" % re.escape(fence), re.MULTILINE)
    end = close.search(data, at)
    return end.end() if end else len(data)


def _paragraph_above(data: bytes, under: int, behind: int) -> int | None:
    """Where the paragraph right above an underline starts; None if no paragraph (or only a long one) is there."""
    start, line_end = None, under - 1
    for _ in range(_LONGEST_HEADING + 1):
        if line_end < behind:
            break
        line_start = data.rfind(b"\n", 0, line_end) + 1
        if line_start < behind or not data[line_start:line_end].strip():
            break
        start, line_end = line_start, line_start - 1
    else:
        return None
    return start if start is not None and _PARAGRAPH_START.match(data, start) else None
