"""What models answer in place of a draft: tool calls, a refusal, prose, another language. Told apart, with a reason.

Invariant: a pure function of the answer and the place it was asked for; what is recognised here is refused whole, and
everything else is read by the patch room.
"""

import re
import textwrap
from collections.abc import Sequence
from typing import cast

import msgspec

from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Finish, Target
from hybridcode.patch.answer import Answer
from hybridcode.patch.read import keeps, read_answer
from hybridcode.patch.read_fence import Fence, fences
from hybridcode.patch.refusing import Refused
from hybridcode.repo.grammars import GRAMMARS, language_of
from hybridcode.repo.symbols import error_count

_IN_A_FENCE = "Answer with the new text in one fence, and nothing else."
_CALLS = re.compile(r"\s*(?:<\|?/?(?:tool_call|function_call|tool_use|invoke|function=)|\[TOOL_CALLS\]|<\uff5ctool)")
_NAMES = frozenset({"name", "tool", "tool_name", "function", "action"})
_INPUTS = frozenset({"arguments", "parameters", "args", "input", "tool_input", "action_input", "function"})
_LISTS = frozenset({"tool_calls", "function_calls"})
_DECLINES = re.compile(
    r"\W*(?:i[’']?m (?:sorry|unable|not able|afraid)|(?:i am|we are) (?:sorry|unable|not able|afraid)|sorry\b"
    r"|(?:i|we) (?:cannot|can[’']?t|can not|won[’']?t|will not|must decline)\b|as an ai\b|unfortunately,? i\b)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[A-Za-z’']+(?:[,;:]? [A-Za-z’']+){4,}")
_CODE = re.compile(r"[={}\[\]<>]|\w\(|;\s*\Z")
_QUOTED_CHARS = 120
_TAGS = {
    "py": "python",
    "python3": "python",
    "js": "javascript",
    "jsx": "javascript",
    "ts": "typescript",
    "rs": "rust",
    "golang": "go",
    "c++": "cpp",
    "cs": "c_sharp",
    "csharp": "c_sharp",
    "kt": "kotlin",
    "rb": "ruby",
}
_KIN = {"tsx": "javascript", "typescript": "javascript", "cpp": "c"}
"""Languages whose names models use for each other."""


def read_draft(text: str, *, finish: Finish, target: Target | None) -> Answer | Refusal:
    """What an answer wants changed, or why it is no draft."""
    if finish == "stop" and target is not None and (refusal := _no_draft(text, target)) is not None:
        return refusal
    return read_answer(text, finish=finish, target=target)


def _no_draft(text: str, target: Target) -> Refusal | None:
    lines = text.rpartition("</think>")[2].splitlines()
    try:
        found = fences(lines)
    except Refused:
        return None
    words = "\n".join(lines).strip()
    if words and keeps(lines, target):
        return None
    if _calls_tools(words, lines, found, target):
        return _formless("the answer calls tools, and there are none here", target)
    if found:
        return _foreign(lines, found, target)
    if _DECLINES.match(words):
        said = words.split("\n", 1)[0][:_QUOTED_CHARS]
        return Refusal(f"the model declined: {said}", path=target.path, advice=_IN_A_FENCE)
    if _is_prose(words, target):
        return _formless("the answer is prose, without the new text", target)
    return None


def _calls_tools(words: str, lines: Sequence[str], found: Sequence[Fence], target: Target) -> bool:
    if not found and _CALLS.match(words):
        return True
    if target.path.endswith((".json", ".jsonc", ".json5", ".ipynb")):
        return False
    inside = ["\n".join(lines[fence.opening + 1 : fence.closing]) for fence in found] if found else [words]
    return bool(inside) and all(_is_call(text) or bool(_CALLS.match(text)) for text in inside)


def _is_call(text: str) -> bool:
    """JSON of a tool call, of several, or of one on each line."""
    try:
        return _names_a_tool(msgspec.json.decode(text))
    except msgspec.DecodeError:
        pass
    try:
        rows = [msgspec.json.decode(line) for line in text.splitlines() if line.strip()]
    except msgspec.DecodeError:
        return False
    return bool(rows) and all(map(_names_a_tool, rows))


def _names_a_tool(value: object) -> bool:
    if isinstance(value, dict):
        keys = set(map(str, cast("dict[object, object]", value)))
        return bool(keys & _NAMES and keys & _INPUTS) or bool(keys & _LISTS)
    if isinstance(value, list):
        rows = cast("list[object]", value)
        return bool(rows) and all(map(_names_a_tool, rows))
    return False


def _foreign(lines: Sequence[str], found: Sequence[Fence], target: Target) -> Refusal | None:
    """The one fence says that it is in another language, and it is: it does not parse in that of the file."""
    wanted = language_of(target.path)
    written = _TAGS.get(found[0].tag, found[0].tag)
    if len(found) != 1 or wanted is None or written not in GRAMMARS or "bash" in (wanted, written):
        return None
    if _KIN.get(written, written) == _KIN.get(wanted, wanted):
        return None
    text = textwrap.dedent("\n".join(lines[found[0].opening + 1 : found[0].closing]))
    if not error_count(target.path, text.encode("utf-8", "replace")):
        return None
    return _formless(f"the answer is {written}, the file is {wanted}", target)


def _formless(reason: str, target: Target) -> Refusal:
    return Refusal(reason, path=target.path, advice=_IN_A_FENCE, is_formless=True)


def _is_prose(words: str, target: Target) -> bool:
    """Sentences where code was asked for. Text without a fence may still be the code itself."""
    rows = [line for line in words.splitlines() if line.strip()]
    if language_of(target.path) is None or not rows or target.format == "blocks":
        return False
    told = sum(bool(_WORDS.search(row)) and not _CODE.search(row) for row in rows)
    return 2 * told > len(rows) and bool(error_count(target.path, words.encode("utf-8", "replace")))
