import re
from pathlib import Path

import pytest

from hybridcode.context.corpus import Corpus
from hybridcode.context.searching import Search, place_in
from tests.support.contexts import corpus_of

CART = """\
from shop.money import cents

RATE = 3


class Cart:
    def total(self):
        return cents(RATE) + cents(1)

    @property
    def note(self):
        return cents(2)

    @note.setter
    def note(self, text):
        self.cents(text)


print(cents(4))
"""
FILES = {
    "docs/cents.md": "# About cents\n\nUse cents.\n",
    "shop/cart.py": CART,
    "shop/money.py": "def cents(x):\n    return x\n",
    "tests/test_money.py": "from shop.money import cents\n\n\n"
    "class TestCents:\n    def test_one(self):\n        assert cents(1)\n",
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("searching") / "tree", FILES)


def rows_of(corpus: Corpus, words: str) -> list[str]:
    heading, fence, *rows, _, _ = Search(corpus, words).listed(most=9_000).split("\n")
    assert heading.startswith("## Lines with ") and fence == "```"
    return rows[:-1]


def test_each_line_stands_behind_the_place_that_a_plan_may_name(corpus: Corpus) -> None:
    assert rows_of(corpus, "cents") == [
        "shop/cart.py#imports L1: from shop.money import cents",
        "shop/cart.py#Cart.total L8: return cents(RATE) + cents(1)",
        "shop/cart.py#L12: return cents(2)",
        "shop/cart.py#L16: self.cents(text)",
        "shop/cart.py#L19: print(cents(4))",
        "shop/money.py#cents L1: def cents(x):",
        "tests/test_money.py#imports L1: from shop.money import cents",
        "tests/test_money.py#TestCents.test_one L6: assert cents(1)",
        "docs/cents.md#L1: # About cents",
        "docs/cents.md#L3: Use cents.",
    ]


def test_a_place_that_holds_several_lines_is_named_once(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "tree", {"a.py": "def f(x):\n    x = g(x)\n    return g(x)\n\n\nX = g(1)\n"})
    assert rows_of(corpus, "g(") == ["a.py#f L2: x = g(x)", " L3: return g(x)", "a.py#X L6: X = g(1)"]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    files = {f"docs/part_{n:02}.md": "tally of it all, which is a long line\n" * 7 for n in range(20)}
    body = "".join(f"    tally(total_of_them, {n})\n" for n in range(12))
    return corpus_of(tmp_path_factory.mktemp("many") / "tree", {"a.py": f"def f(total_of_them):\n{body}", **files})


def test_lines_that_do_not_all_fit_stand_by_their_numbers_alone(many: Corpus) -> None:
    numbers = ", ".join(f"L{n}" for n in range(2, 14))
    text = Search(many, "tally").listed(most=200)
    assert text.startswith(f"## Lines with 'tally'\n```\na.py#f {numbers}\n")
    assert "tally(" not in text
    assert "tally(total_of_them, 0)" in Search(many, "tally").listed(most=9_000)


@pytest.mark.parametrize("most", [120, 200, 300, 600, 1_500, 9_000])
def test_what_is_not_listed_is_counted_by_file(many: Corpus, most: int) -> None:
    text = Search(many, "tally").listed(most=most)
    assert len(text.encode()) <= most
    rows, _, left = text.partition("(not shown: ")
    said = left.partition(")")[0]
    assert len(said) <= 160
    shown = len(re.findall(r"\bL\d+", rows))
    assert shown + sum(map(int, re.findall(r"(?<= x)\d+|\d+(?= more)", said))) == 152


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("cents", ("shop/money.py", "cents")),
        ("def cents", ("shop/money.py", "cents")),
        ("cents()", ("shop/money.py", "cents")),
        ("Cart.total", ("shop/cart.py", "Cart.total")),
        ("note", None),
        ("the cents", None),
        ("shop/cart.py", None),
    ],
)
def test_a_name_that_is_defined_once_means_its_definition(
    corpus: Corpus, words: str, place: tuple[str, str] | None
) -> None:
    found = Search(corpus, words).definition
    assert (found and (found.path, found.symbol.name)) == place


def test_lines_that_hold_the_words_in_other_case_or_without_their_class_are_found(corpus: Corpus) -> None:
    assert (
        Search(corpus, "Cart.total")
        .listed(most=999)
        .startswith("## Lines with 'total'\n```\nshop/cart.py#Cart.total L7")
    )
    other = Search(corpus, "USE CENTS").listed(most=999)
    assert other.startswith("## Lines with 'USE CENTS', in any case\n```\ndocs/cents.md#L3: Use cents.")
    assert Search(corpus, "dollars").listed(most=999) == "## Lines with 'dollars'\nNone.\n\n"


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("shop/cart.py", "shop/cart.py"),
        ("./shop/cart.py", "shop/cart.py"),
        ("`shop/cart.py#Cart`", "shop/cart.py#Cart"),
        ("tests/test_money.py::TestCents::test_one[1-2]", "tests/test_money.py#TestCents.test_one"),
        ("shop/cart.py:8", "shop/cart.py#L8"),
        ("shop/none.py", None),
        ("shop/none.py:8", None),
        ("cart.py", None),
        ("", None),
    ],
)
def test_what_is_a_path_is_found_however_it_is_written(corpus: Corpus, words: str, place: str | None) -> None:
    assert place_in(corpus, words) == place


def test_files_are_found_in_words(corpus: Corpus) -> None:
    assert Search(corpus, "where cart.py rounds").files == ("shop/cart.py",)
    assert Search(corpus, "a and/or b, e.g. this").files == ()


def test_of_what_stands_nearly_everywhere_the_first_lines_are_kept_and_the_rest_is_counted(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "tree", {"a.py": "x = 1\n" * 1_000})
    hits = Search(corpus, " ").hits
    assert (len(hits.first), hits.number) == (40, 1_000)
    assert "(not shown: a.py x960)" in Search(corpus, " ").listed(most=9_000)
