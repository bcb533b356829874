"""Files that a task names with `@path`, for the planner's window: whole, or their definitions and their head.

Invariant: the same tree, task and room give the same bytes, never above the room; no mentioned file takes another's
share; what is left out is noted.
"""

from dataclasses import dataclass, field

from hybridcode.context.corpus import Corpus
from hybridcode.context.margins import Margin
from hybridcode.context.passages import Passage, Reader, Taken, head_passage, lines_passage
from hybridcode.context.render import file_heading, section
from hybridcode.domain.mentions import mentions
from hybridcode.domain.window import Excerpt

SHARE = 2
"""Mentioned files get one in so many bytes of what the guides leave."""
REASON = "mentioned"
_DEFINITIONS_SHARE = 3


@dataclass
class Mentioned:
    """What a window holds of the mentioned files."""

    text: str = ""
    excerpts: list[Excerpt] = field(default_factory=list[Excerpt])
    passages: list[Passage] = field(default_factory=list[Passage])
    notes: list[str] = field(default_factory=list[str])


def mentioned_files(corpus: Corpus, task: str, *, room: int, taken: Taken) -> Mentioned:
    """The files that `task` mentions, in its order, in at most `room` bytes; lines shown are added to `taken`."""
    found = Mentioned()
    files = corpus.snapshot.files
    paths = [mention.path for mention in mentions(task, files) if mention.path is not None and mention.is_file]
    reader = Reader(corpus.snapshot, Margin(corpus))
    left = room // SHARE
    for number, path in enumerate(paths):
        share = left // (len(paths) - number)
        before = len(found.text.encode())
        if taken.covers(path, 1, len(reader.lines(path)) if files[path].kind == "text" else 1):
            continue
        _add(found, corpus, reader, path, share=share, taken=taken)
        left -= len(found.text.encode()) - before
    return found


def _add(found: Mentioned, corpus: Corpus, reader: Reader, path: str, *, share: int, taken: Taken) -> None:
    entry = corpus.snapshot.files[path]
    if entry.kind != "text" or not entry.size:
        what = "empty" if entry.kind == "text" else entry.kind
        line = f"{file_heading(path)}({what}, {entry.size} bytes)\n\n"
        found.notes.append(f"{path} is {what} and cannot be shown")
        found.text += line if len(line.encode()) <= share else ""
        return
    total = len(reader.lines(path))
    whole = lines_passage(reader, path, 1, total, reason=REASON)
    if whole.heading_size + whole.size <= share:
        found.text += file_heading(path) + whole.text
        _show(found, whole, taken)
        return
    defined = defined_in(corpus, path, room=share // _DEFINITIONS_SHARE)
    room = share - len(defined.encode()) - whole.heading_size
    head = head_passage(reader, path, 1, total, reason=REASON, room=room)
    if head is None:
        found.notes.append(f"{path} is mentioned and too long for what a window of this size leaves for it")
        found.text += defined
        return
    found.notes.append(f"{path} is cut after line {head.excerpt.end} of {total}")
    found.text += defined + file_heading(path) + head.text
    _show(found, head, taken)


def _show(found: Mentioned, passage: Passage, taken: Taken) -> None:
    found.passages.append(passage)
    found.excerpts.append(passage.excerpt)
    taken.add(passage.excerpt.path, passage.excerpt.start, passage.excerpt.end)


def defined_in(corpus: Corpus, path: str, *, room: int, owner: str = "") -> str:
    """What a file defines, or its definition `owner` holds, with the lines where each begins, as far as it fits; says
    how many are left out."""
    if path not in corpus.number:
        return ""
    symbols = corpus.record(corpus.number[path]).symbols
    inside = [symbol for symbol in symbols if f"{symbol.name}.".startswith(f"{owner}.")] if owner else symbols
    lines = [f"{'  ' * symbol.name.count('.')}{symbol.start}: {symbol.signature}" for symbol in inside]
    kept = len(lines)
    while kept:
        more = [f"({len(lines) - kept} more)"] if kept < len(lines) else []
        text = section(f"{path} defines", "\n".join((*lines[:kept], *more)), path="")
        if (over := len(text.encode()) - room) <= 0:
            return text
        kept -= max(1, over * kept // max(len(text.encode()), 1))
    return ""
