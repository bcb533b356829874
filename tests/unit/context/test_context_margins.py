import pytest

from hybridcode.context.corpus import Corpus
from hybridcode.context.lookup import look_up
from hybridcode.context.margins import Margin
from hybridcode.context.outline import outline
from hybridcode.context.passages import Reader, joined, lines_passage
from hybridcode.context.receipt import answer
from hybridcode.context.render import numbered
from tests.support.contexts import corpus_of

FILES = {
    "setup.cfg": "[metadata]\nname = shop\n\n[options]\npackages = find:\npython = 3\n",
    "test/cart.js": "const t = require('tap')\n\n" + "t.test('rounds', t => {\n  t.end()\n})\n" * 6,
    "shop/cart.py": '"""The cart."""\n\nimport json\nimport re\n\nRATE = 1\n\n\n'
    "def total(rows):\n    return sum(rows)\n\n\ndef main():\n    print(total([]))\n",
    "README.md": "# Shop\n\nIt has a cart.\n\nIt has rows.\n\n\n\nAnd more.\n",
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("margins") / "tree", FILES)


@pytest.mark.parametrize(
    ("path", "start", "end", "is_wanted"),
    [
        ("setup.cfg", 1, 6, True),
        ("setup.cfg", 1, 3, False),
        ("README.md", 1, 5, True),
        ("test/cart.js", 1, 20, True),
        ("shop/cart.py", 1, 14, False),
        ("shop/cart.py", 9, 14, False),
        ("shop/cart.py", 3, 8, False),
    ],
)
def test_what_no_name_leads_to_is_numbered(corpus: Corpus, path: str, start: int, end: int, is_wanted: bool) -> None:
    assert Margin(corpus).is_wanted(path, start, end) is is_wanted


@pytest.mark.parametrize(
    ("text", "start", "shown"),
    [("a\n\n  b\n", 9, "9: a\n10:\n11:   b\n"), ("a", 1, "1: a"), ("\n", 3, "3:\n"), ("a\n\n", 1, "1: a\n2:\n")],
)
def test_each_line_stands_behind_its_number(text: str, start: int, shown: str) -> None:
    assert numbered(text, start) == shown


def test_a_planner_sees_the_numbers(corpus: Corpus) -> None:
    text = outline(corpus, task="which packages does setup.cfg have", budget=2_000).window.text
    assert "lines 1-6:\n```\n1: [metadata]\n2: name = shop\n3:\n4: [options]\n5: packages = find:\n" in text
    assert "\nRATE = 1\n" in outline(corpus, task="total of the cart", budget=2_000).window.text
    asked = look_up(corpus, read=["setup.cfg", "shop/cart.py", "setup.cfg#L4-99"], search=[], budget=2_000)
    assert "## setup.cfg, lines 1-6\n```\n1: [metadata]\n" in asked and "\nRATE = 1\n" in asked
    assert "## setup.cfg#L4-99\nIts lines are shown above.\n" in asked


def test_nobody_else_sees_them(corpus: Corpus) -> None:
    assert "5: packages" not in answer(corpus, query="packages of setup.cfg", budget=2_000).text


def test_what_is_numbered_and_what_is_not_are_not_joined(corpus: Corpus) -> None:
    reader = Reader(corpus.snapshot, Margin(corpus))
    parts = [lines_passage(reader, "README.md", *lines, reason="x") for lines in ((1, 4), (5, 5), (9, 9))]
    assert [part.is_numbered for part in parts] == [True, False, False]
    found = joined(reader, parts)
    assert [(one.excerpt.start, one.excerpt.end) for one in found] == [(1, 4), (5, 9)]
    assert sum(one.size for one in found) <= sum(part.size for part in parts)
