"""Builtins of the shell that change the shell itself: its variables, options and what it runs later.

Invariant: an empty list is given only for those that set plain variables, harden the shell, or end the script.
"""

import re

from hybridcode.gate.commands.scope import Case, Finding, ask, deny
from hybridcode.gate.commands.shell import Command, Word, names
from hybridcode.gate.commands.variables import is_sensitive

_ENDS = names("exit return break continue shift")
_DECLARES = names("export declare typeset local readonly")
_STORES_CODE = {"complete": "-C", "compgen": "-C", "mapfile": "-C", "readarray": "-C", "bind": "-x"}
_HARDENS = re.compile(r"[-+][eux]+|[-+][eux]*o")
_SHELL_OPTIONS = names("pipefail errexit nounset xtrace")
_PLAIN_VARIABLE = re.compile(r"[a-z_][a-z0-9_]*")
_READ_VALUED = names("-d -n -N -p -t -i -u")


def judge(program: str, command: Command, case: Case) -> list[Finding] | None:
    """Findings for a builtin that changes the shell; None if it is none of them."""
    if program in _ENDS:
        is_plain = all(re.fullmatch(r"\d+|\$\?", word.raw) for word in command.args)
        return [] if is_plain else [ask("option", f"`{program}` with something else than a number")]
    if program == "set":
        return _set(command)
    if program == "read":
        return _read(command)
    if program in _DECLARES:
        return [ask("variable", f"`{program}` changes variables"), *_named(command)]
    if program in _STORES_CODE:
        flag = _STORES_CODE[program]
        codes = [after for before, after in zip(command.args, command.args[1:], strict=False) if before.text == flag]
        findings = [ask("runs", f"`{program}` may store code")]
        return findings + [found for code in codes for found in case.text(code.text or code.raw)]
    if program == "printf" and command.args and command.args[0].text == "-v":
        return [ask("variable", "`printf -v` sets a variable"), *_named(command)]
    return None


def _set(command: Command) -> list[Finding]:
    texts = [word.literal or "" for word in command.args]
    is_option_name = False
    for text in texts:
        if is_option_name and text in _SHELL_OPTIONS:
            is_option_name = False
        elif _HARDENS.fullmatch(text):
            is_option_name = text.endswith("o")
        else:
            return [ask("variable", "`set` changes or prints the shell's variables or options")]
    if not texts or is_option_name:
        return [ask("variable", "`set` prints variables")]
    return []


def _read(command: Command) -> list[Finding]:
    words = list(command.args)
    while words and (text := words[0].text or "").startswith("-"):
        words.pop(0)
        if text in _READ_VALUED and words and words[0].text is not None:
            words.pop(0)
        elif not re.fullmatch(r"-[rs]+|-[rs]*[nN]\d+", text):
            return [ask("option", f"`read {text}`"), *_named(command)]
    if all(_PLAIN_VARIABLE.fullmatch(word.literal or "") for word in words) and not _named(command):
        return []
    return [ask("variable", "`read` sets variables"), *_named(command)]


def _named(command: Command) -> list[Finding]:
    """Variables among the arguments that decide what programs run."""
    return [
        deny("variable", f"sets {name}, which changes what programs run or send")
        for word in command.args
        if is_sensitive(name := _name(word))
    ]


def _name(word: Word) -> str:
    return (word.text or word.raw).partition("=")[0].removesuffix("+")
