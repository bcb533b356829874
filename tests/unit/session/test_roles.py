from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from hybridcode.config.settings import FrontierSettings, LocalSettings, Settings
from hybridcode.domain.errors import ModelError, ModelUnauthorised, ModelUnavailable
from hybridcode.domain.events import ModelAsked, NoticeGiven, PlannerChosen, RungTaken, SessionOpened
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import ModelInfo
from hybridcode.domain.plan import Plan
from hybridcode.domain.ports import Model
from hybridcode.domain.replaced import ModelReplaced
from hybridcode.models.absent import AbsentModel
from hybridcode.models.faulty import Fail, FaultyModel
from hybridcode.models.ledger import Ledger
from hybridcode.models.scripted import Script, ScriptedModel
from hybridcode.session.budget import budget_check
from hybridcode.session.calibration.contenders import contenders_of
from hybridcode.session.choosing import rebuilt, shown_models
from hybridcode.session.models import Models, build_models
from hybridcode.session.senders import chain_of
from hybridcode.session.session import Session, SessionOptions
from tests.support.repos import git_repository
from tests.support.requests_to_models import request
from tests.support.sessions import FRONTIER, LOCAL, Scene, as_json, edit, fence, loaded_for, planning

Kind = TypeVar("Kind")
ONE = Plan((edit("1", "a.py#X"),))
DONE = {"draft": [fence("X = 2")]}
SECOND = ModelInfo("second-model", "frontier", table="second")
SHED = ModelInfo("shed-model", "local", table="shed")
NAMED = {
    "models.second.model": "x/second",
    "models.second.max_output_tokens": 777,
    "models.shed.base_url": "http://127.0.0.1:9/v1",
    "models.shed.max_output_tokens": 555,
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "ws", {"a.py": "X = 1\n"})


def scripted(info: ModelInfo, script: Script | None) -> ScriptedModel | None:
    return None if script is None else ScriptedModel(info, script)


def scene(
    workspace: Path,
    *,
    frontier: Script | None = None,
    local: Script | None = None,
    second: Script | None = None,
    shed: Script | None = None,
    **settings: object,
) -> Scene:
    pair = scripted(FRONTIER, frontier), scripted(LOCAL, local)
    named = {"second": scripted(SECOND, second), "shed": scripted(SHED, shed)}
    there: Mapping[str, Model] = {name: model for name, model in named.items() if model is not None}
    said = {name.replace("__", "."): value for name, value in settings.items()}
    return Scene(workspace, models=Models(*pair, there), settings={**NAMED, **said})


def events(it: Scene, kind: type[Kind]) -> list[Kind]:
    assert it.session is not None
    return [one.event for one in it.session.state.envelopes if isinstance(one.event, kind)]


def asked(it: Scene) -> list[tuple[str, str]]:
    return [(event.role, event.model) for event in events(it, ModelAsked)]


def failing(inner: ScriptedModel, error: ModelError, *, times: int = 99) -> FaultyModel:
    return FaultyModel(inner, {number: Fail(error) for number in range(1, times + 1)})


async def test_the_profile_that_holds_is_told(workspace: Path) -> None:
    it = scene(workspace, frontier={**planning(ONE), **DONE}, local=DONE)
    loaded = msgspec.structs.replace(loaded_for(workspace), profile="frontier-only")
    assert it.models is not None
    models = it.models
    session = Session.open(SessionOptions(workspace, loaded, make_models=lambda _: models))
    texts = [one.event.text for one in session.state.envelopes if isinstance(one.event, NoticeGiven)]
    await session.close()
    assert "The profile frontier-only holds." in texts


async def test_each_role_is_played_by_the_model_that_it_names(workspace: Path) -> None:
    it = scene(
        workspace,
        frontier={"judge": ["good fine"]},
        local={},
        second={"plan": [as_json(ONE)]},
        shed=DONE,
        roles__plan="second",
        roles__draft="shed",
        routing__judge="always",
    )
    assert (await it.run()).code == ExitCode.DONE
    assert asked(it) == [("plan", "second-model"), ("draft", "shed-model"), ("judge", "scripted-frontier")]
    assert [event.writer for event in events(it, PlannerChosen)] == ["second"]
    assert [event.why for event in events(it, RungTaken)] == ["the model shed writes ([roles] draft)"]
    assert events(it, SessionOpened)[0].named == {"second": "second-model", "shed": "shed-model"}
    assert it.models is not None
    second, shed = it.models.named["second"], it.models.named["shed"]
    assert isinstance(second, ScriptedModel) and isinstance(shed, ScriptedModel)
    assert [one.requests[0].max_output_tokens for one in (second, shed)] == [777, 555]
    assert it.session is not None
    assert {key[1] for key in Ledger.of(it.session.state.envelopes).accounts} >= {"second-model", "shed-model"}


async def test_named_models_alone_do_every_role(workspace: Path) -> None:
    it = scene(workspace, second={**planning(ONE), **DONE}, roles__plan="second", roles__judge="second")
    assert (await it.run()).code == ExitCode.DONE
    assert {model for _, model in asked(it)} == {"second-model"}
    assert events(it, PlannerChosen) == []  # as configured


async def test_the_frontier_writes_every_step_where_the_role_says_so(workspace: Path) -> None:
    it = scene(workspace, frontier={**planning(ONE), **DONE}, local={}, roles__draft="frontier")
    assert (await it.run()).code == ExitCode.DONE
    assert ("draft", "scripted-frontier") in asked(it)
    assert [(event.rung, event.why) for event in events(it, RungTaken)] == [("frontier", "[roles] draft is frontier")]


async def test_a_step_climbs_from_the_named_writer_to_the_frontier(workspace: Path) -> None:
    it = scene(
        workspace,
        frontier=planning(ONE, hint=["2"], draft=[fence("X = 2")]),
        shed={"draft": ["I cannot."] * 3},
        roles__draft="shed",
    )
    assert (await it.run()).code == ExitCode.DONE
    assert [event.rung for event in events(it, RungTaken)] == ["local", "local_retry", "frontier_hint", "frontier"]


@pytest.mark.parametrize("error", [ModelUnavailable("gone"), ModelUnauthorised("no key")])
async def test_a_fallback_takes_over_for_the_rest_of_the_task(workspace: Path, error: ModelError) -> None:
    it = scene(
        workspace, local=DONE, second=planning(ONE), models__frontier__fallback="second", routing__judge="always"
    )
    broken = failing(ScriptedModel(FRONTIER, {}), error)
    assert it.models is not None
    it.models = Models(broken, it.models.local, it.models.named)
    assert (await it.run()).code == ExitCode.DONE
    assert broken.calls == 1
    assert asked(it)[:2] == [("plan", "scripted-frontier"), ("plan", "second-model")]
    assert asked(it)[-1] == ("judge", "second-model")
    (replaced,) = events(it, ModelReplaced)
    assert (replaced.model, replaced.by, replaced.why) == ("scripted-frontier", "second-model", error.message)
    assert [event.attempt for event in events(it, ModelAsked)][:2] == [1, 2]
    told = [event.text for event in events(it, NoticeGiven)]
    assert any("second-model takes the place of scripted-frontier for the rest of this task" in text for text in told)


async def test_without_a_fallback_the_task_ends_as_before(workspace: Path) -> None:
    it = scene(workspace, local=DONE, second=planning(ONE))
    assert it.models is not None
    it.models = Models(failing(ScriptedModel(FRONTIER, {}), ModelUnavailable("gone")), it.models.local, it.models.named)
    assert (await it.run()).code == ExitCode.MODEL_UNAVAILABLE
    assert events(it, ModelReplaced) == []


def remote(name: str, table: str) -> ScriptedModel:
    return ScriptedModel(ModelInfo(name, "frontier", host="far", is_remote=True, table=table), {})


def test_a_chain_leaves_this_machine_only_where_it_is_said(workspace: Path) -> None:
    def chain(start: str, **fallbacks: str) -> tuple[str, ...]:
        said = {f"models.{name}.fallback": other for name, other in fallbacks.items()}
        settings = loaded_for(workspace, **{**NAMED, **said}).settings
        models = Models(
            remote("far", ""),
            ScriptedModel(LOCAL, {}),
            {"second": remote("second", "second"), "shed": ScriptedModel(SHED, {})},
        )
        return chain_of(start, models, settings)

    assert chain("local") == ("local",)
    assert chain("local", local="frontier") == ("local", "frontier")
    assert chain("local", local="shed", shed="second") == ("local", "shed")
    assert chain("frontier", frontier="shed", shed="second") == ("frontier", "shed", "second")
    assert chain("frontier", frontier="second", second="frontier") == ("frontier", "second")


def test_offline_no_remote_model_is_made_and_none_stands_in(workspace: Path) -> None:
    loaded = loaded_for(
        workspace, **NAMED, **{"roles.plan": "second", "models.local.base_url": "http://127.0.0.1:9/v1"}
    )
    offline = msgspec.structs.replace(
        loaded.settings, egress=msgspec.structs.replace(loaded.settings.egress, mode="offline")
    )
    assert set(build_models(loaded.settings).named) == {"second"}
    assert build_models(offline).named == {}
    roles = {role.role: role for role in shown_models(loaded, offline.models, build_models(offline)).roles}
    assert (roles["plan"].plays, roles["plan"].why) == ("127.0.0.1:9", "there is no second model")
    assert contenders_of(loaded.settings, Models(None, None), ("shed",))[0].model.info.table == "shed"


def test_a_choice_of_another_model_leaves_the_further_ones_alone(workspace: Path) -> None:
    loaded = loaded_for(workspace, **NAMED, **{"roles.plan": "second"})
    models = build_models(loaded.settings)
    after = msgspec.structs.replace(loaded.settings.models, local=LocalSettings(path="other.gguf"))
    again = rebuilt(loaded, models, after, "local")
    assert again.named == models.named
    assert again.local is not None and again.local.info.name == "other"


def test_only_models_that_somebody_may_be_asked_for_are_made(workspace: Path) -> None:
    assert build_models(loaded_for(workspace, **NAMED).settings).named == {}
    said = {**NAMED, "models.frontier.fallback": "second", "models.second.fallback": "shed"}
    assert set(build_models(loaded_for(workspace, **said).settings).named) == {"second", "shed"}


def test_a_model_without_its_key_is_an_error_or_has_somebody_who_stands_in(workspace: Path) -> None:
    said = {"models.frontier.model": "x/y", "models.frontier.api_key_env": "NO_SUCH_KEY_HERE"}
    with pytest.raises(ModelUnauthorised, match="NO_SUCH_KEY_HERE"):
        build_models(loaded_for(workspace, **said).settings)
    models = build_models(loaded_for(workspace, **NAMED, **said, **{"models.frontier.fallback": "shed"}).settings)
    assert isinstance(models.frontier, AbsentModel)
    named = {"models.second.api_key_env": "NO_SUCH_KEY_HERE", "roles.plan": "second"}
    with pytest.raises(ModelUnauthorised) as caught:
        build_models(loaded_for(workspace, **{**NAMED, **named}).settings)
    assert "[models.second] api_key_env" in caught.value.hint
    server = {"models.shed.api_key_env": "NO_SUCH_KEY_HERE", "models.shed.fallback": "local", "roles.draft": "shed"}
    assert isinstance(build_models(loaded_for(workspace, **{**NAMED, **server}).settings).named["shed"], AbsentModel)


async def test_a_model_that_could_not_be_made_is_replaced_at_its_first_request(workspace: Path) -> None:
    it = scene(workspace, local=DONE, second=planning(ONE), models__frontier__fallback="second")
    assert it.models is not None
    absent = AbsentModel(ModelInfo("absent", "frontier", is_remote=True), ModelUnauthorised("no key"))
    it.models = Models(absent, it.models.local, it.models.named)
    assert (await it.run()).code == ExitCode.DONE
    assert asked(it)[0] == ("plan", "second-model")
    assert events(it, ModelReplaced)[0].model == "absent"


def test_a_cap_of_dollars_holds_for_each_model_at_its_own_price() -> None:
    def price(usd: float, **more: object) -> FrontierSettings:
        both = {"input_usd_per_mtok": usd, "output_usd_per_mtok": usd, **more}
        return msgspec.convert(both, type=FrontierSettings)

    loaded = Settings()
    models = msgspec.structs.replace(
        loaded.models,
        frontier=price(0.0, model="cheap"),
        named_frontier={"dear": price(1e6, model="dear-model"), "odd": FrontierSettings(model="odd-model")},
    )
    limits = msgspec.structs.replace(loaded.limits, max_cost_usd=1.0)
    check = budget_check(msgspec.structs.replace(loaded, models=models, limits=limits), [])
    check(request(), ModelInfo("cheap", "frontier"))
    with pytest.raises(Exception, match="could cost up to"):
        check(request(), ModelInfo("dear-model", "frontier", table="dear"))
    with pytest.raises(Exception, match="price of odd-model is unknown") as caught:
        check(request(), ModelInfo("odd-model", "frontier", table="odd"))
    assert "[models.odd]" in str(getattr(caught.value, "hint", ""))
