"""The words of a shell script: what bash would make of each after quote removal and the expansions that can be known.

Invariant: a word's text is never a guess; what an expansion could hide leaves an oddity or an unknown text.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import PurePosixPath

from msgspec.structs import replace
from tree_sitter import Node

from hybridcode.gate.commands.quotes import decode_ansi, unescape_double, unquoted
from hybridcode.gate.commands.shell import Command, Script, Word, names

WORDS = names(
    "word number string raw_string ansi_c_string concatenation simple_expansion expansion command_substitution "
    "process_substitution arithmetic_expansion translated_string brace_expression regex extglob_pattern"
)
GIT_ROOT = "git rev-parse --show-toplevel"
"""Key of `known` for the value of this substitution."""

_NAME = r"(?:[A-Za-z_]\w*|[0-9@*#?])"
_PLAIN_VALUE = r"[^{}$`\"'\\]*"
_HARMLESS_EXPANSION = re.compile(
    rf"\$\{{(?:#?{_NAME}|{_NAME}(?:%%?|##?|:?[-+]|//?){_PLAIN_VALUE}|{_NAME}(?:\^\^?|,,?))\}}"
)
"""Expansions that neither assign nor evaluate: a length, a cut or replaced text, a default, upper and lower case."""
_NUMBERS_ALONE = re.compile(r"\$\(\([\d\s+*/%()<>=!&|^~?:,-]*\)\)")
_WHOLE_VARIABLE = re.compile(r"(\"?)\$(?:\{(\w+)\}|(\w+))\1")
_AROUND_ONE_VARIABLE = re.compile(
    r"(?P<quote>\"?)(?P<before>[\w./-]*)\$(?:\{(?P<braced>\w+)\}|(?P<bare>\w+))(?P<after>[\w./-]*)(?P=quote)"
)
_PLAIN_CHOICE = re.compile(r"[\w.+@/-]+")
_REVISION = re.compile(r"[A-Za-z][\w./^~@-]*")
_AROUND_ONE_SUBSTITUTION = re.compile(r"\"?(?P<before>[\w.^~:/-]*)\$\([^()]*\)(?P<after>[\w.^~:/-]*)\"?")
_SOME_COMMIT = "0" * 40


class WordReader(ABC):
    """Reads word nodes of one text; what stands inside them is collected by the walk over its statements."""

    def __init__(self, source: str, known: Mapping[str, str]) -> None:
        self.source = source
        self.known = dict(known)
        self.commands: list[Command] = []
        self.oddities: dict[str, None] = {}
        self.loop_values: dict[str, tuple[Word, ...]] = {}
        """What a loop's variable may be, inside the loop."""

    @abstractmethod
    def inside(self, node: Node) -> None:
        """Collect the commands inside a node."""

    @abstractmethod
    def again(self, text: str) -> Script:
        """Read text that bash parses a second time."""

    def raw(self, node: Node) -> str:
        """A node as written."""
        return self.source[node.start_byte : node.end_byte]

    def odd(self, what: str) -> None:
        """Keep the script from being called harmless."""
        self.oddities[what] = None

    def word(self, node: Node) -> Word:
        """The value of a word node."""
        first = len(self.commands)
        raw = self.raw(node)
        text, has_glob = self._text(node, is_quoted=False)
        if node.type == "process_substitution":
            return Word(raw, None, is_pipe=True, inner=tuple(self.commands[first:]))
        if text is None and not has_glob and (choices := self._choices(raw, tuple(self.commands[first:]))):
            return Word(raw, None, inner=tuple(self.commands[first:]), choices=choices)
        if re.search(r"[=:]~", raw):
            text = None
        if text is not None and text.startswith("~") and not raw.startswith(("'", '"', "\\", "$")):
            prefix = text.partition("/")[0]
            text = self._tilde(text) if raw == prefix or raw.startswith(f"{prefix}/") else None
        return Word(raw, text, has_glob, inner=tuple(self.commands[first:]))

    def _tilde(self, text: str) -> str | None:
        prefix, slash, rest = text.partition("/")
        base = {"~": self.known.get("HOME"), "~+": self.known.get("PWD")}.get(prefix)
        if base is None:
            return None if slash or prefix in ("~", "~+", "~-") else text
        return base + slash + rest

    def _text(self, node: Node, *, is_quoted: bool) -> tuple[str | None, bool]:
        raw = self.raw(node)
        match node.type:
            case "word" | "number":
                return unquoted(raw)
            case "raw_string":
                return raw[1:-1], False
            case "ansi_c_string":
                text, is_encoded = decode_ansi(raw[2:-1])
                if is_encoded:
                    self.odd("an encoded string")
                return text, False
            case "string":
                return self._joined(node, is_quoted=True), False
            case "concatenation":
                return self._concatenation(node)
            case "simple_expansion" | "expansion":
                return self._variable(node, is_quoted=is_quoted), False
            case "command_substitution":
                return self._substitution(node), False
            case "process_substitution":
                self.inside(node)
                return None, False
            case "arithmetic_expansion" if _NUMBERS_ALONE.fullmatch(raw):
                return None, False
            case "regex" | "extglob_pattern":
                return raw, False
            case _:
                self.odd(f"shell syntax ({node.type.replace('_', ' ')})")
                self.inside(node)
                return None, False

    def _joined(self, node: Node, *, is_quoted: bool) -> str | None:
        """A double-quoted string: literal stretches between the expansions."""
        pieces: list[str | None] = []
        position, end = node.start_byte + 1, node.end_byte - 1
        for child in node.named_children:
            if child.type == "string_content":
                continue
            pieces.append(unescape_double(self.source[position : child.start_byte]))
            pieces.append(self._text(child, is_quoted=is_quoted)[0])
            position = child.end_byte
        pieces.append(unescape_double(self.source[position:end]))
        return None if None in pieces else "".join(piece for piece in pieces if piece is not None)

    def _concatenation(self, node: Node) -> tuple[str | None, bool]:
        parts = [(child, *self._text(child, is_quoted=False)) for child in node.named_children]
        has_glob = any(is_glob for _, _, is_glob in parts)
        texts = [text for _, text, _ in parts]
        bare = "".join(self.raw(child) for child, _, _ in parts if child.type in ("word", "number"))
        braces = "{" in bare and "}" in bare and ("," in bare or ".." in bare)
        tilde = bare.startswith("~") != ((texts[0] or "").startswith("~") and parts[0][0].type == "word")
        if any(not child.is_named for child in node.children):
            self.odd("a word with a sign in it that may be an expansion")
            return None, has_glob
        if None in texts or braces or tilde:
            return None, has_glob
        quoted = "".join(text or "" for child, text, _ in parts if child.type not in ("word", "number"))
        if has_glob and re.search(r"[*?\[]", quoted):
            return None, True
        return "".join(text for text in texts if text is not None), has_glob

    def _variable(self, node: Node, *, is_quoted: bool) -> str | None:
        raw = self.raw(node)
        if (plain := re.fullmatch(r"\$(?:\{(\w+)\}|(\w+))", raw)) is None:
            if node.type == "expansion" and not _HARMLESS_EXPANSION.fullmatch(raw):
                self.odd("a parameter expansion")
                self.inside(node)
            return None
        value = self.known.get(plain[1] or plain[2])
        if value is None or is_quoted or not re.search(r"[\s*?\[]", value):
            return value
        return None

    def _substitution(self, node: Node) -> str | None:
        first = len(self.commands)
        raw = self.raw(node)
        if raw.startswith("`"):
            self._backticks(raw)
        else:
            self.inside(node)
        inner = self.commands[first:]
        if len(inner) != 1 or inner[0].redirects or inner[0].assignments:
            return None
        if inner[0].line in ("pwd", GIT_ROOT):
            value = self.known.get({"pwd": "PWD"}.get(inner[0].line, GIT_ROOT))
            return value if value is None or not re.search(r"[\s*?\[\\]", value) else None
        return _computed(inner[0])

    def _backticks(self, raw: str) -> None:
        """Old-style substitution: bash removes one layer of backslashes before it parses the inside."""
        script = self.again(re.sub(r"\\([`\\$])", r"\1", raw[1:-1]))
        self.commands += script.commands
        self.oddities |= dict.fromkeys(script.oddities)
        if script.broken:
            self.odd("a substitution that cannot be parsed")

    def _choices(self, raw: str, inner: tuple[Command, ...]) -> tuple[Word, ...]:
        """All that a word may be, if that can be told: a loop's values, or a commit."""
        if (found := _WHOLE_VARIABLE.fullmatch(raw)) is not None:
            values = self.loop_values.get(found[2] or found[3], ())
            if found[1]:
                return values
            is_split = any(not value.has_glob and re.search(r"[\s*?\[\\]", value.text or "") for value in values)
            return () if is_split else tuple(replace(value, is_split=True) for value in values)
        if (beside := _AROUND_ONE_VARIABLE.fullmatch(raw)) is not None:
            values = self.loop_values.get(beside["braced"] or beside["bare"], ())
            texts = [value.literal or "" for value in values]
            if not all(map(_PLAIN_CHOICE.fullmatch, texts)):
                return ()
            return tuple(Word.of(beside["before"] + text + beside["after"]) for text in texts)
        around = _AROUND_ONE_SUBSTITUTION.fullmatch(raw)
        if around is None or len(inner) != 1:
            return ()
        return tuple(Word.of(around["before"] + value + around["after"]) for value in _commits(inner[0]))


def _computed(command: Command) -> str | None:
    """What `dirname` and `basename` print of a known path."""
    path = command.args[0].literal if len(command.args) == 1 else None
    if path is None or not re.fullmatch(r"[\w.][\w./+@,-]*[\w.]", path):
        return None
    return {"dirname": str(PurePosixPath(path).parent), "basename": PurePosixPath(path).name}.get(command.program or "")


def _commits(command: Command) -> tuple[str, ...]:
    """What git prints when it is asked for a commit; it may also give back the name it was asked for."""
    texts = [word.literal or "-" for word in command.args]
    if command.program != "git" or command.redirects or command.assignments or len(texts) < 2:
        return ()
    flags = {"rev-parse": ("--verify", "--short", "-q"), "merge-base": ()}.get(texts[0])
    revisions = [text for text in texts[1:] if flags is not None and text not in flags]
    if flags is None or not revisions or not all(map(_REVISION.fullmatch, revisions)):
        return ()
    return (_SOME_COMMIT, *revisions)
