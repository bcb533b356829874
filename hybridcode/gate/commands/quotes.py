"""Quote removal as bash does it.

Invariant: text with an expansion that is not understood gives None.
"""

import re

_ANSI = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c.|.)", re.DOTALL)
_ANSI_PLAIN = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v",
}  # fmt: skip


def unquoted(raw: str) -> tuple[str | None, bool]:
    """The value of an unquoted word and whether it is a pattern."""
    pieces: list[str] = []
    has_glob = has_escaped_glob = False
    bare: list[str] = []
    index = 0
    while index < len(raw):
        character = raw[index]
        if character == "\\" and index + 1 < len(raw):
            index += 1
            if raw[index] != "\n":
                pieces.append(raw[index])
                has_escaped_glob = has_escaped_glob or raw[index] in "*?["
        else:
            has_glob = has_glob or character in "*?["
            bare.append(character)
            pieces.append(character)
        index += 1
    if re.search(r"\{[^{}]*(?:,|\.\.)[^{}]*\}", "".join(bare)) or (has_glob and has_escaped_glob):
        return None, has_glob
    return "".join(pieces), has_glob


def unescape_double(raw: str) -> str:
    """The value of a literal stretch inside double quotes."""
    return re.sub(r"\\([$`\"\\\n])", lambda found: "" if found[1] == "\n" else found[1], raw)


def decode_ansi(raw: str) -> tuple[str, bool]:
    """The value of `$'...'`, and whether it spells characters by number."""
    is_encoded = False

    def character(found: re.Match[str]) -> str:
        nonlocal is_encoded
        code = found[1]
        if code[0] in "xuU" and len(code) > 1:
            is_encoded = True
            return chr(min(int(code[1:], 16), 0x10FFFF))
        if code[0] in "01234567":
            is_encoded = True
            return chr(int(code, 8) & 0xFF)
        if code[0] == "c" and len(code) > 1:
            is_encoded = True
            return chr(ord(code[1]) & 0x1F)
        return _ANSI_PLAIN.get(code, code)

    return _ANSI.sub(character, raw), is_encoded
