"""A setting in words: as a row of a list, and everything that is known of it.

Invariant: a value is shown without what looks like a secret; a value that something overrules is never shown as if it
held.
"""

from functools import cache

from hybridcode.config.keys import KEYS, SECTIONS, Key
from hybridcode.config.schema import field_docs
from hybridcode.config.tighten import COLLECTED, DATA, TIGHTER
from hybridcode.domain.errors import ConfigError
from hybridcode.tui.applying import LIVE
from hybridcode.tui.choices import Choices, Target, is_optional, layer_word, shown, strings
from hybridcode.tui.paint import Part, clip, fit
from hybridcode.tui.widgets.rows import Row

NAME_CELLS, ORIGIN_CELLS = 21, 9


@cache
def meaning(name: str) -> str:
    """What a setting is for, in the words of its docstring."""
    section, _, field = name.rpartition(".")
    return _docs()[SECTIONS[section].__name__][field].replace("\n", " ")


@cache
def _docs() -> dict[str, dict[str, str]]:
    return {section: dict(fields) for section, fields in field_docs().items()}


def section_words(section: str) -> str:
    """What a section is about."""
    return (SECTIONS[section].__doc__ or "").partition(": ")[2]


def may_be(key: Key) -> str:
    """What may stand there."""
    if key.choices:
        return ", ".join(choice for choice in key.choices if choice != "bypass")
    if key.is_list:
        return "a list of texts, one a line"
    if key.type is bool:
        return "true, false"
    if key.is_number:
        whole = "a whole number" if key.type is int else "a number"
        return f"{whole} from {key.lowest} on{', or nothing' if is_optional(key) else ''}"
    return "a text"


def setting_row(choices: Choices, name: str, cells: int, own: object) -> Row:
    """One line: name, value, where it comes from."""
    value, origin = choices.value(name), choices.origin(name)
    is_plain = value == KEYS[name].default
    room = max(cells - NAME_CELLS - ORIGIN_CELLS - 5, 6)
    is_overruled = own is not None and not _is_in_force(choices, name, own)
    return Row(
        name,
        (
            ("! " if is_overruled else "  ", "warn"),
            (fit(name.rpartition(".")[2], NAME_CELLS), "plain"),
            (" ", "plain"),
            (fit(shown(value), room), "quiet" if is_plain else "strong"),
            (f" {fit(layer_word(origin.layer), ORIGIN_CELLS)}", "quiet" if is_plain else "accent"),
        ),
        also=f"{name} {meaning(name)}",
    )


def _is_in_force(choices: Choices, name: str, own: object) -> bool:
    value = choices.value(name)
    if KEYS[name].is_list:
        return set(strings(own)) <= set(strings(value))
    return own == value


def setting_parts(choices: Choices, name: str, target: Target, cells: int) -> list[Part | str]:
    """Everything that is known of a setting."""
    key, value, origin = KEYS[name], choices.value(name), choices.origin(name)
    parts: list[Part | str] = [(f"{clip(name, cells)}\n", "bold $accent"), f"{meaning(name)}\n\n"]
    if key.is_list and choices.items(name):
        for item, place in choices.items(name):
            parts += [_label("holds"), f"{shown(item)}\n", _label(""), (f"{choices.within(str(place))}\n", "$quiet")]
    else:
        parts += [_label("holds"), (f"{shown(value)}\n", "bold"), _label("from"), f"{choices.within(str(origin))}\n"]
    parts += _own_parts(choices, name, target)
    parts += [_label("may be"), f"{may_be(key)}\n", _label("default"), f"{shown(key.default)}\n"]
    parts += [_label("variable"), f"{key.variable}\n"]
    when = "at once" if name in LIVE else "from the next session on; /clear begins one"
    parts += [_label("changes"), f"count {when}\n"]
    section = name.rpartition(".")[0]
    parts += [_label("section"), (f"{section_words(section)}\n", "$quiet")]
    if words := _repositorys(name):
        parts += [_label("a repo"), (f"{words}\n", "$quiet")]
    return parts


def _own_parts(choices: Choices, name: str, target: Target) -> list[Part | str]:
    try:
        own = choices.own(target).get(name)
    except ConfigError as error:
        return [(f"! {error.advice}\n", "$warning")]
    if own is None or _is_in_force(choices, name, own):
        return []
    whose = "yours" if target == "user" else "local"
    return [
        _label(whose),
        (f"{shown(own)}\n", "bold $warning"),
        _label(""),
        (f"! overruled by {choices.within(str(choices.origin(name)))}\n", "$warning"),
    ]


def _label(word: str) -> Part:
    return f"{word:<9} ", "$quiet"


def _repositorys(name: str) -> str:
    """What an untrusted repository's file may say of it."""
    if name in TIGHTER:
        return "not trusted, it may only make this stricter"
    if name in COLLECTED:
        return "not trusted, it may only add"
    return "not trusted, it may propose one, which runs after your consent" if name in DATA else ""
