import pytest

from hybridcode.context.assemble import assemble
from hybridcode.context.corpus import Corpus
from hybridcode.domain.plan import Plan, Step
from tests.support.contexts import corpus_of

GOAL = "Carts settle their rounded total"
FILES = {
    "README.md": "# Shop\n",
    "docs/carts.rst": "Rounding\n\n" + "How rounded carts settle their total.\n" * 5,
    "shop/cart.py": "def rounded(total):\n    return total\n\n\ndef settle(carts):\n    return rounded(carts)\n",
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("documentation") / "tree", FILES)


@pytest.mark.parametrize(
    ("goal", "touches", "is_shown"),
    [
        (GOAL, ("shop/cart.py#rounded",), False),
        (f"{GOAL}, as docs/carts.rst says", ("shop/cart.py#rounded",), True),
        (GOAL, ("README.md",), True),
    ],
)
@pytest.mark.parametrize("is_alone", [True, False])
def test_documentation_stands_beside_code_only_where_the_step_names_it(
    corpus: Corpus, goal: str, touches: tuple[str, ...], is_shown: bool, is_alone: bool
) -> None:
    step = Step("1", goal, touches=touches)
    others = () if is_alone else (Step("2", "Round them.", touches=("shop/cart.py#settle",)),)
    window = assemble(step, corpus, region=step.regions[0], budget=2_000, format="region", plan=Plan((step, *others)))
    assert any(one.path == "docs/carts.rst" for one in window.excerpts) is is_shown
