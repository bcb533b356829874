"""Characters that are seen but taken for others: letters of another script, wide forms, signs that pass for ASCII.

Invariant: pure; ordinary text of any language, with the punctuation it is written with, has no finding.
"""

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"[^\W\d_]+")
_DOUBLES = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "LISU", "COPTIC", "DESERET", "CANADIAN", "TIFINAGH", "VAI ")
"""Scripts with letters that look like Latin ones."""
_AS_LATIN = frozenset("асеорхуіѕјһԁԛԝӏҽѵАВСЕНКМОРТХІЅЈҮԌοϲϳνΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
"""Cyrillic and Greek letters that cannot be told from Latin ones."""
_LATIN_DOUBLES = frozenset("ɡɑɩ")
_IPA = re.compile(r"[\u0250-\u02af]")
_ALWAYS = re.compile("[\u01c0-\u01c3\u037e\u1fef\u212a\ufb00-\ufb06\u2160-\u217f\ufe50-\ufe6b\U0001d400-\U0001d7ff]")
"""Signs that are never what they seem: clicks as `!`, a Greek `;`, mathematical letters, ligatures."""
_SIGNS = frozenset("\u2024\u2044\u2215\u2216\u2217\u2223\u2236\u223c\u29f5\u29f8\ua789\u02d0\u2550\u1400")
"""Signs that pass for ASCII ones when they stand right beside ASCII letters."""
_DASH_OPTION = re.compile(r"(?:^|\s)([\u2010-\u2015\u2212\ufe58])(?=[\u2010-\u2015\u2212A-Za-z])")


def lookalikes(text: str) -> list[str]:
    """Flags such as `confusable:0441`, one for each character that passes for another one."""
    if text.isascii():
        return []
    found = [*_ALWAYS.findall(text), *_DASH_OPTION.findall(text), *_signs(text)]
    for line in text.split("\n"):
        if not line.isascii():
            found += _letters(line)
    return [f"confusable:{ord(character):04X}" for character in found]


def _signs(text: str) -> Iterator[str]:
    for index, character in enumerate(text):
        if character.isascii():
            continue
        before, after = text[index - 1] if index else "", text[index + 1] if index + 1 < len(text) else ""
        if "\uff01" <= character <= "\uff5e":
            if _is_ascii_letter(character) or not (_is_wide(before) or _is_wide(after)):
                yield character
        elif character in _SIGNS and (_touches(before) or _touches(after)) and not _is_fraction(before, after):
            yield character


def _is_ascii_letter(wide: str) -> bool:
    return unicodedata.normalize("NFKC", wide).isalnum()


def _is_wide(character: str) -> bool:
    """A letter of a script whose punctuation is as wide as its letters."""
    if character == "" or "\uff01" <= character <= "\uff5e":
        return False
    return unicodedata.east_asian_width(character) == "W" and unicodedata.category(character)[0] in "LPS"


def _touches(character: str) -> bool:
    return character != "" and character.isascii() and (character.isalnum() or character in "./~")


def _is_fraction(before: str, after: str) -> bool:
    return before.isdigit() and after.isdigit()


def _letters(line: str) -> Iterator[str]:
    words = _WORD.findall(line)
    strange = {word: _strange(word) for word in words}
    is_foreign = any(strange[word] and not set(word) <= _AS_LATIN for word in words)
    for word in words:
        has_latin = any(character.isascii() for character in word)
        if has_latin and not _is_formula(word, strange[word]):
            yield from strange[word]
        elif not has_latin and not is_foreign and len(word) > 1 and set(word) <= _AS_LATIN:
            yield from word
        if has_latin and set(word) & _LATIN_DOUBLES and not set(_IPA.findall(word)) - _LATIN_DOUBLES:
            yield from sorted(set(word) & _LATIN_DOUBLES)


def _strange(word: str) -> list[str]:
    return [c for c in word if not c.isascii() and unicodedata.name(c, "").startswith(_DOUBLES)]


def _is_formula(word: str, strange: list[str]) -> bool:
    """`Δx`, `kΩ`, `μm`: one Greek letter at an end that is no Latin one's double."""
    if len(strange) != 1 or strange[0] in _AS_LATIN or len(word) > 4:
        return False
    return unicodedata.name(strange[0], "").startswith("GREEK") and strange[0] in (word[0], word[-1])
