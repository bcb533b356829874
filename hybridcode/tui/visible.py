"""Text of files, models, commands and paths as it may stand on one line of a screen.

Invariant: the result has no character that a terminal would act on, hide or reorder; escaping it again changes nothing.
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
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
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

_is_ascii_only = False


def use_ascii(is_ascii_only: bool) -> None:
    """From now on: signs of ours as ASCII, everything else that is not ASCII spelled out. Once, before painting."""
    global _is_ascii_only
    _is_ascii_only = is_ascii_only
    _spelled_out.cache_clear()


def visible(text: str) -> str:
    """`text` with control, bidirectional, zero-width, tag and unassigned characters spelled out, tabs as arrows."""
    if text.isascii() and text.isprintable():
        return text
    return _spelled_out(text)


@lru_cache(maxsize=4096)
def _spelled_out(text: str) -> str:
    shown = escape(text, keep_newlines=False).text.replace("\t", "→")
    if not _is_ascii_only:
        return shown
    control_pictures = re.sub("[\u2400-\u241f]", lambda match: f"^{chr(ord(match[0]) - 0x2400 + 64)}", shown)
    plain = control_pictures.replace("␡", "^?").translate(_PLAINLY)
    return "".join(character if character.isascii() else f"<U+{ord(character):04X}>" for character in plain)


def veiled(text: str) -> str:
    """`text` in as many characters, each that has to be spelled out as one sign: for text that is being edited."""
    if _is_ascii_only and not (text.isascii() and is_plain(text)):
        return "".join(sign if sign.isascii() and len(sign) == 1 else "?" for sign in map(_sign, text))
    return text if is_plain(text) else "".join(map(_sign, text))


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
