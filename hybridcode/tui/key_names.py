"""Keys as a person reads them.

Invariant: pure; a key without a name of its own is shown in capitals.
"""

from collections.abc import Mapping

from textual.binding import Binding

_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "escape": "Esc",
    "enter": "Enter",
    "up": "↑",
    "down": "↓",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


def key_name(key: str) -> str:
    """A key as a person reads it."""
    *modifiers, last = key.split("+")
    name = _NAMES.get(last, last.upper() if len(last) > 1 or modifiers else last)
    return "+".join([*(modifier.capitalize() for modifier in modifiers), name])


def keys_name(keys: str) -> str:
    """Several keys as a person reads them."""
    return ", ".join(map(key_name, keys.split(",")))


def shown_keys(binding: Binding, keymap: Mapping[str, str]) -> str:
    """The keys of a binding as they are now."""
    own = keymap.get(binding.id or "")
    return keys_name(own) if own else binding.key_display or keys_name(binding.key)
