"""Names that an import can bring into a Python file, whichever it is: then only its imports have to be written again.

Invariant: a pure function of the name, the file and the tree; a word that may as well be a variable counts only where
it is used as what could be imported.
"""

import collections.abc
import contextlib
import dataclasses
import datetime
import decimal
import functools
import itertools
import pathlib
import re
import sys
import typing

from hybridcode.patch.names import is_python, uses_as_module
from hybridcode.repo.occurrences import text_of
from hybridcode.repo.snapshot import Snapshot

_COMMON = frozenset(
    name
    for module in (
        collections, collections.abc, contextlib, dataclasses, datetime, decimal, functools, itertools, pathlib, typing
    )
    for name in dir(module)
    if not name.startswith("_")
)  # fmt: skip
"""What the modules of the standard library hold that names are most often imported from."""


def is_importable(name: str, path: str, before: bytes, after: bytes, tree: Snapshot) -> bool:
    """The file imported it before, another one imports or defines it, or the standard library has it; `after` is the
    file that uses it."""
    word = re.escape(name.encode())
    imports = re.compile(rb"(?m)^\s*(?:from\s.*\simport|import)\s.*(?<!\w)" + word + rb"(?!\w)")
    if imports.search(before) or (name in sys.stdlib_module_names and uses_as_module(after, name)):
        return True
    is_called = re.search(rb"(?<![\w.])" + word + rb"\s*\(", after) is not None
    if name.islower() and not is_called:
        brings = imports
    elif name in _COMMON:
        return True
    else:
        brings = re.compile(imports.pattern + rb"|^(?:class|def|async def)\s+" + word + rb"(?!\w)")
        if name.isupper():
            brings = re.compile(brings.pattern + rb"|^" + word + rb"\s*[:=]")
    return any(brings.search(text_of(tree, file)) for file in tree.files if file != path and is_python(file))
