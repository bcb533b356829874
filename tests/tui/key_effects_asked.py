"""What each key of the question pane does."""

from key_effects import Case, screen, shows
from scenes_asked import WHICH, asking, two_questions
from scripted_conversation import ScriptedConversation

from hybridcode.domain.asked import Question


def five_options() -> ScriptedConversation:
    return asking(Question(WHICH.text, ("one", "two", "three", "four", "five")))


EFFECTS = {
    **{
        f"answer.{number}": Case(five_options, (), lambda drive: tuple(drive.talk.told), (word,))
        for number, word in enumerate(("one", "two", "three", "four", "five"), 1)
    },
    "answer.write": Case(five_options, (), screen, "EditScreen"),
    "answer.take-back": Case(two_questions, ("1",), shows("question 1 of 2"), True),
}
