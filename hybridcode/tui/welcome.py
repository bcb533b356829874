"""The first screen: what this is, which models it has, and what to press.

Invariant: true for the configuration at hand, and useful without any model.
"""

from hybridcode.tui.conversation import Facts
from hybridcode.tui.paint import Part

_LABEL = 10
_TALL_ROWS = 24
"""Rows from which each key has a line of its own."""
_KEYS = (
    ("Enter", "sends", "sends, Alt+Enter breaks the line"),
    ("Ctrl+Y", "reviews", "reviews what waits for you"),
    ("Esc", "stops", "interrupts what runs"),
    ("Ctrl+Q", "quits", "quits, what waits is kept"),
    ("?", "all keys", "all keys and commands"),
)
"""Keys, what they do in a word, and in a line."""


def welcome_parts(facts: Facts, rows: int) -> list[Part | str]:
    """The text in place of an empty transcript, on a screen of so many rows."""
    parts: list[Part | str] = [
        ("The frontier model decides, the local model writes,\n", "bold"),
        ("and nothing is changed or run without your yes.\n\n", "bold"),
        *_model("frontier", facts.frontier, "decides"),
        *_model("local", facts.local, "writes"),
    ]
    parts += _missing(facts)
    if facts.is_resumable:
        parts += [
            "\n",
            ("A task stopped before its end: ", "$warning"),
            ("/resume", "bold $accent"),
            " goes on with it\n",
        ]
    parts.append("\n")
    if rows < _TALL_ROWS:
        said = [(key, short) for key, short, _ in _KEYS]
        return [*parts, *(part for key, word in said for part in ((key, "bold $accent"), (f" {word}  ", "$quiet")))]
    for key, _, does in _KEYS:
        parts += [(f"{key:<{_LABEL}}", "bold $accent"), (f"{does}\n", "$quiet")]
    return parts


def _model(role: str, name: str | None, does: str) -> list[Part | str]:
    shown: Part = (name, "") if name else ("not configured", "$warning")
    return [(f"{role:<{_LABEL}}", "$quiet"), shown, (f"  {does}\n", "$quiet")]


def _missing(facts: Facts) -> list[Part | str]:
    """What one can do without the models that are missing, and how to get them."""
    if facts.frontier and facts.local:
        return []
    if not facts.frontier and not facts.local:
        return [
            ("\nNo model is configured: ", "$warning"),
            ("/setup", "bold $accent"),
            (" goes through it, and writes nothing before your yes.\n", "$warning"),
            ("Looking works without: ", "$quiet"),
            *_commands("/context QUESTION", "@file", "/diff", "/history", "/doctor"),
            ("In a shell ", "$quiet"),
            ("hybridcode demo", "bold"),
            (" shows all of it with a script and a tiny model.\n", "$quiet"),
        ]
    said = (
        "Without a frontier model the local one plans and judges too."
        if facts.local
        else "Without a local model the frontier writes too: that costs more."
    )
    return [
        (f"\n{said} ", "$warning"),
        ("/setup", "bold $accent"),
        (" changes that.\n", "$warning"),
        *((f"{line}\n", "$quiet") for line in facts.advice),
    ]


def _commands(*names: str) -> list[Part | str]:
    last = names[-1]
    return [part for name in names for part in ((name, "$accent"), (".\n" if name == last else ", ", "$quiet"))]
