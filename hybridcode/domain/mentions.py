"""Files that a text names with `@path`.

Invariant: pure; the same text and paths give the same mentions, in the order of the text.
"""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

_AT = re.compile(r"(?:^|(?<=[\s(\[{\"'`]))@(?=\S)")
_WORD = re.compile(r"\S+")
_CLOSING = ".,;:!?)]}\"'`"
"""Characters that may stand behind a mention and are no part of it."""
_LOOKS_LIKE_PATH = re.compile(r"/|\.\w{1,8}\Z")


class Mention(NamedTuple):
    """One `@path` of a text."""

    word: str
    """The path as it stands there, without what closes a sentence."""
    path: str | None
    """The file, or the folder with a slash behind it; None: there is none of that name."""

    @property
    def is_file(self) -> bool:
        """True for a file that there is."""
        return self.path is not None and not self.path.endswith("/")

    @property
    def looks_like_path(self) -> bool:
        """True for a word that can hardly mean anything but a file, there or not."""
        return _LOOKS_LIKE_PATH.search(self.word) is not None


def mentions(text: str, paths: Collection[str]) -> list[Mention]:
    """Every mention in `text`, each path once; `paths` are the files there are."""
    if "@" not in text:
        return []
    known = frozenset(paths)
    spaced = sorted((path for path in known if " " in path), key=lambda path: (-len(path), path))
    found: dict[str, Mention] = {}
    for at in _AT.finditer(text):
        rest = text[at.end() :]
        mention = _spaced(rest, spaced) or _named(rest, known)
        found.setdefault(mention.path or mention.word, mention)
    return list(found.values())


def _spaced(rest: str, spaced: list[str]) -> Mention | None:
    """A path with blanks in it, the longest one that stands here."""
    path = next((path for path in spaced if rest.startswith(path) and _ends(rest[len(path) :])), None)
    return Mention(path, path) if path is not None else None


def _ends(rest: str) -> bool:
    return not rest or rest[0].isspace() or rest[0] in _CLOSING


def _named(rest: str, paths: Collection[str]) -> Mention:
    found = _WORD.match(rest)
    word = found[0] if found else ""
    for candidate in _readings(word):
        if candidate in paths:
            return Mention(candidate, candidate)
    bare = word.rstrip(_CLOSING) or word
    folder = bare.partition("#")[0].removeprefix("./").rstrip("/") + "/"
    is_folder = folder != "/" and any(path.startswith(folder) for path in paths)
    return Mention(bare, folder if is_folder else None)


def _readings(word: str) -> Iterator[str]:
    """The word, and shorter ones without what closes a sentence or names a place in the file."""
    while word:
        plain = word.removeprefix("./")
        yield plain
        if "#" in plain:
            yield plain.partition("#")[0]
        if word[-1] not in _CLOSING:
            return
        word = word[:-1]
