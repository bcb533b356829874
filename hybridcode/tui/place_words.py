"""Names of the places where keys work, as a person reads them.

Invariant: a place that is not named here has the words of its class, so none is ever left out.
"""

import re

PLACE_WORDS = {
    "HybridcodeApp": "anywhere",
    "SessionScreen": "the session",
    "Composer": "writing",
    "TextBox": "writing",
    "ReviewPane": "a change to review",
    "CommandPane": "a command to review",
    "PlanPane": "a plan to review",
    "AskedPane": "a question of the planner",
    "Pane": "everything that asks",
    "SureScreen": "a yes or no",
    "WordScreen": "a word to type",
    "ReasonScreen": "a reason to write",
    "EditScreen": "a text to edit",
    "ContextScreen": "what the models saw",
    "AskedIndexScreen": "what the index would show",
    "LedgerScreen": "the ledger",
    "InboxScreen": "the inbox",
    "SessionsScreen": "the sessions",
    "TimelineScreen": "the history",
    "UndoScreen": "before an undo",
    "BackScreen": "before a rewind",
    "DiffScreen": "what was changed",
    "ExportScreen": "an export",
    "ModelScreen": "the models",
    "PolicyScreen": "the policy",
    "ExplainScreen": "a question to the policy",
    "DoctorScreen": "the doctor",
    "KeysScreen": "the keys",
    "HelpScreen": "the help",
    "TextScreen": "a text to read",
    "ListScreen": "lists",
    "Rows": "lists",
    "Finder": "searching",
    "ViewScreen": "every view",
    "Framed": "every screen but the session",
}
"""By class; help keeps this order."""

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def place_words(name: str) -> str:
    """The words for a class."""
    return PLACE_WORDS.get(name) or _CAPITAL.sub(" ", re.sub(r"(Screen|Pane)$", "", name)).lower()


def rank(name: str) -> tuple[int, str]:
    """Where a place stands among others: the named ones first, in their order."""
    words = place_words(name)
    order = list(dict.fromkeys(PLACE_WORDS.values()))
    return (order.index(words) if words in order else len(order)), words
