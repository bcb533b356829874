"""Reviews that are large or warned of."""

from collections.abc import Callable

from scene_parts import ASKS_EDIT, planned, propose, talk
from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import FileChange, Ruling, ShellCommand
from hybridcode.patch.check import warnings

BEFORE = b"".join(b"line_%d = %d\n" % (number, number) for number in range(60))
AFTER = BEFORE.replace(b"line_5 = 5\n", "line_5 = “five”\n".encode()).replace(b"line_40 = 40\n", b"")


def reviewing(*changes: FileChange, notes: tuple[str, ...] = ()) -> ScriptedConversation:
    conversation = talk()
    made = propose(conversation, conversation.seal(changes), ruling=ASKS_EDIT, title="files", name="p1", notes=notes)
    conversation.events = [*planned(), made]
    return conversation


def many_files(count: int = 500) -> ScriptedConversation:
    folders = ("shop/api/v1", "shop/models", "web/src/components", "tests")
    changes = [
        FileChange(f"{folders[n % 4]}/part_{n:03}.py", b"a = 1\nb = 2\n", b"a = 1\nb = %d\nc = 3\n" % n)
        for n in range(count)
    ]
    return reviewing(*changes)


def warned() -> ScriptedConversation:
    change = FileChange("shop/lines.py", BEFORE, AFTER)
    notes = (*warnings([change]), "shop/lines.py: a public name is gone: line_40")
    return reviewing(change, FileChange("shop/other.py", b"a = 1\n", b"a = 2\n"), notes=notes)


def writing_command() -> ScriptedConversation:
    conversation = talk()
    command = ShellCommand(
        script="sed -i s/float/Money/ shop/cart.py && pytest -q > out.txt", env_names=("HOME", "PATH"), purpose="step"
    )
    ruling = Ruling("ask", "runs code of the repository", "commands.unknown")
    conversation.events = [*planned(), propose(conversation, command, ruling=ruling, title=command.text)]
    return conversation


SCENES: dict[str, Callable[[], ScriptedConversation]] = {
    scene.__name__: scene for scene in (many_files, warned, writing_command)
}
