"""The question pane: what the planner asks a person before it plans.

Invariant: what is handed in is an option exactly as shown, or a person's own words; Esc leaves all questions waiting.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from hybridcode.agent.plan_reply import MOST_OPTIONS
from hybridcode.domain.asked import MAX_ANSWER, Question
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, wrap
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.screens.questions import EditScreen
from hybridcode.tui.visible import foreign
from hybridcode.tui.waiting import in_one
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.painted import Painted

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")

_OPTION_CELLS = 8
"""Cells beside an option: margins, its key."""


class AskedPane(Pane):
    """One question after the other: an option, or other words. The last answer hands all of them in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"choose({number})", f"the {_ORDINALS[number - 1]} option", id=f"answer.{number}")
            for number in range(1, MOST_OPTIONS + 1)
        ),
        Binding("e", "write", "answer in other words", id="answer.write"),
        Binding("u", "take_back", "the question before this one, again", id="answer.take-back"),
    ]

    def __init__(self, subject: str, questions: Sequence[Question], guard: KeyGuard, *, task: str) -> None:
        super().__init__(subject, guard)
        self._questions = questions
        self._answers: list[str] = []
        self._wanted = task

    @property
    def question(self) -> Question:
        """The one that is asked now."""
        return self._questions[min(len(self._answers), len(self._questions) - 1)]

    def hints(self) -> Keys:
        """Only the keys that can do something."""
        count = len(self.question.options[:MOST_OPTIONS])
        digits = "1" if count == 1 else f"1-{count}"
        choose = (Hint(digits, "answer with it", "answer", is_needed=True),) if count else ()
        back = (Hint("u", "the one before"),) if self._answers else ()
        return *choose, Hint("e", "other words" if count else "write an answer", "write", is_needed=True), *back

    def body(self) -> ComposeResult:
        """The question and its options."""
        with VerticalScroll(id="asked-body", can_focus=True):
            yield Painted(ident="asked-text")

    def on_mount(self) -> None:
        """The question takes the keys for scrolling."""
        self.query_one("#asked-body").focus()

    def repaint(self) -> None:
        """Paint the question too, below what was answered already."""
        super().repaint()
        parts: list[Part | str] = []
        for asked, answer in zip(self._questions, self._answers, strict=False):
            parts += [(f"{foreign(asked.text)}\n", "$quiet"), ("✓ ", "$success"), f"{foreign(answer)}\n\n"]
        parts.append((f"{foreign(self.question.text)}\n", "bold"))
        for number, option in enumerate(self.question.options, 1):
            key = self._key_of(str(number)) if number <= MOST_OPTIONS else " "
            lines = wrap(foreign(option), max(self.cells - _OPTION_CELLS, 8))
            parts += ["\n", (f" {key}  ", "bold $accent"), "\n    ".join(lines)]
        parts += ["\n\n", ("any other answer is as good; Esc leaves it waiting, and the task with it", "$quiet")]
        self.query_one("#asked-text", Painted).paint(*parts)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Which question of how many."""
        count = len(self._questions)
        place = f"{len(self._answers) + 1} of {count}" if count > 1 else "before it plans"
        return (("question ", "bold $accent"), (place, "bold")), [(1, "by the planner")]

    def why_parts(self, cells: int, *, is_full: bool) -> list[Part | str]:
        """The task it is for."""
        del cells, is_full
        return [("task  ", "$quiet"), foreign(self._wanted)]

    def action_choose(self, number: int) -> None:
        """Answer with an option."""
        if not self.may_decide():
            return
        if number > len(self.question.options):
            self.flash(f"there is no option {number}: e answers in other words")
        else:
            self._take(self.question.options[number - 1])

    def action_write(self) -> None:
        """Answer in other words."""
        if not self.may_decide():
            return

        def wrong(text: str) -> str:
            if not text.strip():
                return "an answer is needed; Esc goes back"
            over = len(in_one(self._questions, [*self._answers, text.strip()])) - MAX_ANSWER
            return f"{over:,} characters too long" if over > 0 else ""

        def written(text: str | None) -> None:
            if text is not None:
                self._take(text.strip())

        self.ask(EditScreen(self.question.text, "", wrong), written)

    def action_take_back(self) -> None:
        """Ask the question before this one again."""
        if self._answers:
            self._answers.pop()
        else:
            self.flash("nothing is answered yet")
        self.repaint()

    def _take(self, answer: str) -> None:
        answers = [*self._answers, answer]
        if len(answers) == len(self._questions):
            self.post_message(self.Told(self.subject, in_one(self._questions, answers)))
            return
        self._answers = answers
        self.guard.appear(self.call_after_refresh)
        self.repaint()
