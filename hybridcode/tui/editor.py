"""A person's own editor, in front of the screen for as long as it runs.

Invariant: nothing starts but what $VISUAL or $EDITOR names, at a person's key; the text goes through a file of ours
that nobody else may read and that is gone afterwards.
"""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from hybridcode.domain.errors import HybridcodeError


class EditorUnavailable(HybridcodeError):
    """The editor is not named, does not start, or ended with an error."""


def edit_text(app: App[Any], text: str, *, suffix: str = ".txt") -> str | None:
    """What a person made of `text` in their editor; None if they left it as it was.

    Raises: EditorUnavailable.
    """
    with tempfile.TemporaryDirectory(prefix="hybridcode-") as folder:
        path = Path(folder) / f"text{suffix}"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        _run(app, [str(path)])
        new = path.read_bytes().decode("utf-8", "replace")
    return None if new == text else new


def open_at(app: App[Any], path: Path, line: int) -> None:
    """Show a file in the editor at a line. Raises: EditorUnavailable."""
    if not path.is_file():
        raise EditorUnavailable(f"{path.name} is not on disk yet.", "It is there once the change is applied.")
    _run(app, [f"+{line}", str(path)])


def _run(app: App[Any], arguments: list[str]) -> None:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not named:
        raise EditorUnavailable("No editor is named.", "Set $VISUAL or $EDITOR, then start again.")
    try:
        with app.suspend():
            code = subprocess.run([*shlex.split(named), *arguments], check=False).returncode
    except (OSError, ValueError, SuspendNotSupported) as error:
        raise EditorUnavailable(f"{named} cannot be started.", "Look at $VISUAL or $EDITOR.") from error
    app.refresh()
    if code:
        raise EditorUnavailable(f"{named} ended with {code}; nothing is changed.", "Leave it without an error.")
