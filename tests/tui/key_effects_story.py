"""What the keys of the transcript do.

Invariant: as in key_effects.
"""

from driving import Drive
from key_effects import Case, clipboard, focus, shows
from scenes_transcript import ANSWER, answered_question, long_paragraphs
from textual.widgets import Input

from hybridcode.tui.widgets.transcript import Transcript

TALL = (100, 60)
FOUND = ("ctrl+f", *"passed", "enter")


def top(drive: Drive) -> float:
    return drive.app.screen.query_one(Transcript).scroll_offset.y


def is_searching(drive: Drive) -> bool:
    return isinstance(drive.app.focused, Input)


EFFECTS: dict[str, Case] = {
    "session.unfold": Case(long_paragraphs, (), shows("test_0 PASSED"), True, TALL),
    "session.find": Case(long_paragraphs, (), is_searching, True),
    "session.read": Case(long_paragraphs, (), focus, "Transcript"),
    "story.up": Case(answered_question, ("ctrl+up", "end"), top, size=(60, 20)),
    "story.down": Case(answered_question, ("ctrl+up", "home"), top, size=(60, 20)),
    "story.first": Case(answered_question, ("ctrl+up",), top, 0, (60, 20)),
    "story.last": Case(answered_question, ("ctrl+up", "home"), top, size=(60, 20)),
    "story.fold": Case(long_paragraphs, ("ctrl+up",), shows("test_0 PASSED"), True, TALL),
    "story.copy": Case(answered_question, ("ctrl+up",), clipboard, ANSWER, TALL),
    "story.copy-code": Case(
        answered_question, ("ctrl+up",), lambda drive: clipboard(drive).startswith("def total"), True, TALL
    ),
    "story.find": Case(long_paragraphs, ("ctrl+up",), is_searching, True),
    "story.next": Case(long_paragraphs, FOUND, shows("1/23"), True),
    "story.previous": Case(long_paragraphs, FOUND, shows("22/23"), True),
    "story.leave": Case(long_paragraphs, ("ctrl+up",), focus, "Composer"),
}
