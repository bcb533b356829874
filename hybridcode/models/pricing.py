"""What a call costs, from configured prices or litellm's bundled table.

Invariant: an unknown price gives None, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import msgspec

from hybridcode.config.settings import FrontierSettings
from hybridcode.domain.model import Usage

_TABLE = "model_prices_and_context_window_backup.json"


@dataclass(frozen=True)
class Price:
    """Dollars per token."""

    input: float
    output: float
    cached_input: float

    @classmethod
    def configured(cls, settings: FrontierSettings) -> Self | None:
        """The price in the settings, if both halves are given."""
        price_in, price_out = settings.input_usd_per_mtok, settings.output_usd_per_mtok
        if price_in is None or price_out is None:
            return None
        return cls(input=price_in / 1e6, output=price_out / 1e6, cached_input=price_in / 1e6)

    @classmethod
    def listed(cls, table: Mapping[str, Mapping[str, Any]], model: str) -> Self | None:
        """The price that litellm's table has for a model."""
        row = table_row(table, model)
        price_in, price_out = row.get("input_cost_per_token"), row.get("output_cost_per_token")
        if not isinstance(price_in, float | int) or not isinstance(price_out, float | int):
            return None
        cached = row.get("cache_read_input_token_cost")
        return cls(
            input=float(price_in),
            output=float(price_out),
            cached_input=float(cached) if isinstance(cached, float | int) else float(price_in),
        )

    def of(self, usage: Usage) -> float:
        """Dollars for these tokens."""
        fresh = max(0, usage.input_tokens - usage.cached_tokens)
        return fresh * self.input + usage.cached_tokens * self.cached_input + usage.output_tokens * self.output


@cache
def shipped_table() -> Mapping[str, Mapping[str, Any]]:
    """litellm's table as it was installed, read without importing it; {} where it is not there."""
    spec = find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        try:
            data = (Path(folder) / _TABLE).read_bytes()
            return msgspec.json.decode(data, type=dict[str, dict[str, Any]])
        except (OSError, msgspec.MsgspecError):
            continue
    return {}


def price_for(settings: FrontierSettings) -> Price | None:
    """The price of the model in the settings: configured, else listed."""
    return Price.configured(settings) or Price.listed(shipped_table(), settings.model)


def table_row(table: Mapping[str, Mapping[str, Any]], model: str) -> Mapping[str, Any]:
    """What litellm's table says of `provider/model`, under that name or without the provider; {} if nothing."""
    return table.get(model) or table.get(model.partition("/")[2]) or {}
