"""What each key that help shows does: a state in which it can be pressed, and what is other afterwards.

Invariant: every case names what is looked at and what it must be after the key; what it was before must differ.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from driving import Drive
from scene_parts import ASKS_EDIT as ASKS
from scene_parts import CHANGES, FACTS, answered, drafted, opened, planned, propose, talk
from scenes import done, drafting, plan_waiting, review_command, review_destructive, review_diff
from scenes_records import two_tasks
from scripted_conversation import ScriptedConversation
from textual.widgets import Input

from hybridcode.domain.action import FileChange
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.events import ModelAsked, SessionOpened
from hybridcode.domain.model import Message
from hybridcode.domain.window import Excerpt
from hybridcode.tui.archive import IndexAnswer, Waiting
from hybridcode.tui.keymap import actions, read_keys
from hybridcode.tui.screens.review import ReviewPane
from hybridcode.tui.widgets.composer import Composer
from hybridcode.tui.widgets.diff_view import DiffView
from hybridcode.tui.widgets.rows import Rows
from hybridcode.tui.widgets.transcript import Transcript

Look = Callable[[Drive], object]
WIDE = (120, 40)
EDITED = "HYBRIDCODE_TEST_EDITED"
"""Variable with the file in which the tests' editor notes what it was started with."""
OTHER_THAN_BEFORE = object()


@dataclass(frozen=True)
class Case:
    """Where a key is pressed and what comes of it."""

    scene: Callable[[], ScriptedConversation]
    reach: tuple[str, ...]
    """Keys that lead to the place."""
    look: Look
    after: object = OTHER_THAN_BEFORE
    size: tuple[int, int] = (100, 30)


# what is looked at


def screen(drive: Drive) -> str:
    return type(drive.app.screen).__name__


def focus(drive: Drive) -> str:
    return type(drive.app.focused).__name__


def clipboard(drive: Drive) -> str:
    return drive.app.clipboard


def text(drive: Drive) -> str:
    return drive.app.screen.query_one(Composer).text


def row(drive: Drive) -> str:
    return drive.app.screen.query_one(Rows).key


def shows(words: str) -> Look:
    return lambda drive: words.replace(" ", "") in drive.told.replace(" ", "")


def mode(drive: Drive) -> str:
    return drive.app.desk.facts.mode


def left(drive: Drive) -> bool:
    return drive.app.return_value is not None


def answer(drive: Drive) -> str:
    return type(drive.talk.answers[-1][1]).__name__ if drive.talk.answers else ""


def remembered(drive: Drive) -> str:
    last = drive.talk.answers[-1][2] if drive.talk.answers else None
    return last.scope if last else ""


def undecided(drive: Drive) -> int:
    return _review(drive).review.undecided


def hunk(drive: Drive) -> tuple[int, int]:
    return _review(drive).review.file, _review(drive).review.group


def hunks(drive: Drive) -> int:
    return len(_review(drive).review.current.groups)


def is_split(drive: Drive) -> bool:
    return drive.app.screen.query_one(DiffView).is_split


def place(drive: Drive) -> tuple[str, ...]:
    found = re.search(r"file(\d)/\d·hunk(\d)", drive.told.replace(" ", ""))
    return found.groups() if found else ()


def found_words(drive: Drive) -> str:
    return drive.app.screen.query_one("#finder", Input).value


def edited(drive: Drive) -> str:
    del drive
    noted = Path(os.environ[EDITED])
    return noted.read_text() if noted.exists() else ""


def own_keys(drive: Drive) -> int:
    return len(read_keys(drive.app.desk.keys_file or Path()).keys)


def scrolled(drive: Drive) -> float:
    return drive.app.desk.session.query_one(Transcript).scroll_offset.y


def rewound(drive: Drive) -> tuple[tuple[str, bool, bool], ...]:
    return tuple(drive.talk.past.rewound)


def _review(drive: Drive) -> ReviewPane:
    assert isinstance(drive.pane, ReviewPane)
    return drive.pane


# the states


def idle() -> ScriptedConversation:
    return talk(is_running=False)


BEFORE = b"".join(b"line_%d = %d\n" % (number, number) for number in range(60))
AFTER = (
    BEFORE.replace(b"line_5 = 5", b"line_5  =  5")
    .replace(b"line_20 = 20", b"line_20 = 0")
    .replace(b"line_40 = 40\n", b"")
)


def reviewing() -> ScriptedConversation:
    conversation = talk()
    other = FileChange("tests/test_a.py", b"a = 1\n", b"a = 2\n", 0o644)
    sealed = conversation.seal([FileChange("a.py", BEFORE, AFTER, 0o644), other])
    conversation.events = [*planned(), propose(conversation, sealed, ruling=ASKS, title="two files", name="p1")]
    return conversation


def on_disk() -> ScriptedConversation:
    """The same, with a folder in which the file is."""
    conversation, folder = reviewing(), Path(os.environ[EDITED]).parent
    (folder / "a.py").write_bytes(BEFORE)
    here = msgspec.structs.replace(opened(), workspace=str(folder))
    conversation.events = [here if isinstance(event, SessionOpened) else event for event in conversation.events]
    return conversation


def spoken() -> ScriptedConversation:
    conversation = idle()
    words = "## shop/cart.py\nneedle one\nhay\nneedle two\n"
    digest = conversation.store(canonical_json((Message("system", "Write."), Message("user", words))))
    conversation.events = [
        msgspec.structs.replace(event, prompt_sha256=digest) if isinstance(event, ModelAsked) else event
        for event in [*drafted(), answered(3, out=60)]
    ]
    return conversation


def asked_index() -> ScriptedConversation:
    conversation = idle()
    excerpt = Excerpt("shop/cart.py", 1, 3, "named", 900_000, {"path": 500_000})
    conversation.archive.found = IndexAnswer(((excerpt, "first line"),), 120, 8_000, "d" * 64)
    return conversation


def stale_inbox() -> ScriptedConversation:
    conversation = idle()
    made = propose(conversation, conversation.seal(CHANGES), ruling=ASKS, title="Exact sums")
    conversation.archive.rows = [
        Waiting(made.proposal, "20251231-120000-else", "Another", "2026-01-01T00:00:00Z", False, "its files changed")
    ]
    return conversation


def changed_since() -> ScriptedConversation:
    conversation = two_tasks()
    conversation.past.disk["shop/cart.py"] = b"something else\n"
    return conversation


def long_story() -> ScriptedConversation:
    conversation = done()
    conversation.facts = FACTS
    return conversation


def _typed(line: str) -> tuple[str, ...]:
    return (*line, "enter")


NAMES = list(actions())
KEYS, MODEL, POLICY, DOCTOR = _typed("/keys"), _typed("/model"), _typed("/policy"), _typed("/doctor")
DIFF, REWIND, PROMPT = _typed("/diff"), (*_typed("/rewind"), "enter"), ("f2", "enter")
SEARCHED = (*PROMPT, "slash", *"needle", "enter")

ANYWHERE: dict[str, Case] = {
    "app.review": Case(review_diff, ("escape",), screen, "ReviewPane"),
    "app.stop": Case(idle, ("a",), text, ""),
    "app.quit": Case(idle, (), left, True),
    "app.help": Case(idle, (), screen, "HelpScreen"),
    "app.context": Case(idle, (), screen, "ContextScreen"),
    "app.cost": Case(idle, (), screen, "LedgerScreen"),
    "app.inbox": Case(idle, (), screen, "InboxScreen"),
    "app.timeline": Case(idle, (), screen, "TimelineScreen"),
    "app.sessions": Case(idle, (), screen, "SessionsScreen"),
    "session.interrupt": Case(drafting, (), lambda drive: drive.talk.interrupts, 1),
    "session.mode": Case(idle, (), mode, "acceptEdits"),
    "session.page-up": Case(long_story, (), scrolled, size=(60, 20)),
    "session.page-down": Case(long_story, ("pageup", "pageup"), scrolled, size=(60, 20)),
    "composer.send": Case(idle, tuple("do it"), lambda drive: tuple(drive.talk.started), ("do it",)),
    "composer.newline": Case(idle, ("a",), text, "a\n"),
    "composer.history": Case(idle, _typed("x"), screen, "SentScreen"),
    "composer.editor": Case(idle, tuple("keeps"), text, "holds"),
    "composer.quit": Case(idle, (), left, True),
    "composer.clear": Case(idle, ("a",), text, ""),
    "text.undo": Case(idle, ("a",), text, ""),
    "screen.help": Case(idle, ("f2",), screen, "HelpScreen"),
    "help.back": Case(idle, ("f1",), screen, "SessionScreen"),
    "view.back": Case(idle, ("f2",), screen, "SessionScreen"),
    "list.find": Case(idle, KEYS, focus, "Finder"),
    "list.down": Case(idle, KEYS, row, NAMES[1]),
    "list.up": Case(idle, (*KEYS, "down", "down"), row, NAMES[1]),
    "list.page-down": Case(idle, KEYS, row),
    "list.page-up": Case(idle, (*KEYS, "pagedown"), row, NAMES[0]),
    "list.first": Case(idle, (*KEYS, "end"), row, NAMES[0]),
    "list.last": Case(idle, KEYS, row, NAMES[-1]),
    "list.choose": Case(idle, KEYS, screen, "PressScreen"),
    "find.clear": Case(idle, (*KEYS, "slash", "x"), found_words, ""),
    "find.keep": Case(idle, (*KEYS, "slash", "x"), focus, "Rows"),
    "find.down": Case(idle, (*KEYS, "slash", "x"), focus, "Rows"),
}

QUESTIONS: dict[str, Case] = {
    "pane.back": Case(reviewing, (), screen, "SessionScreen"),
    "pane.mode": Case(reviewing, (), mode, "acceptEdits"),
    "pane.why": Case(reviewing, (), shows("digest"), True),
    "review.accept": Case(reviewing, (), undecided, 3),
    "review.reject": Case(reviewing, (), undecided, 3),
    "review.edit": Case(reviewing, (), screen, "EditScreen"),
    "review.edit-outside": Case(reviewing, ("j",), edited),
    "review.split": Case(review_diff, (), hunks),
    "review.next-undecided": Case(reviewing, (), hunk, (0, 1)),
    "review.previous-undecided": Case(reviewing, ("j",), hunk, (0, 0)),
    "review.next": Case(reviewing, (), hunk, (0, 1)),
    "review.previous": Case(reviewing, ("j",), hunk, (0, 0)),
    "review.accept-file": Case(reviewing, (), undecided, 1),
    "review.reject-file": Case(reviewing, (), undecided, 1),
    "review.accept-all": Case(reviewing, (), answer, "Approve"),
    "review.reject-all": Case(reviewing, (), answer, "Reject"),
    "review.reason": Case(reviewing, (), screen, "ReasonScreen"),
    "review.reason-all": Case(reviewing, (), screen, "ReasonScreen"),
    "review.side-by-side": Case(reviewing, (), is_split, True, WIDE),
    "review.full-screen": Case(reviewing, (), lambda drive: drive.app.screen.has_class("-full"), True),
    "review.mechanical": Case(reviewing, (), screen, "SureScreen"),
    "review.take-back": Case(reviewing, ("y",), undecided, 4),
    "review.next-file": Case(reviewing, (), hunk, (1, 0)),
    "review.previous-file": Case(reviewing, ("right_square_bracket",), hunk, (0, 0)),
    "review.files": Case(reviewing, (), focus, "FileList"),
    "review.find": Case(reviewing, (), focus, "Finder"),
    "review.next-match": Case(reviewing, ("slash", *"line_3", "enter"), shows("! match"), True),
    "review.previous-match": Case(reviewing, ("slash", *"line_3", "enter"), shows("! match"), True),
    "review.copy": Case(reviewing, ("j",), clipboard, "line_20 = 0\n"),
    "review.copy-place": Case(reviewing, (), clipboard, "a.py:3"),
    "review.open": Case(on_disk, (), edited),
    "review.unfold-near": Case(reviewing, (), shows("line_0 = 0"), True),
    "review.fold": Case(reviewing, (), shows("line_12 = 12"), True, WIDE),
    "command.once": Case(review_command, (), answer, "Approve"),
    "command.session": Case(review_command, (), shows("kept until this session ends"), True),
    "command.project": Case(review_command, (), shows("kept in your own policy file"), True),
    "command.edit": Case(review_command, (), screen, "EditScreen"),
    "command.edit-outside": Case(review_command, (), edited),
    "command.copy": Case(review_command, (), clipboard),
    "command.reject": Case(review_command, (), screen, "ReasonScreen"),
    "command.variables": Case(review_command, (), shows("LANG"), True),
    "plan.follow": Case(plan_waiting, (), lambda drive: len(drive.talk.plans), 1),
    "plan.edit": Case(plan_waiting, (), screen, "EditScreen"),
    "plan.edit-outside": Case(plan_waiting, (), shows("Money type that holds cents"), True),
    "plan.copy": Case(plan_waiting, (), clipboard),
    "plan.save": Case(plan_waiting, (), shows("for hybridcode --plan"), True),
    "plan.reject": Case(plan_waiting, (), lambda drive: tuple(drive.talk.plans), (None,)),
    "sure.yes": Case(review_command, ("s",), remembered, "session"),
    "sure.no": Case(review_command, ("s",), screen, "CommandPane"),
    "edit.save": Case(review_command, ("e", "x"), answer, "Amend"),
    "EditScreen:escape": Case(review_command, ("e",), screen, "CommandPane"),
    "ReasonScreen:escape": Case(review_command, ("n",), screen, "CommandPane"),
    "WordScreen:escape": Case(review_destructive, ("y",), screen, "CommandPane"),
}

VIEWS: dict[str, Case] = {
    "context.copy": Case(spoken, ("f2",), clipboard),
    "question.copy": Case(asked_index, (*"/context", "space", *_typed("cart")), clipboard, "d" * 64),
    "text.find": Case(spoken, PROMPT, focus, "Finder"),
    "text.next": Case(spoken, SEARCHED, row),
    "text.previous": Case(spoken, SEARCHED, row),
    "text.mark": Case(spoken, PROMPT, row),
    "text.copy": Case(spoken, PROMPT, lambda drive: "needle two" in clipboard(drive), True),
    "ledger.turn": Case(spoken, ("f3",), shows("all sessions of this repository"), True),
    "inbox.close": Case(stale_inbox, ("f4",), lambda drive: tuple(drive.talk.archive.closed), ("k3vq7m2p",)),
    "sessions.fork": Case(two_tasks, ("f6",), screen, "ForkScreen"),
    "sessions.export": Case(two_tasks, ("f6",), screen, "ExportScreen"),
    "sessions.delete": Case(two_tasks, ("f6", "end"), screen, "DeleteScreen"),
    "export.back": Case(two_tasks, ("f6", "x"), screen, "SessionsScreen"),
    "history.undo": Case(two_tasks, ("f5",), screen, "UndoScreen"),
    "history.undo-from-here": Case(two_tasks, ("f5",), screen, "UndoScreen"),
    "undo.put-back": Case(two_tasks, ("f5", "u"), lambda drive: len(drive.talk.past.undone), 1),
    "rewind.both": Case(two_tasks, REWIND, rewound, (("t2", True, True),)),
    "rewind.files": Case(two_tasks, REWIND, rewound, (("t2", True, False),)),
    "rewind.conversation": Case(two_tasks, REWIND, rewound, (("t2", False, True),)),
    "diff.next": Case(two_tasks, DIFF, place, ("1", "2")),
    "diff.previous": Case(two_tasks, (*DIFF, "j"), place, ("1", "1")),
    "diff.next-file": Case(two_tasks, DIFF, place, ("2", "1")),
    "diff.previous-file": Case(two_tasks, (*DIFF, "n"), place, ("1", "1")),
    "diff.now": Case(changed_since, DIFF, shows("on disk now, held against"), True),
    "diff.side-by-side": Case(two_tasks, DIFF, is_split, True, WIDE),
    "diff.fold": Case(two_tasks, DIFF, shows("class Cart"), True, WIDE),
    "keys.preset": Case(idle, KEYS, shows("preset vim"), True),
    "keys.reset": Case(idle, (*KEYS, "enter", "ctrl+k"), own_keys, 0),
    "model.load": Case(idle, MODEL, lambda drive: drive.talk.fittings.loads, 1),
    "policy.explain": Case(idle, POLICY, screen, "ExplainScreen"),
    "policy.take-back": Case(idle, POLICY, lambda drive: drive.talk.fittings.granted, ()),
    "policy.copy": Case(idle, POLICY, clipboard, "Bash(=git status --short)"),
    "explain.back": Case(idle, (*POLICY, "e"), screen, "PolicyScreen"),
    "doctor.again": Case(idle, DOCTOR, lambda drive: drive.talk.fittings.looks, 2),
    "doctor.copy": Case(idle, DOCTOR, clipboard),
}

EFFECTS: dict[str, Case] = ANYWHERE | QUESTIONS | VIEWS
"""By id of a binding, or class and key where it has none; key_effects_*.py beside this file hold more of them."""
