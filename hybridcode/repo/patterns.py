"""Patterns of an ignore file (gitignore syntax) as regular expressions.

Invariant: matching takes time linear in the path for every pattern a repository may hold: each star is an atomic group,
so that nothing is tried twice. `?` and sets stand for a character (git: for a byte).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": " \\t", "cntrl": "\\x00-\\x1f\\x7f", "digit": "0-9",
    "graph": "!-~", "lower": "a-z", "print": " -~", "punct": "!-/:-@\\[-`{-~", "space": "\\s", "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_NAMED_CLASS = re.compile(r"\[:([a-z]+):\]")


class BadPattern(ValueError):
    """A line that can never match anything; git passes over such lines without a word."""


@dataclass(frozen=True)
class Pattern:
    """One line of an ignore file."""

    regex: str
    """Matches the whole of a name, or of a path relative to the ignore file's folder."""
    is_path: bool
    """`regex` is about paths; otherwise about names, at any depth."""
    only_folders: bool
    hides: bool
    """False for a line that begins with `!`."""


def parse_line(line: str) -> Pattern | None:
    """The pattern of a line without its line end; None for a blank line or a comment.

    Raises: BadPattern.
    """
    text = _without_blanks(line)
    if not text or text.startswith("#"):
        return None
    hides = not text.startswith("!")
    text = text if hides else text[1:]
    only_folders = text.endswith("/")
    text = text[:-1] if only_folders else text
    if not text:
        raise BadPattern("a pattern without a name")
    is_path = "/" in text
    regex = _path_regex(text.removeprefix("/").split("/")) if is_path else _name_regex(text)
    return Pattern(regex=regex, is_path=is_path, only_folders=only_folders, hides=hides)


@dataclass(frozen=True)
class Rules:
    """The patterns of one ignore file, in their order: the last one that matches decides."""

    patterns: tuple[Pattern, ...]
    _compiled: dict[tuple[bool, bool], tuple[re.Pattern[str], tuple[int, ...]] | None] = field(
        default_factory=dict[tuple[bool, bool], "tuple[re.Pattern[str], tuple[int, ...]] | None"],
        repr=False,
        compare=False,
    )

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """True if `path` (relative to the ignore file's folder) is hidden, False if shown, None if not spoken of."""
        last = max(
            self._last(path.rpartition("/")[2], is_path=False, is_folder=is_folder),
            self._last(path, is_path=True, is_folder=is_folder),
        )
        return None if last < 0 else self.patterns[last].hides

    def _last(self, text: str, *, is_path: bool, is_folder: bool) -> int:
        """Number of the last pattern of a sort that matches; -1 if none does."""
        sort = (is_path, is_folder)
        if sort not in self._compiled:
            self._compiled[sort] = self._joined(is_path=is_path, is_folder=is_folder)
        joined = self._compiled[sort]
        found = joined[0].fullmatch(text) if joined else None
        return joined[1][found.lastindex - 1] if joined and found and found.lastindex else -1

    def _joined(self, *, is_path: bool, is_folder: bool) -> tuple[re.Pattern[str], tuple[int, ...]] | None:
        """One expression for all patterns of a sort, the last pattern first, with the patterns' numbers."""
        numbers = tuple(
            number
            for number, pattern in reversed(tuple(enumerate(self.patterns)))
            if pattern.is_path == is_path and (is_folder or not pattern.only_folders)
        )
        if not numbers:
            return None
        return re.compile("|".join(f"({self.patterns[number].regex})" for number in numbers), re.DOTALL), numbers


def parse(lines: Iterable[str]) -> tuple[Rules, tuple[int, ...]]:
    """The rules of an ignore file, and the numbers (from 1) of lines that can never match."""
    patterns: list[Pattern] = []
    bad: list[int] = []
    for number, line in enumerate(lines, 1):
        try:
            pattern = parse_line(line)
        except BadPattern:
            bad.append(number)
            continue
        if pattern is not None:
            patterns.append(pattern)
    return Rules(tuple(patterns)), tuple(bad)


def _without_blanks(line: str) -> str:
    """The line without the blanks at its end, except one behind a backslash."""
    bare = line.rstrip(" ")
    slashes = len(bare) - len(bare.rstrip("\\"))
    return f"{bare} " if slashes % 2 and len(bare) < len(line) else bare


def _path_regex(names: Sequence[str]) -> str:
    """Names joined by slashes, where the name `**` stands for any number of folders, or at the end for all below."""
    runs: list[list[str]] = [[]]
    for name in names:
        if name == "**":
            runs.append([])
        else:
            runs[-1].append(_name_regex(name))
    first, *others = ["/".join(run) for run in runs]
    if not others:
        return first
    *middle, last = others
    regex = f"{first}/" if first else ""
    regex += "".join(f"(?>(?:[^/]+/)*?{run}/)" for run in middle if run)
    return regex + (f"(?:[^/]+/)*{last}" if last else ".+")


def _name_regex(name: str) -> str:
    """One name with its wildcards; matches no slash."""
    pieces = ["".join(piece) for piece in _between_stars(name)]
    first, *others = pieces
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>[^/]*?{piece})" for piece in middle if piece) + f"[^/]*{last}"


def _between_stars(name: str) -> list[list[str]]:
    """The expressions of single characters between the stars of a name."""
    pieces: list[list[str]] = [[]]
    place = 0
    while place < len(name):
        char = name[place]
        place += 1
        if char == "*":
            pieces.append([])
        elif char == "?":
            pieces[-1].append("[^/]")
        elif char == "[":
            regex, place = _set_regex(name, place)
            pieces[-1].append(regex)
        elif char == "\\":
            if place == len(name):
                raise BadPattern("a backslash at the end")
            pieces[-1].append(re.escape(name[place]))
            place += 1
        else:
            pieces[-1].append(re.escape(char))
    return pieces


def _set_regex(name: str, place: int) -> tuple[str, int]:
    """The expression of a set such as `[a-z]` whose bracket ends before `place`, and where the set ends."""
    is_negated = name[place : place + 1] in ("!", "^")
    members = tuple(_members(name, place + is_negated))
    inside = "".join(member for member, _ in members)
    return f"(?!/)[{'^' if is_negated else ''}{inside}]", members[-1][1] + 1


def _members(name: str, place: int) -> Iterator[tuple[str, int]]:
    """The members of a set, each with the place behind it. Raises: BadPattern if the set does not end."""
    first = place
    while place < len(name) and (name[place] != "]" or place == first):
        if named := _NAMED_CLASS.match(name, place):
            if named[1] not in _CLASSES:
                raise BadPattern(f"no such class: {named[1]}")
            place = named.end()
            yield _CLASSES[named[1]], place
            continue
        low, place = _member(name, place)
        if name[place : place + 1] == "-" and name[place + 1 : place + 2] not in ("", "]"):
            high, place = _member(name, place + 1)
            yield re.escape(low) + (f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""), place
        else:
            yield re.escape(low), place
    if place >= len(name):
        raise BadPattern("a set without its end")


def _member(name: str, place: int) -> tuple[str, int]:
    if name[place] == "\\":
        place += 1
    if place >= len(name):
        raise BadPattern("a set without its end")
    return name[place], place + 1
