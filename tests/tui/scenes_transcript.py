"""Long paragraphs of every kind: an answer in Markdown, a long task, output, and what a model thinks.

Invariant: as in scenes.
"""

from scene_parts import drafted, opened, propose, talk
from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import Approve, Ran, Ruling, ShellCommand
from hybridcode.domain.events import EffectFinished, PlanMade, ProposalDecided, TaskGiven
from hybridcode.domain.plan import Plan, Task
from hybridcode.session.watchers import Piece

ANSWER = """# How prices are kept

`Item.price` is a **float**; the sum is rounded *once*, in `Cart.total`. See [the tests](tests/test_cart.py).

1. `Item` holds the price of one piece
   - `qty` is 1 unless somebody says otherwise
   - a negative one is refused
2. `Cart.total` adds them up

> A cent is lost where a discount ends in half a cent.

```python
def total(self) -> float:
    \"\"\"Sum of the items.\"\"\"
    return round(sum(i.price * i.qty for i in self.items), 2)
```

| where | rounds | what happens with half a cent |
|:--|--:|:--|
| `Cart.total` | 1 | goes to the even neighbour, as `round` does |
| `discount` | 2 | is cut off, 価格 stay below what was meant |

Two ways out:
- keep integers of cents, and round where a percentage is taken
- keep `Decimal`, and name the rounding rule
"""
TASK = "Where are prices rounded?\n\n" + "\n".join(f"I saw it in report {number}." for number in range(1, 18))
OUTPUT = "\n".join(f"tests/test_cart.py::test_{number} {'FAILED' if number == 3 else 'PASSED'}" for number in range(24))


def answered_question() -> ScriptedConversation:
    conversation = talk(is_running=False)
    conversation.events = [
        opened(),
        TaskGiven(Task("t1", "Where are prices rounded?"), "d" * 64),
        PlanMade(Plan(answer=ANSWER), "frontier"),
    ]
    return conversation


def long_paragraphs() -> ScriptedConversation:
    conversation = talk(is_running=False)
    command = ShellCommand(argv=("pytest", "-q"), env_names=("PATH",), purpose="step")
    ran = propose(
        conversation, command, ruling=Ruling("allow", "yours", "user:suite"), title="pytest -q", name="p2", step="4"
    )
    conversation.events = [
        opened(),
        TaskGiven(Task("t1", TASK), "d" * 64),
        *drafted()[2:],
        ran,
        ProposalDecided("p2", Approve(ran.proposal.digest, "policy:user:suite")),
        EffectFinished("p2", Ran(1, "e" * 64, OUTPUT, 3.2, "bubblewrap")),
    ]
    return conversation


def thinking() -> ScriptedConversation:
    conversation = talk()
    conversation.events = drafted()
    thought = "The sum starts from 0, an int.\nMoney has no __radd__, so it needs a start of its own.\n" * 20
    conversation.live.put(Piece("reasoning", "call-3", thought, "2"))
    return conversation
