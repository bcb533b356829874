"""The planner's questions to the person: asked once for a task, answered by the next prompt, never guessed.

Invariant: the questions are on record before the run stops for them; the answer is on record before a model sees it.
"""

from hybridcode.agent.plan_reply import AskedBack
from hybridcode.agent.run import Run
from hybridcode.domain.asked import TaskQuestioned
from hybridcode.domain.errors import PlanInvalid, QuestionsOpen


def require_answer(run: Run) -> None:
    """Raise QuestionsOpen while questions of this task wait for an answer: no model is asked meanwhile."""
    if run.questions and not run.answer:
        count = len(run.questions)
        texts = " ".join(f"{number}. {question.text}" for number, question in enumerate(run.questions, 1))
        raise QuestionsOpen(
            f"The planner asks: {texts}",
            f"The next prompt of this session answers {'it' if count == 1 else 'them'}: "
            f'hybridcode run -r {run.journal.id} "your answer".',
        )


def ask_back(run: Run, wanted: AskedBack, *, is_local: bool) -> None:
    """Put questions on record and stop for them.

    Raises:
        QuestionsOpen: they wait for an answer.
        PlanInvalid: the planner has asked before, or is the local one, whose task was to be clear.
    """
    if run.questions:
        raise PlanInvalid("you have asked before: choose the most sensible reading and plan now")
    if is_local:
        raise PlanInvalid(f"it asks back: {wanted.questions[0].text}")
    run.questions = wanted.questions
    run.journal.append(TaskQuestioned(run.task.id, wanted.questions))
    require_answer(run)


def answered(run: Run) -> str:
    """Questions and answer as a part of the planner's request; empty if there are none."""
    if not run.answer:
        return ""
    asked = "\n".join(f"{number}. {question.text}" for number, question in enumerate(run.questions, 1))
    return f"# You asked\n{asked}\n# The person answers\n{run.answer}"
