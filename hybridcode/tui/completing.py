"""What the word under the cursor may become: a command after `/`, a path after `@`.

Invariant: pure; the same words in the same order for the same text and the same paths.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from hybridcode.domain.mentions import mentions

MOST = 6
"""Candidates that are shown."""
NEAR = 3
"""Names that are offered for one that there is not."""

SHELL = "!"
"""What a text begins with that is a command for the shell."""

_COMMAND = re.compile(r"/([a-z]*)")
_MENTION = re.compile(r"(?:^|(?<=\s))@([^\s@]*)$")


@dataclass(frozen=True)
class Candidate:
    """One of them."""

    text: str
    """What stands there once it is taken."""
    does: str = ""


@dataclass(frozen=True)
class Completion:
    """Candidates for a word, and the one that is chosen."""

    start: int
    """Index in the line at which the word begins."""
    candidates: tuple[Candidate, ...]
    at: int = 0

    def moved(self, step: int) -> "Completion":
        """The next or previous one, round the end."""
        return Completion(self.start, self.candidates, (self.at + step) % len(self.candidates))

    @property
    def chosen(self) -> str:
        """The text of the chosen one."""
        return self.candidates[self.at].text

    def is_half(self, line: str) -> bool:
        """True when the word at the end of `line` is none of the candidates, or another one was marked since."""
        word = line[self.start :]
        return self.at > 0 or all(word != candidate.text.rstrip() for candidate in self.candidates)


def is_mention(line: str) -> bool:
    """True when a path is being written at the end of `line`."""
    return _MENTION.search(line) is not None


def complete(line: str, *, is_first: bool, commands: Mapping[str, str], paths: Sequence[str]) -> Completion | None:
    """What the word at the end of `line` may become; `is_first`: nothing stands above this line.

    In a shell command nothing is completed: there `@` means what the shell's programs make of it.
    """
    if is_first and line.startswith(SHELL):
        return None
    command = _COMMAND.fullmatch(line) if is_first else None
    if command is not None:
        names = matching(command[1], commands)
        found = tuple(Candidate(f"/{name} ", commands[name]) for name in names)
        return Completion(0, found) if found and [f"/{command[1]} "] != [one.text for one in found] else None
    mention = _MENTION.search(line)
    if mention is None:
        return None
    found = tuple(Candidate(f"@{path} ") for path in matching(mention[1], paths))
    return Completion(mention.start(1) - 1, found) if found else None


def matching(word: str, names: Iterable[str]) -> list[str]:
    """The best names that hold the letters of `word` in order: by beginning, by piece, by letters; then the shorter."""
    folded = word.casefold()
    ranked: list[tuple[int, int, str]] = []
    for name in names:
        lower = name.casefold()
        if not _holds(lower, folded):
            continue
        last = lower.rstrip("/").rpartition("/")[2]
        rank = 0 if last.startswith(folded) else 1 if folded in last else 2 if folded in lower else 3
        ranked.append((rank, len(name), name))
    return [name for _, _, name in sorted(ranked)[:MOST]]


def _holds(name: str, letters: str) -> bool:
    """True when the letters stand in the name in this order; time grows with the name alone, whatever it is."""
    at = -1
    for letter in letters:
        at = name.find(letter, at + 1)
        if at < 0:
            return False
    return True


def near_paths(word: str, paths: Sequence[str]) -> list[str]:
    """Paths that may have been meant by `word`: those that hold its letters, else those whose name is most alike."""
    if found := matching(word, paths):
        return found[:NEAR]
    by_name: dict[str, str] = {}
    for path in paths:
        by_name.setdefault(path.rpartition("/")[2], path)
    return [by_name[name] for name in get_close_matches(word.rpartition("/")[2], by_name, n=NEAR, cutoff=0.7)]


def unknown_mentions(text: str, paths: Sequence[str]) -> list[str]:
    """A sentence for each `@path` in `text` that is no file; none for words that hardly mean one."""
    said: list[str] = []
    for mention in mentions(text, paths):
        if mention.path is not None:
            continue
        near = near_paths(mention.word, paths)
        if near or mention.looks_like_path:
            said.append(f"no file {mention.word}" + (f"; near it: {', '.join(near)}" if near else ""))
    return said


def with_folders(paths: Sequence[str]) -> list[str]:
    """The paths and the folders they stand in, each folder with a slash behind it."""
    folders = {path[: at + 1] for path in paths for at in _slashes(path)}
    return sorted({*paths, *folders})


def _slashes(path: str) -> list[int]:
    return [index for index, character in enumerate(path) if character == "/"]
