"""The one escaping function for whatever comes from files, models, commands and paths.

Invariant: the text given back holds no character that a terminal could act on or that a reader could not see; it is a
pure function of its input.
"""

import re
import unicodedata
from typing import NamedTuple


class Escaped(NamedTuple):
    """What may be painted, and what the pane must point at."""

    text: str
    flags: tuple[str, ...]
    """`control:ESC`, `bidi:202E`, `invisible:200B`, `confusable:0441`, ...: in order of first appearance."""


_NAMES = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI "
    "DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
)
_CONTROL_NAMES = dict(enumerate(_NAMES.split())) | {0x7F: "DEL"}
_BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_LINE_ENDS = {0x85, 0x2028, 0x2029}
_BLANK_LETTERS = {0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
_ZWJ, _EMOJI_STYLE = 0x200D, 0xFE0F
_WORD = re.compile(r"[^\W\d_]+")
_MARKUP = re.compile(r"\[/?(?:@|[a-z]+[\w.]*=|/|bold|red|green|on |link)[^\]\n]*\]|\[/\]", re.IGNORECASE)


def escape(text: str, *, keep_newlines: bool = True) -> Escaped:
    """Draw every hidden, bidirectional and control character as a visible escape.

    TAB stays; LF stays unless `keep_newlines` is False (for one-line places such as titles and paths).
    """
    flags: dict[str, None] = {}
    drawn: list[str] = []
    for index, character in enumerate(text):
        flag = _flag_of(character)
        if flag is None or (character == "\n" and keep_newlines) or _belongs_to_emoji(text, index):
            drawn.append(character)
            continue
        if character != "\n":
            flags[flag] = None
        drawn.append(_visible(character))
    for flag in _confusables(text):
        flags[flag] = None
    return Escaped("".join(drawn), tuple(flags))


def visible(line: str) -> str:
    """One line of text as it may be painted; a line end in it becomes visible too."""
    return escape(line, keep_newlines=False).text


def is_plain(text: str) -> bool:
    """True when nothing in `text` has to be escaped (LF and TAB are plain)."""
    return all(
        _flag_of(character) is None or character == "\n" or _belongs_to_emoji(text, index)
        for index, character in enumerate(text)
    )


def command_flags(text: str) -> tuple[str, ...]:
    """What a command pane must point at beyond single characters."""
    flags: list[str] = [*escape(text).flags]
    if _MARKUP.search(text):
        flags.append("markup-literal")
    if any("─" <= character <= "▟" for character in text):
        flags.append("box-drawing")
    if text.count("\n") > 1:
        flags.append("multiline")
    if re.search(r"\S {20,}\S", text):
        flags.append("blank-run")
    return tuple(flags)


def diff_flags(diff: str) -> tuple[str, ...]:
    """What a diff pane must point at beyond single characters: changes that the eye cannot see."""
    flags: list[str] = [*escape(diff).flags]
    removed = [line[1:] for line in diff.split("\n") if line.startswith("-") and not line.startswith("---")]
    added = [line[1:] for line in diff.split("\n") if line.startswith("+") and not line.startswith("+++")]
    if removed != added and _seen(removed) == _seen(added):
        flags.append("invisible-only-change")
    if [line.endswith("\r") for line in removed] != [line.endswith("\r") for line in added] and "\r" in diff:
        flags.append("eol-change")
    if "\n\\ No newline at end of file" in diff:
        flags.append("final-newline-change")
    if re.search(r"^Binary files |^GIT binary patch", diff, re.MULTILINE):
        flags.append("binary")
    if any(re.search(r"!\[[^\]]*\]\(\s*https?://|<img\b[^>]*\bhttps?://", line) for line in added):
        flags.append("remote-url")
    return tuple(flags)


def _seen(lines: list[str]) -> list[str]:
    return ["".join(c for c in line if c in "\t" or _flag_of(c) is None).rstrip() for line in lines]


def _flag_of(character: str) -> str | None:
    code = ord(character)
    if 0x20 <= code < 0x7F or character == "\t":
        return None
    if code in _CONTROL_NAMES:
        return f"control:{_CONTROL_NAMES[code]}"
    if code in _LINE_ENDS or 0x80 <= code < 0xA0:
        return f"control:{code:04X}"
    if code in _BIDI:
        return f"bidi:{code:04X}"
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return "invisible:VS"
    category = unicodedata.category(character)
    if code in _BLANK_LETTERS or category in ("Cf", "Cn", "Co", "Cs") or (category == "Zs" and character != " "):
        return f"invisible:{code:04X}"
    return None


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _belongs_to_emoji(text: str, index: int) -> bool:
    """A joiner between two emoji, or the emoji style after one: the only invisible characters that stay."""
    code = ord(text[index])
    if code not in (_ZWJ, _EMOJI_STYLE) or index == 0 or not _is_emoji(text[index - 1]):
        return False
    return code == _EMOJI_STYLE or (index + 1 < len(text) and _is_emoji(text[index + 1]))


def _is_emoji(character: str) -> bool:
    code = ord(character)
    return code == _EMOJI_STYLE or (code >= 0x2190 and unicodedata.category(character) in ("So", "Sk"))


def _confusables(text: str) -> list[str]:
    """Full-width ASCII anywhere, and words that mix Latin letters with look-alikes of other scripts."""
    if text.isascii():
        return []
    flags = [f"confusable:{ord(c):04X}" for c in text if 0xFF01 <= ord(c) <= 0xFF5E]
    for word in _WORD.findall(text):
        strange = [c for c in word if unicodedata.name(c, "").startswith(("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"))]
        if strange and any(c.isascii() for c in word):
            flags += [f"confusable:{ord(c):04X}" for c in strange]
    return flags
