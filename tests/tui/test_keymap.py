from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import driving
from scene_parts import opened, talk
from scenes import review_diff

from hybridcode.domain.errors import ConfigError
from hybridcode.domain.events import TaskGiven
from hybridcode.domain.plan import Task
from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.key_names import keys_name
from hybridcode.tui.keymap import KeysFile, actions, keymap_of, places, presets, read_keys, write_keys
from hybridcode.tui.keys_chosen import use_keys
from hybridcode.tui.screens.framed import Framed
from hybridcode.tui.screens.keys import KeysScreen

DOCS = Path(__file__).parents[2] / "docs" / "keys.md"


@pytest.fixture(autouse=True)
def _default_keys() -> Iterator[None]:
    before = Framed.keymap
    yield
    Framed.keymap = before


def test_every_action_is_documented_with_its_keys() -> None:
    assert HybridcodeApp in places()
    text = DOCS.read_text(encoding="utf-8")
    rows = [f"| `{action.id}` | {keys_name(action.keys)} | {action.does} |" for action in actions().values()]
    assert [row for row in rows if row not in text] == []


@pytest.mark.parametrize("preset", presets())
def test_the_presets_fit_together(preset: str) -> None:
    keymap_of(KeysFile(preset))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"review.accept": "enter"}, "enter may not be review.accept"),
        ({"plan.follow": "space"}, "space may not be plan.follow"),
        ({"edit.save": "enter"}, "enter may not be edit.save"),
        ({"command.once": "ctrl+j"}, "ctrl+j may not be command.once"),
        ({"command.once": "ctrl+q"}, "ctrl+q may not be command.once"),
        ({"sure.yes": "tab"}, "tab may not be sure.yes"),
        ({"review.accept": "n"}, "n would be both"),
        ({"review.acept": "y"}, "there is no action review.acept"),
        ({"app.stop": "x"}, "keeps its keys"),
    ],
)
def test_keys_that_would_be_unsafe_or_unclear_are_refused(keys: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        keymap_of(KeysFile(keys=keys))
    assert said in caught.value.message


def test_a_file_keeps_its_comments_and_a_broken_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('# mine\npreset = "vim"\n')
    write_keys(path, KeysFile("emacs", {"review.accept": "ctrl+k"}))
    assert "# mine" in path.read_text()
    assert read_keys(path) == KeysFile("emacs", {"review.accept": "ctrl+k"})
    path.write_text("presett = 1\n")
    with pytest.raises(ConfigError):
        read_keys(path)


async def test_another_key_decides_and_the_hints_show_it() -> None:
    async with driving(review_diff(), size=(160, 40)) as drive:
        use_keys(drive.app.desk, keymap_of(KeysFile(keys={"review.accept-all": "X"})))
        await drive.press("escape", "ctrl+y")
        assert "X all" in drive.told
        await drive.press("A")
        assert drive.talk.answers == []
        await drive.press("X")
        assert len(drive.talk.answers) == 1


async def test_a_key_is_chosen_by_pressing_it_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    async with driving(talk(is_running=False)) as drive:
        drive.app.desk.keys_file = tmp_path / "keys.toml"
        await drive.press(*"/keys", "enter")
        assert isinstance(drive.app.screen, KeysScreen)
        await drive.press("slash", *"review.accept-all", "enter", "enter", "n")
        assert "would be both" in drive.told
        await drive.press("enter", "X")
        assert read_keys(tmp_path / "keys.toml").keys == {"review.accept-all": "X"}


async def test_a_fold_names_the_key_that_opens_it_now() -> None:
    conversation = talk(is_running=False)
    conversation.events = [opened(), TaskGiven(Task("t1", "\n".join(map(str, range(40)))), "d" * 64)]
    async with driving(conversation) as drive:
        assert "lines · Ctrl+O" in drive.told
        use_keys(drive.app.desk, {"session.unfold": "ctrl+e,f9"})
        await drive.settle()
        assert "lines · Ctrl+E" in drive.told
        assert "Ctrl+O" not in drive.told
