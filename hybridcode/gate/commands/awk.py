"""Reads awk programs: whether they only compute and print, and what else they would do.

Invariant: a program is harmless only if all of it was taken apart without doubt and nothing in it writes, runs or reads
elsewhere; where a slash might be a division or a pattern, that is a doubt.
"""

import re
from collections.abc import Iterator

from hybridcode.gate.commands.options import Arguments
from hybridcode.gate.commands.scope import Case, Finding, ask, deny
from hybridcode.gate.commands.shell import Word, names

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|\\\n|\#[^\n]*)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<operator>&&|\|\||\*\*=?|\+\+|--|[-+*%^!=<>]=|!~|>>|\|&|[-+*%^!<>~?:,;{}()\[\]$=|\n/])"
)
_PATTERN = re.compile(r"/(?:[^/\\\n\[]|\\.|\[(?:\^?\]?(?:[^\]\\\n]|\\.)*)\])+/")
_REACHES_OUT = names("system getline ENVIRON ARGV ARGC PROCINFO FUNCTAB SYMTAB close fflush")
_BEFORE_PATTERN = names("( , { } ; && || ! ~ !~ ? : = == != \n") | {""}
_PRINTS = names("print printf")
_TERMINALS = frozenset({'"/dev/stderr"', '"/dev/stdout"'})


class _Doubtful(Exception):
    """The program has something in it that may be read in two ways, or not at all."""


def judge(taken: Arguments, case: Case) -> list[Finding]:
    """Judge an `awk` program: no pipes, no redirection, no other programs, no environment."""
    if not taken.operands:
        return [ask("unknown-code", "`awk` without a program")]
    text = taken.operands[0].text
    if text is None:
        return [ask("unknown-code", "the `awk` program is not known before it runs")]
    try:
        if _only_computes(list(_tokens(text))):
            return []
    except _Doubtful:
        pass
    return [ask("runs", "the `awk` program may write files or run commands"), *_dangers(text, case)]


def _tokens(text: str) -> Iterator[str]:
    """Tokens of a program, without blanks; patterns come as `/`.

    Raises:
        _Doubtful: it cannot be told what a slash or another character means.
    """
    at, before = 0, ""
    while at < len(text):
        pattern = _PATTERN.match(text, at)
        if pattern is not None and before in _BEFORE_PATTERN:
            at, before = pattern.end(), "/"
            yield before
            continue
        found = _TOKEN.match(text, at)
        if found is None or (found[0] == "/" and not re.fullmatch(r"[\w.]+|\]|\$", before)):
            raise _Doubtful
        at = found.end()
        if found.lastgroup != "blank":
            before = found[0]
            yield before


def _only_computes(tokens: list[str]) -> bool:
    is_printing, depth = False, 0
    for index, token in enumerate(tokens):
        if token in _REACHES_OUT or token in ("|", "|&"):
            return False
        if token in _PRINTS:
            is_printing, depth = True, 0
        elif token in (";", "\n", "}"):
            is_printing = False
        elif token in ("(", "["):
            depth += 1
        elif token in (")", "]"):
            depth -= 1
        elif is_printing and depth <= 0 and token in (">", ">>"):
            if tokens[index + 1 : index + 2] and tokens[index + 1] in _TERMINALS:
                continue
            return False
    return True


def _dangers(text: str, case: Case) -> Iterator[Finding]:
    for literal in re.findall(r"\"((?:[^\"\\]|\\.)*)\"", text):
        yield from (one for one in case.text(literal) if one.verdict == "deny" and one.rule != "commands.unparsed")
    if re.search(r"\|&?\s*\"\s*(?:/\w+)*/?(?:ba|z|da|k|a)?sh\b", text):
        yield deny("runs-computed", "the `awk` program pipes text into a shell")
    if re.search(r"\bsystem\s*\((?!\s*\"(?:[^\"\\]|\\.)*\"\s*\))", text):
        yield deny("runs-computed", "the `awk` program runs commands that it puts together")
    if "/inet" in text:
        yield deny("sends-data", "the `awk` program opens a network connection", "network")
    for target in re.findall(r">\s*\"([^\"]+)\"", text):
        yield from case.scope.writing(Word.of(target))
    for source in re.findall(r"<\s*\"([^\"]+)\"", text):
        yield from case.scope.reading(Word.of(source))
