"""Regular expressions that a person puts into the settings, made safe to run over any text.

Invariant: a pattern that is accepted takes no exponential time: nothing that repeats is repeated, and each repetition
without an end is cut at 200.
"""

import re

from hybridcode.domain.errors import ConfigError

LONGEST = 500
"""Characters of the longest pattern."""
MOST_OPEN = 3
"""Repetitions without an end in one pattern."""
_CUT = 200
_TOKEN = re.compile(
    r"(?P<escape>\\(?:[1-9]|.))|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<open>\((?:\?(?:P<\w+>|<?[=!]|[aiLmsux-]*:?|P=\w+\)?))?)|"
    r"(?P<close>\))|(?P<many>[*+]|\{(?P<low>\d*)(?P<comma>,(?P<high>\d*))?\})|(?P<either>\|)|(?P<other>.)",
    re.DOTALL,
)


def bounded(text: str, *, source: str) -> re.Pattern[str]:
    """The pattern of a setting.

    Raises:
        ConfigError: it is no pattern, matches nothing at all, or could take for ever.
    """
    try:
        re.compile(text)
        pattern = re.compile(_cut(text))
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(f"{source}: {text!r} is no regular expression: {error}", "Python's `re` reads it.") from error
    except _TooCostly as error:
        raise ConfigError(f"{source}: {text!r} could take for ever: {error}", "Write it simpler.") from error
    if pattern.match("") is not None:
        raise ConfigError(f"{source}: {text!r} also matches nothing", "Write what must stand there.")
    return pattern


class _TooCostly(Exception):
    """Why a pattern is refused."""


def _cut(text: str) -> str:
    """The same pattern with an end to every repetition."""
    if len(text) > LONGEST:
        raise _TooCostly(f"it is longer than {LONGEST} characters")
    written, groups, last_is_costly, opened = list[str](), [False], False, 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        if (token["escape"] and word[1].isdigit() and word[1] != "0") or word.startswith("(?P="):
            raise _TooCostly("it refers back to what it found")
        if token["open"]:
            groups.append(False)
        elif token["close"] and len(groups) > 1:
            last_is_costly = groups.pop()
            groups[-1] |= last_is_costly
        elif token["either"]:
            groups[-1] = True
        elif token["many"] and (token["low"] or token["comma"] or word in "*+"):
            high = token["high"] or ("" if token["comma"] or word in "*+" else token["low"])
            if last_is_costly and (not high or int(high) > 1):
                raise _TooCostly("something that varies is repeated")
            opened += not high
            if not high:
                word = f"{{{token['low'] or int(word == '+')},{_CUT}}}"
            groups[-1], last_is_costly = True, False
        if not token["close"]:
            last_is_costly = False
        written.append(word)
    if opened > MOST_OPEN:
        raise _TooCostly(f"it holds more than {MOST_OPEN} repetitions without an end")
    return "".join(written)
