"""Which routing table a session goes by: that of its repository, while it is about the local model of now.

Invariant: a pure function of settings and models; what is not followed is said with the reason.
"""

from hybridcode.config.load import Loaded
from hybridcode.config.routing import RoutingTable, followed
from hybridcode.domain.ports import Model


def routes_for(loaded: Loaded, local: Model | None) -> tuple[RoutingTable, tuple[str, ...]]:
    """The table, and warnings."""
    name = local.info.name if local is not None else None
    return followed(loaded.routing, is_on=loaded.settings.routing.table, local=name)
