"""What the planner asks before it plans."""

from scene_parts import answered, asked, given, opened, talk
from scripted_conversation import ScriptedConversation

from hybridcode.domain.asked import Question, TaskQuestioned
from hybridcode.domain.events import TaskEnded

WHICH = Question("Which rounding do discounts follow?", ("half up", "half to even", "as the ledger does"))
SINCE = Question("From which release on?")
ENDED = TaskEnded(4, "approval_pending", (), "The planner asks: 1. Which rounding do discounts follow?")


def asking(*questions: Question) -> ScriptedConversation:
    conversation = talk(is_running=False)
    stopped = [asked(1, "plan", "frontier"), answered(1, out=90, usd=0.004), TaskQuestioned("t1", questions), ENDED]
    conversation.events = [opened(), given(), *stopped]
    return conversation


def one_question() -> ScriptedConversation:
    return asking(WHICH)


def two_questions() -> ScriptedConversation:
    return asking(WHICH, SINCE)
