"""Frontier models that can be chosen by name, and what is known of a model's price and context without asking anybody.

Invariant: reads files of this machine alone; what no file says is unknown, never a guess.
"""

import importlib.util
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from hybridcode.models.pricing import Price, table_row

_TABLE = "model_prices_and_context_window_backup.json"


class Frontier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model of a provider."""

    model: str
    """As litellm calls it."""
    key: str
    """The variable that holds its key."""
    why: str
    """Why it is here, in a line."""


class Known(msgspec.Struct, frozen=True):
    """What litellm's bundled table says of a model."""

    price: Price | None = None
    n_ctx: int | None = None
    """Tokens that a prompt may have."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    frontier: tuple[Frontier, ...]


@cache
def frontiers() -> tuple[Frontier, ...]:
    """All that are offered, in the order of the file."""
    data = files("hybridcode.models").joinpath("frontiers.toml").read_bytes()
    return msgspec.toml.decode(data, type=_File).frontier


def known_of(model: str) -> Known:
    """Price and context of a model as litellm's table has them; read once, which takes some 0.1 s."""
    row = table_row(_table(), model)
    n_ctx = row.get("max_input_tokens")
    return Known(Price.listed(_table(), model), n_ctx if isinstance(n_ctx, int) else None)


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    """The table as a file: litellm itself takes seconds to import, and does so only in its own process."""
    found = importlib.util.find_spec("litellm")
    for folder in (found.submodule_search_locations or ()) if found else ():
        try:
            return msgspec.json.decode(Path(folder, _TABLE).read_bytes(), type=dict[str, dict[str, Any]])
        except (OSError, msgspec.DecodeError):
            continue
    return {}
