"""Reads a plain pipeline of simple commands into argument lists, so that no shell is needed to run it.

Invariant: given back is exactly what bash would run, word for word; whatever would need a shell to settle (expansions,
patterns, assignments, keywords, builtins, other redirections) gives None. It is read apart from the tree that is
judged, so that the two can be held against each other.
"""

import re
from functools import lru_cache
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from hybridcode.gate.commands.shell import names
from hybridcode.gate.render import is_plain

_NEEDS_A_SHELL = names(
    "! [[ ]] { } case coproc do done elif else esac fi for function if in select then time until while "
    ". : alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown enable "
    "eval exec exit export fc fg getopts hash help history jobs kill let local logout mapfile popd printf pushd read "
    "readarray readonly return set shift shopt source suspend test [ times trap type typeset ulimit umask unalias "
    "unset wait"
)
_REDIRECT = re.compile(r"(&?>|<)[ \t]*/dev/null(?=[ \t\n|<>]|\Z)|>&1(?=[ \t\n|<>]|\Z)")
_TAKEN_LITERALLY = re.compile(r"[^\s\\'\"`$|&;<>()*?\[{}~#]+")
_DOLLAR_ALONE = re.compile(r"\$(?=[ \t\n]|\Z)")
_DOLLAR_ALONE_IN_QUOTES = re.compile(r"\$(?=[ \t\"|)/.,])")


class Stage(Struct, frozen=True):
    """One command of a pipeline and where its streams go."""

    argv: tuple[str, ...]
    stdin: Literal["given", "null"] = "given"
    """`given`: what comes through the pipeline, or from outside for the first stage."""
    stdout: Literal["given", "null"] = "given"
    stderr: Literal["given", "stdout", "null"] = "given"
    """`stdout`: into the pipe of this stage's standard output, also where that output itself goes to /dev/null."""
    called: str = ""
    """What the program is told it is called; empty: its name. A Python of a virtual environment finds that by it."""


@lru_cache(maxsize=64)
def plain_pipeline(text: str) -> tuple[Stage, ...] | None:
    """The stages of `a | b 2>/dev/null | c`; None if a shell is needed. The last one's exit code is the pipeline's."""
    if not is_plain(text):
        return None
    reader = _Reader(text)
    try:
        return reader.pipeline()
    except _NotPlain:
        return None


def is_same_command(one: str, other: str) -> bool:
    """True for the same text, and for plain pipelines of the same words, however these are quoted."""
    words = plain_pipeline(one.strip())
    return one.strip() == other.strip() or (words is not None and words == plain_pipeline(other.strip()))


class _NotPlain(Exception):
    """The text has something in it that only a shell can settle."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.stages: list[Stage] = []
        self.stage = Stage(())
        self.words: list[str] = []
        """Of the stage under way."""
        self.word: str | None = None
        """The word under way; None between words."""
        self.is_bare = True
        """Nothing in the word under way is quoted."""

    def pipeline(self) -> tuple[Stage, ...]:
        while self.at < len(self.text):
            self._step()
        self._end_stage()
        return tuple(self.stages)

    def _step(self) -> None:
        text, at = self.text, self.at
        match text[at]:
            case " " | "\t":
                self._end_word()
                self.at += 1
            case "\n" if not text[at:].strip(" \t\n"):
                self._end_word()
                self.at = len(text)
            case "'":
                end = text.find("'", at + 1)
                if end < 0:
                    raise _NotPlain
                self._add(text[at + 1 : end], end + 1, is_bare=False)
            case '"':
                self._double_quoted()
            case "\\" if at + 1 < len(text):
                self._escaped(text[at + 1])
            case "|" if text[at + 1 : at + 2] not in ("|", "&"):
                self._end_stage()
                self.at += 1
            case ">" | "<" | "&":
                self._redirect()
            case "{" if self.word is None and re.match(r"\{\}(?=[ \t\n]|\Z)", text[at:]):
                self._add("{}", at + 2)
            case "~" if self.word is not None and self.word[-1:] not in ("", "=", ":"):
                self._add("~", at + 1)
            case "#" if self.word is not None:
                self._add("#", at + 1)
            case "$" if _DOLLAR_ALONE.match(text, at):
                self._add("$", at + 1)
            case _:
                found = _TAKEN_LITERALLY.match(text, at)
                if found is None:
                    raise _NotPlain
                self._add(found[0], found.end())

    def _add(self, piece: str, at: int, *, is_bare: bool = True) -> None:
        self.word = (self.word or "") + piece
        self.is_bare = self.is_bare and is_bare
        self.at = at

    def _escaped(self, character: str) -> None:
        if character == "\n":
            self.at += 2
        else:
            self._add(character, self.at + 2, is_bare=False)

    def _double_quoted(self) -> None:
        text, at = self.text, self.at + 1
        pieces: list[str] = []
        while at < len(text) and text[at] != '"':
            if text[at] == "`" or (text[at] == "$" and not _DOLLAR_ALONE_IN_QUOTES.match(text, at)):
                raise _NotPlain
            if text[at] == "\\" and text[at + 1 : at + 2] in ("$", "`", '"', "\\", "\n"):
                at += 1
                pieces.append("" if text[at] == "\n" else text[at])
            else:
                pieces.append(text[at])
            at += 1
        if at >= len(text):
            raise _NotPlain
        self._add("".join(pieces), at + 1, is_bare=False)

    def _redirect(self) -> None:
        descriptor = ""
        if self.word is not None and self.is_bare and self.word.isdigit() and self.text[self.at] != "&":
            descriptor, self.word = self.word, None
        self._end_word()
        found = _REDIRECT.match(self.text, self.at)
        if found is None:
            raise _NotPlain
        match descriptor, found[1] or found[0]:
            case "" | "0", "<":
                self.stage = replace(self.stage, stdin="null")
            case "" | "1", ">":
                self.stage = replace(self.stage, stdout="null")
            case "2", ">":
                self.stage = replace(self.stage, stderr="null")
            case "", "&>":
                self.stage = replace(self.stage, stdout="null", stderr="null")
            case "2", ">&1":
                self.stage = replace(self.stage, stderr="stdout" if self.stage.stdout == "given" else "null")
            case _:
                raise _NotPlain
        self.at = found.end()

    def _end_word(self) -> None:
        if self.word is not None:
            self.words.append(self.word)
        self.word, self.is_bare = None, True

    def _end_stage(self) -> None:
        self._end_word()
        name = self.words[0] if self.words else ""
        if not name or "=" in name or name in _NEEDS_A_SHELL or (name == "echo" and self._echo_is_bash_s()):
            raise _NotPlain
        self.stages.append(replace(self.stage, argv=tuple(self.words)))
        self.stage, self.words = Stage(()), []

    def _echo_is_bash_s(self) -> bool:
        """True where the program `echo` may print something else than the builtin."""
        return any(word.startswith("-") or "\\" in word for word in self.words[1:])
