"""The app over a scripted conversation in a real terminal: `busy_program.py LOG KINDS PAUSE BUSY`.

One question after the other of these kinds comes up and is answered elsewhere after PAUSE seconds, the last one stays.
The event loop is blocked for BUSY seconds after each pane has appeared. LOG gets a line for each pane and each answer.
Invariant: only keys answer what LOG says was answered here.
"""

import sys
import time
from importlib import import_module
from pathlib import Path

from scene_parts import ASKS_EDIT, CHANGES, PLAN, opened, propose, talk
from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import Decision, Reject, Ruling, ShellCommand
from hybridcode.domain.events import Event, PlanDecided, PlanMade, ProposalDecided, TaskGiven
from hybridcode.domain.plan import Plan, Task
from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.conversation import Remember
from hybridcode.tui.screens.pane import Pane

import_module("hybridcode.tui.panes")  # as the program does right after its first paint


class Logged(ScriptedConversation):
    log: Path

    def note(self, word: str, subject: str) -> None:
        with self.log.open("a") as file:
            file.write(f"{word} {subject} {time.monotonic():.3f}\n")

    async def answer(self, proposal_id: str, decision: Decision, *, remember: Remember | None = None) -> None:
        self.note("answered", proposal_id)
        self.play(ProposalDecided(proposal_id, decision))

    async def answer_plan(self, plan: Plan | None) -> None:
        self.note("answered", "plan")
        self.play(PlanDecided(plan is not None, "person"))

    async def start(self, text: str) -> None:
        self.note("started", str(len(text)))


def question(talking: ScriptedConversation, kind: str, name: str) -> list[Event]:
    """The events that ask."""
    match kind:
        case "plan":
            return [TaskGiven(Task(name, "Prices are floats; make them exact."), "d" * 64), PlanMade(PLAN, "frontier")]
        case "edit":
            return [propose(talking, talking.seal(CHANGES), ruling=ASKS_EDIT, name=name, title="two files")]
        case _:
            flags = ("destructive",) if kind == "destructive" else ()
            ruling = Ruling("ask", "runs code", "commands.unknown", person_only=bool(flags), flags=flags)
            command = ShellCommand(argv=("make", kind), env_names=("PATH",))
            return [propose(talking, command, ruling=ruling, name=name, title=command.text)]


class Program(HybridcodeApp):
    kinds: list[str]
    pause: float
    busy: float
    place: int = 0
    asked: str = ""
    """What was asked last and is not answered elsewhere yet."""
    until: float = 0.0
    """When it is to be answered elsewhere; 0 before its pane was there."""
    asked_at: float = 0.0

    def on_ready(self) -> None:
        """Begin to ask."""
        self.set_interval(0.01, self._go_on)

    def _go_on(self) -> None:
        panes = [screen for screen in self.screen_stack if isinstance(screen, Pane)]
        if not self.asked and not panes and self.place < len(self.kinds):
            self._ask(self.kinds[self.place])
        elif self.until == 0.0 and any(pane.subject == self.asked and pane.is_attached for pane in panes):
            self.until = time.monotonic() + 60.0
            panes[-1].call_after_refresh(self._be_busy)
        elif self.asked and self.place < len(self.kinds) and self._is_over(time.monotonic()):
            self._answer_elsewhere()

    def _be_busy(self) -> None:
        self._talk().note("appeared", self.asked)
        time.sleep(self.busy)
        self.until = time.monotonic() + self.pause

    def _is_over(self, now: float) -> bool:
        """True when it was there for long enough, or was left before that was seen."""
        return 0.0 < self.until < now or now > self.asked_at + 4.0

    def _talk(self) -> Logged:
        assert isinstance(self.conversation, Logged)
        return self.conversation

    def _ask(self, kind: str) -> None:
        self.place += 1
        self.asked, self.until, self.asked_at = f"{kind}{self.place}", 0.0, time.monotonic()
        for event in question(self._talk(), kind, self.asked):
            self._talk().play(event)

    def _answer_elsewhere(self) -> None:
        is_plan = self.asked.startswith("plan")
        no = PlanDecided(False, "x") if is_plan else ProposalDecided(self.asked, Reject("no", "person:x"))
        self._talk().play(no)
        self.asked = ""


def main() -> None:
    """Ask until the last question is answered or the program is ended."""
    log, kinds, pause, busy = sys.argv[1:]
    talking = Logged(talk().facts)
    talking.log = Path(log)
    talking.events = [opened()]
    app = Program(talking)
    app.kinds, app.pause, app.busy = kinds.split(","), float(pause), float(busy)
    app.run()


if __name__ == "__main__":
    main()
