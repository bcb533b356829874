"""The values and events that scenes are made of."""

from functools import reduce

from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import (
    Action,
    FileChange,
    Proposal,
    Ruling,
    action_digest,
)
from hybridcode.domain.events import (
    DraftMade,
    DraftRefused,
    Event,
    ModelAnswered,
    ModelAsked,
    PlanDecided,
    PlanMade,
    ProposalMade,
    RungTaken,
    SessionOpened,
    StepEnded,
    StepStarted,
    TaskGiven,
    WindowAssembled,
)
from hybridcode.domain.model import Backend, Role, Timing, Usage
from hybridcode.domain.plan import Plan, Step, Task
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Excerpt
from hybridcode.tui.conversation import Facts

FRONTIER, LOCAL = "anthropic/claude-sonnet-4-5", "qwen2.5-coder-7b-q5_k_m"
FACTS = Facts(workspace="~/src/shop", branch="main", dirty=2, frontier=FRONTIER, local=LOCAL)
PLAN = Plan(
    steps=(
        Step("1", "Add a Money type that keeps cents as an integer.", "create", ("shop/money.py",)),
        Step(
            "2",
            "Let Cart.total return Money.",
            touches=("shop/cart.py#Cart.total",),
            needs=("1",),
            check="pytest -q tests/test_cart.py",
        ),
        Step(
            "3",
            "Choose the rounding rule of discounts.",
            touches=("shop/cart.py#discount",),
            needs=("2",),
            writer="frontier",
            why="ambiguous, two callers disagree",
        ),
        Step("4", "Run the suite.", "command", needs=("2", "3"), command="pytest -q"),
    ),
    rationale="Prices are floats; an integer of cents makes sums exact.",
    check="pytest -q",
)
CART = b'''"""The cart."""

from dataclasses import dataclass


@dataclass
class Item:
    name: str
    price: float
    qty: int = 1


class Cart:
    def __init__(self) -> None:
        self.items: list[Item] = []

    def add(self, item: Item) -> None:
        """Put an item in."""
        self.items.append(item)

    def total(self) -> float:
        """Sum of the items."""
        return sum(i.price * i.qty for i in self.items)

    def count(self) -> int:
        """How many things there are."""
        return sum(i.qty for i in self.items)


def discount(cart: Cart, percent: float) -> float:
    return round(cart.total() * percent / 100, 2)


def is_empty(cart: Cart) -> bool:
    return not cart.items
'''
EDITS = (
    (b"import dataclass\n", b"import dataclass\n\nfrom shop.money import Money\n"),
    (b"price: float", b"price: Money"),
    (b"def total(self) -> float", b"def total(self) -> Money"),
    (b"Sum of the items.", b"Sum of the items, rounded once."),
    (b"sum(i.price * i.qty for i in self.items)", b"sum((i.price * i.qty for i in self.items), Money(0))"),
    (b"percent: float) -> float", b"percent: int) -> Money"),
    (b"round(cart.total() * percent / 100, 2)", b"cart.total().share(percent, 100)"),
)
NEW_CART = reduce(lambda text, edit: text.replace(*edit), EDITS, CART)
MONEY = b'''"""Exact amounts of money."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Money:
    cents: int

    def __add__(self, other: "Money") -> "Money":
        return Money(self.cents + other.cents)

    def __mul__(self, count: int) -> "Money":
        return Money(self.cents * count)
'''
CHANGES = (FileChange("shop/cart.py", CART, NEW_CART), FileChange("shop/money.py", None, MONEY))


def talk(facts: Facts = FACTS, *, is_running: bool = True) -> ScriptedConversation:
    return ScriptedConversation(facts, is_running=is_running)


def opened() -> Event:
    return SessionOpened("/home/someone/src/shop", "0.1.0", "default", True, True, FRONTIER, LOCAL, sandbox="bwrap")


def given() -> Event:
    return TaskGiven(Task("t1", "Prices are floats; make them exact."), "d" * 64)


def asked(number: int, role: Role, backend: Backend, step: str | None = None) -> ModelAsked:
    is_remote = backend == "frontier"
    return ModelAsked(
        f"call-{number}",
        role,
        FRONTIER if is_remote else LOCAL,
        backend,
        "api.example:443" if is_remote else None,
        is_remote,
        "a" * 64,
        12_400,
        step,
    )


def answered(number: int, *, out: int, usd: float | None = None) -> ModelAnswered:
    usage = Usage(input_tokens=3_100, output_tokens=out, cached_tokens=2_700, output_bytes=out * 4)
    return ModelAnswered(f"call-{number}", "b" * 64, "stop", usage, Timing(2.0, 0.4, 41.3), usd)


def propose(
    conversation: ScriptedConversation,
    action: Action,
    *,
    ruling: Ruling,
    name: str = "k3vq7m2p",
    step: str = "2",
    title: str = "",
    proven_by: str = "",
    notes: tuple[str, ...] = (),
    says: str = "",
) -> ProposalMade:
    proposal = Proposal(
        name, step, action, action_digest(action), ruling, title, says, f"local {LOCAL}, try 1", notes, proven_by
    )
    return ProposalMade(proposal)


ASKS_EDIT = Ruling("ask", "edits ask in default mode", "files.edit")


def planned() -> list[Event]:
    return [
        opened(),
        given(),
        asked(1, "plan", "frontier"),
        answered(1, out=420, usd=0.021),
        PlanMade(PLAN, "frontier"),
    ]


def first_step() -> list[Event]:
    return [
        PlanDecided(True, "person"),
        StepStarted("1"),
        RungTaken("1", "local", "local", 1, "default"),
        WindowAssembled("1", 1, "9f3c2a" + "0" * 58, (Excerpt("shop/cart.py", 1, 30, "named"),), 1_240, 4_000),
        asked(2, "draft", "local", "1"),
        answered(2, out=190),
        DraftMade("1", 1, LOCAL, "9f3c2a" + "0" * 58, "c" * 64, "stop"),
        StepEnded("1", "done"),
    ]


def drafted() -> list[Event]:
    return [
        *planned(),
        *first_step(),
        StepStarted("2"),
        RungTaken("2", "local", "local", 1, "default"),
        WindowAssembled(
            "2",
            1,
            "51ab09" + "0" * 58,
            (Excerpt("shop/cart.py", 1, 30, "the region"), Excerpt("shop/money.py", 1, 14, "used")),
            3_112,
            4_000,
        ),
        DraftRefused("2", 1, (Refusal("the answer was cut off", "shop/cart.py", None, "", "ask for less"),)),
        RungTaken("2", "local_retry", "local", 2, "the first draft was cut off"),
        asked(3, "draft", "local", "2"),
    ]
