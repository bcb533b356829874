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


HELPER = """def rounded(amount):
    cents = amount * 100
    return int(cents + 0.5) / 100


"""
CART = """class Cart:
    \"\"\"Items and what they cost.

    For each item there is one price, and if it is not known the item is free.
    \"\"\"

    def total(self, items):
        return sum(item.price * item.quantity for item in items if item.price is not None and item.quantity > 0)

    def clear(self):
        self.items = []


"""


def rearranged() -> ScriptedConversation:
    """A block that only moved, a changed line of a docstring, a line longer than the screen."""
    changed = CART.replace("is free", "costs nothing").replace("> 0)", "> 0) or free_of_charge(items, everywhere=True)")
    middle = "".join(f"LIMIT_{number} = {number}\n" for number in range(12))
    before, after = f"{HELPER}{middle}\n\n{CART}", f"{middle}\n\n{changed}{HELPER}"
    return reviewing(FileChange("shop/cart.py", before.encode(), after.encode()))


SCENES: dict[str, Callable[[], ScriptedConversation]] = {
    scene.__name__: scene for scene in (many_files, warned, writing_command, rearranged)
}
