import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import Drive, driving
from scenes import no_models
from scripted_conversation import ScriptedConversation
from textual.widgets import Input

from hybridcode.tui.screens.line import LineScreen
from hybridcode.tui.screens.setup import SetupScreen
from hybridcode.tui.screens.text import TextScreen
from tests.support.chat_server import ChatServer, serving

ASSETS = Path(__file__).parents[2] / "hybridcode" / "assets"


@pytest.fixture
def desk(tmp_path: Path) -> ScriptedConversation:
    conversation = no_models()
    conversation.folder = tmp_path
    (tmp_path / "shop").mkdir()
    return conversation


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving() as running:
        yield running


def written(desk: ScriptedConversation) -> dict[str, dict[str, object]]:
    path = desk.folder / "config" / "config.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}


def files(desk: ScriptedConversation) -> list[str]:
    return sorted(str(path.relative_to(desk.folder)) for path in desk.folder.rglob("*") if path.is_file())


async def to_step(drive: Drive, step: str) -> None:
    await drive.press(*"/setup", "enter")
    while setup(drive).step != step:
        await drive.press("n")


def setup(drive: Drive) -> SetupScreen:
    assert isinstance(drive.app.screen, SetupScreen)
    return drive.app.screen


async def take(drive: Drive, words: str) -> None:
    await drive.press("slash", *words, "enter", "enter")


async def write_line(drive: Drive, text: str) -> None:
    assert isinstance(drive.app.screen, LineScreen)
    drive.app.screen.query_one(Input).value = text
    await drive.press("enter")


async def test_the_models_are_chosen_and_written_on_y_alone(desk: ScriptedConversation) -> None:
    async with driving(desk) as drive:
        await to_step(drive, "frontier")
        assert "✓ key set" in drive.told
        await drive.press("end", "up", "up")
        assert "_API_KEY is not set" in drive.told
        await take(drive, "openai/gpt-5")
        assert setup(drive).step == "local"
        await take(drive, "qwen3-14b")
        await drive.press("n", "n")
        assert setup(drive).step == "write"
        assert '+ model = "openai/gpt-5"' in drive.told
        assert '+ name = "qwen3-14b"' in drive.told
        await drive.press("enter", "enter", "space")
        assert files(desk) == []
        await drive.press("y")
        assert "frontier openai/gpt-5" in drive.told or "written" in drive.told
    assert written(desk) == {"models": {"frontier": {"model": "openai/gpt-5"}, "local": {"name": "qwen3-14b"}}}
    assert desk.taken[-1].settings.models.frontier.model == "openai/gpt-5"


async def test_every_question_can_be_left_and_then_nothing_is_written(desk: ScriptedConversation) -> None:
    async with driving(desk) as drive:
        await to_step(drive, "write")
        assert "nothing to write" in drive.told
        await drive.press("y", "escape")
        assert "hybridcode" in drive.told
    assert files(desk) == []


async def test_a_y_that_comes_too_soon_writes_nothing(desk: ScriptedConversation) -> None:
    async with driving(desk) as drive:
        await to_step(drive, "frontier")
        await take(drive, "openai/gpt-5")
        await drive.press("n", "n", "n")
        await drive.press("y", after=0.1)
        assert files(desk) == []
        await drive.press("y")
    assert files(desk) == ["config/config.toml"]


async def test_going_back_takes_an_answer_back(desk: ScriptedConversation) -> None:
    async with driving(desk) as drive:
        await to_step(drive, "frontier")
        await take(drive, "openai/gpt-5")
        await drive.press("p", "home", "enter")
        assert setup(drive).step == "local"
        await drive.press("n", "n", "n")
        assert "nothing to write" in drive.told


async def test_a_file_is_looked_at_before_it_is_taken(desk: ScriptedConversation) -> None:
    wrong = desk.folder / "wrong.gguf"
    wrong.write_bytes(b"not one")
    async with driving(desk, size=(160, 40)) as drive:
        await to_step(drive, "local")
        await take(drive, "a GGUF file")
        await write_line(drive, str(wrong))
        assert isinstance(drive.app.screen, LineScreen)
        assert "!" in drive.told
        await write_line(drive, str(ASSETS / "tiny.gguf"))
        assert setup(drive).step == "trust"
        await drive.press("n", "n", "y")
    assert written(desk) == {"models": {"local": {"path": str((ASSETS / "tiny.gguf").resolve())}}}


async def test_a_server_is_asked_only_when_a_person_says_so(desk: ScriptedConversation, server: ChatServer) -> None:
    async with driving(desk, size=(160, 40)) as drive:
        await to_step(drive, "local")
        await take(drive, "a server")
        await write_line(drive, server.base_url)
        assert setup(drive).step == "local"
        assert server.visits == []
        await drive.press("a")
        assert "serves" in drive.told
        await take(drive, "a server")
        await write_line(drive, "http://192.0.2.7:8080/v1")
        await drive.press("a")
        assert "is not this machine" in drive.told


async def test_nothing_is_downloaded_and_the_command_can_be_copied(desk: ScriptedConversation) -> None:
    async with driving(desk, size=(160, 40)) as drive:
        await to_step(drive, "local")
        await take(drive, "qwen3.5-4b")
        assert setup(drive).step == "local"
        await drive.press("c")
        assert drive.app.clipboard == "hybridcode models pull qwen3.5-4b"


async def test_trust_is_for_the_bytes_that_were_shown(desk: ScriptedConversation) -> None:
    shared = desk.folder / "shop" / ".hybridcode" / "config.toml"
    shared.parent.mkdir()
    shared.write_text("[models.local]\nn_ctx = 4096\n")
    async with driving(desk, size=(160, 40)) as drive:
        await to_step(drive, "trust")
        assert "would set models.local.n_ctx" in drive.told
        await take(drive, "config.toml")
        assert isinstance(drive.app.screen, TextScreen)
        await drive.press("escape", "slash", "escape")
        await take(drive, "trust exactly")
        await drive.press("n")
        assert "trust 1 file" in drive.told
        shared.write_text("[models.local]\nn_ctx = 2\n")
        await drive.press("y")
        assert "changed since" in drive.told
        assert not drive.app.conversation.choices.loaded.is_trusted
        shared.write_text("[models.local]\nn_ctx = 4096\n")
        await drive.press("y")
        assert drive.app.conversation.choices.loaded.is_trusted
        assert drive.app.conversation.choices.value("models.local.n_ctx") == 4096


@pytest.mark.parametrize("has_config", [False, True])
async def test_the_check_is_written_for_this_repository(desk: ScriptedConversation, has_config: bool) -> None:
    folder = desk.folder / "shop" / ".hybridcode"
    if has_config:
        folder.mkdir()
        (folder / "config.toml").write_text("[limits]\nmax_steps = 3\n")
    async with driving(desk, size=(120, 40)) as drive:
        await to_step(drive, "check")
        await take(drive, "pytest")
        await drive.press("y")
        assert drive.app.conversation.choices.value("verify.test_cmd") == "python3 -m pytest -q"
        assert drive.app.conversation.choices.loaded.is_trusted is not has_config
    name = "config.local.toml" if has_config else "config.toml"
    assert (folder / name).read_text() == '[verify]\ntest_cmd = "python3 -m pytest -q"\n'
    assert written(desk) == {}


async def test_from_the_shipped_model_to_another_nothing_of_it_stays(desk: ScriptedConversation) -> None:
    async with driving(desk) as drive:
        await to_step(drive, "local")
        await take(drive, "the shipped one")
        await drive.press("n", "n", "y")
        assert written(desk)["models"]["local"] != {}
        await to_step(drive, "local")
        await take(drive, "qwen3-14b")
        await drive.press("n", "n", "y")
    assert written(desk) == {"models": {"local": {"name": "qwen3-14b"}}}
