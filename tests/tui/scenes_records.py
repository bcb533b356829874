"""States of the views of sessions and of the past."""

from scene_parts import ASKS_EDIT, CHANGES, LOCAL, NEW_CART, PLAN, answered, asked, given, opened, propose, talk
from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import Applied, Approve, FileChange, FileState, Ran, Ruling, ShellCommand, TreeChange
from hybridcode.domain.events import (
    CheckRan,
    CommandChanged,
    EffectFinished,
    Event,
    PlanDecided,
    PlanMade,
    ProposalDecided,
    StepEnded,
    StepStarted,
    TaskEnded,
    TaskGiven,
)
from hybridcode.domain.plan import Plan, Step, Task
from hybridcode.gate.undo import Foreseen
from hybridcode.journal.overview import SessionOverview, TaskRow
from hybridcode.journal.store import SessionRow

HERE = "20260101-000000-test"
TAX = b"    def tax(self) -> Money:\n        return self.total() * 21\n\n    def count"
TWO_STEPS = Plan(
    steps=(
        Step("1", "Format the code.", "command", command="ruff format shop"),
        Step("2", "Add Cart.tax.", touches=("shop/cart.py#Cart",), needs=("1",)),
    )
)


def edited(conversation: ScriptedConversation, name: str, step: str, *changes: FileChange) -> list[Event]:
    sealed = conversation.seal(changes)
    made = propose(conversation, sealed, ruling=ASKS_EDIT, name=name, step=step)
    decided = ProposalDecided(name, Approve(made.proposal.digest, "person:tui"))
    return [made, decided, EffectFinished(name, Applied(sealed.edits))]


def two_tasks() -> ScriptedConversation:
    """A task that made amounts exact, then one that formatted and added something."""
    conversation = talk(is_running=False)
    command = ShellCommand(argv=("ruff", "format", "shop"), env_names=("PATH",), purpose="step")
    ran = propose(conversation, command, ruling=Ruling("allow", "yours", "user:fmt"), name="p2", step="1")
    before, after = conversation.store(b"PRICE=1\n"), conversation.store(b"PRICE = 1\n")
    formatted = TreeChange("shop/prices.py", FileState(before, 0o100644), FileState(after, 0o100644))
    later = NEW_CART.replace(b"    def count", TAX)
    conversation.events = [
        opened(),
        given(),
        asked(1, "plan", "frontier"),
        answered(1, out=420, usd=0.021),
        PlanMade(PLAN, "frontier"),
        PlanDecided(True, "person"),
        StepStarted("2"),
        *edited(conversation, "p1", "2", *CHANGES),
        CheckRan("2", "pytest -q tests/test_cart.py", True, 0, "4 passed", 0.8),
        StepEnded("2", "done"),
        TaskEnded(0, "done", ("shop/cart.py", "shop/money.py"), "done and verified"),
        TaskGiven(Task("t2", "Format it and add a tax of 21 % to the cart."), "e" * 64),
        PlanMade(TWO_STEPS, "local"),
        PlanDecided(True, "person"),
        StepStarted("1"),
        ran,
        CommandChanged("p2", (formatted,), ("build/cache.bin (ignored by git)",)),
        EffectFinished("p2", Ran(0, "e" * 64, "1 file reformatted", 0.2, "bwrap", command="ruff format shop")),
        StepEnded("1", "done"),
        StepStarted("2"),
        *edited(conversation, "p3", "2", FileChange("shop/cart.py", NEW_CART, later)),
        CheckRan("2", "pytest -q", False, 1, "1 failed", 1.1),
        StepEnded("2", "done"),
        TaskEnded(3, "verification_failed", ("shop/cart.py",), "pytest -q ended with exit code 1"),
    ]
    for change in CHANGES:
        conversation.past.disk[change.path] = change.after or b""
    conversation.past.disk |= {"shop/cart.py": later, "shop/prices.py": b"PRICE = 1\n"}
    conversation.past.foreseen = Foreseen(
        ("shop/cart.py",),
        {"shop/money.py": "it changed since"},
        ("build/cache.bin (ignored by git)",),
    )
    conversation.library.found = library()
    return conversation


def _one(
    name: str,
    last: str,
    *tasks: TaskRow,
    pending: int = 0,
    usd: float | None = 0.0,
    owner: str = "",
    fork: str = "",
) -> SessionOverview:
    row = SessionRow(name, tasks[0].at, tasks[0].text, last, tasks[-1].exit_reason, pending)
    files = tuple(sorted({path for task in tasks for path in task.files}))
    return SessionOverview(row, tasks, files, usd, owner, fork)


def library() -> list[SessionOverview]:
    return [*_new(), *_old()]


def _new() -> list[SessionOverview]:
    return [
        _one(
            HERE,
            "2026-01-03T11:56:00.000000Z",
            TaskRow(
                "t1",
                "Prices are floats; make them exact.",
                "2026-01-03T11:00:00.000000Z",
                "done",
                "done and verified",
                ("shop/cart.py", "shop/money.py"),
            ),
            TaskRow(
                "t2",
                "Format it and add a tax of 21 % to the cart.",
                "2026-01-03T11:40:00.000000Z",
                "verification_failed",
                "pytest -q ended with exit code 1",
                ("shop/cart.py",),
            ),
            usd=0.021,
        ),
        _one(
            "20260103-091500-k3vq",
            "2026-01-03T09:21:00.000000Z",
            TaskRow(
                "task-1",
                "Invoices must carry the number of the order.",
                "2026-01-03T09:15:00.000000Z",
                "approval_pending",
                "2 approvals wait",
                ("shop/invoice.py",),
            ),
            pending=2,
            usd=0.134,
        ),
    ]


def _old() -> list[SessionOverview]:
    return [
        _one(
            "20260102-160200-p8wd",
            "2026-01-02T16:40:00.000000Z",
            TaskRow("task-1", "Rename Cart.add to Cart.put everywhere.", "2026-01-02T16:02:00.000000Z"),
            owner="Session 20260102-160200-p8wd is in use by process 4711.",
        ),
        _one(
            "20260102-101010-fork",
            "2026-01-02T10:30:00.000000Z",
            TaskRow(
                "task-1",
                "Try the same with Decimal.",
                "2026-01-02T10:11:00.000000Z",
                "interrupted",
                "interrupted",
                ("shop/cart.py",),
            ),
            usd=None,
            fork="20251230-080000-abcd",
        ),
        _one(
            "20251230-080000-abcd",
            "2025-12-30T08:20:00.000000Z",
            TaskRow(
                "task-1",
                "Add a Money type.",
                "2025-12-30T08:00:00.000000Z",
                "done",
                "done and verified",
                ("shop/money.py",),
            ),
            TaskRow(
                "task-2",
                f"Write tests for it with {LOCAL}.",
                "2025-12-30T08:10:00.000000Z",
                "done",
                "done and verified",
                ("tests/test_money.py",),
            ),
            usd=0.0312,
        ),
    ]
