"""Reads Dockerfiles: stages, and long instructions where there is one stage or a long one.

Invariant: a line belongs to the instruction before it after a continuation mark, in a here-document, and as a
comment between continued lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hybridcode.repo.structured.blocks import Block, Style, text_of

STYLE = Style(comments=(b"#",))

_LINE = re.compile(rb"[^\n]*+\n|[^\n]++\Z")
_ESCAPE = re.compile(rb"(?:[ \t]*+#[^\n]*+\n)*?[ \t]*+#[ \t]*+escape[ \t]*+=[ \t]*+([\\`])", re.IGNORECASE)
_HEREDOC = re.compile(rb"<<-?([\"']?)([A-Za-z_][A-Za-z_0-9]*+)\1")
_STAGE = re.compile(r"from\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+as\s+(?P<name>\S+))?", re.IGNORECASE)
_FEWEST = 3
_WORDS = 6


@dataclass(slots=True)
class _Instruction:
    start: int
    end: int
    lines: int
    text: bytes
    """Its first line."""


def blocks(data: bytes) -> list[Block]:
    """Stages with the instructions of three lines and more in them; a single stage without a name is looked through."""
    instructions = list(_instructions(data))
    froms = [name for one in instructions if (name := _STAGE.match(text_of(one.text))) is not None]
    has_stages = len(froms) > 1 or any(name["name"] for name in froms)
    found: list[Block] = []
    stage: Block | None = None
    for one in instructions:
        text = text_of(one.text).strip()
        if has_stages and (name := _STAGE.match(text)) is not None:
            stage = Block(name["name"] or f"FROM {name['image']}", "stage", one.start, depth=0)
            found.append(stage)
        elif one.lines >= _FEWEST:
            words = " ".join(text.rstrip("\\` ").split()[:_WORDS])
            found.append(Block(words, "statement", one.start, depth=0 if stage is None else 1, end=one.end))
        if stage is not None:
            stage.end = one.end
    return found


def _instructions(data: bytes) -> Iterator[_Instruction]:
    escape = mark[1] if (mark := _ESCAPE.match(data)) else b"\\"
    now: _Instruction | None = None
    waiting: list[bytes] = []
    for line in _LINE.finditer(data):
        text = line[0].strip()
        if now is not None and waiting:
            if text == waiting[0]:
                waiting.pop(0)
            is_over = not waiting
        elif not text or text.startswith(b"#"):
            continue
        else:
            now = now or _Instruction(line.start(), line.end(), 0, text)
            waiting = [found[2] for found in _HEREDOC.finditer(text)] if _takes_heredoc(now.text) else []
            is_over = not waiting and not text.endswith(escape)
        now.end = line.end()
        now.lines = data.count(b"\n", now.start, now.end - 1) + 1 if is_over else 0
        if is_over:
            yield now
            now = None
    if now is not None:
        now.lines = data.count(b"\n", now.start, now.end - 1) + 1
        yield now


def _takes_heredoc(text: bytes) -> bool:
    return text[:4].upper() in (b"RUN ", b"ADD ", b"COPY")
