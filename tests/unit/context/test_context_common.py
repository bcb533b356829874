from pathlib import Path

from hybridcode.context.assemble import assemble
from hybridcode.context.index import Index
from hybridcode.domain.plan import Plan, Step
from tests.support.contexts import corpus_at
from tests.support.repos import write_tree

FILES = {
    **{f"shop/rate_{n}.py": f"RATE_{n} = 1\n\n\ndef rate_{n}(cents):\n    return cents * RATE_{n}\n" for n in range(6)},
    "shop/money.py": "def cents_at_rate(cents):\n    return cents\n",
    "shop/report.py": "from shop.money import cents_at_rate\n\n\ndef report(cents):\n    return cents_at_rate(cents)\n",
}
PLAN = Plan(
    tuple(Step(str(n), f"set the rate in cents of {n}", touches=(f"shop/rate_{n}.py#RATE_{n}",)) for n in range(3))
)


def windows(index: Index, root: Path) -> list[str]:
    corpus = index.corpus(index.take(root))
    return [
        assemble(step, corpus, region=step.regions[0], budget=500, format="region", plan=PLAN).text
        for step in PLAN.steps
    ]


def test_an_index_that_was_asked_before_answers_as_a_fresh_one(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "shop", FILES)
    index = Index.in_memory()
    edits: tuple[dict[str, str], ...] = (
        {},
        {"shop/rate_0.py": FILES["shop/rate_0.py"].replace("= 1", "= 22")},
        {"shop/money.py": "def cents_at_rate(cents):\n    return cents * 3\n"},
        {"shop/rates.py": "def all_rates(cents):\n    return [cents]\n"},
        {"AGENTS.md": "Rates are whole cents.\n"},
    )
    for edit in edits:
        write_tree(root, edit)
        asked, fresh = windows(index, root), Index.in_memory()
        assert asked == windows(fresh, root)
        fresh.close()
    assert "return cents * 3" in windows(index, root)[0]


def test_a_ranking_is_found_again_for_an_equal_tree_alone(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "shop", FILES)
    index = Index.in_memory()
    first = index.corpus(index.take(root))
    assert first.reads_as(index.corpus(index.take(root)))
    assert not first.reads_as(first.without({"shop/money.py"}))
    assert not first.reads_as(corpus_at(root))
    write_tree(root, {"shop/money.py": "def cents_at_rate(cents):\n    return 1\n"})
    assert not first.reads_as(index.corpus(index.take(root)))
