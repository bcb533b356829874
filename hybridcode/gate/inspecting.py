"""What a pane would show of a text, and what it would flag: for `hybridcode policy inspect`.

Invariant: pure; the rendered text comes from the escaping function that every widget uses.
"""

from collections.abc import Callable, Mapping

import msgspec

from hybridcode.gate.flags import (
    command_flags,
    diff_flags,
    path_flags,
    text_flags,
    title_flags,
    without_even_line_ends,
)
from hybridcode.gate.render import escape


class Inspection(msgspec.Struct, frozen=True):
    """One answer."""

    flags: tuple[str, ...]
    rendered: str


_FLAGS: Mapping[str, Callable[[str], tuple[str, ...]]] = {
    "command": command_flags,
    "diff": diff_flags,
    "path": path_flags,
    "title": title_flags,
}
"""How each kind is looked at; anything else is text."""


def inspect(kind: str, text: str) -> Inspection:
    """Flags and rendering of a text of this kind: `command`, `diff`, `path`, `title`, or any other word for text."""
    is_line = kind in ("path", "title")
    shown = text if is_line or kind == "command" else without_even_line_ends(text)
    flags = _FLAGS.get(kind, text_flags)(text)
    return Inspection(flags, escape(shown, keep_newlines=not is_line).text)
