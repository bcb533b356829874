"""Programs that run another program: the inner one is judged, the wrapper itself only adds.

Invariant: a wrapper never makes the inner command look more harmless than it is.
"""

from msgspec import Struct
from msgspec.structs import replace

from hybridcode.gate.commands.listers import A_NAME, prints_names
from hybridcode.gate.commands.options import Grammar, parse
from hybridcode.gate.commands.scope import Case, Finding, ask, deny
from hybridcode.gate.commands.shell import Command, Word
from hybridcode.gate.commands.variables import is_sensitive


class _Wrapper(Struct, frozen=True):
    grammar: Grammar
    skips: int = 0
    """Own operands before the inner command."""
    is_harmless: bool = False


def _wrapper(options: str, *, skips: int = 0, is_harmless: bool = False) -> _Wrapper:
    return _Wrapper(Grammar.read(f"TEXT {options}"), skips, is_harmless)


_WRAPPERS = {
    "timeout": _wrapper("-k: -s: -v --kill-after: --signal: --preserve-status --foreground", skips=1, is_harmless=True),
    "nice": _wrapper("-n: -NUM --adjustment:", is_harmless=True),
    "ionice": _wrapper("-c: -n: -t --class: --classdata:", is_harmless=True),
    "stdbuf": _wrapper("-i: -o: -e: --input: --output: --error:", is_harmless=True),
    "time": _wrapper("-p -v --portability --verbose", is_harmless=True),
    "command": _wrapper("-p", is_harmless=True),
    "chronic": _wrapper(""),
    "builtin": _wrapper(""),
    "exec": _wrapper("-a: -c -l"),
    "nohup": _wrapper(""),
    "setsid": _wrapper("-c -f -w --wait --fork --ctty"),
    "coproc": _wrapper(""),
    "watch": _wrapper("-n: -d -t -c -g -e -x -b --interval: --no-title --color --exec"),
    "flock": _wrapper("-n -x -s -u -o -w: -E: -F --nonblock --exclusive --shared --timeout: --close", skips=1),
    "taskset": _wrapper("-c -p -a", skips=1),
    "chrt": _wrapper("-b -f -i -o -r -m", skips=1),
    "prlimit": _wrapper(""),
    "strace": _wrapper("-f -e: -o: -s: -c -q -t -p:"),
    "ltrace": _wrapper("-f -e: -o: -c"),
    "catchsegv": _wrapper(""),
    "busybox": _wrapper(""),
    "toybox": _wrapper(""),
    "parallel": _wrapper("-j: -k -q -0 -n: -a@ --jobs: --keep-order --dry-run --bar"),
    "entr": _wrapper("-c -r -s -n -p -d"),
    "dbus-run-session": _wrapper(""),
    "xvfb-run": _wrapper("-a -s:"),
    "rlwrap": _wrapper(""),
    "fakeroot": _wrapper(""),
    "caffeinate": _wrapper("-d -i -m -s -u -t:"),
    "unbuffer": _wrapper(""),
    "proxychains": _wrapper("-q -f:"),
    "torsocks": _wrapper(""),
}
_RUNS_A_LINE = frozenset({"watch", "flock", "entr", "parallel"})
_XARGS = Grammar.read("TEXT -0 -r -t -x -n: -P: -I: -L: -d: -s: -a@ --null --no-run-if-empty --max-args: --max-procs: "
                      "--replace? --delimiter: --verbose --max-lines: --arg-file@")  # fmt: skip
_ENV = Grammar.read("TEXT -i -0 -v -u: -C: --ignore-environment --unset: --null --chdir: --debug")


def judge(program: str, command: Command, case: Case) -> list[Finding] | None:
    """Findings for a wrapper and its inner command; None if the program is no wrapper."""
    match program:
        case "env":
            return _env(command, case)
        case "xargs":
            return _xargs(command, case)
        case "script":
            return _script(command, case)
        case "fd" | "fdfind":
            return _fd(command, case)
        case _ if program in _WRAPPERS:
            return _wrapped(program, command, case)
        case _:
            return None


def _wrapped(program: str, command: Command, case: Case) -> list[Finding]:
    wrapper = _WRAPPERS[program]
    taken = parse(command.args, wrapper.grammar, is_wrapper=True)
    words, problem = taken.operands[wrapper.skips :], taken.problem
    if any(word.literal is None for word in taken.operands[: wrapper.skips]):
        return [deny("runs-computed", f"what `{program}` runs cannot be told before it runs")]
    findings: list[Finding] = []
    if problem or not wrapper.is_harmless:
        findings.append(ask("wrapper", problem or f"`{program}` runs another program"))
    if not words:
        return [*findings, ask("wrapper", f"`{program}` without a command")] if program != "exec" else findings
    if program in _RUNS_A_LINE:
        text = " ".join(word.text or word.raw for word in words if word.text != "-c")
        findings += case.text(text)
    return findings + case.command(replace(command, name=words[0], args=tuple(words[1:]), assignments=(), redirects=()))


def _env(command: Command, case: Case) -> list[Finding]:
    for index, word in enumerate(command.args):
        text = word.text or ""
        if text.startswith(("-S", "--split-string", "-vS")):
            value = text.removeprefix("-vS").removeprefix("-S").removeprefix("--split-string").removeprefix("=")
            rest = [other.text or other.raw for other in command.args[index + 1 :]]
            return [ask("wrapper", "`env -S` runs a line"), *case.text(" ".join([value, *rest]).strip())]
        if not text.startswith("-"):
            break
    taken = parse(command.args, _ENV, is_wrapper=True)
    words, problem = taken.operands, taken.problem
    pairs: list[tuple[str, Word]] = []
    while words and "=" in (text := words[0].text or ""):
        name, _, value = text.partition("=")
        words = words[1:]
        pairs.append((name, Word.of(value)))
    findings = [ask("wrapper", problem)] if problem else []
    unset = [name.text or "" for flag in ("-u", "--unset") for name in taken.options.get(flag, [])]
    findings += [ask("variable", f"`env` unsets {name}") for name in unset if is_sensitive(name)]
    if {"-C", "--chdir"}.intersection(taken.options):
        findings.append(ask("wrapper", "`env -C` runs it in another folder"))
    if not words:
        return [*findings, ask("reads-secrets", "`env` prints variables that may hold credentials")]
    inner = replace(command, name=words[0], args=tuple(words[1:]), assignments=tuple(pairs), redirects=())
    return findings + case.command(inner)


def _xargs(command: Command, case: Case) -> list[Finding]:
    taken = parse(command.args, _XARGS, is_wrapper=True)
    words, problem = taken.operands, taken.problem
    findings = [ask("wrapper", f"`xargs`: {problem}")] if problem else []
    findings += [found for path in taken.paths for found in case.scope.reading(path)]
    if not words:
        return findings
    options = command.args[: len(command.args) - len(words)]
    marks = [
        (options[i + 1].text or "") if word.text == "-I" and i + 1 < len(options) else (word.text or "")[2:]
        for i, word in enumerate(options)
        if (word.text or "").startswith("-I")
    ]
    mark = marks[0] if marks else ""
    line = Word("(a line of the input)", None)
    if not taken.paths and command.stdin is None and not command.redirects and prints_names(command.upstream, case):
        line = A_NAME
    args = [_with_line(word, mark, line) for word in words[1:]]
    name = Word(words[0].raw, None) if mark and mark in (words[0].text or "") else words[0]
    if not mark:
        args.append(line)
    return findings + case.command(Command(name, tuple(args)))


def _fd(command: Command, case: Case) -> list[Finding] | None:
    for index, word in enumerate(command.args):
        if word.text in ("-x", "-X", "--exec", "--exec-batch") and index + 1 < len(command.args):
            name, *rest = command.args[index + 1 :]
            args = tuple(Word.of("(a match)") if other.text == "{}" else other for other in rest)
            return [ask("runs", "`fd` runs a program on every match"), *case.command(Command(name, args))]
    return None


def _with_line(word: Word, mark: str, line: Word) -> Word:
    if not mark or word.text is None or mark not in word.text:
        return word
    return Word(word.raw, None if line.text is None else word.text.replace(mark, line.text))


def _script(command: Command, case: Case) -> list[Finding]:
    findings = [ask("wrapper", "`script` records a terminal session to a file")]
    findings += [found for word in command.args for found in case.scope.writing(word) if found.verdict == "deny"]
    for index, word in enumerate(command.args[:-1]):
        text = word.text or ""
        if text == "--command" or (text.startswith("-") and not text.startswith("--") and text.endswith("c")):
            code = command.args[index + 1]
            if code.text is None:
                return [*findings, deny("runs-computed", "runs code that is not known before")]
            findings += case.text(code.text)
    return findings
