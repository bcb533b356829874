"""What a person wrote in this repository, over all starts of the program.

Invariant: one JSON string a line, only ever appended to (several programs may do that at once) and cut at a start;
nobody else may read the file, and a text that holds a secret is not in it.
"""

import json
import os
from pathlib import Path

from hybridcode.config.atomic import write_atomic
from hybridcode.domain.secrets import kinds_of_secrets

KEPT = 1_000
"""Texts that are kept."""
_MOST_CHARS = 20_000
"""A longer text is not kept."""


class History:
    """The file of one repository."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[str]:
        """The texts, oldest first; lines that are none are passed over. Cuts a file that has grown too long."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        texts = [text for line in lines if (text := _decoded(line))]
        if len(lines) > 2 * KEPT:
            write_atomic(self._path, "".join(map(_line, texts[-KEPT:])).encode())
        return texts[-KEPT:]

    def add(self, text: str) -> None:
        """Keep a text, unless it holds a secret. A file that cannot be written keeps nothing: the text is not lost."""
        if len(text) > _MOST_CHARS or kinds_of_secrets(text):
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            file.write(_line(text).encode())


def _line(text: str) -> str:
    return json.dumps(text) + "\n"


def _decoded(line: str) -> str:
    try:
        text = json.loads(line)
    except ValueError:
        return ""
    return text if isinstance(text, str) else ""
