"""The models that can be pulled by name, and those offered as frontier: catalogue.toml, typed.

Invariant: a pure function of the shipped file; an entry without a SHA-256 says that it is unpinned.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

MemoryClass = Literal["24 GB", "16 GB", "CPU only"]
CLASSES: tuple[MemoryClass, ...] = ("24 GB", "16 GB", "CPU only")
"""In the order of a listing."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
"""Names of models on this machine: also names of files, so neither a slash nor a leading dot."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file that can be pulled."""

    id: str
    """What it is called here, also after it was pulled."""
    title: str
    """The model's own name."""
    memory: tuple[MemoryClass, ...]
    """Machines it is meant for."""
    url: str
    """Where it is; a revision in it never changes, `main` may."""
    file: str
    """Its name there."""
    bytes: int
    """Size; approximate when unpinned."""
    sha256: str
    """Digest in lower-case hex. Empty: unpinned."""
    licence: str
    """SPDX name."""
    architecture: str
    """`general.architecture` of the file."""
    quantisation: str
    """As its publisher calls it."""
    needs_gib: float
    """GiB of memory with `n_ctx` tokens of context."""
    n_ctx: int
    """Recommended context in tokens."""
    template: str = ""
    """What its chat template does that one should know."""
    why: str
    """Why it is here, in a line."""

    @property
    def is_pinned(self) -> bool:
        """True when the digest of the file is known beforehand."""
        return bool(self.sha256)


class FrontierEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model behind a key that can be chosen as the frontier."""

    model: str
    """As litellm calls it."""
    key: str
    """The environment variable that its provider's key stands in."""
    why: str
    """Why it is here, in a line."""


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: tuple[Entry, ...]
    frontier: tuple[FrontierEntry, ...]


def catalogue() -> tuple[Entry, ...]:
    """The models that can be pulled, in the order of the file."""
    return _shipped().model


def frontier_catalogue() -> tuple[FrontierEntry, ...]:
    """The frontier models that are offered, in the order of the file; any other litellm name works as well."""
    return _shipped().frontier


@cache
def _shipped() -> _Catalogue:
    data = files("hybridcode.models").joinpath("catalogue.toml").read_bytes()
    return msgspec.toml.decode(data, type=_Catalogue)


def entry_named(name: str) -> Entry | None:
    """The entry with this id."""
    return next((entry for entry in catalogue() if entry.id == name), None)
