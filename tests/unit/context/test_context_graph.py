from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.context.corpus import Corpus
from hybridcode.context.graph import Links, page_rank
from hybridcode.context.rank import rank
from tests.support.contexts import corpus_of

SEED = {"seed.py": "def rare_settle(ledger):\n    return helper_one(ledger)\n"}


def shares(corpus: Corpus, *seeds: str) -> dict[str, float]:
    found = page_rank(Links(corpus), {corpus.number[path]: 1.0 for path in seeds})
    return {corpus.paths[file]: share for file, share in found.items()}


def test_a_file_that_uses_what_the_seed_defines_comes_before_one_that_does_not(tmp_path: Path) -> None:
    corpus = corpus_of(
        tmp_path / "tree",
        SEED | {"user.py": "rare_settle(1)\n", "stranger.py": "other_thing(1)\n", "one.py": "def helper_one(): ...\n"},
    )
    found = shares(corpus, "seed.py")
    assert found["user.py"] > 0
    assert found["one.py"] > 0
    assert "stranger.py" not in found
    order = [file.path for file in rank(corpus, "rare_settle the ledger").files]
    assert order.index("user.py") < order.index("one.py")


def test_what_a_seed_uses_counts_more_than_what_uses_it(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "tree", SEED | {"user.py": "rare_settle(1)\n", "one.py": "def helper_one(): ...\n"})
    found = shares(corpus, "seed.py")
    assert found["one.py"] > found["user.py"]


def test_a_rarely_used_name_links_more_than_one_that_all_use(tmp_path: Path) -> None:
    files = {
        "seed.py": "def rare_settle(): ...\ndef common_settle(): ...\n",
        "rare.py": "rare_settle()\n",
    } | {f"many{number}.py": "common_settle()\n" for number in range(9)}
    found = shares(corpus_of(tmp_path / "tree", files), "seed.py")
    assert found["rare.py"] > found["many0.py"] == found["many8.py"] > 0


@pytest.mark.parametrize(("number", "is_linked"), [(1, True), (3, True), (4, False)])
def test_a_name_that_four_files_define_links_nothing(tmp_path: Path, number: int, is_linked: bool) -> None:
    files = {f"{n}.py": "def rare_settle(): ...\n" for n in range(number)} | {"user.py": "rare_settle()\n"}
    found = shares(corpus_of(tmp_path / "tree", files), "user.py")
    assert (set(found) - {"user.py"} != set()) == is_linked


@pytest.mark.parametrize("name", ["abc", "get"])
def test_short_names_link_nothing(tmp_path: Path, name: str) -> None:
    corpus = corpus_of(tmp_path / "tree", {"a.py": f"def {name}(): ...\n", "b.py": f"{name}()\n"})
    assert set(shares(corpus, "b.py")) == {"b.py"}


def test_a_repeated_use_counts_more_but_not_without_end(tmp_path: Path) -> None:
    files = {
        "seed.py": "def rare_settle(): ...\n",
        "once.py": "rare_settle()\n",
        "twice.py": "rare_settle()\n" * 2,
        "often.py": "rare_settle()\n" * 300,
    }
    found = shares(corpus_of(tmp_path / "tree", files), "seed.py")
    assert found["once.py"] < found["twice.py"] < found["often.py"] <= 2.01 * found["once.py"]


def test_without_seeds_there_is_no_walk(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "tree", SEED)
    assert page_rank(Links(corpus), {}) == {}
    assert page_rank(Links(corpus), {0: 0.0}) == {}
    alone = shares(corpus, "seed.py")
    assert list(alone) == ["seed.py"]
    assert 0.399 < alone["seed.py"] < 0.401


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40), st.sets(st.integers(0, 9), min_size=1))
def test_shares_are_finite_never_more_than_one_and_the_same_again(
    tmp_path_factory: pytest.TempPathFactory, uses: list[tuple[int, int]], seeds: set[int]
) -> None:
    texts = {number: f"def settle_{number}(): ...\n" for number in range(10)}
    for user, used in uses:
        texts[user] += f"settle_{used}()\n"
    corpus = corpus_of(tmp_path_factory.mktemp("graph"), {f"{number}.py": text for number, text in texts.items()})
    weights = dict.fromkeys(seeds, 1.0)
    found = page_rank(Links(corpus), weights)
    assert all(0 <= share <= 1 for share in found.values())
    assert sum(found.values()) <= 1 + 1e-9
    assert set(found) >= seeds
    again = page_rank(Links(corpus), dict(reversed(weights.items())))
    assert list(again.items()) == list(found.items())


def test_a_large_ring_ends(tmp_path: Path) -> None:
    files = {
        f"{n:03}.py": f"def settle_{n}(): ...\nsettle_{(n + 1) % 300}()\nsettle_{(n + 7) % 300}()\n" for n in range(300)
    }
    found = shares(corpus_of(tmp_path / "tree", files), *files)
    assert len(found) == 300
