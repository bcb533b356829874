"""Questions of the plain program: a change hunk by hunk, a command, a plan, what the planner asks.

Invariant: an empty line decides nothing, a line typed before the question is no answer, and what cannot be undone needs
the word `yes`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hybridcode.agent.commands import shell_command
from hybridcode.cli.lines import Lines
from hybridcode.cli.plain_words import fact_lines, head_lines, hunk_lines, plan_lines
from hybridcode.domain.action import Amend, Approve, Decision, Proposal, Reject, ShellCommand
from hybridcode.domain.asked import MAX_ANSWER, Question
from hybridcode.domain.plan import Plan
from hybridcode.gate.rules import exact_rule_text
from hybridcode.tui.command_text import command_facts, needs_word
from hybridcode.tui.conversation import PERSON, Remember
from hybridcode.tui.reviewing import Review, Seal, editable_text, edited_lines
from hybridcode.tui.waiting import in_one

Tell = Callable[[str], None]

HUNK_ANSWERS = (
    "y accepts this hunk, n rejects it, e: type other lines, s splits, a accepts the rest of the file, d rejects that,",
    "A accepts everything, N rejects it, r rejects this hunk with a reason, R all of it, h says the hunk again,",
    "l leaves it pending",
)
COMMAND_ANSWERS = (
    "y runs it once, s runs it and allows it for this session, p the same for this repository from now on,",
    "e: type another command, n does not run it, l later",
)
PLAN_ANSWERS = ("y follows the plan, n does not, l later",)


class LeftOpen(Exception):
    """The person left the question open."""


@dataclass(frozen=True)
class Answered:
    """A decision, and perhaps a rule to keep."""

    decision: Decision
    remember: Remember | None = None


class Asker:
    """Asks at a line-based terminal."""

    def __init__(self, lines: Lines, tell: Tell) -> None:
        self._lines, self._tell = lines, tell

    async def change(self, review: Review, seal: Seal) -> Answered:
        """Ask for each hunk.

        Raises:
            LeftOpen: it stays pending.
        """
        self._say(head_lines(review))
        is_new = True
        while (decision := review.decision(seal)) is None:
            if is_new:
                self._say(hunk_lines(review))
            answer = await self._answer("y n e s a d A N r R h l", HUNK_ANSWERS)
            is_new = answer in ("y", "n", "s", "a", "d", "A", "N", "e", "r", "h")
            if answer == "R" or (answer == "r" and review.is_single):
                return Answered(Reject(await self._text("reason"), PERSON))
            await self._mark(review, answer)
        if not isinstance(decision, Reject) and needs_word(review.proposal.ruling):
            await self._word(review.proposal)
        return Answered(decision)

    async def _mark(self, review: Review, answer: str) -> None:
        match answer:
            case "y":
                review.mark("accepted")
            case "n":
                review.mark("rejected")
            case "a":
                review.mark_rest_of_file("accepted")
            case "d":
                review.mark_rest_of_file("rejected")
            case "A":
                review.mark_all("accepted")
            case "N":
                review.mark_all("rejected")
            case "r":
                review.reject(await self._text("reason"))
            case "s":
                if not review.split():
                    self._tell("this hunk is one change: e edits it")
            case "e":
                await self._edit(review)
            case _:
                pass

    async def _edit(self, review: Review) -> None:
        """New lines for the first change of the hunk, typed to a single full stop."""
        review.split()
        if editable_text(review) is None:
            self._tell("this cannot be edited here: it is not plain text, or the file is deleted")
            return
        file = review.current
        self._tell("the new lines as proposed:")
        index = file.groups[review.group][0]
        self._say(f"  {line.decode('utf-8', 'replace').rstrip()}" for line in file.new_lines(index))
        self._tell("type the lines to stand there instead; a line with a single full stop ends them:")
        typed: list[str] = []
        while (line := await self._lines.next()) != ".":
            if line is None:
                raise LeftOpen
            typed.append(line)
        review.edit(edited_lines(review, "\n".join(typed)))

    async def command(self, proposal: Proposal, *, sandbox: str, unenforced: Sequence[str], lapses: str) -> Answered:
        """Ask about a command or a tool call.

        Raises:
            LeftOpen: it stays pending.
        """
        self._tell("question: run this?")
        facts = command_facts(proposal, sandbox=sandbox, unenforced=unenforced, lapses=lapses, is_full=True)
        self._say(fact_lines(facts))
        rule = _rule_of(proposal)
        while True:
            answer = await self._answer("y s p e n l" if rule else "y e n l", COMMAND_ANSWERS)
            if answer == "n":
                return Answered(Reject(await self._text("reason, may stay empty"), PERSON))
            if answer == "e":
                if (decision := await self._other_command(proposal)) is not None:
                    return await self._confirmed(proposal, Answered(decision))
            elif answer == "y":
                return await self._confirmed(proposal, Answered(Approve(proposal.digest, PERSON)))
            elif rule and answer in ("s", "p"):
                remember = Remember("session" if answer == "s" else "project", rule)
                self._tell(f"the rule will be: {rule}")
                if await self._answer("y n", ("y runs it and keeps the rule, n goes back",)) == "y":
                    return Answered(Approve(proposal.digest, PERSON), remember)

    async def plan(self, plan: Plan) -> Plan | None:
        """Ask whether a plan is followed; None: it is not.

        Raises:
            LeftOpen: it stays open.
        """
        self._say(plan_lines(plan))
        return plan if await self._answer("y n l", PLAN_ANSWERS) == "y" else None

    async def questions(self, questions: Sequence[Question]) -> str:
        """Ask what the planner asks; returns the answers as one text.

        Raises:
            LeftOpen: they stay open.
        """
        answers: list[str] = []
        for number, question in enumerate(questions, 1):
            place = f" {number} of {len(questions)}" if len(questions) > 1 else ""
            self._tell(f"question{place} of the planner: {question.text}")
            self._say(f"  {digit}: {option}" for digit, option in enumerate(question.options, 1))
            answers.append(await self._answer_of(question))
        text = in_one(questions, answers)
        if len(text) > MAX_ANSWER:
            self._tell(f"too long by {len(text) - MAX_ANSWER:,} characters")
            raise LeftOpen
        return text

    async def _answer_of(self, question: Question) -> str:
        """An option by its number, or any other words."""
        choices = "type its number, or other words" if question.options else "type the answer"
        while True:
            for lost in self._lines.dropped():
                self._tell(f"typed before the question, not used: {lost}")
            self._tell(f"{choices}; l leaves it for later:")
            line = await self._lines.answer()
            if line is None or line.strip() == "l":
                raise LeftOpen
            typed = line.strip()
            if not typed.isdecimal():
                if typed:
                    return typed
            elif 1 <= int(typed) <= len(question.options):
                return question.options[int(typed) - 1]
            elif not question.options:
                return typed
            self._tell("nothing was answered")

    async def _other_command(self, proposal: Proposal) -> Decision | None:
        command = proposal.action
        if not isinstance(command, ShellCommand):
            self._tell("this cannot be edited here")
            return None
        text = await self._text("command, empty goes back")
        if not text:
            return None
        return Amend(
            shell_command(text, timeout_s=command.timeout_s, purpose=command.purpose, env_names=command.env_names),
            PERSON,
        )

    async def _confirmed(self, proposal: Proposal, answered: Answered) -> Answered:
        if needs_word(proposal.ruling):
            await self._word(proposal)
        return answered

    async def _word(self, proposal: Proposal) -> None:
        self._tell(f"{', '.join(proposal.ruling.flags)}: {proposal.title}")
        if await self._text("type yes to do it, anything else goes back") != "yes":
            raise LeftOpen

    async def _answer(self, choices: str, means: Sequence[str]) -> str:
        """One of the choices, typed as a line of its own after the question stood there."""
        allowed = choices.split()
        while True:
            for lost in self._lines.dropped():
                self._tell(f"typed before the question, not used: {lost}")
            self._tell(f"answer with one of {', '.join(allowed)}, or ? for what they mean:")
            line = await self._lines.answer()
            if line is None:
                raise LeftOpen
            if line.strip() == "?":
                self._say(means)
            elif line.strip() in allowed:
                if line.strip() == "l":
                    raise LeftOpen
                return line.strip()
            else:
                self._tell("nothing was decided")

    async def _text(self, what: str) -> str:
        self._tell(f"{what}:")
        line = await self._lines.next()
        if line is None:
            raise LeftOpen
        return line.strip()

    def _say(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._tell(line)


def _rule_of(proposal: Proposal) -> str | None:
    """The rule that would allow this from now on; None if no rule can."""
    command, ruling = proposal.action, proposal.ruling
    if not isinstance(command, ShellCommand) or ruling.person_only or needs_word(ruling):
        return None
    return exact_rule_text(command.text)
