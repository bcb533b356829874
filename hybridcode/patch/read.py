"""Any answer of a model as a typed Answer: sniff the outermost structure, then read it.

Invariant: an answer that was or may have been cut off is refused before anything else.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Finish, Target
from hybridcode.patch.answer import Answer, Dialect, Edit, Edits, FileCreation, FileDeletion, RegionRewrite, WholeFile
from hybridcode.patch.paths import clean_name, looks_like_name, same_file
from hybridcode.patch.read_blocks import is_block_head, read_blocks
from hybridcode.patch.read_diff import first_diff_line, is_file_header, looks_like_diff, read_diff
from hybridcode.patch.read_envelope import is_envelope_line, read_envelope
from hybridcode.patch.read_fence import fences, is_fence, read_for_target, read_whole_files
from hybridcode.patch.read_json import read_json
from hybridcode.patch.refusing import CUT_OFF, Refused
from hybridcode.repo.grammars import language_of

_THINKING = ("<think>", "</think>")
Form = Literal["blocks", "diff", "envelope", "json", "whole"]
_MAX_ANSWER_CHARS = 4_000_000
_MAX_CHATTER = 600
_KEEP = re.compile(r"[`*]{0,3}KEEP\.?[`*]{0,3}")
_KEEP_AND_WHY = re.compile(r"[`*]{0,3}KEEP[`*]{0,3}(?:(?:[.:,;!]|\s*[-–—]+)[`*]{0,3}(?:\s.*)?|\s*\(.*)")
_STEP_IS_DONE = "If nothing needs to change, the step is done."
_ENDS = re.compile(r"\r+\n")
_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_HEAD_LINES = 3
"""A structure inside a fence shows itself in the first lines."""


def read_answer(text: str, *, finish: Finish, target: Target | None, form: Form | None = None) -> Answer | Refusal:
    """What `text` wants changed; with a `target`, a plain fence is the new text of that place.

    `form` is what it is written in; None: see for yourself.
    """
    try:
        return _read(text, finish=finish, target=target, form=form)
    except Refused as refused:
        return refused.refusal(path=target.path if target else None)


def _read(text: str, *, finish: Finish, target: Target | None, form: Form | None) -> Answer:
    match finish:
        case "length":
            raise Refused("the answer was cut off at the output limit", advice=CUT_OFF)
        case "refused":
            raise Refused("the model declined to answer", advice="Ask another model or put the goal differently.")
        case "cancelled":
            raise Refused("the answer was cancelled", advice="Run the step again.")
        case "stop":
            pass
    if len(text) > _MAX_ANSWER_CHARS:
        raise Refused("the answer is longer than any edit", advice=CUT_OFF)
    if _HALVES.search(text):
        raise Refused("the answer holds half a character", advice=CUT_OFF)
    lines = _lines(_without_thinking(text))
    if not any(line.strip() for line in lines):
        raise Refused("the answer is empty", advice="Answer with the new text in one fence.")
    if target is not None and keeps(lines, target):
        raise Refused("the model keeps the lines as they are", advice=_STEP_IS_DONE, is_already=True)
    edits = _edits(lines, target) if form is None else _edits_in(form, lines, target)
    aimed = tuple(_aim(edit, target) for edit in edits) if target else edits
    return Answer(edits=aimed, target=target, chatter=_chatter(lines))


def keeps(lines: Sequence[str], target: Target) -> bool:
    """The answer is the one word that leaves a place as it is, or begins with it and says why without any edit; in a
    fence only where it could not be the text."""
    solid = [line.strip() for line in lines if line.strip()]
    is_code = language_of(target.path) is not None
    if _KEEP_AND_WHY.fullmatch(solid[0]) and (is_code or len(solid) == 1):
        return not any(is_fence(line) or _is_marker(lines, number) for number, line in enumerate(lines))
    if is_code and len(solid) == 3 and is_fence(solid[0]) and is_fence(solid[2]):
        solid = solid[1:2]
    return len(solid) == 1 and bool(_KEEP.fullmatch(solid[0]))


def _edits(lines: Sequence[str], target: Target | None) -> tuple[Edit, ...]:
    if target is not None and target.format != "blocks" and _starts_with_plain_fence(lines):
        return (read_for_target(lines, target),)
    match _outermost(lines):
        case "blocks":
            return read_blocks(lines)
        case "envelope":
            return read_envelope(lines)
        case "diff":
            return read_diff(lines)
        case _:
            pass
    if found := _json_edits(lines):
        return found
    return (read_for_target(lines, target),) if target is not None else read_whole_files(lines)


def _edits_in(form: Form, lines: Sequence[str], target: Target | None) -> tuple[Edit, ...]:
    match form:
        case "blocks" if any(is_block_head(line) for line in lines):
            return read_blocks(lines)
        case "envelope":
            return read_envelope(lines)
        case "diff" if looks_like_diff(lines):
            return read_diff(lines)
        case "json" if found := _json_edits(lines):
            return found
        case "whole":
            return (read_for_target(lines, target),) if target is not None else read_whole_files(lines)
        case _:
            raise Refused(f"there is nothing in the form {form} in the answer", advice="Leave --format out.")


def _outermost(lines: Sequence[str]) -> Dialect | None:
    """The structure that is not part of another one's text; None if there is at most a fence around a file."""
    block = next((number for number, line in enumerate(lines) if is_block_head(line)), None)
    envelope = next((number for number, line in enumerate(lines) if is_envelope_line(line)), None)
    diff = first_diff_line(lines) if looks_like_diff(lines) else None
    if diff is not None and _is_text_of_a_file(lines, diff):
        diff = None
    if block is not None and not _is_text_of_a_file(lines, block):
        begins_before = envelope is not None and envelope < block and not lines[envelope].startswith("*** U")
        if begins_before or (diff is not None and diff < block):
            return "envelope" if begins_before else "diff"
        return "blocks"
    if block is not None:
        return None
    if envelope is not None:
        return "envelope"
    return "diff" if diff is not None else None


def _is_text_of_a_file(lines: Sequence[str], number: int) -> bool:
    """Line `number` and everything like it stand in the one fence around a whole file, below its first lines."""
    if not _starts_with_plain_fence(lines):
        return False
    try:
        first = fences(lines)[0]
    except Refused:
        return False
    last = max((at for at, line in enumerate(lines) if is_block_head(line)), default=number)
    return first.opening < number <= last < first.closing


def _starts_with_plain_fence(lines: Sequence[str]) -> bool:
    """The first structure of the answer is a fence around code, not around blocks, a diff or JSON edits."""
    first_marker = next((number for number in range(len(lines)) if _is_marker(lines, number)), len(lines))
    try:
        found = fences(lines)
    except Refused:
        return first_marker == len(lines)
    if not found or first_marker < found[0].opening:
        return False
    fence = found[0]
    if fence.tag in ("diff", "patch", "udiff"):
        return False
    inside = [number for number in range(fence.opening + 1, fence.closing) if lines[number].strip()][:_HEAD_LINES]
    if any(_is_marker(lines, number) for number in inside):
        return False
    return not _json_edits(lines)


def _is_marker(lines: Sequence[str], number: int) -> bool:
    line = lines[number]
    if is_block_head(line) or is_envelope_line(line) or is_file_header(lines, number):
        return True
    return line.startswith(("@@ -", "diff --git "))


def _chatter(lines: Sequence[str]) -> str:
    """The prose above the first fence or marker, without a file name at its end; none if nothing marks the edit."""
    first = next((n for n in range(len(lines)) if is_fence(lines[n]) or _is_marker(lines, n)), 0)
    prose = [line for line in lines[:first] if line.strip()]
    if prose and looks_like_name(clean_name(prose[-1])):
        prose.pop()
    return "\n".join(prose)[:_MAX_CHATTER]


def _json_edits(lines: Sequence[str]) -> tuple[Edits, ...]:
    """JSON edits: the whole answer, or the one fence in it."""
    if found := read_json("\n".join(lines)):
        return found
    try:
        inner = fences(lines)
    except Refused:
        return ()
    return read_json("\n".join(lines[inner[0].opening + 1 : inner[0].closing])) if len(inner) == 1 else ()


def _lines(text: str) -> list[str]:
    """Lines of the answer; the end of the last line is not a line."""
    lines = _ENDS.sub("\n", text).split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _without_thinking(text: str) -> str:
    """The answer below a reasoning model's thoughts. Raises: Refused if they do not end."""
    opening, closing = _THINKING
    if not text.lstrip().startswith(opening):
        return text
    _, ended, rest = text.partition(closing)
    if not ended:
        raise Refused("the answer ends inside the model's thoughts", advice=CUT_OFF)
    return rest


def _aim(edit: Edit, target: Target) -> Edit:
    """Names that mean the target but for a prefix, and missing names, become the target's path."""
    match edit:
        case Edits() if not edit.names or any(same_file(name, target.path) for name in edit.names):
            return replace(edit, names=(target.path,))
        case WholeFile() if edit.path is None or same_file(edit.path, target.path):
            return replace(edit, path=target.path)
        case FileCreation() | FileDeletion() if same_file(edit.path, target.path):
            return replace(edit, path=target.path)
        case Edits() | WholeFile() | FileCreation() | FileDeletion() | RegionRewrite():
            return edit
