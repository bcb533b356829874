"""What calls a person back to the terminal: the bell, a desktop notice, the terminal's title.

Invariant: no text leaves but bounded and without any control character; nothing is sent while the terminal is known to
have the focus.
"""

import os
from collections.abc import Callable, Mapping

from hybridcode.config.settings import Notify
from hybridcode.domain.asked import TaskQuestioned
from hybridcode.domain.events import Event, PlanMade, ProposalMade, TaskEnded, TaskGiven, TaskResumed
from hybridcode.session.modes import PLANNED_FIRST
from hybridcode.tui.amounts import plural
from hybridcode.tui.conversation import Facts
from hybridcode.tui.desk import Desk
from hybridcode.tui.paint import clip
from hybridcode.tui.waiting import is_asked, waiting_proposals

LONG_S = 10.0
"""Seconds from which on the end of a task is worth a notice."""
NOTICE_CELLS = 120
TITLE_CELLS = 60

_BELL = "\x07"
_END = "\x1b\\"
_PUSH_TITLE, _POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"


def notice_sequence(text: str, kind: Notify, environment: Mapping[str, str]) -> str:
    """What asks the terminal for a desktop notice; inside tmux wrapped so that it reaches the terminal outside."""
    said = plain(text, NOTICE_CELLS)
    match kind:
        case "osc9":
            sequence = f"\x1b]9;{said}{_BELL}"
        case "osc777":
            sequence = f"\x1b]777;notify;hybridcode;{said.replace(';', ',')}{_BELL}"
        case "off":
            return ""
    if environment.get("TMUX"):
        return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}{_END}"
    return sequence


def title_sequence(text: str) -> str:
    """What sets the title of the terminal."""
    return f"\x1b]2;{plain(text, TITLE_CELLS)}{_BELL}"


def plain(text: str, cells: int) -> str:
    """One bounded line in which everything hidden is spelled out."""
    return clip(" ".join(text.split()), cells)


class Notices:
    """Hears what happens and sends what the settings ask for."""

    def __init__(self, desk: Desk, send: Callable[[str], bool]) -> None:
        self._desk, self._send = desk, send
        self.has_focus = False
        """False also where the terminal does not tell."""
        self._began_at = desk.clock()
        self._title = ""

    def hear(self, event: Event) -> None:
        """Something happened just now, and the state has taken it in."""
        desk = self._desk
        match event:
            case TaskGiven() | TaskResumed():
                self._began_at = desk.clock()
            case ProposalMade(proposal=proposal) if is_asked(proposal):
                self._call(f"waits for you: {proposal.title}")
            case PlanMade(plan=plan) if plan.steps and desk.facts.mode in PLANNED_FIRST:
                self._call(f"waits for you: a plan of {plural(len(plan.steps), 'step')}")
            case TaskQuestioned(questions=questions):
                self._call(f"waits for you: {plural(len(questions), 'question')} of the planner")
            case TaskEnded() if desk.clock() - self._began_at > LONG_S:
                self._call(f"{event.exit_reason.replace('_', ' ')}: {event.message}")
            case _:
                pass
        self.show_title()

    def _call(self, text: str) -> None:
        if self.has_focus:
            return
        facts = self._desk.facts
        if facts.bell:
            self._send(_BELL)
        if facts.notify != "off":
            self._send(notice_sequence(f"hybridcode {text}", facts.notify, os.environ))

    def show_title(self) -> None:
        """Say in the title where this runs and what waits, if that is wanted."""
        if not self._desk.facts.title:
            self.give_back_title()
            return
        title = title_of(self._desk.facts, len(waiting_proposals(self._desk.state)))
        if title == self._title:
            return
        if not self._title:
            self._send(_PUSH_TITLE)
        self._title = title
        self._send(title_sequence(title))

    def give_back_title(self) -> None:
        """The title that was there before."""
        if self._title:
            self._title = ""
            self._send(_POP_TITLE)


def title_of(facts: Facts, waiting: int) -> str:
    """The title of the terminal."""
    return f"{f'({waiting}) ' if waiting else ''}hybridcode {facts.workspace}"
