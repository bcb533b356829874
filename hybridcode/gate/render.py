"""The one escaping function for whatever comes from files, models, commands and paths.

Invariant: the text given back holds no character that a terminal could act on or that a reader could not see; it is a
pure function of its input, and escaping it again changes nothing.
"""

import re
import unicodedata
from typing import NamedTuple

from hybridcode.gate.lookalikes import lookalikes


class Escaped(NamedTuple):
    """What may be painted, and what the pane must point at."""

    text: str
    flags: tuple[str, ...]
    """`control:ESC`, `bidi:202E`, `invisible:200B`, `combining:0338`, `confusable:0441`, ...: as they appear."""


MAX_MARKS = 4
"""Combining marks that one letter may bear: more of them are drawn out, since they cover the lines around."""

_NAMES = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI "
    "DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
)
_CONTROL_NAMES = dict(enumerate(_NAMES.split())) | {0x7F: "DEL"}
_BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_LINE_ENDS = {0x85, 0x2028, 0x2029}
_BLANKS = {
    0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, 0xFFA0, 0xFFFC, 0x13441, 0x13442,
    0x16FE4, 0x1D159,
}  # fmt: skip
"""Letters, marks and signs that draw nothing."""
_ZWNJ, _ZWJ, _KEYCAP, _WIDE_BLANK = "\u200c", "\u200d", "\u20e3", "\u3000"
_STYLES = "\ufe0e\ufe0f"
_EMOJI_OUTSIDE = frozenset("©®‼⁉™ℹ〰〽㊗㊙")
_REGIONS = ("gbeng", "gbsct", "gbwls")
_REGION_FLAGS = re.compile(
    "|".join(f"\U0001f3f4{''.join(chr(0xE0000 + ord(letter)) for letter in name)}\U000e007f" for name in _REGIONS)
)
"""The three flags that are written with tag characters: England, Scotland, Wales."""
_PLAIN = re.compile(r"[\x20-\x7e\t\n]*")


def escape(text: str, *, keep_newlines: bool = True) -> Escaped:
    """Draw every hidden, bidirectional and control character as a visible escape.

    TAB stays; LF stays unless `keep_newlines` is False (for one-line places such as titles and paths). Joiners and
    marks that a script or an emoji needs stay too, but not in a text that hides something elsewhere.
    """
    if _PLAIN.fullmatch(text):
        return Escaped(text if keep_newlines else text.replace("\n", _visible("\n")), ())
    flags = dict.fromkeys(_flags(text))
    flags.update(dict.fromkeys(lookalikes(text)))
    needed = frozenset[int]() if flags else _needed(text)
    drawn = [
        character
        if _flag_at(text, index, needed) is None and (keep_newlines or character != "\n")
        else _visible(character)
        for index, character in enumerate(text)
    ]
    return Escaped("".join(drawn), tuple(flags))


def visible(line: str) -> str:
    """One line of text as it may be painted; a line end in it becomes visible too."""
    return escape(line, keep_newlines=False).text


def is_plain(text: str) -> bool:
    """True when nothing in `text` has to be escaped (LF and TAB are plain)."""
    return _PLAIN.fullmatch(text) is not None or not _flags(text)


def is_hidden(character: str) -> bool:
    """True for a character that by itself has to be escaped."""
    return _flag_of(character) is not None


def is_mark(character: str) -> bool:
    """True for a mark that is drawn over the character before it."""
    return unicodedata.category(character) in ("Mn", "Me")


def _flags(text: str) -> list[str]:
    needed = _needed(text)
    found = (_flag_at(text, index, needed) for index in range(len(text)))
    return [flag for flag in found if flag is not None]


def _flag_at(text: str, index: int, needed: frozenset[int]) -> str | None:
    character = text[index]
    if character.isascii():
        return None if character == "\n" else _flag_of(character)
    if index in needed:
        return None
    return _flag_of(character) or _mark_flag(text, index, needed)


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
    if code in _BLANKS or category in ("Cf", "Co", "Cs") or category == "Zs":
        return f"invisible:{code:04X}"
    if category == "Cn" and not _is_pictograph(code):
        return f"invisible:{code:04X}"
    return None


def _mark_flag(text: str, index: int, needed: frozenset[int]) -> str | None:
    """What is wrong with a combining mark: nothing to stand on, drawn across its letter, or one of too many."""
    if not is_mark(text[index]):
        return None
    start = index
    while start and is_mark(text[start - 1]):
        start -= 1
        if index - start >= MAX_MARKS:
            return "combining-flood"
    at = start - 1
    if at > 0 and text[at] in (_ZWNJ, _ZWJ) and at in needed:
        at -= 1
    base = text[at] if at >= 0 else ""
    has_base = base != "" and (unicodedata.category(base)[0] in "LMN" or base == "\u25cc") and not is_hidden(base)
    is_drawn_out = any(
        (base.isascii() and _is_overlay(text[place])) or (place not in needed and is_hidden(text[place]))
        for place in range(start, index + 1)
    )
    return None if has_base and not is_drawn_out else f"combining:{ord(text[index]):04X}"


def _is_overlay(mark: str) -> bool:
    return unicodedata.combining(mark) == 1 or unicodedata.category(mark) == "Me"


def _needed(text: str) -> frozenset[int]:
    """Places of the invisible characters that a script or an emoji cannot be written without."""
    if text.isascii():
        return frozenset()
    found = {index for match in _REGION_FLAGS.finditer(text) for index in range(match.start() + 1, match.end())}
    for index, character in enumerate(text):
        before, after = text[index - 1] if index else "", text[index + 1] if index + 1 < len(text) else ""
        match character:
            case "\ufe0e" | "\ufe0f" if _takes_style(before, after):
                found.add(index)
            case "\u20e3" if before == "\ufe0f" and index > 1 and text[index - 2] in "#*0123456789":
                found.add(index)
            case "\u200d" if _ends_emoji(text, index - 1) and _is_emoji(after):
                found.add(index)
            case "\u200c" | "\u200d" if _joins_letters(character, before, after):
                found.add(index)
            case "\u3000" if _is_wide(before) and _is_wide(after):
                found.add(index)
            case _:
                pass
    return frozenset(found)


def _takes_style(before: str, after: str) -> bool:
    return _is_emoji(before) or (after == _KEYCAP and before != "" and before in "#*0123456789")


def _ends_emoji(text: str, index: int) -> bool:
    if index > 0 and text[index] in _STYLES:
        index -= 1
    return index >= 0 and _is_emoji(text[index])


def _joins_letters(character: str, before: str, after: str) -> bool:
    """A joiner after a virama, or between two letters of a script whose letters join (Persian, Urdu, Syriac)."""
    if not before or not after or unicodedata.category(after)[0] not in "LM":
        return False
    if unicodedata.combining(before) == 9:
        return True
    return character == _ZWNJ and _is_joining(before) and _is_joining(after)


def _is_joining(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("AL", "NSM") and not character.isascii()


def _is_emoji(character: str) -> bool:
    if not character or character.isascii():
        return False
    if character in _EMOJI_OUTSIDE or _is_pictograph(ord(character)):
        return True
    return 0x2190 <= ord(character) <= 0x2BFF and unicodedata.category(character) in ("So", "Sm")


def _is_pictograph(code: int) -> bool:
    """Assigned or not: Unicode keeps these ranges for pictures, and newer ones than Python knows are drawn as such."""
    return 0x1F000 <= code <= 0x1FAFF


def _is_wide(character: str) -> bool:
    return character != "" and character != _WIDE_BLANK and unicodedata.east_asian_width(character) in ("W", "F")


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
