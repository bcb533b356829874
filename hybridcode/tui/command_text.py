"""A command or tool call as a person must see it before saying yes.

Invariant: everything shown comes from the action whose digest is approved; nothing is cut.
"""

import json

from hybridcode.domain.action import ChangeSet, Proposal, Ruling, ShellCommand, ToolCall
from hybridcode.gate.render import command_flags
from hybridcode.tui.amounts import plural, seconds
from hybridcode.tui.paint import Part, width, wrap

LABEL_CELLS = 11
"""Cells of the column of names."""

Fact = tuple[str, str, str]
"""Name, text, style."""

TYPED_WORD_FLAGS = frozenset({"destructive"})
"""Flags for which a yes must be typed as a word."""


def needs_word(ruling: Ruling) -> bool:
    """True when one key is not enough to approve."""
    return bool(TYPED_WORD_FLAGS & set(ruling.flags))


def exact_rule(command: ShellCommand) -> str:
    """The rule that would allow exactly this command and nothing else."""
    return f"Bash({command.text})"


def command_facts(proposal: Proposal, *, sandbox: str) -> list[Fact]:
    """What the pane shows, line by line."""
    match proposal.action:
        case ShellCommand() as command:
            facts = _shell_facts(command, sandbox)
        case ToolCall(server=server, tool=tool, arguments=arguments):
            shown = json.dumps(json.loads(bytes(arguments)), indent=2, ensure_ascii=False, sort_keys=True)
            facts = [("tool", f"{tool} of {server}", "bold"), ("arguments", shown, "")]
        case ChangeSet(edits=edits):
            facts = [("files", "\n".join(edit.path for edit in edits), "")]
    return [*facts, *ruling_facts(proposal), ("digest", proposal.digest[:16], "$quiet")]


def _shell_facts(command: ShellCommand, sandbox: str) -> list[Fact]:
    facts: list[Fact] = [("command", command.text, "bold")]
    if command.script:
        facts.append(("runs by", "bash, as a script", ""))
    else:
        words = "\n".join(
            f"{number}  {json.dumps(word, ensure_ascii=False)}" for number, word in enumerate(command.argv)
        )
        facts.append(("argv", words, "$quiet"))
    folder = "the workspace" if command.cwd == "." else command.cwd
    names = " ".join(command.env_names)
    facts.append(("folder", folder, ""))
    facts.append(("sees", f"{names} ({plural(len(command.env_names), 'variable')})" if names else "no variables", ""))
    facts.append(
        ("sandbox", sandbox if sandbox != "none" else "none: it can do what you can do", _loud(sandbox == "none"))
    )
    facts.append(("network", "YES" if command.network else "no", _loud(command.network)))
    facts.append(("limit", seconds(command.timeout_s), ""))
    return facts


def ruling_facts(proposal: Proposal) -> list[Fact]:
    """The rule that asked, and what must be pointed at."""
    ruling = proposal.ruling
    facts: list[Fact] = [("asked by", f"{ruling.rule} ({ruling.source}): {ruling.reason}", "")]
    if ruling.person_only:
        facts.append(("", "a person is asked every time; no rule can allow it", "$warning"))
    if flags := all_flags(proposal):
        facts.append(("flags", "  ".join(f"! {flag}" for flag in flags), "bold $error"))
    facts.extend(("note", note, "$warning") for note in proposal.notes)
    if proposal.model_says:
        facts.append(("model says", f"“{proposal.model_says}”", "italic $quiet"))
    return facts


def all_flags(proposal: Proposal) -> tuple[str, ...]:
    """What policy flagged, and what only the eye must be told: hidden characters, several lines, look-alikes."""
    action = proposal.action
    seen = command_flags(action.text) if isinstance(action, ShellCommand) else ()
    return tuple(dict.fromkeys((*proposal.ruling.flags, *seen)))


def _loud(is_loud: bool) -> str:
    return "bold $warning" if is_loud else ""


def fact_parts(facts: list[Fact], cells: int, label_cells: int = LABEL_CELLS) -> list[Part | str]:
    """Facts as aligned lines, `cells` wide."""
    parts: list[Part | str] = []
    for name, text, style in facts:
        for number, line in enumerate(wrap(text, cells - label_cells)):
            label = name if number == 0 else ""
            parts += [(label + " " * (label_cells - width(label)), "$quiet"), (line, style), "\n"]
    return parts[:-1]
