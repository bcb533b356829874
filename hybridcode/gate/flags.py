"""What a pane must point at beyond single characters, by the kind of what it shows.

Invariant: pure; a flag is a word that the pane prints as it is.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from hybridcode.gate.render import escape, is_hidden

_LONG_COMMAND = 1_000
"""Characters of one line of a command, beyond which its end is easily overlooked."""
_LONG_TITLE = 400
_LONG_NAME = 255
_COLOUR = "black|red|green|yellow|blue|magenta|cyan|white"
_STYLE = rf"bold|italic|underline|strike|reverse|blink|dim|conceal|(?:on )?(?:{_COLOUR})|on #[0-9a-f]+|\$[a-z][\w-]*"
_MARKUP = re.compile(
    rf"\[@[\w.]+=[^\]\n]*\]|\[link=[^\]\n]*\]|\[/?(?:not )?(?:{_STYLE})(?: [^\]\n]*)?\]", re.IGNORECASE
)
_BLANK_RUN = re.compile(r"\S[ \t]{20,}\S")
_WIDE_BLANK_RUN = re.compile(r"\S(?: {80,}|[ \t]*\t{20}[ \t]*)\S")
_WIDE, _WIDE_TABS = " " * 80, "\t" * 20
"""Without one of them there is no wide run of blanks."""
_REPEATED = re.compile(r"(\S{1,8}?)\1{24,}")
_PADDING = 200
"""Characters of one repeated piece that push what follows out of sight."""
_BLANK_LINES = re.compile(r"(?:^[+]?[ \t]*\r?\n){30,}[+]?[ \t]*\S", re.MULTILINE)
_CONTINUED = re.compile(r"(?<!\\)\\\n(?=[ \t]*[^\s\\])")
"""The end of a line that goes on in the next one, where something follows."""
_IMAGE = re.compile(r"!\[[^\]]*\]\(\s*<?\s*(?:https?:)?//|<img\b[^>]*\b(?:https?:)?//", re.IGNORECASE)
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_FILE_HEADER = re.compile(r'--- (?:"?a/|/dev/null)|\+\+\+ (?:"?b/|/dev/null)')
_ADDED_HEADER = re.compile(r"[+ ](?:diff --git |@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@|--- a/|\+\+\+ b/)")


def command_flags(text: str) -> tuple[str, ...]:
    """What a command pane must point at."""
    flags = [*escape(text).flags, *_pretence(text)]
    if "\n" in _CONTINUED.sub("", text.strip("\n")):
        flags.append("multiline")
    if _BLANK_RUN.search(text):
        flags.append("blank-run")
    if any(len(line) > _LONG_COMMAND for line in text.split("\n")):
        flags.append("long-line")
    return tuple(dict.fromkeys(flags))


def title_flags(text: str) -> tuple[str, ...]:
    """What a line must point at that stands for something: a title, a name of a theme, a step."""
    flags = [*escape(text).flags, *_pretence(text)]
    if "\n" in text.strip("\n"):
        flags.append("multiline")
    if _BLANK_RUN.search(text):
        flags.append("blank-run")
    if len(text) > _LONG_TITLE:
        flags.append("long-line")
    return tuple(dict.fromkeys(flags))


def path_flags(path: str) -> tuple[str, ...]:
    """What a file's name must be pointed out for."""
    flags = [*title_flags(path)]
    if "\t" in path:
        flags.append("control:TAB")
    if path != path.strip() or re.search(r"\s/|/\s", path) or re.search(r" {3,}", path):
        flags.append("blank-run")
    if any(len(part.encode("utf-8", "replace")) > _LONG_NAME for part in path.split("/")):
        flags.append("long-line")
    return tuple(dict.fromkeys(flags))


def text_flags(text: str) -> tuple[str, ...]:
    """What must be pointed at in a model's words or a command's output."""
    flags = [*escape(without_even_line_ends(text)).flags]
    if _MARKUP.search(text):
        flags.append("markup-literal")
    flags += _bulk(text)
    if _IMAGE.search(text):
        flags.append("remote-url")
    return tuple(dict.fromkeys(flags))


def diff_flags(diff: str) -> tuple[str, ...]:
    """What a diff pane must point at: what the eye cannot see, and what is no text."""
    body = _Body.of(diff)
    flags = [*escape(without_even_line_ends(diff)).flags]
    if body.removed != body.added and _looks_alike(body.removed, body.added):
        flags.append("invisible-only-change")
    if "\r" in diff and body.has_other_ends:
        flags.append("eol-change")
    if "\n\\ No newline at end of file" in diff:
        flags.append("final-newline-change")
    if body.has_headers:
        flags.append("diff-in-diff")
    flags += [flag for flag, pattern in _HEADERS.items() if pattern.search(body.head)]
    flags += _bulk(diff)
    if any(_IMAGE.search(line) for line in body.added):
        flags.append("remote-url")
    return tuple(dict.fromkeys(flags))


_HEADERS = {
    "binary": re.compile(r"^Binary files |^GIT binary patch", re.MULTILINE),
    "mode-change": re.compile(r"^old mode \d+\nnew mode ", re.MULTILINE),
    "symlink": re.compile(r"^(?:new file|new|deleted file) mode 120000|^index \S+ 120000", re.MULTILINE),
    "submodule": re.compile(r"^(?:new file|new|deleted file) mode 160000|^index \S+ 160000", re.MULTILINE),
}


class _Body(NamedTuple):
    """A unified diff taken apart by the lengths its hunks state."""

    removed: list[str]
    added: list[str]
    kept: list[str]
    head: str
    """Lines outside of hunks."""
    has_headers: bool
    """A line inside a hunk passes for the head of a file or of a hunk."""

    @classmethod
    def of(cls, diff: str) -> "_Body":
        removed, added, kept, head = list[str](), list[str](), list[str](), list[str]()
        old_left = new_left = 0
        has_headers = False
        for line in diff.split("\n"):
            hunk = _HUNK.match(line)
            is_inside = old_left > 0 or new_left > 0
            if hunk and not is_inside:
                old_left, new_left = (int(count) if count else 1 for count in hunk.groups())
                continue
            if is_inside:
                has_headers |= bool(_FILE_HEADER.match(line) or _ADDED_HEADER.match(line))
            elif _FILE_HEADER.match(line) or line[:1] not in ("+", "-") or line[:4] in ("--- ", "+++ "):
                head.append(line)
                continue
            old_left -= line[:1] != "+"
            new_left -= line[:1] != "-"
            if line[:1] == "-":
                removed.append(line[1:])
            elif line[:1] == "+":
                added.append(line[1:])
            elif line[:1] == " ":
                kept.append(line[1:])
        return cls(removed, added, kept, "\n".join(head), has_headers)

    @property
    def has_other_ends(self) -> bool:
        """Lines end in another way than before; one that comes or goes with the end that others have is none."""
        kept, old, new = ([line.endswith("\r") for line in lines] for lines in (self.kept, self.removed, self.added))
        if len(old) == len(new):
            return old != new
        before, after = {*kept, *old}, {*kept, *new}
        return bool(before and after) and before != after


def _looks_alike(removed: list[str], added: list[str]) -> bool:
    pairs = list(zip(removed, added, strict=False)) if len(removed) == len(added) else []
    return bool(pairs) and any(all(_seen(a, tab) == _seen(b, tab) for a, b in pairs) for tab in (4, 8))


def _seen(line: str, tab: int) -> str:
    if line.isascii() and line.isprintable():
        return line.rstrip()
    shown = "".join(character for character in line.expandtabs(tab) if not is_hidden(character))
    return unicodedata.normalize("NFKC", shown).rstrip()


def without_even_line_ends(text: str) -> str:
    """`text` without its CRs when each line (of a diff: each line of content) ends in CRLF; else as it is."""
    lines = text.split("\n")
    is_diff = any(_HUNK.match(line) for line in lines)
    content = [line for line in lines if line and not (is_diff and _is_head(line))]
    if "\r" not in text or not all(line.endswith("\r") and line.count("\r") == 1 for line in content):
        return text
    return text.replace("\r\n", "\n").removesuffix("\r")


def _is_head(line: str) -> bool:
    return line.startswith(("diff ", "index ", "@@ ", "\\ ", "new file", "deleted file", "similarity ", "rename ")) or (
        line[:4] in ("--- ", "+++ ") and not line.endswith("\r")
    )


def _pretence(text: str) -> Iterable[str]:
    if _MARKUP.search(text):
        yield "markup-literal"
    if not text.isascii() and any("─" <= character <= "▟" for character in text):
        yield "box-drawing"
    if _is_padded(text):
        yield "padding"


def _bulk(text: str) -> Iterable[str]:
    """Blanks, empty lines or a repeated piece that push something out of sight."""
    if (_WIDE in text or _WIDE_TABS in text) and _WIDE_BLANK_RUN.search(text):
        yield "blank-run"
    if _BLANK_LINES.search(text):
        yield "blank-lines"
    if _is_padded(text):
        yield "padding"


def _is_padded(text: str) -> bool:
    """A piece repeated at length with something behind it; zeros of an encoded file are none."""
    if all(len(word) < _PADDING for word in text.split()):  # pieces hold no blanks: spares nearly every text the search
        return False
    for match in _REPEATED.finditer(text):
        behind = text[match.end() : match.end() + 3].partition("\n")[0]
        if len(match[0]) >= _PADDING and len(behind) == 3 and match[1] not in ("A", "0"):
            return True
    return False
