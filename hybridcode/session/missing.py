"""Whether there is a model that could do a task at all, and how to get one.

Invariant: nothing is started and nobody is asked: settings and names of variables are all that is looked at.
"""

from collections.abc import Mapping

from hybridcode.config.settings import Settings
from hybridcode.domain.errors import ModelUnauthorised, ModelUnavailable
from hybridcode.models.catalogue import frontier_catalogue
from hybridcode.models.frontier import provider_of
from hybridcode.session.models import Models

SETUP = (
    "/setup goes through it step by step; without the program: hybridcode models list, hybridcode config set KEY=VALUE."
)


def require_models(models: Models, settings: Settings, environ: Mapping[str, str]) -> None:
    """Raise where no task can be done.

    Raises:
        ModelUnavailable: neither model is set up, or offline leaves none.
        ModelUnauthorised: the frontier is alone and its usual variable holds no key.
    """
    if models.local is not None or models.named:
        return
    frontier = settings.models.frontier
    if models.frontier is None and frontier.model:
        raise ModelUnavailable(
            f"No task was begun: offline, {frontier.model} may not be asked, and there is no local model.", SETUP
        )
    if models.frontier is None:
        raise ModelUnavailable("No task was begun: no model is set up.", SETUP)
    key = key_of(frontier.model)
    if (
        key
        and not frontier.fallback
        and not (frontier.api_base or frontier.api_key_env or environ.get(key))
        and frontier.model
    ):
        raise ModelUnauthorised(
            f"No task was begun: {frontier.model} needs a key, and the variable {key} is not set.",
            f"Leave, `export {key}=...`, start again; or choose another model: /setup.",
        )


def key_of(model: str) -> str:
    """The variable that the key of a frontier model usually stands in; empty for providers that are not known here."""
    provider = provider_of(model)
    return next((entry.key for entry in frontier_catalogue() if provider_of(entry.model) == provider), "")
