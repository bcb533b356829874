"""The small languages inside commands: find, sed, awk and jq.

Invariant: a script is harmless only if every part of it is on a list; writing, running and reading elsewhere never are.
"""

import re
from collections.abc import Iterator, Sequence

from hybridcode.gate.commands.options import Arguments
from hybridcode.gate.commands.scope import Case, Finding, ask, deny
from hybridcode.gate.commands.shell import Command, Word, names
from hybridcode.gate.lazy_patterns import LazyPattern

_FIND_TESTS = names(
    "! -not -a -and -o -or ( ) , -print -print0 -ls -prune -quit -true -false -depth -d -mount -xdev -daystart -empty "
    "-readable -writable -executable -nouser -nogroup -ignore_readdir_race -noignore_readdir_race -nowarn -noleaf"
)
_FIND_VALUED = names(
    "-name -iname -path -ipath -wholename -iwholename -lname -ilname -regex -iregex -regextype -type -xtype -maxdepth "
    "-mindepth -size -mtime -mmin -atime -amin -ctime -cmin -perm -user -group -uid -gid -links -inum -fstype -printf"
)
_FIND_READS = frozenset({"-newer", "-anewer", "-cnewer", "-samefile"})
_FIND_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_FIND_WRITES = frozenset({"-fprint", "-fprint0", "-fls", "-fprintf"})


def find(command: Command, case: Case) -> list[Finding]:
    """Judge `find`: roots, tests, and what its actions would run, write or delete."""
    args = list(command.args)
    while args and args[0].literal in ("-P", "-O0", "-O1", "-O2", "-O3"):
        args.pop(0)
    roots: list[Word] = []
    while args and not _starts_expression(args[0]):
        roots.append(args.pop(0))
    roots = roots or [Word.of(".")]
    findings = [finding for root in roots for finding in case.scope.reading(root)]
    index, has_filter = 0, False
    while index < len(args):
        name = args[index].literal
        has_filter = has_filter or name in _FIND_VALUED - {"-maxdepth", "-mindepth"} or name in _FIND_READS
        if name in _FIND_TESTS:
            index += 1
        elif name in _FIND_VALUED:
            if index + 1 < len(args) and args[index + 1].literal is None:
                findings.append(ask("unknown-path", f"`{args[index + 1].raw}` is not known before it runs"))
            index += 2
        elif name in _FIND_READS:
            findings += case.scope.reading(args[index + 1]) if index + 1 < len(args) else []
            index += 2
        elif name in _FIND_RUNS:
            end = next((i for i in range(index, len(args)) if args[i].literal in (";", "+")), len(args))
            findings += _find_runs(args[index + 1 : end], roots, case)
            index = end + 1
        elif name in _FIND_WRITES:
            findings += case.scope.writing(args[index + 1]) if index + 1 < len(args) else []
            findings.append(ask("writes", f"`find {name}` writes a file"))
            index += 3 if name == "-fprintf" else 2
        elif name == "-delete":
            findings += _find_deletes(roots, case, has_filter=has_filter)
            index += 1
        else:
            findings.append(ask("option", f"`find`: `{args[index].raw}` is not known to be harmless"))
            index += 1
    return findings


def _starts_expression(word: Word) -> bool:
    return word.text is not None and (word.text.startswith("-") or word.text in ("!", "(", ")", ","))


def _find_runs(words: Sequence[Word], roots: Sequence[Word], case: Case) -> list[Finding]:
    findings = [ask("runs", "`find` runs a program on every match")]
    if not words:
        return findings
    for root in roots:
        base = root.literal
        match = Word(root.raw, None) if base is None else Word.of(f"{base.rstrip('/')}/(a match)")
        args = tuple(match if word.text == "{}" else word for word in words[1:])
        findings += case.command(Command(words[0], args))
    return findings


def _find_deletes(roots: Sequence[Word], case: Case, *, has_filter: bool) -> Iterator[Finding]:
    yield ask("deletes", "`find -delete` deletes every match", "destructive")
    for root in roots:
        yield from case.scope.writing(root)
        if not has_filter and root.literal in (".", "./", None):
            yield deny("destroys", "`find -delete` without a filter deletes the whole tree")


_SED_PLAIN = LazyPattern(
    r"""\s*
    (?:(?:\d+|\$|/(?:[^/\\\n\[]|\\.|\[\^?\]?[^\]/\n]*\])*/I?|\\(?P<d>[^\\\n\[])(?:(?!(?P=d))[^\[])*(?P=d)I?)(?:~\d+)?\s*
       (?:,\s*(?:[+~]?\d+|\$|/(?:[^/\\\n\[]|\\.|\[\^?\]?[^\]/\n]*\])*/I?)\s*)?)?
    !?\s*
    (?: [pdDPnNgGhHx=lFz]
      | [qQ]\s*\d*
      | [bt]\s*\w*
      | :\s*\w+
      | [{}]
      | s(?P<s>[^\\\n\w\s\[\]])(?:(?!(?P=s))[^\\\[]|\\.|\[\^?\]?(?:(?!(?P=s))[^\]\n])*\])*(?P=s)
        (?:(?!(?P=s))[^\\]|\\.)*(?P=s)[gpiIM0-9]*
      | y(?P<y>[^\\\n\w\s])(?:(?!(?P=y))[^\\]|\\.)*(?P=y)(?:(?!(?P=y))[^\\]|\\.)*(?P=y)
      | (?=[;\n}]|\Z)
    )\s*(?:[;\n]|(?=\})|(?<=\{)|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
"""A delimiter inside brackets ends a pattern for one sed and not for another: such scripts are not plain."""
_SED_WRITES = LazyPattern(r"(?:^|[;{\s\d$/])w\s+(?P<one>[^\n;}]+)|/[gpiIM0-9]*w\s+(?P<two>[^\n;}]+)")
_SED_READS = LazyPattern(r"(?:^|[;{\s\d$/])[rR]\s+([^\n;}]+)")
_SED_RUNS = LazyPattern(
    r"(?:^|[;{\d$/])\s*e\s+(?P<one>[^\n]+)|^s(?P<d>[^\w\s])(?:.*?)(?P=d)(?P<two>.*?)(?P=d)\w*e", re.DOTALL
)


def sed(args: Sequence[Word], taken: Arguments, case: Case) -> list[Finding]:
    """Judge `sed`: in-place edits write, scripts by a closed list of commands."""
    in_place = any(re.match(r"-[nErsuz]*i|--in-place", word.text or "") for word in args)
    operands = [word for word in args if not (word.text or "-").startswith("-")]
    given = [word for name in ("-e", "--expression") for word in taken.options.get(name, [])]
    scripts = given or operands[:1]
    files = operands if given else operands[1:]
    findings = [finding for word in files for finding in case.scope.writing(word)] if in_place else []
    for word in scripts:
        text = word.text
        if text is None or word.has_glob:
            findings.append(ask("unknown-code", "the `sed` script is not known before it runs"))
        elif not _is_plain_sed(text):
            findings.append(ask("runs", "the `sed` script may write files or run commands"))
            for found in _SED_WRITES.finditer(text):
                findings += case.scope.writing(Word.of((found["one"] or found["two"]).strip()))
            for found in _SED_READS.finditer(text):
                findings += case.scope.reading(Word.of(found[1].strip()))
            for found in _SED_RUNS.finditer(text):
                findings += case.text(found["one"] or found["two"] or "")
    return findings


def _is_plain_sed(script: str) -> bool:
    position = 0
    while position < len(script):
        found = _SED_PLAIN.match(script, position)
        if found is None or found.end() == position:
            return False
        position = found.end()
    return True


_JQ_REACHES_OUT = LazyPattern(
    r"\benv\b|\$ENV|\bimport\b|\binclude\b|input_filename|\$__prog|get_search_list|modulemeta"
)


def jq(taken: Arguments) -> list[Finding]:
    """Judge a `jq` filter: no environment, no modules."""
    text = taken.operands[0].text if taken.operands else ""
    if text is None or _JQ_REACHES_OUT.search(text):
        return [ask("unknown-code", "the `jq` filter may read the environment or other files")]
    return []
