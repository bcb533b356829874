"""Which routing table a session goes by: that of its repository, while it is about the local model of now.

Invariant: a pure function of settings and models; what is not followed is said with the reason.
"""

from hybridcode.config.load import Loaded
from hybridcode.config.routing import RoutingTable, followed
from hybridcode.session.models import Models


def routes_for(loaded: Loaded, models: Models) -> tuple[RoutingTable, tuple[str, ...]]:
    """The table, and warnings. It is about whoever writes first: the model of [roles] draft."""
    writes = models.named.get(loaded.settings.roles.draft, models.local)
    name = writes.info.name if writes is not None else None
    return followed(loaded.routing, is_on=loaded.settings.routing.table, local=name)
