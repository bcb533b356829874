"""Judges programs that only read: their options by grammar, their paths by place, their small languages by parser.

Invariant: an empty list is given only when every option is in the grammar and every path read lies in the workspace.
"""

from collections.abc import Iterator, Sequence

from hybridcode.gate.commands import small
from hybridcode.gate.commands.options import Arguments, Grammar, judge_operands, parse
from hybridcode.gate.commands.scope import Case, Finding, ask
from hybridcode.gate.commands.shell import Command, Word, names
from hybridcode.gate.commands.tables import SHOWS_VERSION, VERSION_FLAGS, grammar_of

_FILE_TESTS = names("-a -b -c -d -e -f -g -h -k -p -r -s -u -w -x -G -L -N -O -S -nt -ot -ef")
_OUTPUT_OPTIONS = ("--output", "--output-file", "--out", "-o", "-O")


def only_informs(program: str, command: Command) -> bool:
    """True for `node --version`, `command -v x` and the like."""
    if program == "command" and command.args and command.args[0].literal in ("-v", "-V"):
        return True
    return program in SHOWS_VERSION and len(command.args) == 1 and command.args[0].literal in VERSION_FLAGS


def judge(program: str, command: Command, case: Case) -> list[Finding] | None:
    """Findings for a read-only program; None if it is none."""
    if program in ("echo", "printf"):
        return _printing(program, command)
    if program == "find":
        return small.find(command, case)
    if program in ("test", "["):
        return _testing(command, case)
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
            findings += [finding for path in taken.operands[1:] for finding in case.scope.writing(path)]
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
            return small.awk(taken, case)
        case "jq":
            return small.jq(taken)
        case "diff" if {"-r", "--recursive"}.intersection(taken.options) and any(
            map(case.scope.has_exits, taken.operands)
        ):
            return [ask("reads-outside", "`diff -r` follows links that lead outside", "outside")]
        case "rg":
            pre = [args[i + 1] for i, word in enumerate(args[:-1]) if word.text == "--pre"]
            return [found for word in pre for found in case.command(Command(word, (Word("(a file)", None),)))]
        case "date" if taken.operands and not (taken.operands[0].text or "").startswith("+"):
            return [ask("option", "`date` may set the clock")]
        case _:
            return []


def _testing(command: Command, case: Case) -> list[Finding]:
    """Judge a test: bash evaluates subscripts in some operands, and with them commands."""
    findings: list[Finding] = []
    if any(word.text in _FILE_TESTS for word in command.args):
        outside = filter(case.scope.is_outside, command.args)
        findings += [found for word in outside for found in case.scope.reading(word)]
    for word in command.args:
        if word.text in ("-v", "-R") or "[" in (word.text or "").removeprefix("[").removesuffix("]"):
            findings.append(ask("unknown-code", f"`{word.raw}` in a test may be evaluated"))
    return findings


def _printing(program: str, command: Command) -> list[Finding]:
    if program == "printf" and command.args and command.args[0].literal in ("-v", None):
        return [ask("option", "`printf` may assign a variable")]
    if any("environ" in word.raw or word.raw.startswith("${!") for word in command.args):
        return [ask("reads-secrets", "prints variables that may hold credentials")]
    return []
