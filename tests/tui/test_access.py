from collections.abc import Iterator

import msgspec
import pytest
from driving import driving
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style
from scene_parts import ASKS_EDIT, drafted, opened, propose, talk
from scenes import SCENES
from textual.color import Color

from hybridcode.domain.action import ShellCommand
from hybridcode.domain.events import PlanDecided, PlanMade, StepStarted, TaskGiven
from hybridcode.domain.plan import Plan, Step, Task
from hybridcode.tui.diff_rows import changed_text
from hybridcode.tui.paint import Colourless, content, segment, width
from hybridcode.tui.surroundings import draws_ascii_only
from hybridcode.tui.visible import foreign, unmarked, use_ascii, veiled, visible

SIZES = ((60, 20), (80, 24), (120, 40), (300, 100))


@pytest.fixture(autouse=True)
def _unicode_again() -> Iterator[None]:
    yield
    use_ascii(False)


@pytest.mark.parametrize("scene", SCENES)
async def test_a_terminal_without_unicode_gets_ascii_alone(scene: str) -> None:
    conversation = SCENES[scene]()
    conversation.facts = msgspec.structs.replace(conversation.facts, is_ascii=True, has_unicode=False)
    async with driving(conversation, size=(100, 30)) as drive:
        assert drive.told.isascii(), {character for character in drive.told if not character.isascii()}
        await drive.press("escape", "f1")
        assert drive.told.isascii()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
async def test_every_scene_fits_every_size(scene: str, size: tuple[int, int]) -> None:
    async with driving(SCENES[scene](), size=size) as drive:
        screen = drive.app.screen
        focused = drive.app.focused
        assert focused is not None
        assert screen.region.contains_region(focused.region)
        assert min(focused.region.size) > 0


@given(st.text(max_size=60))
def test_ascii_is_spelled_out_and_settles(text: str) -> None:
    use_ascii(True)
    shown = visible(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert visible(shown) == shown
    assert width(text) == len(shown)
    assert len(veiled(text)) == len(text)


FOREIGN = "a “b” → — é 日 ✓"


@given(st.text(alphabet="a “”→—é✓日·⟨", max_size=30))
def test_foreign_text_keeps_its_characters_where_the_terminal_has_them(text: str) -> None:
    use_ascii(True, has_unicode=True)
    marked = foreign(text)
    assert visible(visible(marked)) == visible(marked)
    assert segment(marked, Style()).text == text
    assert width(marked) == cell_len(text)


def test_only_our_own_signs_become_others() -> None:
    use_ascii(True, has_unicode=True)
    assert segment(f"✓ {foreign(FOREIGN)}", Style()).text == f"+ {FOREIGN}"
    assert content(("· ", ""), foreign(FOREIGN)).plain == f"- {FOREIGN}"
    assert segment(changed_text(f"{FOREIGN} \n".encode(), b""), Style()).text == f"{FOREIGN}-"
    assert unmarked(visible(foreign("\u202e\x07\U0010f003"))) == "<U+202E>^G<U+10F003>"
    use_ascii(True)
    assert segment(foreign("→é"), Style()).text == "<U+2192><U+00E9>"
    use_ascii(False)
    assert foreign(FOREIGN) == unmarked(FOREIGN) == FOREIGN


async def test_a_command_is_shown_with_its_own_characters_in_ascii() -> None:
    conversation = talk()
    conversation.facts = msgspec.structs.replace(conversation.facts, is_ascii=True)
    command = ShellCommand(argv=("echo", "“5 → 6”"), env_names=("PATH",))
    conversation.events = [*drafted(), propose(conversation, command, ruling=ASKS_EDIT, title="echo")]
    async with driving(conversation) as drive:
        assert "echo '“5 → 6”'" in drive.told


async def test_tasks_goals_and_titles_keep_their_own_characters_in_ascii() -> None:
    conversation = talk()
    conversation.facts = msgspec.structs.replace(conversation.facts, is_ascii=True)
    step = Step("1", "turn a → b · “c”", touches=("a.py",), check="echo → x")
    plan = Plan((step,), rationale="x → y", check="make → all")
    conversation.events = [opened(), TaskGiven(Task("t1", "do → this"), "d" * 64), PlanMade(plan, "frontier")]
    async with driving(conversation) as drive:
        for text in ("do → this", "a → b · “c”", "echo → x", "make → all", "x → y"):
            assert text in drive.told, text
        conversation.play(PlanDecided(True, "person:tui"))
        conversation.play(StepStarted("1"))
        conversation.play(propose(conversation, ShellCommand(("true",), "true"), ruling=ASKS_EDIT, title="→ it"))
        await drive.settle()
        await drive.press("escape")
        told = " ".join(drive.told.split())
        for text in ("do → this", "a → b", "· “c”", "checks: echo → x, make → all", "x → y", "→ it waits for you - "):
            assert text in told, text


def test_no_sign_of_ours_moves_anything_in_ascii() -> None:
    signs = "─│╭╮╰╯▌█●○✓✗⊘↻‖✎▸»…⋯·→↑↓×↶◐±"
    use_ascii(True)
    assert len(visible(signs)) == len(signs)


def test_locale_and_console_decide_unless_the_setting_does() -> None:
    assert draws_ascii_only("auto", {"LANG": "de_DE.ISO-8859-1"})
    assert draws_ascii_only("auto", {"LANG": "de_DE.UTF-8", "TERM": "linux"})
    assert not draws_ascii_only("auto", {"LANG": "en_US.UTF-8", "TERM": "xterm-256color"})
    assert not draws_ascii_only("auto", {"TERM": "screen"})
    assert draws_ascii_only("ascii", {"LANG": "en_US.UTF-8"})
    assert not draws_ascii_only("unicode", {"TERM": "linux"})


def test_without_colours_a_cursor_is_reversed_and_text_is_not() -> None:
    runs = [segment("text", Style(color="#ff0000", bgcolor="#15291c")), segment("c", Style(bgcolor="#d9dce3"))]
    text, cursor = (run.style for run in Colourless().apply(runs, Color.parse("#14161a")))
    assert text is not None
    assert cursor is not None
    assert (text.reverse, cursor.reverse) == (None, True)
    assert text.color is not None
    assert text.color.is_default
