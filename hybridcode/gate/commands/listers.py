"""Which commands print nothing but names of files of the workspace, so that others may read those files.

Invariant: names are trusted only where none of the workspace's own could be taken for something else: no blanks, no
leading dashes, no links that lead outside.
"""

import itertools
import re
from collections.abc import Sequence

from hybridcode.gate.commands.options import parse
from hybridcode.gate.commands.scope import Case
from hybridcode.gate.commands.shell import Command, Word, names
from hybridcode.gate.commands.tables import git_grammar_of, grammar_of

_FIND_PRINTS_OTHERWISE = names("-printf -ls -exec -execdir -ok -okdir -fprint -fprintf -fprint0 -fls -delete")
_LISTS_FILES = names("-l --files-with-matches --files -L --files-without-match")
_PRINTS_OTHERWISE = names("--label -H -o --only-matching -c --count -A -B -C -Z --null -r --replace --json --vimgrep")
_GIT_FLAGS = names("-c -m -o -d -z --cached --modified --others --deleted --exclude-standard")
_KEEPS_LINES = {
    "sort": names("-u -r -n -V -z --unique --reverse"),
    "uniq": frozenset[str](),
    "head": names("-n -NUM"),
    "tail": names("-n -NUM"),
    "grep": names("-v -E -F -i -e --invert-match --ignore-case --extended-regexp --fixed-strings -w"),
}
A_NAME = Word("(a name)", "(a name)", is_several=True)
"""Stands for any of the names, or several."""


def prints_names(commands: Sequence[Command], case: Case) -> bool:
    """True when a pipeline prints names of files of the workspace, one a line or ended by NUL, and nothing else."""
    if not commands or any(command.redirects or command.assignments or command.stdin for command in commands):
        return False
    first, *rest = commands
    if any(map(_names_secrets, itertools.repeat(case), first.args)):
        return False
    return _lists(first) and all(map(_keeps_lines, rest)) and case.scope.has_plain_names()


def _names_secrets(case: Case, word: Word) -> bool:
    """True for a filter such as `-name .env` or `-name '*.pem'`: the names it lets through are those of credentials."""
    if word.text is None or word.text.startswith("-"):
        return False
    return any(found.rule == "commands.reads-secrets" for found in case.scope.reading(Word.of(word.text.rstrip("*?"))))


def _lists(command: Command) -> bool:
    texts = [word.text for word in command.args]
    if command.upstream or None in texts:
        return False
    match command.program:
        case "find":
            return _FIND_PRINTS_OTHERWISE.isdisjoint(text or "" for text in texts)
        case "git":
            grammar = git_grammar_of("ls-files")
            if texts[:1] != ["ls-files"] or grammar is None:
                return False
            taken = parse(command.args[1:], grammar)
            return not taken.problem and _GIT_FLAGS.issuperset(taken.options)
        case "rg" | "grep" | "fd" | "fdfind" as program:
            grammar = grammar_of(program)
            taken = parse(command.args, grammar) if grammar is not None else None
            if taken is None or taken.problem or (program == "grep" and "-L" in taken.options):
                return False
            is_listing = program in ("fd", "fdfind") or not _LISTS_FILES.isdisjoint(taken.options)
            harmless = {"grep": {"-r"}, "rg": set[str]()}.get(program, {"-H"})
            lookalikes = _PRINTS_OTHERWISE - harmless
            return is_listing and lookalikes.isdisjoint(taken.options)
        case _:
            return False


def _keeps_lines(command: Command) -> bool:
    """True for filters that give on whole lines of their input."""
    program = command.program or ""
    grammar = grammar_of(program)
    if program not in _KEEPS_LINES or grammar is None:
        return False
    taken = parse(command.args, grammar)
    operands = 1 if program == "grep" and "-e" not in taken.options else 0
    return not taken.problem and len(taken.operands) <= operands and _KEEPS_LINES[program].issuperset(taken.options)


def lists_in(word: Word, case: Case) -> bool:
    """True for `$(git ls-files ...)` and the like, alone."""
    return bool(re.fullmatch(r"\$\([^()]*\)", word.raw)) and prints_names(word.inner, case)
