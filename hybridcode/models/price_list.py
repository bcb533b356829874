"""What a model costs, before it is asked: from the settings, or from the list that litellm is shipped with.

Invariant: litellm is not imported and nothing is fetched; a model that is not in the list has no price, never 0.
"""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hybridcode.config.settings import FrontierSettings
from hybridcode.models.pricing import Price

_LIST = "model_prices_and_context_window_backup.json"


def price_of(settings: FrontierSettings) -> Price | None:
    """The price that calls of this model will be counted with; None if it is unknown."""
    return Price.configured(settings) or Price.listed(_table(), settings.model)


@cache
def _table() -> dict[str, dict[str, Any]]:
    found = find_spec("litellm")
    if found is None or found.origin is None:
        return {}
    try:
        return json.loads((Path(found.origin).parent / _LIST).read_bytes())
    except (OSError, ValueError):
        return {}
