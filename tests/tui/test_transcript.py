import msgspec
from driving import Drive, driving
from scene_parts import given, opened, talk
from scenes_transcript import ANSWER, OUTPUT, answered_question, long_paragraphs, thinking
from textual.widgets import Input

from hybridcode.domain.events import NoticeGiven, TaskGiven
from hybridcode.domain.plan import Task
from hybridcode.session.watchers import Piece
from hybridcode.tui.entry import Entry
from hybridcode.tui.visible import use_ascii
from hybridcode.tui.widgets.composer import Composer
from hybridcode.tui.widgets.live import Live
from hybridcode.tui.widgets.story import KEPT_CHARS, Story
from hybridcode.tui.widgets.transcript import Transcript

TALL = (100, 60)


def transcript(drive: Drive) -> Transcript:
    return drive.app.screen.query_one(Transcript)


def shown(drive: Drive) -> list[str]:
    widget = transcript(drive)
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


def clipboard(drive: Drive) -> str:
    return drive.app.clipboard


async def test_one_key_unfolds_all_long_paragraphs_and_folds_them() -> None:
    async with driving(long_paragraphs(), size=TALL) as drive:
        assert "⋯ 18 lines · Ctrl+O" in drive.told
        assert "report 17" not in drive.told
        await drive.press("ctrl+o")
        assert "lines · Ctrl+O" not in drive.told
        assert "test_0 PASSED" in drive.told
        assert isinstance(drive.app.focused, Composer)
        await drive.press("ctrl+o")
        assert "⋯ 18 lines · Ctrl+O" in drive.told


async def test_enter_unfolds_the_paragraph_under_the_cursor_alone() -> None:
    async with driving(long_paragraphs(), size=TALL) as drive:
        await drive.press("ctrl+up")
        assert drive.app.focused is transcript(drive)
        await drive.press("enter")
        assert "test_0 PASSED" in drive.told
        await drive.press("home", "space")
        assert "report 17" in drive.told
        await drive.press("home", "enter")
        assert "report 17" not in drive.told
        assert "test_0 PASSED" in drive.told
        await drive.press("escape")
        assert isinstance(drive.app.focused, Composer)
        assert drive.talk.interrupts == 0


async def test_walking_reaches_every_row_of_a_long_paragraph() -> None:
    async with driving(long_paragraphs(), size=(80, 24)) as drive:
        await drive.press("ctrl+o", "ctrl+up", "home")
        seen = set(shown(drive))
        for _ in range(60):
            await drive.press("down")
            seen |= set(shown(drive))
        told = "\n".join(seen)
        assert all(f"report {number}." in told for number in range(1, 18))
        assert all(line in told for line in OUTPUT.split("\n"))
        assert transcript(drive).is_following
        for _ in range(60):
            await drive.press("up")
        assert transcript(drive).scroll_offset.y == 0
        assert not transcript(drive).is_following


async def test_what_a_person_reads_stands_still() -> None:
    conversation = long_paragraphs()
    async with driving(conversation, size=(80, 24)) as drive:
        await drive.press("ctrl+o")
        widget = transcript(drive)
        widget.scroll_to(y=12, animate=False, immediate=True)
        await drive.pilot.pause(0.2)
        before = shown(drive)
        conversation.play(NoticeGiven("warning", "something came", "a hint"))
        await drive.pilot.pause(0.2)
        assert shown(drive) == before
        widget.add([Entry("", "word " * 4_000)] * 50)
        await drive.pilot.pause(0.5)
        assert shown(drive) == before
        await drive.press("ctrl+o")
        assert "⋯ 7 lines · Ctrl+O" in shown(drive)[0], "the place was in what is folded now"


async def test_another_width_keeps_the_paragraph_in_sight() -> None:
    conversation = talk(is_running=False)
    conversation.events = [opened(), given()]
    async with driving(conversation, size=(100, 24)) as drive:
        widget = transcript(drive)
        widget.add([Entry(f"n{number}", f"paragraph {number} " * 12) for number in range(300)])
        await drive.pilot.pause(0.3)
        widget.scroll_to(y=widget.stack.top(150), animate=False, immediate=True)
        await drive.pilot.pause(0.1)
        label = shown(drive)[0].split()[0]
        await drive.pilot.resize_terminal(70, 24)
        await drive.pilot.pause(0.5)
        for _ in range(100):
            if widget.stack.is_certain(100, 200):
                break
            await drive.pilot.pause(0.05)
        assert widget.stack.is_certain(100, 200)
        assert label.startswith("n1")
        assert shown(drive)[0].startswith(label)


async def test_a_search_counts_unfolds_and_goes_back() -> None:
    async with driving(long_paragraphs(), size=(80, 24)) as drive:
        before = shown(drive)
        await drive.press("ctrl+f", *"report")
        assert "17/17" in drive.told
        assert "I saw it in report 17." in "\n".join(shown(drive))
        await drive.press("ctrl+f")
        assert "16/17" in drive.told
        await drive.press("escape")
        assert isinstance(drive.app.focused, Composer)
        assert shown(drive)[-3:] == before[-3:]
        assert not drive.app.screen.query_one(Input).display


async def test_enter_keeps_the_match_and_n_goes_on() -> None:
    async with driving(long_paragraphs(), size=(80, 24)) as drive:
        await drive.press("ctrl+f", *"FAILED", "enter")
        assert drive.app.focused is transcript(drive)
        assert "1/1" in drive.told
        await drive.press("slash")
        drive.app.screen.query_one(Input).value = "passed"
        await drive.settle()
        await drive.press("enter", "n")
        assert "1/23" in drive.told
        await drive.press("N")
        assert "23/23" in drive.told
        await drive.press("escape")
        assert isinstance(drive.app.focused, Composer)
        assert transcript(drive).is_following


async def test_what_is_not_there_is_said() -> None:
    async with driving(long_paragraphs()) as drive:
        await drive.press("ctrl+f", *"zzz")
        assert "no match" in drive.told
        await drive.press("enter", "n")
        assert "nothing matches zzz" in drive.told


async def test_what_comes_while_somebody_searches_is_counted() -> None:
    conversation = long_paragraphs()
    async with driving(conversation) as drive:
        await drive.press("ctrl+f", *"reports")
        assert "no match" in drive.told
        conversation.play(TaskGiven(Task("t9", "reports, reports"), "d" * 64))
        await drive.pilot.pause(0.2)
        assert "1/2" in drive.told


async def test_a_paragraph_is_copied_as_it_was_written() -> None:
    async with driving(answered_question(), size=TALL) as drive:
        await drive.press("ctrl+up", "c")
        assert clipboard(drive) == ANSWER
        await drive.press("C")
        assert clipboard(drive).startswith('def total(self) -> float:\n    """')
        await drive.press("home", "C")
        assert "no program text in this paragraph" in drive.told
        await drive.press("c")
        assert clipboard(drive) == "Where are prices rounded?"


async def test_a_mouse_selects_text_without_the_margin() -> None:
    async with driving(answered_question(), size=(120, 40)) as drive:
        await drive.pilot.hover(Transcript, offset=(30, 2))
        await drive.pilot.mouse_down(Transcript, offset=(11, 0))
        await drive.pilot.hover(Transcript, offset=(20, 1))
        await drive.pilot.mouse_up(Transcript, offset=(20, 1))
        await drive.settle()
        selected = drive.app.screen.get_selected_text()
        assert selected is not None
        assert selected.startswith("Where are prices rounded?\n# How pr")
        await drive.press("c")
        assert clipboard(drive) == selected


async def test_a_click_moves_the_cursor_and_decides_nothing() -> None:
    async with driving(answered_question(), size=TALL) as drive:
        await drive.pilot.click(Transcript, offset=(20, 0))
        await drive.press("c")
        assert clipboard(drive) == "Where are prices rounded?"
        assert drive.talk.answers == []


async def test_without_unicode_every_row_is_ascii() -> None:
    conversation = answered_question()
    conversation.facts = msgspec.structs.replace(conversation.facts, is_ascii=True, has_unicode=False)
    try:
        async with driving(conversation, size=TALL) as drive:
            await drive.press("ctrl+up", "home", "slash", *"price")
            assert all(line.isascii() for line in shown(drive))
            assert "<U+4FA1><U+683C> stay" in "\n".join(shown(drive))
    finally:
        use_ascii(False)


async def test_a_thought_is_one_line_and_opens() -> None:
    conversation = thinking()
    async with driving(conversation, size=TALL) as drive:
        await drive.pilot.pause(0.2)
        assert "thinking · 380 words · Ctrl+O" in drive.told
        assert "__radd__" not in drive.told
        conversation.live.put(Piece("text", "call-3", "```python\n", "2"))
        await drive.pilot.pause(0.2)
        assert [line for line in shown(drive) if "thinking · 380 words · Ctrl+O" in line]
        await drive.press("ctrl+o")
        assert "Money has no __radd__" in "\n".join(shown(drive))


async def test_a_thought_is_shown_while_it_is_thought_once_all_is_unfolded() -> None:
    async with driving(thinking(), size=TALL) as drive:
        await drive.press("ctrl+o")
        await drive.pilot.pause(0.2)
        assert "Money has no __radd__" in drive.told


async def test_words_of_a_thought_are_counted_over_its_pieces() -> None:
    async with driving(thinking(), size=TALL) as drive:
        await drive.pilot.pause(0.2)
        live = drive.app.screen.query_one(Live)
        live.feed([Piece("reasoning", "call-3", text, "2") for text in ("one tw", "o", " three ", "four")])
        await drive.pilot.pause(0.1)
        assert "thinking · 384 words" in drive.told


async def test_thoughts_are_bounded_and_what_is_not_kept_is_said() -> None:
    conversation = talk(is_running=False)
    conversation.events = [opened(), given()]
    async with driving(conversation, size=(80, 60)) as drive:
        story = drive.app.screen.query_one(Story)
        for number in range(25):
            story.live.feed([Piece("reasoning", f"c{number}", f"word{number} " * 12_000)])
            story.live.feed([Piece("text", f"c{number}", "x")])
            await drive.pilot.pause()
        kept = [entry for entry in transcript(drive).stack.entries if entry.fold and entry.fold.says]
        assert 10 < len(kept) < 20
        assert sum(len(entry.text) for entry in kept) <= KEPT_CHARS + 100 * len(kept)
        assert all("are not kept" in entry.text for entry in kept)
        assert "thinking · 12,000 words · no longer kept" in drive.told


async def test_another_session_forgets_search_and_cursor() -> None:
    async with driving(long_paragraphs()) as drive:
        await drive.press("ctrl+f", *"report", "enter")
        drive.app.desk.session.forget()
        await drive.settle()
        widget = transcript(drive)
        assert (widget.at, widget.words, widget.stack.height) == (-1, "", 0)
        await drive.press("n", "enter", "c", "C", "up", "down", "home", "end", "escape")
        assert isinstance(drive.app.focused, Composer)
