"""Programs that run code: shells, languages, editors and build tools that are given code as text.

Invariant: none of them is ever harmless; code that cannot be known before it runs is denied.
"""

import itertools
import re

from msgspec.structs import replace

from hybridcode.gate.commands.scope import Case, Finding, ask, deny
from hybridcode.gate.commands.shell import Command, Word, names
from hybridcode.gate.commands.tables import DANGERS, known_as

_CODE_OPTION = re.compile(r"-[a-zA-Z]*[cerEpR]|--(?:eval|print|command|execute|exec)")
_EDITS = names("sqlite3 ed ex vi vim view nvim nano emacs")
_TAKES_CODE = {"python": "c", "pypy": "c", "ipython": "c"}


def judge(program: str, command: Command, case: Case) -> list[Finding] | None:
    """Findings for a program that runs code; None if it runs none."""
    base = re.sub(r"[\d.]+\Z", "", program) if program not in known_as("languages") else program
    if program in known_as("shells"):
        return _shell(program, command, case)
    if base in known_as("languages"):
        return _language(base, command, case)
    match program:
        case "eval":
            return _eval(command, case)
        case "source" | ".":
            return _source(command, case)
        case "alias" | "trap":
            texts = [(word.text or "").partition("=")[2] if program == "alias" else word.text for word in command.args]
            return [ask("runs", f"`{program}` stores code"), *(found for t in texts if t for found in case.text(t))]
        case _ if program in known_as("scanned"):
            findings = [ask("runs", f"`{program}` can run other programs"), *_scan_command(command, case)]
            return findings + [found for word in _written(program, command) for found in case.scope.writing(word)]
        case _:
            return None


def _written(program: str, command: Command) -> list[Word]:
    """The files that an editor, a database shell or a pager's log option may write."""
    if program == "less":
        return [after for before, after in itertools.pairwise(command.args) if before.text in ("-o", "-O")]
    if program not in _EDITS:
        return []
    words = [word for word in command.args if word.text is not None and not word.text.startswith(("-", "+", ":"))]
    return words[:1] if program == "sqlite3" else [word for word in words if "/" in (word.text or "")]


def scan(text: str) -> list[Finding]:
    """Findings for code of any language, by the traces that dangerous code leaves."""
    return [deny("dangerous-code", f"the code {what}") for pattern, what in DANGERS if pattern.search(text)]


def _scan_command(command: Command, case: Case) -> list[Finding]:
    words = [*command.args, *([command.stdin] if command.stdin else [])]
    findings: list[Finding] = []
    for word in words:
        findings += scan(word.text if word.text is not None else word.raw)
        if word.is_pipe:
            findings.append(deny("runs-computed", f"runs what `{word.raw}` prints"))
    if command.program in ("make", "gmake") and not {"-", "-f-", "/dev/stdin"}.intersection(w.text for w in words):
        return findings
    return findings + _fed(command, case)


def _shell(program: str, command: Command, case: Case) -> list[Finding]:
    findings = [ask("runs", f"`{program}` runs code")]
    args = list(command.args)
    while args and (text := args[0].text) is not None and text[:1] in ("-", "+") and text != "-":
        option = args.pop(0)
        if re.fullmatch(r"-[a-zA-Z]*c", text):
            return findings + (_code(args[0], case) if args else [])
        if re.fullmatch(r"-c.+", text):
            return findings + case.text((option.text or "")[2:])
        if text in ("-o", "+o", "--rcfile", "--init-file", "-O") and args:
            args.pop(0)
        if text == "-s":
            args = []
    if not args or args[0].text == "-":
        return findings + _fed(command, case)
    script = args[0]
    if script.is_pipe or script.text is None or script.text in ("/dev/stdin", "/proc/self/fd/0", "/dev/fd/0"):
        fed = _fed(command, case)
        return [*findings, *fed] if fed and script.text else [*findings, deny("runs-computed", f"runs `{script.raw}`")]
    return findings + case.scope.reading(script)


def _code(word: Word, case: Case) -> list[Finding]:
    if word.text is None:
        return [deny("runs-computed", f"runs code that is made at run time: `{word.raw}`")]
    return case.text(word.text)


def _language(program: str, command: Command, case: Case) -> list[Finding]:
    findings = [ask("runs", f"`{program}` runs code")]
    args = list(command.args)
    while args:
        word = args.pop(0)
        text = word.text
        if text is None or word.is_pipe:
            return [*findings, deny("runs-computed", f"runs `{word.raw}`")]
        if text == "-m" and args:
            module = args[0].literal or ""
            inner = case.command(replace(command, name=Word.of(module), args=tuple(args[1:])))
            return findings + inner + _scan_command(replace(command, args=tuple(args)), case)
        if program == "deno" and text == "run" and any("://" in (w.text or "") for w in args):
            return [*findings, deny("runs-fetched", "runs code from the network", "network")]
        if _CODE_OPTION.fullmatch(text) and args and text[-1] == _TAKES_CODE.get(program.rstrip("23"), text[-1]):
            code = args[0].text
            if code is None:
                return [*findings, deny("runs-computed", f"runs code that is made at run time: `{args[0].raw}`")]
            return findings + scan(code)
        if text == "-":
            break
        if not text.startswith("-"):
            rest = [found for w in args if w.is_pipe for found in [deny("runs-computed", f"reads `{w.raw}`")]]
            return findings + rest + (case.scope.reading(word) if "/" in text or "." in text else [])
    return findings + _fed(command, case)


def _eval(command: Command, case: Case) -> list[Finding]:
    texts = [word.text for word in command.args]
    if None in texts:
        return [deny("runs-computed", "`eval` runs code that is made at run time")]
    return [ask("runs", "`eval` runs code"), *case.text(" ".join(text for text in texts if text is not None))]


def _source(command: Command, case: Case) -> list[Finding]:
    if not command.args or command.args[0].text is None:
        return [deny("runs-computed", "runs code that is made at run time")]
    return [ask("runs", "runs a file in this shell"), *case.scope.reading(command.args[0])]


def _fed(command: Command, case: Case) -> list[Finding]:
    """Code that comes in through standard input."""
    if command.stdin is not None:
        text = command.stdin.text
        if text is None:
            return [deny("runs-computed", "runs input that is made at run time")]
        return scan(text) + [found for found in case.text(text) if found.verdict == "deny" and found.rule != _UNPARSED]
    if not command.upstream:
        return []
    source = command.upstream[-1]
    program = source.program
    if program in ("echo", "printf") and all(word.text is not None for word in source.args):
        text = " ".join(word.text or "" for word in source.args if word.text not in ("-e", "-n", "-ne", "-en"))
        if re.search(r"\\[x0-7uU]", text):
            return [deny("runs-encoded", "runs encoded text")]
        text = text.replace("\\n", "\n").replace("\\t", "\t")
        return scan(text) + [found for found in case.text(text) if found.rule != _UNPARSED]
    if program == "cat" and len(command.upstream) == 1 and source.args:
        return [ask("runs", f"runs what `{source.line}` prints")]
    return [deny("runs-computed", f"runs what `{source.line}` prints")]


_UNPARSED = "commands.unparsed"
