"""What of a workspace must not leave it, brought up to date: values of its variables, and the lines of denied files.

Invariant: nothing found here is stored or sent anywhere; a file that changed is read again before the next request.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hybridcode.config.patterns import bounded
from hybridcode.config.settings import EgressSettings
from hybridcode.domain.secrets import Redactor, worth_hiding
from hybridcode.models.egress import matches
from hybridcode.models.withhold import Withheld
from hybridcode.repo.private_files import WantedFiles, files_matching, files_with_values, read_text, values_in

_TELLING = ("KEY", "TOKEN", "SECRET", "PASSW", "CREDENTIAL", "AUTH", "DSN", "DATABASE_URL")
_LOOK_SHARE = 100
"""A look for files that took some time is taken again after this many times that time, but no later than"""
_LONGEST_SHARE = 20
"""this many times what the longest one took: most look at a few folders only."""
_MOST_SHOWN = 64_000_000
"""Characters of files that may be shown, kept for comparing."""
_Stamps = tuple[tuple[str, int, int], ...]


class _Lookout:
    """A list of files, found anew as often as that is cheap."""

    def __init__(self, wanted: WantedFiles) -> None:
        self._wanted, self._files, self._next, self._longest_s = wanted, list[Path](), 0.0, 0.0

    def files(self) -> list[Path]:
        began = time.monotonic()
        if began >= self._next:
            self._files = self._wanted.find()
            ended = time.monotonic()
            took_s = ended - began
            self._longest_s = max(self._longest_s, took_s)
            self._next = ended + min(_LOOK_SHARE * took_s, _LONGEST_SHARE * self._longest_s)
        return self._files


class Private:
    """The secrets of one workspace, for a session."""

    def __init__(self, workspace: Path, egress: EgressSettings, environ: Mapping[str, str] = os.environ) -> None:
        self._root, self._egress, self._environ = workspace, egress, environ
        self._patterns = [bounded(text, source="egress.redact_patterns") for text in egress.redact_patterns]
        self._allowed = [bounded(text, source="egress.redact_allow") for text in egress.redact_allow]
        self._with_values = _Lookout(files_with_values(workspace))
        self._matching = _Lookout(files_matching(workspace, self._is_denied))
        self._variables: tuple[_Stamps, Redactor] | None = None
        self._denied: tuple[_Stamps, Withheld] | None = None
        self._earlier = dict[str, None]()
        """Texts that denied files held before: they are denied still."""

    def redactor(self) -> Redactor:
        """What takes secrets out of texts, with the values that the workspace's files and our environment hold now."""
        files = self._with_values.files()
        stamps = _stamps(files)
        if self._variables is None or self._variables[0] != stamps:
            values = {value for name, value in self._assigned(files) if worth_hiding(name, value)}
            known = self._variables[1].values if self._variables else frozenset[str]()
            redactor = Redactor(values=values | known, patterns=self._patterns, allowed=self._allowed)
            self._variables = (stamps, redactor)
        return self._variables[1]

    def withheld(self) -> Withheld | None:
        """What takes pieces of denied files out of texts for remote models; None where nothing is denied."""
        if not self._egress.deny_paths:
            return None
        files = self._matching.files()
        stamps = _stamps(files)
        if self._denied is None or self._denied[0] != stamps:
            self._earlier |= dict.fromkeys(map(read_text, files))
            self._denied = (stamps, Withheld(self._earlier, is_shown=_Shown(self._root, self._is_denied)))
        return self._denied[1]

    def _is_denied(self, path: str) -> bool:
        return any(matches(path, glob) for glob in self._egress.deny_paths)

    def _assigned(self, files: Iterable[Path]) -> Iterable[tuple[str, str]]:
        for file in files:
            yield from values_in(file)
        for name, value in self._environ.items():
            if any(word in name.upper() for word in _TELLING) and not value.startswith(("/", "unix:")):
                yield name, value


class _Shown:
    """Whether a piece of text stands in a file that may be shown; the files are read at the first question."""

    def __init__(self, root: Path, is_denied: Callable[[str], bool]) -> None:
        self._root, self._is_denied = root, is_denied
        self._texts: list[str] | None = None

    def __call__(self, piece: str) -> bool:
        if self._texts is None:
            self._texts, room = [], _MOST_SHOWN
            shown = files_matching(self._root, lambda path: not self._is_denied(path), own_only=True)
            for file in shown.find():
                text = read_text(file) if room > 0 else ""
                room -= len(text)
                self._texts.append(text)
        return any(piece in text for text in self._texts)


def _stamps(files: Iterable[Path]) -> _Stamps:
    found = list[tuple[str, int, int]]()
    for file in files:
        try:
            facts = file.lstat()
        except OSError:
            continue
        found.append((str(file), facts.st_size, facts.st_mtime_ns))
    return tuple(found)
