import asyncio
from pathlib import Path

import msgspec
import pytest

from hybridcode.config.layers import Origin
from hybridcode.config.load import Loaded
from hybridcode.config.paths import models_dir, user_config_dir
from hybridcode.config.settings import FrontierSettings, LocalSettings, ModelSettings
from hybridcode.domain.action import ShellCommand
from hybridcode.domain.errors import ConfigError, GateError
from hybridcode.domain.events import NoticeGiven, RuleWithdrawn, SessionOpened
from hybridcode.domain.model import ModelInfo
from hybridcode.domain.plan import Plan
from hybridcode.gate.grants import grants_of
from hybridcode.models.frontiers import frontiers, known_of
from hybridcode.models.scripted import Script, ScriptedModel
from hybridcode.session.choosing import Choice, chosen, rebuilt, shown_models
from hybridcode.session.granted import withdraw_rule
from hybridcode.session.models import Models, build_models
from hybridcode.tui.live import LiveConversation
from tests.support.gguf_files import QWEN, gguf
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, Scene, edit, fence, loaded_for, planning

ONE = Plan((edit("1", "a.py#X"),))


class Watched(ScriptedModel):
    """A script that says when it was closed."""

    def __init__(self, info: ModelInfo, script: Script) -> None:
        super().__init__(info, script)
        self.is_closed = False

    async def close(self) -> None:
        self.is_closed = True


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "ws", {"a.py": "X = 1\n"})


def pair(*texts: str, name: str = "first") -> Models:
    frontier = Watched(msgspec.structs.replace(FRONTIER, name=f"{name}-frontier"), planning(ONE))
    return Models(frontier, Watched(msgspec.structs.replace(LOCAL, name=f"{name}-local"), {"draft": list(texts)}))


def by_id(loaded: Loaded, environ: dict[str, str] | None = None) -> dict[str, Choice]:
    shown = shown_models(loaded, loaded.settings.models, Models(None, None), environ=environ or {})
    return {choice.id: choice for choice in shown.choices}


def test_only_providers_with_a_key_and_models_of_this_machine_are_offered(workspace: Path) -> None:
    models_dir().mkdir(parents=True)
    (models_dir() / "coder.gguf").write_bytes(gguf(QWEN))
    (models_dir() / "broken.gguf").write_bytes(b"GGUF")
    loaded = loaded_for(workspace)
    assert set(by_id(loaded)) == {"frontier no frontier", "local no local model", "local coder", "local broken"}
    found = by_id(loaded, {"OPENAI_API_KEY": "sk-secret"})
    named = {choice.title for choice in found.values() if choice.part == "frontier"}
    assert named == {known.model for known in frontiers() if known.key == "OPENAI_API_KEY"} | {"no frontier"}
    assert "sk-secret" not in str(found)
    assert found["local coder"].problem == "" and "qwen2" in found["local coder"].about
    assert found["local broken"].problem
    with pytest.raises(ConfigError, match="cannot be used"):
        chosen(loaded, loaded.settings.models, found["local broken"])


def test_what_is_configured_is_offered_with_what_keeps_it_from_working(workspace: Path) -> None:
    loaded = loaded_for(workspace, models__frontier__model="openai/gpt-5", models__frontier__api_key_env="NO_SUCH_KEY")
    assert "NO_SUCH_KEY holds no key" in by_id(loaded)["frontier openai/gpt-5"].problem
    offline = loaded_for(workspace, models__frontier__model="openai/gpt-5", egress__mode="offline")
    choice = by_id(offline)["frontier openai/gpt-5"]
    assert "offline" in choice.problem
    with pytest.raises(ConfigError, match="not on this machine"):
        after = ModelSettings(frontier=FrontierSettings(model="openai/gpt-5"))
        rebuilt(offline, Models(None, None), after, "frontier")


def test_a_choice_leaves_one_model_at_least_and_never_an_administrators(workspace: Path) -> None:
    loaded = loaded_for(workspace, models__local__path="/models/a.gguf")
    none = by_id(loaded)["local no local model"]
    with pytest.raises(ConfigError, match="no model at all"):
        chosen(loaded, loaded.settings.models, none)
    both = msgspec.structs.replace(loaded.settings.models, frontier=FrontierSettings(model="openai/gpt-5"))
    assert not chosen(loaded, both, none).local.path
    managed = msgspec.structs.replace(loaded, origin={**loaded.origin, "models.local.path": Origin("managed")})
    with pytest.raises(ConfigError, match="administrator"):
        chosen(managed, both, none)


def test_what_another_provider_is_told_is_nothing_of_the_first_ones(workspace: Path) -> None:
    loaded = loaded_for(
        workspace,
        models__frontier__model="openai/own",
        models__frontier__api_base="https://models.example/v1",
        models__frontier__input_usd_per_mtok=1.0,
        models__frontier__output_usd_per_mtok=2.0,
        models__frontier__max_input_tokens=9_000,
    )
    other = by_id(loaded, {"ANTHROPIC_API_KEY": "x"})["frontier anthropic/claude-haiku-4-5"].settings
    assert isinstance(other, FrontierSettings)
    assert (other.api_base, other.input_usd_per_mtok, other.max_input_tokens) == ("", None, 9_000)


def test_a_price_is_the_settings_or_the_tables_or_unknown(workspace: Path) -> None:
    def price(**more: object) -> tuple[float | None, str]:
        loaded = loaded_for(workspace, **more)
        models = build_models(loaded.settings)
        shown = shown_models(loaded, loaded.settings.models, models).models[0]
        return shown.price.input if shown.price else None, shown.price_from

    name = "models__frontier__model"
    assert price(**{name: "anthropic/claude-haiku-4-5"}) == (1e-06, "litellm's table")
    assert price(**{name: "openai/none-such"}) == (None, "")
    set_ones = {"models__frontier__input_usd_per_mtok": 3.0, "models__frontier__output_usd_per_mtok": 4.0}
    assert price(**{name: "openai/none-such"}, **set_ones) == (3e-06, "settings")
    assert known_of("anthropic/claude-haiku-4-5").n_ctx == 200_000


def test_every_name_that_is_offered_is_one_that_litellm_knows_a_price_for_or_says_so() -> None:
    unknown = [known.model for known in frontiers() if known_of(known.model).price is None]
    assert [name for name in unknown if not name.startswith("openrouter/")] == []


def test_who_plays_a_part_follows_what_there_is(workspace: Path) -> None:
    loaded = loaded_for(workspace)
    both = pair()
    roles = {role.role: role for role in shown_models(loaded, ModelSettings(), both).roles}
    assert (roles["plan"].plays, roles["draft"].plays) == ("first-frontier", "first-local")
    assert "default" in roles["plan"].why and "2 tries of the local model" in roles["draft"].why
    alone = shown_models(loaded, ModelSettings(), Models(None, both.local)).roles
    assert [(role.plays, role.why) for role in alone[:2]] == [("first-local", "there is no frontier model")] * 2
    assert {role.plays for role in shown_models(loaded, ModelSettings(), Models(None, None)).roles} == {""}


async def test_a_running_task_keeps_its_models_and_the_next_one_has_the_others(workspace: Path) -> None:
    first, second = pair(fence("X = 2")), pair(fence("X = 3"), name="second")
    it = Scene(workspace, models=first)
    session = it.open()
    switched: list[str] = []

    def switch(envelope: object) -> None:
        if not switched:
            switched.append("")
            session.use_models(second, session.settings.models)

    session.subscribe(switch)
    await session.run("do it")
    assert it.read("a.py") == "X = 2\n"
    await session.run("do it again")
    assert it.read("a.py") == "X = 3\n"
    await session.close()


async def test_a_choice_is_shown_recorded_kept_for_later_sessions_and_closes_the_one_before(workspace: Path) -> None:
    before = pair(fence("X = 2"))
    talk = LiveConversation(workspace, loaded_for(workspace), make_models=lambda _: before, frontier_name="scripted")
    assert (talk.facts.frontier, talk.facts.local) == ("scripted", None)
    await talk.fittings.choose(Choice("local", "coder", "", LocalSettings(path="/models/coder.gguf")))
    assert (talk.facts.frontier, talk.facts.local) == ("first-frontier", "coder")
    for _ in range(3):
        await asyncio.sleep(0)
    assert isinstance(before.local, Watched) and isinstance(before.frontier, Watched)
    assert (before.local.is_closed, before.frontier.is_closed) == (True, False)
    shown = await talk.fittings.models()
    assert [(one.name, one.state) for one in shown.models] == [
        ("first-frontier", "scripted"),
        ("coder", "not started"),
    ]
    assert shown.models[1].origin == "you chose it, until the program ends"
    events = list[object]()
    talk.subscribe(lambda envelope: events.append(envelope.event))
    talk.seal(())
    (first, *_) = [event for event in events if isinstance(event, SessionOpened)]
    assert (first.frontier, first.local) == ("first-frontier", "coder")
    other = LocalSettings(path="/models/other.gguf")
    await talk.fittings.choose(Choice("local", "other", "", other))
    notices = [event.text for event in events if isinstance(event, NoticeGiven)]
    assert "From the next task on: first-frontier decides, other writes. You chose it." in notices
    await talk.close()


async def test_what_was_allowed_is_taken_back_on_record_and_out_of_the_file(workspace: Path) -> None:
    session = Scene(workspace, models=pair()).open()
    here, everywhere = "Bash(=make test)", "Bash(=make lint)"
    file = user_config_dir() / "policy.toml"
    file.parent.mkdir(parents=True)
    file.write_text('# mine\n[[rule]]\nverdict = "deny"\nmatch = "Bash(make clean)"\n')
    before = file.read_bytes()
    session.remember_rule(here, for_project=False)
    session.remember_rule(everywhere, for_project=True)
    assert everywhere in file.read_text()
    withdraw_rule(session, everywhere, by="person:test")
    assert file.read_bytes() == before
    assert [granted.rule for granted in grants_of(session.state.envelopes)] == [here]
    judge = session.gate.policy.judge
    assert judge(ShellCommand(script="make lint")).verdict == "ask"
    assert judge(ShellCommand(script="make test")).verdict == "allow"
    withdraw_rule(session, here, by="person:test")
    assert session.gate.policy.judge(ShellCommand(script="make test")).verdict == "ask"
    assert session.state.envelopes[-1].event == RuleWithdrawn(here, "person:test")
    for never in (here, "Bash(make clean)"):
        with pytest.raises(GateError):
            withdraw_rule(session, never, by="person:test")
    await session.close()


async def test_a_rule_of_a_file_outlives_its_twin_of_the_session(workspace: Path) -> None:
    session = Scene(workspace, models=pair(), settings={"approval.allow": ["Bash(=make test)"]}).open()
    session.remember_rule("Bash(=make test)", for_project=False)
    withdraw_rule(session, "Bash(=make test)", by="person:test")
    assert session.gate.policy.judge(ShellCommand(script="make test")).verdict == "allow"
    await session.close()
