import time
from pathlib import Path

import pytest

from hybridcode.context.assemble import assemble
from hybridcode.context.corpus import Corpus
from hybridcode.context.listings import lists_names
from hybridcode.context.regions import resolve
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.window import ContextWindow
from tests.support.contexts import corpus_of

CART = """\
import os
from shop.money import (
    cents,
    euros,
)

__all__ = ["Cart", "rounded"]
NAMES = (
    "one",  # the first
    'two',
)
RATES = {"a": cents(1)}
RATE = 3
Kinds = Literal["a", "b"]
FROZEN = frozenset({"a", "b"})
MADE = Cart(rounded, "a")


class Cart:
    def total(self):
        return cents(RATE) + euros(1)


def rounded(x):
    return cents(x)
"""
USES = "from shop.cart import Cart, rounded\n\n\n" + "".join(
    f"def use_{n}(cart):\n    return rounded(cart.total()) + {n}\n\n\n" for n in range(30)
)
FILES = {
    "AGENTS.md": "Be kind.\n",
    "docs/cart.md": "# Cart\n\nHow a cart rounds its total.\n",
    "shop/cart.py": CART,
    "shop/money.py": "def cents(x):\n    return x\n\n\ndef euros(x):\n    return x * 100\n\n\n"
    "def settled(x):\n    return x\n",
    "shop/uses.py": USES,
    "web/cart.ts": 'import { a } from "./a"\nexport const NAMES = ["a", "b"] as const\n',
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("listings") / "tree", FILES)


@pytest.mark.parametrize(
    ("place", "is_list"),
    [
        ("shop/cart.py#imports", True),
        ("shop/cart.py#L2-3", True),
        ("shop/cart.py#__all__", True),
        ("shop/cart.py#NAMES", True),
        ("shop/cart.py#Kinds", True),
        ("web/cart.ts#imports", True),
        ("web/cart.ts#NAMES", True),
        ("shop/cart.py#FROZEN", True),
        ("shop/cart.py#MADE", False),
        ("shop/cart.py#RATES", False),
        ("shop/cart.py#RATE", False),
        ("shop/cart.py#rounded", False),
        ("shop/cart.py#L5-7", False),
        ("shop/cart.py", False),
        ("shop/uses.py#L5-5", False),
    ],
)
def test_which_places_only_list_names(corpus: Corpus, place: str, is_list: bool) -> None:
    region = Region.parse(place)
    assert lists_names(corpus.snapshot, resolve(corpus.snapshot, region), region.symbol) is is_list


def test_a_list_with_many_blanks_is_read_at_once(tmp_path: Path) -> None:
    gap = "\n" * 40_000
    corpus = corpus_of(tmp_path / "tree", {"a.py": f'NAMES = (\n    "a"{gap}1)\n'})
    target = resolve(corpus.snapshot, Region.parse("a.py#NAMES"))
    began = time.process_time()
    assert not lists_names(corpus.snapshot, target, "NAMES")
    assert time.process_time() - began < 2


def window_of(corpus: Corpus, step: Step, *others: Step, at: int = 0) -> ContextWindow:
    plan = Plan((step, *others))
    return assemble(step, corpus, region=step.regions[at], budget=2_000, format="region", plan=plan)


def test_a_place_that_lists_names_is_shown_with_the_names_alone(corpus: Corpus) -> None:
    step = Step("1", "Export `settled` with the others.", touches=("shop/cart.py#__all__",))
    other = Step("2", "Round.", touches=("shop/cart.py#rounded",), reads=("shop/money.py",))
    assert window_of(corpus, step, other).text == (
        "## Guidance: AGENTS.md\n```\nBe kind.\n```\n\n"
        "## Definitions\n```\nshop/money.py: def settled(x):\nshop/cart.py: def rounded(x):\n"
        "shop/money.py: def cents(x):\nshop/money.py: def euros(x):\n```\n\n"
        '## REWRITE THESE LINES: shop/cart.py, line 7\n```python\n__all__ = ["Cart", "rounded"]\n```\n'
    )


def test_beside_imports_stand_the_other_places_of_the_step_those_of_its_file_first(corpus: Corpus) -> None:
    step = Step("1", "Settle.", touches=("shop/uses.py#use_1", "shop/cart.py#rounded", "shop/cart.py#imports"))
    text = window_of(corpus, step, at=2).text
    own, beside = (
        text.index("Changed in this step too: shop/cart.py"),
        text.index("Changed in this step too: shop/uses.py"),
    )
    assert own < beside < text.index("REWRITE THESE LINES: shop/cart.py, lines 1-5")
    assert "def use_2" not in text


def test_a_window_for_imports_is_small_and_begins_as_the_others_of_its_step(corpus: Corpus) -> None:
    step = Step("1", "Settle what the cart rounds.", touches=("shop/cart.py#rounded", "shop/cart.py#imports"))
    whole, small = (window_of(corpus, step, at=at) for at in (0, 1))
    assert small.used * 2 < whole.used
    assert small.text[: small.stable] == whole.text[: small.stable] == "## Guidance: AGENTS.md\n```\nBe kind.\n```\n\n"


def test_no_budget_is_exceeded(corpus: Corpus) -> None:
    step = Step("1", "Settle `settled`.", touches=("shop/cart.py#imports", "shop/uses.py#use_1"))
    for budget in range(60, 400, 17):
        window = assemble(step, corpus, region=step.regions[0], budget=budget, format="region")
        assert len(window.text.encode()) <= 4 * budget
