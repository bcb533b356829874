"""Which models a person may choose while the program runs, and who plays which part.

Invariant: a choice changes the settings of this program and never a file; what an administrator set is not chosen away.
"""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.config.load import Loaded
from hybridcode.config.settings import FrontierSettings, LocalSettings, ModelSettings, Settings, WriterName
from hybridcode.domain.errors import ConfigError, ModelError
from hybridcode.domain.ports import Model
from hybridcode.models.frontier import FrontierModel
from hybridcode.models.frontiers import frontiers, known_of
from hybridcode.models.gguf import BadGguf, inspect
from hybridcode.models.gguf_summary import quantisation_of
from hybridcode.models.hosted import HostedModel
from hybridcode.models.pool import Pool
from hybridcode.models.pricing import Price
from hybridcode.models.shelf import ModelFile, Shelf
from hybridcode.session.amounts import size
from hybridcode.session.models import Models, build_models
from hybridcode.session.senders import chain_of

ModelState = Literal["none", "not started", "loading", "ready", "ended", "scripted"]
"""Where a model stands: `ended` is a process that is gone, and that the next request starts again."""
PARTS: tuple[WriterName, ...] = ("frontier", "local")
_SETTING = {"frontier": "models.frontier.model", "local": "models.local.path"}
_LOCAL_SETTINGS = ("models.local.path", "models.local.name", "models.local.base_url", "models.local.pool")


class Choice(msgspec.Struct, frozen=True):
    """A model that can be chosen for one of the two parts."""

    part: WriterName
    title: str
    about: str
    settings: FrontierSettings | LocalSettings
    problem: str = ""
    """Why it cannot be chosen; empty if it can."""

    @property
    def id(self) -> str:
        """The same for the same model."""
        return f"{self.part} {self.title}"


class ModelShown(msgspec.Struct, frozen=True):
    """One of the two models as it is now."""

    part: WriterName
    name: str
    """Empty: there is none."""
    origin: str
    """Where the setting comes from."""
    state: ModelState
    host: str = ""
    """Where requests go; empty for a process of ours."""
    is_remote: bool = False
    n_ctx: int | None = None
    price: Price | None = None
    price_from: str = ""
    """`settings` or `litellm's table`; empty where the price is unknown."""
    notes: tuple[str, ...] = ()
    """What was said when it was loaded."""


class RoleShown(msgspec.Struct, frozen=True):
    """Who plays a part, and why."""

    role: str
    plays: str
    """Name of the model; empty if nobody can."""
    why: str


class ModelsShown(msgspec.Struct, frozen=True):
    """Everything about the models of this program."""

    models: tuple[ModelShown, ...]
    roles: tuple[RoleShown, ...]
    choices: tuple[Choice, ...]
    now: ModelSettings = ModelSettings()
    """The settings that count."""

    def is_now(self, choice: Choice) -> bool:
        """True for the choice that counts already."""
        return getattr(self.now, choice.part) == choice.settings


def shown_models(
    loaded: Loaded, now: ModelSettings, models: Models, *, environ: Mapping[str, str] = os.environ
) -> ModelsShown:
    """The models as they are now, and what could be chosen. Reads files; `now` are the settings that count."""
    settings = msgspec.structs.replace(loaded.settings, models=now)
    pair = (_shown("frontier", models.frontier, loaded, now), _shown("local", models.local, loaded, now))
    choices = (*_frontiers(loaded, environ), *_locals(loaded))
    return ModelsShown(pair, tuple(_roles(settings, loaded, models)), choices, now)


def chosen(loaded: Loaded, now: ModelSettings, choice: Choice) -> ModelSettings:
    """The settings with a choice.

    Raises:
        ConfigError: it cannot be used, an administrator set this model, or nothing would be left.
    """
    if choice.problem:
        raise ConfigError(f"{choice.title} cannot be used: {choice.problem}.")
    names = _LOCAL_SETTINGS if choice.part == "local" else (_SETTING["frontier"], "models.frontier.api_base")
    if any(loaded.origin[name].layer == "managed" for name in names):
        raise ConfigError(f"The {choice.part} model was set by your administrator.", "Another one cannot be chosen.")
    after = msgspec.structs.replace(now, **{choice.part: choice.settings})
    if not after.frontier.model and not _has_local(after.local):
        raise ConfigError("Then there would be no model at all.", "Choose the other one first.")
    return after


def rebuilt(loaded: Loaded, models: Models, after: ModelSettings, part: WriterName) -> Models:
    """The models with one of the two made anew; nothing is started.

    Raises:
        ConfigError, ModelError: it cannot be made, or would leave this machine while that is forbidden.
    """
    fresh = build_models(msgspec.structs.replace(loaded.settings, models=after))
    if part == "local":
        return dataclasses.replace(models, local=fresh.local)
    if after.frontier.model and fresh.frontier is None:
        raise ConfigError(f"{after.frontier.model} is not on this machine.", "[egress] mode = offline forbids it.")
    return dataclasses.replace(models, frontier=fresh.frontier)


def state_of(model: Model | None) -> ModelState:
    """Where a model stands."""
    match model:
        case None:
            return "none"
        case HostedModel() | Pool():
            return model.state
        case _:
            return "scripted" if model.info.is_scripted else "ready"


def _shown(part: WriterName, model: Model | None, loaded: Loaded, now: ModelSettings) -> ModelShown:
    is_as_configured = getattr(now, part) == getattr(loaded.settings.models, part)
    origin = _origin(part, loaded) if is_as_configured else "you chose it, until the program ends"
    if model is None:
        return ModelShown(part, "", origin, "none")
    info = model.info
    shown = ModelShown(
        part,
        info.name,
        origin,
        state_of(model),
        host=info.host or "",
        is_remote=info.is_remote,
        n_ctx=info.n_ctx,
        notes=tuple(getattr(model, "notes", ())),
    )
    if part == "local" or info.is_scripted:
        return shown
    known, set_price = known_of(now.frontier.model), Price.configured(now.frontier)
    return msgspec.structs.replace(
        shown,
        n_ctx=info.n_ctx or known.n_ctx,
        price=set_price or known.price,
        price_from="settings" if set_price else "litellm's table" if known.price else "",
    )


def _origin(part: WriterName, loaded: Loaded) -> str:
    names = (_SETTING["frontier"],) if part == "frontier" else _LOCAL_SETTINGS
    found = (loaded.origin[name] for name in names if loaded.origin[name].layer != "default")
    return str(next(found, "not configured"))


def _roles(settings: Settings, loaded: Loaded, models: Models) -> Iterator[RoleShown]:
    """As `Senders.pick` and the ladder decide it."""
    for role in ("plan", "judge", "draft"):
        wanted: str = getattr(settings.roles, role)
        setting = f"[roles] {role} = {wanted} ({loaded.origin[f'roles.{role}']})"
        pair = (
            (models.local, models.frontier) if wanted == "local" or role == "draft" else (models.frontier, models.local)
        )
        others = (model for model in (*pair, *models.named.values()) if model is not None)
        model = models.of(wanted)
        if model is not None:
            has_other = models.frontier is not None
            why = _ladder(settings, wanted, has_other=has_other) if role == "draft" else setting
            yield RoleShown(role, model.info.name, f"{why}{_then(wanted, models, settings)}")
        elif (other := next(others, None)) is not None:
            yield RoleShown(role, other.info.name, f"there is no {wanted} model")
        else:
            yield RoleShown(role, "", "no model is configured")


def _then(name: str, models: Models, settings: Settings) -> str:
    """Who takes over once the model cannot be asked."""
    following = (models.of(each) for each in chain_of(name, models, settings)[1:])
    names = [model.info.name for model in following if model is not None]
    return f"; once it cannot be asked: {', then '.join(names)}" if names else ""


def _ladder(settings: Settings, drafter: str, *, has_other: bool) -> str:
    routing = settings.routing
    if drafter == "frontier":
        return "it writes every step, then you"
    who = "the local model" if drafter == "local" else f"the model {drafter}"
    first = f"{routing.local_tries} {'try' if routing.local_tries == 1 else 'tries'} of {who}"
    if not has_other:
        return f"{first}, then you"
    hints = f"{routing.frontier_hints} {'hint' if routing.frontier_hints == 1 else 'hints'} of the frontier"
    return f"{first}, {hints}, {routing.frontier_tries} of the frontier's own, then you; a plan may give it a step"


def _frontiers(loaded: Loaded, environ: Mapping[str, str]) -> Iterator[Choice]:
    configured = loaded.settings.models.frontier
    if configured.model:
        yield _usable(Choice("frontier", configured.model, "as configured", configured), loaded, environ)
    for known in frontiers():
        if known.model != configured.model and environ.get(known.key):
            settings = msgspec.structs.replace(
                configured,
                model=known.model,
                api_key_env=known.key,
                api_base="",
                input_usd_per_mtok=None,
                output_usd_per_mtok=None,
            )
            about = f"key in {known.key}; {known.why}"
            yield _usable(Choice("frontier", known.model, about, settings), loaded, environ)
    yield Choice("frontier", "no frontier", "the local model plans and judges too", FrontierSettings())


def _usable(choice: Choice, loaded: Loaded, environ: Mapping[str, str]) -> Choice:
    """The choice, with the reason where no model can be made of it."""
    settings = choice.settings
    assert isinstance(settings, FrontierSettings)
    try:
        model = FrontierModel(settings, environ)
    except (ConfigError, ModelError) as error:
        return msgspec.structs.replace(choice, problem=error.message.rstrip("."))
    if model.info.is_remote and loaded.settings.egress.mode == "offline":
        return msgspec.structs.replace(choice, problem="it is remote, and [egress] mode is offline")
    return choice


def _locals(loaded: Loaded) -> Iterator[Choice]:
    configured = loaded.settings.models.local
    if _has_local(configured):
        title = configured.name or (Path(configured.path).stem if configured.path else configured.base_url)
        yield Choice("local", title or ", ".join(configured.pool), "as configured", configured)
    try:
        here = Shelf().models()
    except ConfigError:
        here = ()
    for file in here:
        if file.path != configured.path and not (file.name == configured.name and not configured.path):
            yield _of_file(file, configured)
    yield Choice("local", "no local model", "the frontier writes everything", _without(configured))


def _of_file(file: ModelFile, configured: LocalSettings) -> Choice:
    settings = msgspec.structs.replace(_without(configured), path=file.path)
    if file.kind == "unfinished":
        return Choice("local", file.name, size(file.bytes), settings, "its download is not finished")
    try:
        info = inspect(Path(file.path))
    except BadGguf as error:
        return Choice("local", file.name, size(file.bytes), settings, error.reason)
    about = f"{info.architecture} {quantisation_of(info)}, {size(file.bytes)}"
    return Choice("local", file.name, about, settings)


def _without(local: LocalSettings) -> LocalSettings:
    return msgspec.structs.replace(local, path="", name="", base_url="", pool=(), api_key_env="", profile="full")


def _has_local(local: LocalSettings) -> bool:
    return bool(local.path or local.name or local.base_url or local.pool)
