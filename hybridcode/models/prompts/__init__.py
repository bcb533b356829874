"""The texts that models are given, one file each.

Invariant: the same bytes for every run of a version; nothing volatile is ever filled in before the step.
"""

import re
from functools import cache
from importlib.resources import files

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@cache
def load(name: str) -> str:
    """The text of `<name>.md`, without its last line end. Raises: FileNotFoundError."""
    return (files(__name__) / f"{name}.md").read_text(encoding="utf-8").removesuffix("\n")


def fill(template: str, **values: str) -> str:
    """Put values in place of `{{name}}`, in one pass: what a value holds is never filled in again.

    Raises:
        KeyError: when the names differ from the template's, with both missing and unknown ones.
    """
    wanted = set(_PLACEHOLDER.findall(template))
    if wanted != set(values):
        missing, unknown = sorted(wanted - set(values)), sorted(set(values) - wanted)
        raise KeyError(f"missing values: {missing}, unknown values: {unknown}")
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)
