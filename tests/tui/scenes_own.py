"""A person's own commands, and their words to a task that runs, on the session screen."""

from collections.abc import Callable

import msgspec
from scene_parts import drafted, opened, propose, talk
from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import Approve, Denied, FileState, Ran, Reject, Ruling, ShellCommand, TreeChange
from hybridcode.domain.events import (
    CommandChanged,
    EffectFinished,
    EffectStarted,
    Event,
    NoteGiven,
    ProposalDecided,
    ProposalMade,
)
from hybridcode.domain.own import OWN_PURPOSE, OWN_STEP
from hybridcode.session.watchers import Piece
from hybridcode.tui.conversation import PERSON

UNKNOWN = Ruling("ask", "`make` can run other programs", "commands.runs")
REMOVES = Ruling("ask", "`rm` changes files", "commands.writes", flags=("destructive",))


def own(conversation: ScriptedConversation, text: str, *, ruling: Ruling = UNKNOWN, name: str = "o1") -> list[Event]:
    """A command that was typed and runs at once."""
    command = ShellCommand(argv=tuple(text.split(" ")), env_names=("HOME", "PATH"), timeout_s=0.0, purpose=OWN_PURPOSE)
    proposed = propose(conversation, command, ruling=ruling, title=text, name=name, step=OWN_STEP).proposal
    made = ProposalMade(msgspec.structs.replace(proposed, writer=""))
    decided = ProposalDecided(name, Approve(made.proposal.digest, PERSON))
    return [made, decided, EffectStarted(name, made.proposal.digest)]


def own_ran() -> ScriptedConversation:
    conversation = talk(is_running=False)
    refused = own(conversation, "git checkout .", name="o2")[0]
    tail = "\n".join(f"shop/cart.py:{line}: error: price is a float" for line in range(1, 50))
    state = FileState("a" * 64, 0o100644)
    conversation.events = [
        opened(),
        *own(conversation, "make check"),
        CommandChanged("o1", (TreeChange("build/report.txt", None, state),)),
        EffectFinished(
            "o1", Ran(2, "e" * 64, f"{tail}\nmake: *** [check] Error 1\n", 1.4, "bwrap", command="make check")
        ),
        refused,
        ProposalDecided("o2", Reject("would throw away work", "policy:commands.destroys-history")),
        EffectFinished(
            "o2", Denied("would throw away work", "commands.destroys-history", "Only a rule in your own config can.")
        ),
    ]
    return conversation


def own_beside_a_task() -> ScriptedConversation:
    conversation = talk()
    conversation.is_own_running = True
    conversation.events = [
        *drafted(),
        NoteGiven("task-1", "Round half to even, as the ledger does.", PERSON),
        *own(conversation, "make watch"),
    ]
    conversation.live.put(Piece("text", "call-3", "```python\n    def total(self) -> Money:\n", "2"))
    conversation.live.put(Piece("output", "o1", "watching shop/\nrebuilt in 0.3 s\n\x1b[31mrebuilt\x1b[0m in 0.2 s\n"))
    return conversation


def own_to_look_at() -> ScriptedConversation:
    conversation = talk(is_running=False)
    conversation.is_own_running = True
    conversation.events = [opened(), own(conversation, "rm -r build", ruling=REMOVES)[0]]
    return conversation


def not_sent() -> ScriptedConversation:
    return talk(is_running=False)


SCENES_OWN: dict[str, Callable[[], ScriptedConversation]] = {
    scene.__name__: scene for scene in (own_ran, own_beside_a_task, own_to_look_at, not_sent)
}
