"""Judges programs that only read: their options by grammar, their paths by place, their small languages by parser.

Invariant: an empty list is given only when every option is in the grammar and every path read lies in the workspace.
"""

import re
from collections.abc import Iterator, Sequence

from hybridcode.gate.commands import awk, small
from hybridcode.gate.commands.options import Arguments, Grammar, judge_operands, parse
from hybridcode.gate.commands.scope import Case, Finding, ask
from hybridcode.gate.commands.shell import Command, Word, names
from hybridcode.gate.commands.tables import SHORT_VERSION, SHOWS_VERSION, STEERED, STEERS_ALL, VERSION_FLAGS, grammar_of

_FILE_TESTS = names("-a -b -c -d -e -f -g -h -k -p -r -s -u -w -x -G -L -N -O -S -nt -ot -ef")
_SECRET_VARIABLE = re.compile(r"\$\{?!|\$\{?\w*(?:KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH)\w*")
_COMPARES_NUMBERS = names("-eq -ne -lt -le -gt -ge")
_OUTPUT_OPTIONS = ("--output", "--output-file", "--out", "-o", "-O")


def only_informs(program: str, command: Command, case: Case) -> bool:
    """True for `node --version`, `command -v x` and the like, where no file of the repository steers the program."""
    texts = [word.literal for word in command.args]
    if program == "command" and texts[:1] in (["-v"], ["-V"]):
        return True
    if len(texts) != 1 or case.scope.is_lost:
        return False
    is_short = texts[0] == ("version" if program == "go" else "-v") and program in SHORT_VERSION
    asks = is_short or (program in SHOWS_VERSION and texts[0] in VERSION_FLAGS)
    return asks and not case.scope.holds_any(STEERED.get(program, ()), STEERS_ALL)


def judge(program: str, command: Command, case: Case) -> list[Finding] | None:
    """Findings for a read-only program; None if it is none."""
    if program in ("echo", "printf"):
        return _printing(program, command)
    if program == "find":
        return small.find(command, case)
    if program in ("tar", "bsdtar", "unzip"):
        return _listing(program, command, case)
    if program == "tee" and all(word.text in ("/dev/null", "/dev/stderr", "-a") for word in command.args):
        return []
    if program in ("test", "[", "[["):
        return _testing(program, command, case)
    grammar = grammar_of(program)
    return None if grammar is None else by_grammar(program, command.args, grammar, case)


def by_grammar(program: str, args: Sequence[Word], grammar: Grammar, case: Case) -> list[Finding]:
    """Judge arguments by a grammar, and the paths among them by place."""
    taken = parse(args, grammar)
    paths = judge_operands(taken, grammar)
    findings = [finding for path in paths for finding in case.scope.reading(path)]
    if taken.problem:
        findings.append(ask("option", f"`{program}`: {taken.problem}"))
        findings += [finding for path in outputs(args) for finding in case.scope.writing(path)]
        if grammar.operands == "ONE":
            operands = [word for word in args if not (word.text or "").startswith("-")]
            findings += [finding for path in operands[1:] for finding in case.scope.writing(path)]
        if grammar.operands != "TEXT":
            unread = [word for word in args if word.text is None]
            findings += [found for word in unread for found in case.scope.reading(word) if found.verdict == "deny"]
    return findings + _particular(program, args, taken, case)


def outputs(args: Sequence[Word]) -> Iterator[Word]:
    """Values of options that usually name a file to write."""
    for index, word in enumerate(args):
        name, equals, value = (word.text or "").partition("=")
        if equals and name.startswith("--out"):
            yield Word(word.raw, value if word.text is not None else None)
        elif name in _OUTPUT_OPTIONS and index + 1 < len(args):
            yield args[index + 1]
        elif name.startswith(("-o", "-O")) and len(name) > 2 and not equals:
            yield Word.of(name[2:])


def _particular(program: str, args: Sequence[Word], taken: Arguments, case: Case) -> list[Finding]:
    match program:
        case "sed":
            return small.sed(args, taken, case)
        case "awk" | "gawk" | "mawk":
            return awk.judge(taken, case)
        case "jq":
            return small.jq(taken)
        case "diff" if {"-r", "--recursive"}.intersection(taken.options) and any(
            map(case.scope.has_exits, taken.operands)
        ):
            return [ask("reads-outside", "`diff -r` follows links that lead outside", "outside")]
        case "rg":
            return list(_runs(args, "--pre", case))
        case "sort":
            return list(_runs(args, "--compress-program", case))
        case "grep" if {"-R", "--dereference-recursive"}.intersection(taken.options) and any(
            map(case.scope.has_exits, taken.operands[1:] or [Word.of(".")])
        ):
            return [ask("reads-outside", "`grep -R` follows links that lead outside", "outside")]
        case "date" if taken.operands and not (taken.operands[0].text or "").startswith("+"):
            return [ask("option", "`date` may set the clock")]
        case _:
            return []


def _listing(program: str, command: Command, case: Case) -> list[Finding] | None:
    """Listing an archive is reading it; the other uses of these programs are no reading."""
    first = command.args[0].literal or "" if command.args else ""
    lists = r"-(?:l|v|Z|Z1|t|p)" if program == "unzip" else r"-?[tvzjJ]*t[tvzjJ]*f"
    if len(command.args) < 2 or not re.fullmatch(lists, first):
        return None
    if any(word.literal is None or word.literal.startswith("-") or ":" in word.literal for word in command.args[1:]):
        return None
    return case.scope.reading(command.args[1])


def _runs(args: Sequence[Word], option: str, case: Case) -> Iterator[Finding]:
    """What an option makes a reader run on its files."""
    for index, word in enumerate(args):
        name, equals, value = (word.text or "").partition("=")
        if name == option:
            code = Word.of(value) if equals else args[index + 1] if index + 1 < len(args) else Word("", None)
            yield from case.command(Command(code, (Word("(a file)", None),)))
            yield from (found for found in case.text(code.text or code.raw) if found.verdict == "deny")


def _testing(program: str, command: Command, case: Case) -> list[Finding]:
    """Judge a test: bash evaluates subscripts in some operands, and with them commands."""
    findings: list[Finding] = []
    if any(word.text in _FILE_TESTS for word in command.args):
        outside = filter(case.scope.is_outside, command.args)
        findings += [found for word in outside for found in case.scope.reading(word)]
    for word in command.args:
        if word.text in ("-v", "-R") or "[" in (word.text or "").removeprefix("[").removesuffix("]"):
            findings.append(ask("unknown-code", f"`{word.raw}` in a test may be evaluated"))
    if program == "[[" and any(word.text in _COMPARES_NUMBERS for word in command.args):
        sides = [word for word in command.args if word.text not in _COMPARES_NUMBERS]
        if not all(re.fullmatch(r"-?\d+|\$[#?]", word.raw.strip('"')) for word in sides):
            findings.append(ask("unknown-code", "bash evaluates what this test compares"))
    return findings


def _printing(program: str, command: Command) -> list[Finding]:
    if program == "printf" and command.args and command.args[0].literal in ("-v", None):
        return [ask("option", "`printf` may assign a variable")]
    if any("environ" in word.raw or _SECRET_VARIABLE.search(word.raw) for word in command.args):
        return [ask("reads-secrets", "prints variables that may hold credentials")]
    return []
