from pathlib import Path

import pytest

from hybridcode.context.assemble import assemble
from hybridcode.context.corpus import Corpus
from hybridcode.context.regions import resolve
from hybridcode.context.small import why_small
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.window import ContextWindow
from tests.support.contexts import corpus_of

CART = """\
from shop.money import cents

RATE = 3


def total(items):
    rate = RATE
    rounded = cents(rate)
    return rounded + items


def other(items):
    return cents(items)
"""
USES = "from shop.cart import other, total\n\n\n" + "".join(
    f"def use_{n}(items):\n    return total(items) + other({n}) + cents(rounded)\n\n\n" for n in range(40)
)
README = "".join(f"# Part {n}\n\nHow rounded carts settle their total, {n}.\n\n" for n in range(20))
FILES = {
    "AGENTS.md": "Be kind.\n",
    "README.md": README,
    "docs/carts.md": "# Carts\n\n" + "How rounded carts settle their total.\n" * 9,
    "shop/cart.py": CART,
    "shop/money.py": "def cents(x):\n    return x\n\n\ndef settled(x):\n" + "    x = settle(x)\n" * 90,
    "shop/uses.py": USES,
    "shop.toml": "[shop]\nrate = 3\n",
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("small") / "tree", FILES)


@pytest.mark.parametrize(
    ("place", "is_gone", "small"),
    [
        ("shop/cart.py#imports", False, "names"),
        ("README.md#L9-11", False, "prose"),
        ("README.md", False, None),
        ("shop/cart.py#total", False, None),
        ("shop/cart.py#total", True, "gone"),
        ("shop/cart.py", True, None),
        ("shop/cart.py#L7", False, "few"),
        ("shop/cart.py#L6-9", False, None),
        ("shop/cart.py#RATE", False, None),
    ],
)
def test_which_places_have_a_small_window(corpus: Corpus, place: str, is_gone: bool, small: str | None) -> None:
    region = Region.parse(place)
    assert why_small(corpus.snapshot, resolve(corpus.snapshot, region), region, is_gone=is_gone) == small


def window_of(corpus: Corpus, goal: str, *touches: str, is_gone: bool = False, budget: int = 4_000) -> ContextWindow:
    step, other = Step("1", goal, touches=touches), Step("2", "Round carts.", touches=("shop/uses.py#use_1",))
    plan = Plan((step, other))
    region = step.regions[0]
    return assemble(step, corpus, region=region, budget=budget, format="region", plan=plan, is_gone=is_gone)


def test_a_part_of_a_document_has_the_lines_around_it_and_what_the_goal_names(corpus: Corpus) -> None:
    window = window_of(corpus, "Say how `settled` carts are rounded.", "README.md#L41-43", "shop/cart.py#total")
    assert [(one.path, one.start, one.end, one.reason) for one in window.excerpts[1:]] == [
        ("shop/money.py", 5, 30, "named"),
        ("README.md", 31, 40, "around"),
        ("README.md", 44, 53, "around"),
        ("shop/cart.py", 6, 9, "also"),
        ("README.md", 41, 43, "target"),
    ]


def test_of_long_lines_of_a_document_there_are_few(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "tree", {"CHANGELOG.md": f"- {'What changed. ' * 20}\n" * 40})
    around = [one for one in window_of(corpus, "Say it.", "CHANGELOG.md#L20-20").excerpts if one.reason == "around"]
    assert [(one.start, one.end) for one in around] == [(18, 19), (21, 22)]


def test_what_goes_stands_beside_the_other_places_of_its_step_alone(corpus: Corpus) -> None:
    touches = ("shop/cart.py#other", "shop/cart.py#imports")
    gone = window_of(corpus, "Delete other.", *touches, is_gone=True)
    assert gone.used * 3 < window_of(corpus, "Delete other.", *touches).used
    assert {one.reason for one in gone.excerpts} == {"guide", "also", "target"}


def test_a_line_of_code_stands_in_its_definition_and_beside_what_the_goal_names(corpus: Corpus) -> None:
    window = window_of(corpus, "Use `cents` twice.", "shop/cart.py#L7")
    assert [(one.path, one.start, one.end, one.reason) for one in window.excerpts[1:]] == [
        ("shop/money.py", 1, 2, "named"),
        ("shop/cart.py", 6, 6, "around"),
        ("shop/cart.py", 8, 9, "around"),
        ("shop/cart.py", 7, 7, "target"),
    ]


def test_a_line_in_no_definition_or_in_a_long_one_has_lines_around_it(corpus: Corpus) -> None:
    outside, inside = (window_of(corpus, "Change it.", place) for place in ("shop/cart.py#L3", "shop/money.py#L50"))
    assert [(one.start, one.end) for one in outside.excerpts[1:]] == [(1, 2), (4, 13), (3, 3)]
    assert [(one.start, one.end) for one in inside.excerpts[1:]] == [(38, 49), (51, 62), (50, 50)]


@pytest.mark.parametrize("place", ["README.md#L41-43", "shop/cart.py#L7", "shop/cart.py#other"])
def test_a_small_window_keeps_its_budget(corpus: Corpus, place: str) -> None:
    for budget in range(60, 600, 23):
        window = window_of(
            corpus, "Settle `settled` `cents`.", place, "shop/cart.py#total", is_gone=True, budget=budget
        )
        assert len(window.text.encode()) <= 4 * budget
