"""A command or tool call as a person must see it before saying yes.

Invariant: everything shown comes from the action whose digest is approved; nothing is cut, and what is folded says how
much it is and which key shows it.
"""

import json
from collections.abc import Sequence

from hybridcode.domain.action import ChangeSet, GitCommit, Proposal, Ruling, ShellCommand, ToolCall
from hybridcode.domain.own import TYPED_WORD_FLAGS
from hybridcode.gate.flags import command_flags
from hybridcode.gate.reach import network_words, sandbox_words
from hybridcode.tui.amounts import plural, seconds
from hybridcode.tui.paint import Part, width, wrap
from hybridcode.tui.visible import foreign

LABEL_CELLS = 11
"""Cells of the column of names."""

Fact = tuple[str, str, str]
"""Name, text, style."""


def needs_word(ruling: Ruling) -> bool:
    """True when one key is not enough to approve."""
    return bool(TYPED_WORD_FLAGS & set(ruling.flags))


def command_facts(
    proposal: Proposal,
    *,
    sandbox: str,
    unenforced: Sequence[str] = (),
    lapses: str = "",
    effects: Sequence[str] = (),
    is_full: bool = False,
) -> list[Fact]:
    """What the pane shows, line by line: what it is, what it may reach, why it asks, and then the rest.

    `effects` is what policy sees it do, `unenforced` is what the sandbox cannot keep it from, `lapses` when the
    question ends by itself; `is_full` spells out the names of the variables.
    """
    facts: list[Fact]
    match proposal.action:
        case ShellCommand() as command:
            facts = [
                ("command", foreign(command.text), "bold"),
                *_flag_facts(proposal),
                *_reach(command, sandbox, unenforced),
            ]
            facts += [
                *_asked_facts(proposal),
                *_effect_facts(effects),
                *_lapse_facts(lapses),
                *_rest(command),
                *_model_facts(proposal),
            ]
            return [*facts, _digest(proposal), _variables(command, is_full=is_full)]
        case ToolCall(server=server, tool=tool, arguments=arguments):
            shown = json.dumps(json.loads(bytes(arguments)), indent=2, ensure_ascii=False, sort_keys=True)
            facts = [("tool", f"{tool} of {server}", "bold"), *_flag_facts(proposal), *_asked_facts(proposal)]
            facts += [*_lapse_facts(lapses), ("arguments", foreign(shown), ""), *_model_facts(proposal)]
            return [*facts, _digest(proposal)]
        case GitCommit() as commit:
            facts = [*_commit(commit), *_flag_facts(proposal), *_asked_facts(proposal), *_lapse_facts(lapses)]
            return [*facts, *_model_facts(proposal), _digest(proposal)]
        case ChangeSet(edits=edits):
            facts = [("files", "\n".join(edit.path for edit in edits), "")]
    return [*facts, *ruling_facts(proposal), *_lapse_facts(lapses), _digest(proposal)]


def _commit(commit: GitCommit) -> list[Fact]:
    """Message, branch and files: all that a commit is."""
    branch = f"{commit.branch} (new: HEAD moves to it, no file changes)" if commit.makes_branch else commit.branch
    files = "\n".join(f"{'removes ' if file.sha256 is None else ''}{file.path}" for file in commit.files)
    return [
        ("message", foreign(commit.message.rstrip()), "bold"),
        ("branch", branch, ""),
        ("on", commit.parent[:12] or "nothing: the first commit", ""),
        ("author", commit.author, ""),
        ("files", files, ""),
        ("undo", "never takes a commit back: `hybridcode undo --commit` adds one that reverts it", ""),
    ]


def _reach(command: ShellCommand, sandbox: str, unenforced: Sequence[str]) -> list[Fact]:
    network = network_words(sandbox, network=command.network)
    return [
        ("sandbox", sandbox_words(sandbox, unenforced), _loud(sandbox == "none")),
        ("network", network, _loud(network != "no")),
    ]


def _effect_facts(effects: Sequence[str]) -> list[Fact]:
    """What it is seen to do, and what an undo puts back of it; the warnings name what that cannot reach."""
    seen = [("effects" if number == 0 else "", effect, "") for number, effect in enumerate(effects)]
    return [
        *seen,
        (
            "undo",
            "puts back what it changes here, as far as that can be kept; afterwards the transcript says what not",
            "",
        ),
    ]


def _lapse_facts(lapses: str) -> list[Fact]:
    return [("lapses", lapses, "")] if lapses else []


def _rest(command: ShellCommand) -> list[Fact]:
    facts = [
        ("folder", "the workspace" if command.cwd == "." else command.cwd, ""),
        ("limit", seconds(command.timeout_s) if command.timeout_s > 0 else "none: Esc ends it", ""),
    ]
    if command.script:
        return [*facts, ("runs by", "bash, as a script", "")]
    if command.argv == tuple(command.text.split(" ")):
        return facts  # no word needs quoting: the command as it stands above shows each apart
    words = (f"{number}  {json.dumps(word, ensure_ascii=False)}" for number, word in enumerate(command.argv))
    return [*facts, ("argv", foreign("\n".join(words)), "$quiet")]


def _variables(command: ShellCommand, *, is_full: bool) -> Fact:
    count = plural(len(command.env_names), "variable")
    if not command.env_names:
        return "sees", "no variables", ""
    return "sees", f"{count}: {' '.join(command.env_names)}" if is_full else f"{count} · v shows them", ""


def _digest(proposal: Proposal) -> Fact:
    return "digest", proposal.digest[:16], "$quiet"


def ruling_facts(
    proposal: Proposal, *, notes: Sequence[str] | None = None, flags: Sequence[str] | None = None
) -> list[Fact]:
    """The rule that asked, what must be pointed at, and what the model says.

    `notes` and `flags` are given where more is known than the proposal tells.
    """
    return [*_asked_facts(proposal, notes), *_flag_facts(proposal, flags), *_model_facts(proposal)]


def _asked_facts(proposal: Proposal, notes: Sequence[str] | None = None) -> list[Fact]:
    ruling = proposal.ruling
    facts: list[Fact] = [("asked by", f"{ruling.rule} ({ruling.source}): {reason_of(proposal)}", "")]
    if ruling.person_only:
        facts.append(("", "a person is asked every time; no rule can allow it", "$warning"))
    facts.extend(("note", note, "$warning") for note in (proposal.notes if notes is None else notes))
    return facts


def _flag_facts(proposal: Proposal, flags: Sequence[str] | None = None) -> list[Fact]:
    flags = all_flags(proposal) if flags is None else flags
    return [("flags", "  ".join(f"! {flag}" for flag in flags), "bold $error")] if flags else []


def _model_facts(proposal: Proposal) -> list[Fact]:
    return [("model says", f"“{proposal.model_says}”", "italic $quiet")] if proposal.model_says else []


def reason_of(proposal: Proposal) -> str:
    """Why the rule asked; of several ordinary files it names their number instead of the first one."""
    ruling, action = proposal.ruling, proposal.action
    is_ordinary = ruling.rule == "files.inside" and not ruling.person_only
    if isinstance(action, ChangeSet) and len(action.edits) > 1 and is_ordinary:
        return plural(len(action.edits), "ordinary path")
    return ruling.reason


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
