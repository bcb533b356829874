"""The command pane: a command or tool call that waits for a yes.

Invariant: what is approved is the action whose every word is on screen; an edited command is another action.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from hybridcode.agent.commands import shell_command
from hybridcode.domain.action import Amend, Approve, Decision, Proposal, Reject, ShellCommand
from hybridcode.domain.own import is_own
from hybridcode.gate.rules import exact_rule_text
from hybridcode.models.egress import ASK_RULE
from hybridcode.tui.command_text import Fact, command_facts, needs_word
from hybridcode.tui.conversation import PERSON, Remember
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.screens.questions import EditScreen, ReasonScreen, SureScreen, WordScreen
from hybridcode.tui.visible import is_hiding
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.command_view import CommandView

WHERE = {
    "session": "kept until this session ends",
    "project": "kept in your own policy file for this repository, not in the repository",
}


class CommandPane(Pane):
    """Once, for the session, for the repository, edited, or not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "once", "run it once", id="command.once"),
        Binding("s", "remember('session')", "run it, allow it for this session", id="command.session"),
        Binding("p", "remember('project')", "run it, allow it for this repository", id="command.project"),
        Binding("e", "edit", "edit the command", id="command.edit"),
        Binding("E", "edit(True)", "edit the command in $EDITOR", id="command.edit-outside"),
        Binding("c", "copy", "copy the command", id="command.copy"),
        Binding("n,r", "reason", "do not run it, say why", id="command.reject"),
        Binding("v", "toggle_variables", "names of the variables it sees", id="command.variables"),
    ]

    def __init__(
        self,
        proposal: Proposal,
        guard: KeyGuard,
        *,
        sandbox: str,
        unenforced: Sequence[str] = (),
        lapses: str = "",
        effects: Sequence[str] = (),
        more: int = 0,
    ) -> None:
        super().__init__(proposal.id, guard, more=more)
        self.proposal = proposal
        self._sandbox, self._unenforced, self._lapses = sandbox, unenforced, lapses
        self._effects = effects
        self._shows_variables = False

    @property
    def _facts(self) -> list[Fact]:
        return command_facts(
            self.proposal,
            sandbox=self._sandbox,
            unenforced=self._unenforced,
            lapses=self._lapses,
            effects=self._effects,
            is_full=self._shows_variables,
        )

    def body(self) -> ComposeResult:
        """The facts."""
        yield CommandView(self._facts)

    def on_mount(self) -> None:
        """The facts take the keys for scrolling."""
        self.query_one(CommandView).focus()

    @property
    def _rule(self) -> str | None:
        """The rule that would allow this from now on; None if no rule can."""
        command, ruling = self.proposal.action, self.proposal.ruling
        if not isinstance(command, ShellCommand) or ruling.person_only or needs_word(ruling):
            return None
        return exact_rule_text(command.text)

    @property
    def _is_sending(self) -> bool:
        """It asks whether a request may leave the machine."""
        return self.proposal.ruling.rule == ASK_RULE

    def hints(self) -> Keys:
        """Only the keys that can do something."""
        if self._is_sending:
            return Hint("y", "send it", is_needed=True), Hint("n", "do not send", is_needed=True)
        once = "run once, after a typed word" if needs_word(self.proposal.ruling) else "run once"
        rules = (Hint("s", "session"), Hint("p", "repository")) if self._rule else ()
        yes = Hint("y", once, "run once", is_needed=True)
        return yes, Hint("n", "do not run", "reject", is_needed=True), Hint("e", "edit"), *rules

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """What kind of question this is."""
        purpose = "send" if self._is_sending else getattr(self.proposal.action, "purpose", "")
        what = {
            "check": "run a check?",
            "step": "run a command?",
            "send": "send a request?",
            "own": "run what you typed?",
        }.get(purpose, "run this?")
        has_step = self.proposal.step and not self._is_sending and not is_own(self.proposal)
        items: list[Item] = [(1, f"step {self.proposal.step}")] if has_step else []
        if self.proposal.writer:
            items.append((2, self.proposal.writer))
        return (("review ", "bold $accent"), (what, "bold")), items

    def action_why(self) -> None:
        """Everything is shown already."""
        self.flash("the rule that asked and the digest are shown above")

    def action_toggle_variables(self) -> None:
        """Show or fold the names of the variables."""
        self._shows_variables = not self._shows_variables
        self.query_one(CommandView).show(self._facts)

    def action_once(self) -> None:
        """Run exactly this, once."""
        if self.may_decide():
            self._decide(Approve(self.proposal.digest, PERSON))

    def action_remember(self, scope: Literal["session", "project"]) -> None:
        """Show the rule; a yes to it runs the command and keeps the rule."""
        if not self.may_decide():
            return
        if self._rule is None:
            self.flash("no rule can allow this: a person is asked every time")
            return
        rule = Remember(scope, self._rule)

        def answered(is_yes: bool | None) -> None:
            if is_yes:
                self.post_message(self.Decided(self.subject, Approve(self.proposal.digest, PERSON), rule))

        said = ((rule.rule, "$accent"), "\n", (WHERE[scope], "$quiet"))
        self.ask(SureScreen("Run it, and ask no more for exactly this?", *said, guard=self.guard), answered)

    def action_reason(self) -> None:
        """Do not run it; the reason may stay empty."""
        if not self.may_decide():
            return

        def given(reason: str | None) -> None:
            if reason is not None:
                self.post_message(self.Decided(self.subject, Reject(reason, PERSON)))

        follows = "it is not run" if is_own(self.proposal) else "the step is given up"
        self.ask(ReasonScreen(f"{follows}; the reason is recorded"), given)

    def action_copy(self) -> None:
        """Put the command into the clipboard of the terminal."""
        if isinstance(self.proposal.action, ShellCommand):
            self.program.copy_to_clipboard(self.proposal.action.text)
            self.flash("copied")

    def action_edit(self, in_editor: bool = False) -> None:
        """Another command instead; policy judges it again."""
        command = self.proposal.action
        if not self.may_decide():
            return
        if not isinstance(command, ShellCommand) or any(map(is_hiding, command.text.split("\n"))):
            self.flash("this cannot be edited here")
            return

        def saved(text: str | None) -> None:
            if text is None or not text.strip():
                return
            other = shell_command(
                text, timeout_s=command.timeout_s, purpose=command.purpose, env_names=command.env_names
            )
            kept = msgspec.structs.replace(other, cwd=command.cwd, network=command.network)
            is_same = kept == command
            self._decide(Approve(self.proposal.digest, PERSON) if is_same else Amend(kept, PERSON))

        if in_editor:
            self.edit_outside(f"{command.text}\n", ".sh", lambda text: self.ask(_edit(text), saved))
        else:
            self.ask(_edit(command.text), saved)

    def _decide(self, decision: Decision) -> None:
        if not needs_word(self.proposal.ruling):
            self.post_message(self.Decided(self.subject, decision))
            return

        def typed(is_yes: bool | None) -> None:
            if is_yes:
                self.post_message(self.Decided(self.subject, decision))

        self.ask(WordScreen(self.proposal.title, self.proposal.ruling.flags), typed)


def _edit(text: str) -> EditScreen:
    return EditScreen("The command to run instead", text.removesuffix("\n"))
