"""What a command's words mean for the disk: findings about reading and writing a path.

Invariant: a path is judged from every folder the command may run in, and the worst counts.
"""

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hybridcode.domain.action import Verdict
from hybridcode.gate.commands.shell import Command, Word
from hybridcode.gate.paths import Place, Places

_MAX_FOLDERS = 16
_MAX_MATCHES = 2_000
_PLAIN_NAME = re.compile(r"[\w.+@%][\w.+@%=,:~-]*", re.ASCII)
_PLAIN_PATH = re.compile(r"[\w.+@%/=,:~-]*", re.ASCII)
_READABLE_DEVICES = re.compile(r"/dev/(?:null|stdin|fd/0)\Z")
_WRITABLE_DEVICES = re.compile(r"/dev/(?:null|stdout|stderr|fd/[12])\Z")
_RAW_SECRET = re.compile(r"\.ssh/|\.aws/|\.gnupg|id_rsa|id_ed25519|/etc/shadow|/environ\b|\.netrc|git-credentials")


class Finding(Struct, frozen=True):
    """One thing that speaks against running a command unasked."""

    verdict: Verdict
    rule: str
    reason: str
    flags: tuple[str, ...] = ()


def ask(rule: str, reason: str, *flags: str) -> Finding:
    """A finding that a person should look at."""
    return Finding("ask", f"commands.{rule}", reason, flags)


def deny(rule: str, reason: str, *flags: str) -> Finding:
    """A finding that only a person's own rule can overrule."""
    return Finding("deny", f"commands.{rule}", reason, flags or ("destructive",))


@dataclass
class Scope:
    """Where a script's commands run. `folders` only grows: any command may run in any of them."""

    places: Places
    folders: list[Path] = field(default_factory=list[Path])
    is_lost: bool = False
    """A `cd` went somewhere that cannot be known."""
    looked_up: dict[tuple[str, Path], Place] = field(default_factory=dict[tuple[str, Path], Place], repr=False)
    git_runs: dict[Path, tuple[str, ...]] = field(default_factory=dict[Path, tuple[str, ...]], repr=False)
    """What a repository's configuration makes git run, for each folder that was asked about."""

    def enter(self, word: Word | None, *, in_loop: bool) -> None:
        """Take a `cd` into account."""
        text = word.literal if word is not None else str(self.places.home)
        if text is None or text == "-" or in_loop or len(self.folders) >= _MAX_FOLDERS:
            self.is_lost = True
            return
        for folder in tuple(self.folders):
            entered = Path(os.path.normpath(folder / text))
            if entered not in self.folders:
                self.folders.append(entered)

    def places_of(self, text: str) -> list[Place]:
        """Where a path may lie."""
        return [self._place(text, folder) for folder in self.folders]

    def _place(self, text: str, folder: Path) -> Place:
        place = self.looked_up.get((text, folder))
        if place is None:
            place = self.looked_up[text, folder] = self.places.at(text, base=folder)
        return place

    def is_outside(self, word: Word) -> bool:
        """True when a known path leaves the workspace."""
        text = word.literal
        return text is not None and any(place.kind == "outside" for place in self.places_of(text))

    def reading(self, word: Word) -> list[Finding]:
        """What speaks against reading a path."""
        if word.choices:
            return [finding for choice in word.choices for finding in self.reading(choice)]
        if word.is_pipe:
            return []
        if word.text is None:
            if _RAW_SECRET.search(word.raw):
                return [deny("reads-secrets", f"`{word.raw}` names credentials", "outside")]
            return [ask("unknown-path", f"which file `{word.raw}` is cannot be told before it runs")]
        texts = self._matches(word.text) if word.has_glob else [word.text]
        if texts is None:
            itself = [found for place in self.places_of(word.text) for found in _reading(word.text, place)]
            return [ask("unknown-path", f"which files `{word.raw}` matches cannot be told"), *itself]
        found = [finding for text in texts for place in self.places_of(text) for finding in _reading(text, place)]
        if word.is_split and not all(map(_PLAIN_PATH.fullmatch, texts)):
            found.append(ask("unknown-path", f"what `{word.raw}` matches may be cut apart at blanks"))
        if self.is_lost and not word.text.startswith("/"):
            found.append(ask("unknown-path", f"the folder in which `{word.raw}` is looked up is not known"))
        return found

    def writing(self, word: Word) -> list[Finding]:
        """What a write to a path amounts to; only devices such as /dev/null are free."""
        if word.choices:
            return [finding for choice in word.choices for finding in self.writing(choice)]
        if word.text is None:
            if word.raw.startswith((">(", "<(")):
                return [ask("writes", "writes into a pipe")]
            return [ask("unknown-path", f"which file `{word.raw}` is cannot be told before it runs")]
        texts = [word.text] if not word.has_glob else [*(self._matches(word.text) or []), word.text]
        found = [finding for text in texts for place in self.places_of(text) for finding in _writing(text, place)]
        if self.is_lost and not word.text.startswith("/"):
            found.append(ask("unknown-path", f"the folder in which `{word.raw}` is written is not known"))
        return found

    def settled(self, word: Word) -> Word:
        """A pattern that matches nothing stands for itself, as in bash."""
        if word.has_glob and word.text is not None and not self.is_lost and self._matches(word.text) == []:
            return replace(word, has_glob=False)
        return word

    def has_exits(self, word: Word) -> bool:
        """True when a tree holds links that lead outside, or is too large to tell."""
        for folder in self.folders:
            top = folder / (word.literal or ".")
            for count, path in enumerate(top.rglob("*") if top.is_dir() else ()):
                if count > _MAX_MATCHES:
                    return True
                if path.is_symlink() and self.places.at(str(path), base=folder).kind == "outside":
                    return True
        return False

    def holds_any(self, *file_names: Iterable[str]) -> bool:
        """True when a folder commands may run in, or one above it in the workspace, holds one of these."""
        folders = {above for folder in self.folders for above in (folder, *folder.parents)}
        names = list(itertools.chain(*file_names))
        inside = [folder for folder in folders if folder.is_relative_to(self.places.workspace)]
        return any(os.path.lexists(folder / name) for folder in inside for name in names)

    def has_plain_names(self) -> bool:
        """True when no name in the workspace can be taken for an option or for several names, or leads outside."""
        waiting, count = [str(self.places.workspace)], 0
        while waiting:
            try:
                entries = list(os.scandir(waiting.pop()))
            except OSError:
                return False
            for entry in entries:
                count += 1
                if count > _MAX_MATCHES or not _PLAIN_NAME.fullmatch(entry.name):
                    return False
                if entry.is_symlink() and self.places.at(entry.path, base=self.places.workspace).kind != "inside":
                    return False
                if entry.is_dir(follow_symlinks=False) and entry.name != ".git":
                    waiting.append(entry.path)
        return not self.is_lost

    def _matches(self, pattern: str) -> list[str] | None:
        """Names that a pattern may match: rather too many than too few; None if there is no telling."""
        found: list[str] = []
        for folder in self.folders:
            names = list(itertools.islice(_expand(folder, pattern), _MAX_MATCHES + 1))
            if len(names) > _MAX_MATCHES:
                return None
            found += names
        if any(name.startswith("-") for name in found):
            return None
        return found


def _expand(folder: Path, pattern: str) -> Iterator[str]:
    loose = re.sub(r"\[[^\]]*\]", "?", pattern)
    prefix = "/" if loose.startswith("/") else ""
    parts = [part for part in loose.split("/") if part]

    def walk(at: str, index: int) -> Iterator[str]:
        if index == len(parts):
            yield at
            return
        part = parts[index]
        if not re.search(r"[*?\[]", part):
            yield from walk(f"{at}{part}" if index == len(parts) - 1 else f"{at}{part}/", index + 1)
            return
        try:
            names = sorted(path.name for path in (folder / at).iterdir())
        except OSError:
            return
        for name in [".", "..", *names] if part.startswith(".") else filter(_is_shown, names):
            if fnmatchcase(name, part):
                yield from walk(f"{at}{name}" if index == len(parts) - 1 else f"{at}{name}/", index + 1)

    yield from walk(prefix, 0)


def _is_shown(name: str) -> bool:
    return not name.startswith(".")


def _reading(text: str, place: Place) -> Iterable[Finding]:
    if _READABLE_DEVICES.match(text):
        return
    if place.kind == "unusable":
        yield ask("unknown-path", f"`{text}` {place.why}")
    elif place.kind == "outside":
        if place.is_secret:
            yield deny("reads-secrets", f"`{text}` holds credentials", "outside")
        else:
            yield ask("reads-outside", f"`{text}` {place.why}", "outside")
    elif place.is_secret or (place.kind == "protected" and "credentials" in place.why):
        yield ask("reads-secrets", f"`{text}` may hold credentials")
    elif place.kind == "own" and (not place.relative or place.real.endswith(("/config", "/credentials"))):
        yield ask("reads-own", f"`{text}` {place.why}")


def _writing(text: str, place: Place) -> Iterable[Finding]:
    if _WRITABLE_DEVICES.match(text):
        return
    match place.kind:
        case "outside":
            yield deny("writes-outside", f"writes `{text}`, which {place.why}", "outside", "destructive")
        case "own":
            yield deny("writes-own", f"writes `{text}`, which {place.why}", "destructive")
        case "protected":
            yield deny("writes-protected", f"writes `{text}`, which {place.why}: propose it as an edit of a file")
        case "unusable":
            yield ask("unknown-path", f"`{text}` {place.why}")
        case "inside":
            yield ask("writes", f"writes `{text}`")


class Case(Struct, frozen=True):
    """A script under judgement, and how to judge what is nested in it."""

    scope: Scope
    text: Callable[[str], list[Finding]]
    """Judge shell text that a command would run."""
    command: Callable[[Command], list[Finding]]
    """Judge a command that another one would run."""
