"""The models that a calibration compares: those of the settings, or others by name.

Invariant: building one starts nothing; each name is taken once.
"""

import msgspec

from hybridcode.config.settings import Settings
from hybridcode.domain.errors import ConfigError, ModelUnavailable
from hybridcode.models.frontier import FrontierModel
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.openai_compatible import ServerModel
from hybridcode.session.calibration.bench import Contender
from hybridcode.session.models import Models, named_model

ROLES = ("local", "frontier")


def contenders_of(settings: Settings, models: Models, names: tuple[str, ...]) -> tuple[Contender, ...]:
    """A contender for each name: `local`, `frontier`, a [models.NAME], a GGUF file, a server's URL, or a litellm name.

    Raises:
        ModelUnavailable: a role without a model, or no model at all.
        ConfigError: two of them have the same name.
    """
    found = [_one(settings, models, name) for name in dict.fromkeys(names)] if names else _roles(settings, models)
    if not found:
        raise ModelUnavailable("No model is configured.", "`hybridcode init` asks, or name them with --model.")
    known = [contender.name for contender in found]
    if double := [name for name in known if known.count(name) > 1]:
        raise ConfigError(f"Two models are called {double[0]}.", "Trials are kept by name: leave one of them out.")
    return tuple(found)


def _roles(settings: Settings, models: Models) -> list[Contender]:
    return [Contender(model, settings) for model in (models.local, models.frontier) if model is not None]


def _one(settings: Settings, models: Models, name: str) -> Contender:
    if name in ROLES:
        model = models.local if name == "local" else models.frontier
        if model is None:
            raise ModelUnavailable(f"There is no {name} model.", f"Set [models.{name}], or leave out --model {name}.")
        return Contender(model, settings)
    if name in settings.models.named:
        found = models.named.get(name) or named_model(settings, name)
        if found is None:
            raise ModelUnavailable(f"{name} is a remote model, and remote calls are forbidden.", "Leave out --offline.")
        return Contender(found, settings)
    replace = msgspec.structs.replace
    local, frontier = settings.models.local, settings.models.frontier
    if name.startswith(("http://", "https://")):
        local = replace(local, base_url=name, path="", pool=())
        return Contender(ServerModel(local), replace(settings, models=replace(settings.models, local=local)))
    if name.endswith(".gguf"):
        local = replace(local, path=name, base_url="", name="", pool=())
        return Contender(LlamaCppModel(local), replace(settings, models=replace(settings.models, local=local)))
    frontier = replace(frontier, model=name, input_usd_per_mtok=None, output_usd_per_mtok=None)
    model = FrontierModel(frontier)
    if settings.egress.mode == "offline" and model.info.is_remote:
        raise ModelUnavailable(f"{name} is a remote model, and remote calls are forbidden.", "Leave out --offline.")
    return Contender(model, replace(settings, models=replace(settings.models, frontier=frontier)))
