from pathlib import Path

import pytest

from hybridcode.config.load import Loaded, load
from hybridcode.config.settings import Settings
from hybridcode.domain.errors import ModelUnauthorised, ModelUnavailable
from hybridcode.domain.model import ModelInfo
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.missing import key_of, require_models
from hybridcode.session.models import Models
from hybridcode.tui.live import LiveConversation
from hybridcode.tui.widgets.bars import top_items


class Desk:
    """A workspace with a settings file of its own, and models that are told which settings they are of."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workspace = folder, folder / "ws"
        self.workspace.mkdir()
        self.built: list[Settings] = []

    def loaded(self, **flags: object) -> Loaded:
        given = {"audit.state_dir": str(self.folder / "state"), "approval.sandbox": "off"}
        return load(
            self.workspace,
            flags={**given, **{name.replace("__", "."): value for name, value in flags.items()}},
            env={},
            user_config=self.folder / "config.toml",
            managed_config=self.folder / "managed.toml",
            trust_store=self.folder / "trust",
        )

    def models(self, settings: Settings) -> Models:
        self.built.append(settings)
        name = settings.models.frontier.model
        if not name:
            return Models(None, None)
        return Models(ScriptedModel(ModelInfo(name=name, backend="frontier"), lambda request: ""), None)

    def live(self, loaded: Loaded) -> LiveConversation:
        return LiveConversation(self.workspace, loaded, make_models=self.models)


async def choose(live: LiveConversation, name: str, value: object) -> bool:
    choices = live.choices
    return (await choices.keep((choices.foresee({name: value}, "user"),))).is_at_work


async def test_without_models_no_task_and_no_session_begins_until_there_is_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    live = desk.live(desk.loaded())
    with pytest.raises(ModelUnavailable, match="no model is set up"):
        await live.start("do it")
    assert live.session_id is None
    assert await live.archive.waiting() == []
    assert await live.library.sessions() == []
    assert await choose(live, "models.frontier.model", "a/b")
    assert live.facts.frontier == "a/b"
    assert desk.built[-1].models.frontier.model == "a/b"
    await live.start("do it")
    assert live.session_id is not None
    await live.close()


async def test_an_open_session_keeps_its_models_and_the_next_one_has_the_new_ones(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    live = desk.live(desk.loaded())
    await choose(live, "models.frontier.model", "a/b")
    live.seal(())
    first = live.session_id
    assert not await choose(live, "models.frontier.model", "c/d")
    assert (live.session_id, live.facts.frontier) == (first, "a/b")
    await live.open_session(None)
    assert (live.session_id, live.facts.frontier) == (None, "c/d")
    live.seal(())
    assert live.session_id not in (None, first)
    assert not await choose(live, "limits.max_steps", 3)
    await live.open_session(first)
    assert (live.session_id, live.facts.frontier) == (first, "c/d")
    heard: list[object] = []
    live.subscribe(heard.append)
    await live.switch_mode("plan")
    assert heard != []
    await live.close()


async def test_a_session_that_cannot_be_opened_leaves_all_as_it_was(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    live = desk.live(desk.loaded())
    live.seal(())
    first = live.session_id
    await choose(live, "models.frontier.model", "c/d")
    with pytest.raises(Exception, match="no session"):
        await live.open_session("20200101-000000-none")
    assert (live.session_id, live.facts.frontier) == (first, None)
    await live.open_session(None)
    assert live.facts.frontier == "c/d"
    await live.close()


async def test_how_things_are_shown_changes_at_once_and_starts_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    live = desk.live(desk.loaded())
    live.seal(())
    count = len(desk.built)
    assert await choose(live, "ui.bell", True)
    assert await choose(live, "ui.theme", "hybridcode-paper")
    assert live.facts.bell
    assert live.facts.theme == "hybridcode-paper"
    assert len(desk.built) == count
    await live.close()


async def test_further_models_stand_in_the_top_line_with_their_roles(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    named = {"models__second__model": "x/other", "models__shed__path": "/m/coder.gguf"}
    live = LiveConversation(desk.workspace, desk.loaded(**named, roles__plan="second", roles__draft="shed"))
    assert live.facts.roles == ("plan other", "draft coder")
    assert {(3, "plan other"), (3, "draft coder")} < set(top_items(live.facts, 120))
    await live.close()
    plain = LiveConversation(desk.workspace, desk.loaded(**named))
    assert plain.facts.roles == ()


async def test_a_model_that_cannot_be_built_leaves_looking_around_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    live = LiveConversation(desk.workspace, desk.loaded(models__local__name="nobody-has-this"))
    assert await live.archive.waiting() == []
    assert await live.library.sessions() == []
    with pytest.raises(Exception, match="nobody-has-this"):
        await live.start("do it")
    await live.close()


def test_what_is_missing_is_told_with_what_to_do(tmp_path: Path) -> None:
    frontier = ScriptedModel(ModelInfo(name="x", backend="frontier"), lambda request: "")
    settings = Desk(tmp_path).loaded(models__frontier__model="openai/gpt-5").settings
    require_models(Models(None, frontier), settings, {})
    require_models(Models(frontier, None), settings, {"OPENAI_API_KEY": "k"})
    with pytest.raises(ModelUnauthorised, match="OPENAI_API_KEY is not set"):
        require_models(Models(frontier, None), settings, {})
    with pytest.raises(ModelUnavailable, match="offline"):
        require_models(Models(None, None), settings, {})
    (tmp_path / "other").mkdir()
    fallen = Desk(tmp_path / "other").loaded(models__frontier__model="openai/gpt-5", models__frontier__fallback="local")
    require_models(Models(frontier, None), fallen.settings, {})
    require_models(Models(None, None, {"second": frontier}), settings, {})
    assert key_of("claude-sonnet-4-5") == "ANTHROPIC_API_KEY"
    assert key_of("ollama/qwen3") == ""
