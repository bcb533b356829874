"""Who is asked in a task: every model behind the policy of its session, with the one that takes over from it.

Invariant: from a model on this machine a chain of fallbacks leaves it only where its own `fallback` says so; no model
stands in for itself.
"""

from collections.abc import Callable

from hybridcode.agent.run import Senders
from hybridcode.config.settings import Settings
from hybridcode.domain.ports import Model
from hybridcode.models.sender import Sender
from hybridcode.session.models import Models


def senders_for(models: Models, settings: Settings, make: Callable[[Model], Sender]) -> Senders:
    """The senders of a task. Each has its own state: who has given way in one task is asked again in the next."""

    def sender(name: str) -> Sender | None:
        model = models.of(name)
        return None if model is None else _backed(name, model, models, settings, make)

    named = {name: found for name in models.named if (found := sender(name)) is not None}
    return Senders(sender("frontier"), sender("local"), named, settings.roles.draft)


def chain_of(name: str, models: Models, settings: Settings) -> tuple[str, ...]:
    """The model and those that take its place one after the other, as far as they are there."""
    first, chain = models.of(name), [name]
    if first is None:
        return ()
    while following := settings.models.of(chain[-1]).fallback:
        other = models.of(following)
        if other is None or following in chain:
            break
        if other.info.is_remote and not first.info.is_remote and len(chain) > 1:
            break
        chain.append(following)
    return tuple(chain)


def _backed(name: str, model: Model, models: Models, settings: Settings, make: Callable[[Model], Sender]) -> Sender:
    first = last = make(model)
    for following in chain_of(name, models, settings)[1:]:
        other = models.of(following)
        assert other is not None
        fallback = make(other)
        last.backed_by(fallback)
        last = fallback
    return first
