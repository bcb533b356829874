"""Code between fences: rewritten regions and whole files.

Invariant: a fence that is opened and not closed refuses the answer; which of several fences is meant is left open
until the old text is known.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hybridcode.domain.window import Target
from hybridcode.patch.answer import Edit, RegionRewrite, Rewrite, WholeFile
from hybridcode.patch.paths import clean_name, looks_like_name
from hybridcode.patch.refusing import CUT_OFF, Refused
from hybridcode.repo.grammars import language_of

_FENCE = re.compile(r"\s{0,3}+(`{3,}+|~{3,}+)[ \t]*+([^`]*+)\Z")
_MOST_FENCES = 10_000
_COMMAND_TAGS = frozenset(
    {"bash", "sh", "shell", "zsh", "fish", "console", "terminal", "powershell", "shell-session", "cmd"}
)
_OUTPUT_TAGS = frozenset({"text", "txt", "output", "plaintext", "log", "stdout"})


@dataclass(frozen=True)
class Fence:
    """Lines of an answer between an opening and a closing fence, both given by index."""

    opening: int
    closing: int
    info: str

    @property
    def tag(self) -> str:
        """First word after the opening, lower case: usually the language."""
        return re.split(r"[\s:{]", self.info, maxsplit=1)[0].lower()


def is_fence(line: str) -> bool:
    """The line opens or closes a fence."""
    found = _FENCE.match(line)
    return bool(found) and len(found[2].split()) <= 2


def holds_fences(lines: Sequence[str]) -> bool:
    """A text that has fences itself, as Markdown does."""
    return any(line.lstrip().startswith(("```", "~~~")) for line in lines)


def fences(lines: Sequence[str]) -> tuple[Fence, ...]:
    """The outermost fences; one with a tag inside another counts as nested. Raises: Refused if one is not closed."""
    found: list[Fence] = []
    opened: list[str] = []
    opening, info = 0, ""
    for number, line in enumerate(lines):
        match = _FENCE.match(line)
        if match is None:
            continue
        if len(found) > _MOST_FENCES:
            raise Refused("there are too many fences", advice=CUT_OFF)
        sign, text = match[1], match[2].strip()
        if not opened:
            opened, opening, info = [sign], number, text
        elif text:
            if sign[0] == opened[-1][0] and _is_info(text):
                opened.append(sign)
        elif sign[0] == opened[-1][0] and len(sign) >= len(opened[-1]):
            opened.pop()
            if not opened:
                found.append(Fence(opening=opening, closing=number, info=info))
    if opened:
        raise Refused("a fence is opened and not closed", advice=CUT_OFF, is_formless=True)
    return tuple(found)


def _is_info(text: str) -> bool:
    """What may stand after an opening fence: a language, alone or with attributes; other words are prose."""
    return len(text.split()) == 1 or "=" in text or text.startswith("{")


def read_for_target(lines: Sequence[str], target: Target) -> Edit:
    """The text for the one place that was asked for. Raises: Refused."""
    try:
        found = fences(lines)
    except Refused as refused:
        return _aimed(_unpaired(lines, refused)[1], target)
    if not found:
        return _aimed(Rewrite(candidates=(tuple(lines),), is_fenced=False), target)
    meant = found
    if len(found) > 1:
        meant = tuple(fence for fence in found if not _is_aside(fence, target.path)) or found
    return _aimed(_rewrite(lines, found, meant), target)


def read_whole_files(lines: Sequence[str]) -> tuple[WholeFile, ...]:
    """Fences of whole files, each under its name; one alone may have none. Raises: Refused."""
    try:
        found = fences(lines)
    except Refused as refused:
        fence, text = _unpaired(lines, refused)
        return (WholeFile(path=_name_of(lines, fence), text=text),)
    if not found:
        raise Refused("there is no edit in the answer", advice="Answer with the new text in one fence.")
    named = [(fence, name) for fence in found if (name := _name_of(lines, fence)) is not None]
    if not named:
        meant = tuple(fence for fence in found if not _is_aside(fence, "")) or found
        return (WholeFile(path=None, text=_rewrite(lines, _from(found, meant[0]), meant)),)
    first, path = named[0]
    before = [fence for fence in found if fence.opening < first.opening and not _is_aside(fence, path)]
    if before:
        raise Refused("a fence stands before the first one with a name", advice="Write the path above each file.")
    same = tuple(fence for fence, name in named if name == path)
    more = tuple(
        WholeFile(path=name, text=_rewrite(lines, (fence,), (fence,))) for fence, name in named if name != path
    )
    return (WholeFile(path=path, text=_rewrite(lines, _from(found, first), same), more=more),)


def _unpaired(lines: Sequence[str], why: Refused) -> tuple[Fence, Rewrite]:
    """The text from the first opening fence to the last line that can close it, where the fences do not pair up.

    Raises: Refused, with what `fences` said, if nothing closes the first one.
    """
    opening, found = next((at, found) for at, line in enumerate(lines) if (found := _FENCE.match(line)))
    sign = found[1]
    closings = [
        number
        for number, line in enumerate(lines[opening + 1 :], opening + 1)
        if line.startswith(sign) and not line.strip(sign[0] + " ")
    ]
    if not closings:
        raise why
    fence = Fence(opening=opening, closing=closings[-1], info=found[2].strip())
    span = tuple(lines[opening + 1 : fence.closing])
    lengths = tuple(number - opening - 1 for number in closings)
    return fence, Rewrite(candidates=(span,), span=span, closings=lengths, pairs_up=False)


def _from(found: Sequence[Fence], first: Fence) -> tuple[Fence, ...]:
    return tuple(fence for fence in found if fence.opening >= first.opening)


def _aimed(text: Rewrite, target: Target) -> Edit:
    if target.start is None or target.end is None:
        return WholeFile(path=target.path, text=text)
    was_asked = target.format == "region"
    return RegionRewrite(path=target.path, start=target.start, end=target.end, text=text, was_asked=was_asked)


def _rewrite(lines: Sequence[str], found: Sequence[Fence], meant: Sequence[Fence]) -> Rewrite:
    candidates = tuple(tuple(lines[fence.opening + 1 : fence.closing]) for fence in meant)
    if len(found) == 1:
        return Rewrite(candidates=candidates)
    first = found[0].opening + 1
    return Rewrite(
        candidates=candidates,
        span=tuple(lines[first : found[-1].closing]),
        closings=tuple(fence.closing - first for fence in found),
    )


def _is_aside(fence: Fence, path: str) -> bool:
    """A command to run or an output, shown beside the code."""
    if fence.tag in _COMMAND_TAGS:
        return language_of(path) != "bash"
    return fence.tag in _OUTPUT_TAGS and language_of(path) is not None


def _name_of(lines: Sequence[str], fence: Fence) -> str | None:
    """The file name after the fence's tag or just above it."""
    words = [clean_name(word) for word in re.split(r"[\s:]", fence.info) if word]
    for word in words:
        if "=" not in word and looks_like_name(word):
            return word
    for number in range(fence.opening - 1, max(-1, fence.opening - 3), -1):
        if lines[number].strip():
            name = clean_name(lines[number])
            return name if looks_like_name(name) else None
    return None
