"""How questions come in front of a person and how the answers go back.

Invariant: a pane opens by itself only over the session screen, never over text a person is writing; a pane whose
question was answered elsewhere closes.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from hybridcode.domain.action import Decision, Proposal
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Event
from hybridcode.domain.plan import Plan
from hybridcode.tui.archive import Unanswered, Waiting
from hybridcode.tui.conversation import Remember
from hybridcode.tui.desk import Desk
from hybridcode.tui.editor import EditorUnavailable, edit_text, open_at
from hybridcode.tui.modes import why_barred
from hybridcode.tui.screens.framed import Framed
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.waiting import Question, Questions, why_closed

if TYPE_CHECKING:
    from hybridcode.tui.reviewing import Review


class Asking:
    """The open questions of a session and the pane that shows one of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._questions = Questions(desk.state)
        self._elsewhere: dict[str, Waiting] = {}
        """By id: proposals of other sessions that are or were open here."""
        self._reviews: dict[str, Review] = {}
        """Begun reviews by proposal: leaving a pane loses no decision of a hunk."""

    @property
    def pane(self) -> Pane | None:
        """The pane that is open, also under a small question."""
        return next((screen for screen in self._desk.app.screen_stack if isinstance(screen, Pane)), None)

    def forget(self) -> None:
        """Another session is open: its questions, none of them put aside or answered."""
        self._questions = Questions(self._desk.state)

    def pressed(self) -> None:
        """A key was pressed, whatever becomes of it: a guard that sleeps goes on sleeping."""
        if (pane := self.pane) is not None:
            pane.guard.press()

    def come_back(self) -> None:
        """The program was suspended: what was typed meanwhile was not typed here."""
        if (pane := self.pane) is not None:
            pane.guard.appear(pane.call_after_refresh)

    @property
    def _workspace(self) -> Path:
        opened = self._desk.state.opened
        return Path(opened.workspace if opened is not None else ".")

    def hear(self, event: Event) -> None:
        """Take in what an event changes of the questions."""
        self._questions.hear(event)

    def refresh(self) -> None:
        """Say what waits, close what is answered, open what is new; nothing once the program is being left."""
        desk = self._desk
        if not desk.app.is_running:
            return
        waits = self._questions.words(desk.facts.mode)
        desk.session.show(desk.state, waits=waits, is_running=desk.conversation.is_running)
        self._close_answered()
        self._offer()

    def review(self) -> None:
        """Open the oldest question, also one that was left before."""
        if not self._desk.is_at_session:
            return
        self._questions.left.clear()
        first = self._questions.fresh(self._desk.facts.mode)
        if first is None:
            self._desk.tell("·", "nothing waits for you", "quiet")
        else:
            self._open(first)

    def put_aside(self) -> None:
        """Leave the open pane; its question is offered again only on request."""
        if (pane := self.pane) is not None:
            self.left(pane.subject)

    def left(self, subject: str) -> None:
        """Back to the session, or to where it was opened; the question is offered again only on request."""
        if self._elsewhere.pop(subject, None) is not None:
            self._leave_elsewhere()
            return
        self._questions.left.add(subject)
        self._desk.to_session()

    def decided(self, message: Pane.Decided) -> None:
        """Hand a decision to the session and show the next question."""
        if (waiting := self._elsewhere.pop(message.proposal_id, None)) is not None:
            self._reviews.pop(message.proposal_id, None)
            self._leave_elsewhere()
            self._desk.call(self._answer_elsewhere(waiting, message))
            return
        view = self._desk.state.proposals.get(message.proposal_id)
        if view and (why := why_barred(message.decision, view.proposal.action, self._desk.facts.mode)):
            if (pane := self.pane) is not None:
                pane.flash(why)
            return
        self._questions.answered.add(message.proposal_id)
        self._reviews.pop(message.proposal_id, None)
        self._desk.to_session()
        self._desk.call(self._answer(message.proposal_id, message.decision, message.remember))
        self.refresh()

    def open_in_editor(self, message: Pane.Opened) -> None:
        """Show a file of the workspace in a person's editor, in front of the pane."""
        try:
            open_at(self._desk.app, self._workspace / message.path, message.line)
        except EditorUnavailable as error:
            self._complain(error)

    def edit_outside(self, message: Pane.Edited) -> None:
        """A text in a person's editor; the pane sleeps again afterwards."""
        try:
            new = edit_text(self._desk.app, message.text, suffix=message.suffix)
        except EditorUnavailable as error:
            self._complain(error)
            return
        if self.pane is not None:
            self.pane.guard.appear(self.pane.call_after_refresh)
        if new is not None:
            message.then(new)

    def _complain(self, error: EditorUnavailable) -> None:
        if self.pane is not None:
            self.pane.flash(f"{error.message} {error.hint}")

    def plan_answered(self, message: Pane.PlanAnswered) -> None:
        """Hand the plan back to the session."""
        self._questions.answered.add(message.task_id)
        self._desk.to_session()
        self._desk.call(self._answer_plan(message.plan))
        self.refresh()

    def told(self, message: Pane.Told) -> None:
        """Hand the answer to what the planner asked to the session."""
        self._questions.answered.add(message.task_id)
        self._desk.to_session()
        self._desk.call(self._tell_planner(message))
        self.refresh()

    async def _tell_planner(self, message: Pane.Told) -> None:
        try:
            await self._desk.conversation.answer_questions(message.answer)
        except HybridcodeError:
            self._questions.answered.discard(message.task_id)
            self._questions.left.add(message.task_id)
            raise

    async def switch_mode(self, name: str = "") -> None:
        """Work in another permission mode; the pane that is open stays open and says what a yes does now."""
        await self._desk.switch_mode(name)
        if (pane := self.pane) is not None:
            pane.take_mode(self._desk.facts.mode)
        self.refresh()

    async def _answer(self, proposal_id: str, decision: Decision, remember: Remember | None) -> None:
        try:
            await self._desk.conversation.answer(proposal_id, decision, remember=remember)
        except HybridcodeError:
            self._questions.answered.discard(proposal_id)
            self._questions.left.add(proposal_id)
            raise

    async def _answer_plan(self, plan: Plan | None) -> None:
        """Who follows a plan in plan mode wants it done: from here on the session asks."""
        if plan is not None and self._desk.facts.mode == "plan":
            await self.switch_mode("default")
        await self._desk.conversation.answer_plan(plan)

    def _close_answered(self) -> None:
        pane = self.pane
        if pane is None or pane.subject in self._elsewhere:
            return
        if pane.subject not in self._questions.all(self._desk.facts.mode):
            self._desk.to_session()
            self._desk.tell("·", why_closed(self._desk.state, pane.subject), "quiet")

    def _offer(self) -> None:
        if not self._desk.is_at_session or self._desk.session.unsent.strip():
            return
        fresh = self._questions.fresh(self._desk.facts.mode)
        if fresh is not None:
            self._open(fresh)

    def _open(self, question: Question) -> None:
        # Deferred, here and below: the panes are not needed for the first paint, and imported right after it.
        from hybridcode.tui.panes import task_pane

        app = self._desk.app
        if isinstance(question, Proposal):
            app.run_worker(self._open_pane(question), group="open", exclusive=True)
        else:
            pane = task_pane(question, self._desk.guard())
            pane.take_mode(self._desk.facts.mode)
            app.push_screen(pane)

    async def _open_pane(self, proposal: Proposal) -> None:
        """Put the pane for a proposal in front, if it still waits by then."""
        from hybridcode.tui.panes import proposal_pane

        desk = self._desk
        try:
            pane = await proposal_pane(
                proposal,
                desk.conversation,
                guard=desk.guard(),
                sandbox=desk.state.opened.sandbox if desk.state.opened else "none",
                workspace=self._workspace,
                more=len(self._questions.proposals()) - 1,
                is_split=desk.facts.side_by_side,
                reviews=self._reviews,
            )
        except HybridcodeError as error:
            self._questions.left.add(proposal.id)
            desk.say(error)
            return
        pane.take_mode(desk.facts.mode)
        if desk.is_at_session and proposal in self._questions.proposals():
            await desk.app.push_screen(pane)

    def open_elsewhere(self, waiting: Waiting | Unanswered) -> None:
        """Open a proposal of whatever session, over the view it was picked in; for anything else, its session."""
        if isinstance(waiting, Unanswered):
            self._desk.call(self._go_over(waiting.session))
        elif waiting.session == self._desk.state.session:
            self._desk.to_session()
            self._questions.left.discard(waiting.proposal.id)
            if waiting.proposal in self._questions.proposals():
                self._open(waiting.proposal)
        else:
            self._desk.app.run_worker(self._open_elsewhere(waiting), group="open", exclusive=True)

    async def _go_over(self, session: str) -> None:
        try:
            await self._desk.switch(session)
        except HybridcodeError as error:
            self._tell_over(f"{error.message} {error.hint}")

    async def _open_elsewhere(self, waiting: Waiting) -> None:
        from hybridcode.tui.panes import proposal_pane

        desk, origin = self._desk, self._desk.app.screen
        try:
            shelf = await desk.conversation.archive.shelf(waiting, desk.facts)
            pane = await proposal_pane(
                waiting.proposal,
                shelf,
                guard=desk.guard(),
                sandbox=shelf.facts.sandbox,
                workspace=self._workspace,
                more=0,
                is_split=desk.facts.side_by_side,
                reviews=self._reviews,
            )
        except HybridcodeError as error:
            self._tell_over(error.message)
            return
        if desk.app.screen is origin:
            self._elsewhere[waiting.proposal.id] = waiting
            await desk.app.push_screen(pane)

    async def _answer_elsewhere(self, waiting: Waiting, message: Pane.Decided) -> None:
        said = await self._desk.conversation.archive.answer(waiting, message.decision)
        if message.remember is not None:
            said += "; a rule can be made only in its own session"
        self._tell_over(said)

    def _leave_elsewhere(self) -> None:
        """Back to the view the pane was opened from."""
        while self.pane is not None:
            self._desk.app.pop_screen()

    def _tell_over(self, text: str) -> None:
        """Say something where the person is, and in the transcript."""
        self._desk.tell("·", text, "quiet")
        if isinstance(screen := self._desk.app.screen, Framed):
            screen.flash(text)

    @property
    def is_covered(self) -> bool:
        """True while a small question stands in front of everything."""
        return isinstance(self._desk.app.screen, ModalScreen)
