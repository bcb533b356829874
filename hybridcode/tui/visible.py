"""Text of files, models, commands and paths as it may stand on one line of a screen.

Invariant: the result has no character that a terminal would act on, hide or reorder; escaping it again changes nothing.
In ASCII only our own signs become others: what a file or a command holds is shown as it is, or by its number where the
terminal cannot show it. For that `foreign` puts a mark in place of each character that we use as a sign, and
`unmarked` puts the character there, last of all.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from hybridcode.gate.render import escape, is_mark, is_plain

_PLAIN = bytes((9, 10, 13, *range(32, 127)))
"""What a line holds that is plain text."""


_PLAINLY = str.maketrans(
    {
        **dict.fromkeys("─━╌", "-"),
        **dict.fromkeys("│┃▌▍▎▏▐", "|"),
        **dict.fromkeys("╭╮╰╯┌┐┘├┤┬┴┼", "+"),
        "└": "`",
        **dict.fromkeys("█▉▊▋▇▆▓▒░■", "#"),
        **dict.fromkeys("●•◆", "*"),
        **dict.fromkeys("▁▂▃▄▅", "_"),
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("‘’", "'"),
        **dict.fromkeys("–—", "-"),
        **dict.fromkeys("⋯…", "."),
        "✓": "+",
        "✗": "x",
        "○": "o",
        "·": "-",
        "▸": ">",
        "▾": "v",
        "›": ">",
        "»": ">",
        "«": "<",
        "⊘": "/",
        "↻": "@",
        "↶": "<",
        "◐": "%",
        "±": "~",
        "‖": "=",
        "✎": "e",
        "→": ">",
        "←": "<",
        "↑": "^",
        "↓": "v",
        "×": "x",
        "⟨": "<",
        "⟩": ">",
        "≤": "<",
    }
)
"""Our own signs as ASCII, one character each, so that nothing moves."""

_FIRST_MARK = 0x10F000
"""In the last private plane: text that holds such a character itself is spelled out before it is marked."""
_MARKS = {sign: chr(_FIRST_MARK + number) for number, sign in enumerate(sorted(_PLAINLY))}
_SIGNS = {ord(mark): sign for sign, mark in _MARKS.items()}
_MARKED = re.compile(f"([{chr(_FIRST_MARK)}-{chr(_FIRST_MARK + len(_MARKS) - 1)}]+)")
_SPELLED = re.compile("\u27e8(U\\+[0-9A-F]+)\u27e9")

_OURS = re.compile("^[✓✗✎⊘↻‖●○▸] | · ")

_is_ascii_only = False
_has_unicode = False


def use_ascii(is_ascii_only: bool, *, has_unicode: bool = False) -> None:
    """From now on signs of ours are ASCII; all other characters are shown where the terminal `has_unicode`, else
    spelled out. Once, before painting."""
    global _is_ascii_only, _has_unicode
    _is_ascii_only, _has_unicode = is_ascii_only, has_unicode
    _spelled_out.cache_clear()


def foreign(text: str) -> str:
    """Text of a file, a command, a model or a person, to be shown with its own characters in ASCII too; it may have
    lines and tabs."""
    if not _is_ascii_only or text.isascii():
        return text
    shown = _SPELLED.sub(r"<\1>", _plain_controls(escape(text).text))
    return shown.translate(_MARKS) if _has_unicode else "".join(map(_numbered, shown))


def beside_ours(text: str) -> str:
    """Text of theirs behind a sign of ours, its parts joined by ` · `: only these two are ours."""
    if not _is_ascii_only or text.isascii():
        return text
    parts, at = list[str](), 0
    for ours in _OURS.finditer(text):
        parts += [foreign(text[at : ours.start()]), ours[0]]
        at = ours.end()
    return "".join((*parts, foreign(text[at:])))


def unmarked(text: str) -> str:
    """Text with the characters that `foreign` marked: as it is painted or copied."""
    return text if not _is_ascii_only or text.isascii() else text.translate(_SIGNS)


def visible(text: str) -> str:
    """`text` with control, bidirectional, zero-width, tag and unassigned characters spelled out, tabs as arrows."""
    if text.isascii() and text.isprintable():
        return text
    return _spelled_out(text)


@lru_cache(maxsize=4096)
def _spelled_out(text: str) -> str:
    if not _is_ascii_only:
        return escape(text, keep_newlines=False).text.replace("\t", "→")
    return "".join(part if number % 2 else _in_ascii(part) for number, part in enumerate(_MARKED.split(text)))


def _in_ascii(text: str) -> str:
    shown = escape(text, keep_newlines=False).text.replace("\t", "→")
    plain = _plain_controls(shown).translate(_PLAINLY)
    return plain if _has_unicode else "".join(map(_numbered, plain))


def _plain_controls(text: str) -> str:
    """Pictures of control characters in ASCII."""
    return re.sub("[\u2400-\u241f]", lambda match: f"^{chr(ord(match[0]) - 0x2400 + 64)}", text).replace("␡", "^?")


def _numbered(character: str) -> str:
    return character if character.isascii() else f"<U+{ord(character):04X}>"


def veiled(text: str) -> str:
    """`text` in as many characters, each that has to be spelled out as one sign: for text that is being edited."""
    if _is_ascii_only and not (text.isascii() and is_plain(text)):
        return "".join(sign if len(sign) == 1 and _is_shown(sign) else "?" for sign in map(_sign, text))
    return text if is_plain(text) else "".join(map(_sign, text))


def _is_shown(sign: str) -> bool:
    return sign.isascii() or (_has_unicode and sign != "\N{REPLACEMENT CHARACTER}")


def _sign(character: str) -> str:
    if character == "\x7f" or (character < " " and character not in "\t\n"):
        return visible(character)
    return "\N{REPLACEMENT CHARACTER}" if not is_plain(f"a{character}") or is_mark(character) else character


def is_hiding(text: str) -> bool:
    """True when `text` holds something besides tabs and line feeds that has to be spelled out."""
    return not is_plain(text)


def hidden_flags(lines: Iterable[bytes]) -> tuple[str, ...]:
    """What a pane must point at in these lines, as `bidi:202E`; line ends are not looked at."""
    looked_at = list(lines)
    if not b"".join(looked_at).translate(None, _PLAIN):
        return ()
    flags: dict[str, None] = {}
    for line in looked_at:
        text = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        if not (text.isascii() and text.isprintable()):
            flags.update(dict.fromkeys(escape(text).flags))
    return tuple(flags)
