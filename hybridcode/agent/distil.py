"""What a failed check says, without what it says besides: names of failing tests, assertions, places in the tree.

Invariant: a pure function of the output and the paths, never longer than asked for; lines are kept or left out as they
stand, and what nothing is recognised in keeps its end. Forms of pytest, unittest, node, jest, vitest, mocha, go, cargo
and of compilers (`path:line: message`) are known.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile

MOST_NAMES = 8
"""Names of failing tests that are listed; the rest is counted."""
_UNKNOWN_LINES = 20
"""Last lines kept of an output in which nothing is recognised."""
_LINE_CHARS = 300

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()][0-9A-Za-z]|\][^\x07\x1b\n]*(?:\x07|\x1b\\))")
"""Colours, moves of the cursor, character sets, titles and links of a terminal."""
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_NAMES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:FAILED|ERROR) (\S+::[^\s].*?)(?: - .*)?$",
        r"(?:FAIL|ERROR): (\w+ \([\w.]+\))",
        r"\s*--- FAIL: (\S+)",
        r"test (\S+) \.\.\. FAILED",
        r"---- (\S+) stdout ----",
        r"\s*not ok \d+ - (.+?)(?: #.*)?$",
        r"\s*[✕✖×] (.+?)(?: \(?\d+(?:\.\d+)? ?ms\)?)?$",
        r"\s*FAIL\s+(\S+\.\w+ > .+)$",
        r"\s+\d+\) (.+)$",
    )
)
_SAYS = re.compile(
    r"E(?:  |\t| {3,}).*\S"
    r"|\s*[\w.]*(?:Error|Exception|Failure|Interrupt|Exit|Warning): .+"
    r"|\s*[\w.]*(?:Error|Exception)$"
    r"|.*\b(?:panicked at|assertion (?:`.*` )?failed|Segmentation fault|command not found|No such file)\b.*"
    r"|.*\b(?:Permission denied|Read-only file system|out of pty devices)\b.*"
    r"|\s*(?:left|right|expected|actual|received|Expected|Received|Actual|got|want)\b ?:.*"
    r"|\s*[+-] (?:actual|expected).*"
    r"|(?:.+: )?(?:error|fatal error)(?: ?\[?\w+\]?)?: .+"
    r"|\s*expect\(.*"
)
"""A line that says what is wrong."""
_FRAME = re.compile(r'File "([^"]+)", line (\d+)|(?:^|[\s("\'`>])(/?(?:[\w@.+-]+/)*[\w@+-][\w@.+-]*\.\w{1,5}):(\d+)')
_VARIES = (
    (re.compile(r"0x[0-9a-f]{6,}"), "0x..."),
    (re.compile(r"(thread '.*') \(\d+\)"), r"\1"),
)
"""What differs from run to run, and what stands for it."""
_POINTER = re.compile(r" *-+> ")
_POINTED = re.compile(r" *\d* *\|")
_RULE = re.compile(r"[=_\-*~\s]{6,}|[.FEsx]+ +\[ *\d+%\]")


def distil(output: str, paths: Collection[str], *, most_chars: int) -> str:
    """What matters of a failed check's output. `paths` are the files of the tree, as they stand there.

    Returns:
        Text of at most `most_chars` characters: a line with the names of what failed, then lines in their order, `...`
        where some are left out.
    """
    known = frozenset(paths)
    lines = [_plain(line, known) for line in without_codes(output).replace("\r", "\n").split("\n")]
    names = _names(lines)
    kept = [number for number, line in enumerate(lines) if _SAYS.match(line) or _is_place(line, known)]
    if not kept:
        return _end(lines, most_chars)
    head = f"failing: {', '.join(names[:MOST_NAMES])}" if names else ""
    if len(names) > MOST_NAMES:
        head += f" and {len(names) - MOST_NAMES} more"
    return _joined(head, lines, _with_code(lines, kept), most_chars)


def without_codes(output: str) -> str:
    """An output as a model is shown it: without what only a terminal understands."""
    return _ANSI.sub("", output)


def without_colours(output: str) -> str:
    """An output as a person is shown it: without colours; other codes stay, to be made visible."""
    return _COLOUR.sub("", output)


def failing_names(output: str) -> tuple[str, ...]:
    """Names of the tests that failed, in order, without colours."""
    return tuple(_names([_plain(line, frozenset()) for line in without_codes(output).replace("\r", "\n").split("\n")]))


def frames(output: str, paths: Collection[str]) -> list[tuple[str, int]]:
    """Path and line (1-based) of every place in the tree that an output names, in order, with repeats."""
    known = frozenset(paths)
    found: list[tuple[str, int]] = []
    for line in without_codes(output).replace("\r", "\n").split("\n"):
        for match in _FRAME.finditer(line[:_LINE_CHARS]):
            if path := _in_tree(match[1] or match[3], known):
                found.append((path, int(match[2] or match[4])))
    return found


def by_file(places: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    """Paths with their lines (1-based), in the order of the places."""
    found: dict[str, set[int]] = {}
    for path, line in places:
        found.setdefault(path, set()).add(line)
    return found


def _plain(line: str, paths: frozenset[str]) -> str:
    """A line without what differs from run to run, and with paths as they stand in the tree."""
    text = line.rstrip()
    for pattern, stand_in in _VARIES:
        text = pattern.sub(stand_in, text)
    for match in _FRAME.finditer(text):
        path = match[1] or match[3]
        text = text.replace(path, _in_tree(path, paths) or path)
    return text[:_LINE_CHARS]


def _names(lines: Sequence[str]) -> list[str]:
    found: dict[str, None] = {}
    for line in lines:
        for pattern in _NAMES:
            if match := pattern.match(line):
                found[match[1].strip()] = None
                break
    return list(found)


def _is_place(line: str, paths: frozenset[str]) -> bool:
    """The line names a line of a file of the tree."""
    return any(_in_tree(match[1] or match[3], paths) for match in _FRAME.finditer(line))


def _in_tree(path: str, paths: frozenset[str]) -> str:
    """The file of the tree that a path of some copy of it means; empty if none is."""
    plain = path.replace("\\", "/").removeprefix("./")
    while plain and plain not in paths:
        plain = plain.partition("/")[2]
    return plain


def _with_code(lines: Sequence[str], kept: Sequence[int]) -> list[int]:
    """The kept lines with the lines of code that they point to."""
    code = {number for number, line in enumerate(lines) if line.startswith("> ")}
    for number in kept:
        if lines[number].lstrip().startswith("File ") and number + 1 < len(lines):
            code.add(number + 1)
        if _POINTER.match(lines[number]):
            code.update(takewhile(lambda below: _POINTED.match(lines[below]), range(number + 1, len(lines))))
    return sorted({*kept, *code})


def _joined(head: str, lines: Sequence[str], kept: Sequence[int], most_chars: int) -> str:
    """Head and kept lines. Where they are too many the first ones and the last ones stay: the cause, and the end."""
    texts = _without_repeats(lines, kept)
    room = most_chars - len(head) - len("\n...\n")
    front, back = list[str](), list[str]()
    for place in range(len(texts)):
        text = texts[place // 2] if place % 2 == 0 else texts[-1 - place // 2]
        room -= len(text) + 1
        if room < 0:
            break
        (front if place % 2 == 0 else back).append(text)
    gap = ["..."] if len(front) + len(back) < len(texts) and front[-1:] != ["..."] and back[-1:] != ["..."] else []
    return "\n".join(([head] if head else []) + front + gap + back[::-1])[:most_chars]


def _without_repeats(lines: Sequence[str], kept: Sequence[int]) -> list[str]:
    found: list[str] = []
    seen: set[str] = set()
    last = -1
    for number in kept:
        line = lines[number]
        if line.strip() in seen or _RULE.fullmatch(line):
            continue
        seen.add(line.strip())
        if last >= 0 and number > last + 1 and found[-1] != "...":
            found.append("...")
        found.append(line)
        last = number
    return found


def _end(lines: Sequence[str], most_chars: int) -> str:
    full = [line for line in lines if line.strip() and not _RULE.fullmatch(line)]
    return "\n".join(full[-_UNKNOWN_LINES:])[-most_chars:]


def cut(text: str, most_chars: int, *, between: str = "\n") -> str:
    """The first characters of a text, and how many more there are."""
    more = len(text) - most_chars
    return text if more <= 0 else f"{text[:most_chars]}{between}[{more} more characters]"


def at_words(text: str, most_chars: int) -> str:
    """The first words of a text that have room, with `...` behind them where there are more."""
    if len(text) <= most_chars:
        return text
    room = most_chars - len(" ...")
    return f"{text[: room + 1].rpartition(' ')[0].rstrip() or text[:room]} ..."


def cut_line(text: str, most_chars: int) -> str:
    """A text on one line, cut."""
    return cut(" ".join(text.split()), most_chars, between=" ")
