from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridcode.context.corpus import Corpus
from hybridcode.context.outline import Outlined, outline
from hybridcode.context.task import Clarity, read_task
from tests.support.contexts import corpus_of

SECTIONS = ("Installing", "Listing", "Commands", "Format", "Loading", "Options")
NOTED = {
    "README.md": "# keep\n\n"
    + "".join(
        f"## {one}\n\n" + f"{one}: `keep list --format json` lists what is kept.\n" * 20 + "\n" for one in SECTIONS
    ),
    "src/keep/cli.py": "def run(context):\n    return context\n\n\n"
    "def list(context):\n    for name in context.names():\n        echo(name)\n",
    **{f"src/keep/kept_{n}.py": f"def kept_{n}(list):\n" + "    format(list)\n" * 40 for n in range(20)},
}
LONG = "".join(f"    row_{n} = ledger[{n}] * {n}\n" for n in range(400))
FILES = {
    "shop/cart.py": '"""The cart."""\n\nfrom shop.money import cents\n\n\n'
    "class Cart:\n    def add(self, row):\n        self.rows.append(row)\n\n"
    "    def total(self):\n        return sum(self.rows)\n\n"
    + "".join(f"    def part_{n}(self):\n        return {n}\n\n" for n in range(60)),
    "shop/money.py": "def cents(x):\n    return x * 100\n\n\ndef euros(x):\n    return x / 100\n",
    "shop/ledger.py": f"def settle_ledger(ledger):\n{LONG}    return ledger\n",
    "web/ledger_view.py": "def show_rows(rows):\n    return rows\n",
    **{f"other/report_{n}.py": f"def report_{n}():\n    return 'weather {n}'\n" for n in range(30)},
    **{
        f"tests/test_cart_{n}.py": f"def test_total_of_the_cart_{n}():\n    assert Cart().total() == {n}\n" * 8
        for n in range(12)
    },
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("outline") / "shop", FILES)


@pytest.mark.parametrize(
    ("task", "clarity", "tokens", "why"),
    [
        ("round Cart.total( to cents", "clear", 1_000, "it names shop/cart.py#Cart.total"),
        ("make cents() round", "clear", 1_000, "it names shop/money.py#cents"),
        ("the add method of the class Cart is slow", "clear", 1_000, "it names shop/cart.py#Cart.add"),
        ("shop/money.py needs dollars", "plain", 2_000, "it names shop/money.py"),
        ("the money module needs dollars", "plain", 2_000, "it names shop/money.py"),
        ("everything is slow", "open", 4_000, "no file stands out"),
        ("the weather is wrong", "open", 4_000, "it names nothing of the tree"),
    ],
)
def test_a_task_gets_a_window_as_large_as_it_is_unclear(
    corpus: Corpus, task: str, clarity: Clarity, tokens: int, why: str
) -> None:
    read = read_task(corpus, task)
    assert (read.clarity, read.tokens_of(2_000)) == (clarity, tokens)
    assert why in read.why


def test_a_clear_task_sees_what_it_names_and_no_lists(corpus: Corpus) -> None:
    window = outline(corpus, task="make cents() of shop/money.py round", budget=1_000).window
    assert "def cents(x):\n    return x * 100\n" in window.text
    assert "## Files" not in window.text and "## Definitions" not in window.text
    assert "other/report_" not in window.text
    assert [excerpt.path for excerpt in window.excerpts if excerpt.reason == "named"] == ["shop/money.py"]
    assert window.used < 500


def test_others_see_files_and_definitions(corpus: Corpus) -> None:
    text = outline(corpus, task="the weather is wrong", budget=4_000).window.text
    assert "## Files: " in text and "## Definitions" in text


def test_the_members_of_a_class_come_with_the_one_that_is_named(corpus: Corpus) -> None:
    text = outline(corpus, task="round Cart.total(", budget=1_000).window.text
    listed, _, rest = text.partition("## shop/cart.py\n")
    assert listed.startswith("## shop/cart.py defines\n```\n6: class Cart:\n  7: def add(self, row):\n")
    assert " more)\n```\n" in listed
    assert "    def total(self):\n        return sum(self.rows)\n" in rest


def test_what_a_named_module_defines_comes_before_the_files(corpus: Corpus) -> None:
    text = outline(corpus, task="the money module needs dollars", budget=2_000).window.text
    assert text.startswith("## shop/money.py defines\n```\n1: def cents(x):\n5: def euros(x):\n```\n")


def test_a_long_body_is_cut_and_its_signature_stays(corpus: Corpus) -> None:
    window = outline(corpus, task="settle_ledger is slow", budget=1_000).window
    assert "def settle_ledger(ledger):\n    row_0 = ledger[0] * 0\n" in window.text
    assert any(note.startswith("shop/ledger.py, lines 1-402 is cut after line ") for note in window.notes)


@pytest.mark.parametrize("budget", [1_000, 2_000, 4_000])
@pytest.mark.parametrize("task", ["round Cart.total(", "test the total of the cart"])
def test_tests_take_no_more_than_their_part(corpus: Corpus, budget: int, task: str) -> None:
    outlined = outline(corpus, task=task, budget=budget)
    tests = [passage for passage in outlined.passages if passage.excerpt.path.startswith("tests/")]
    assert tests
    assert sum(passage.size + passage.heading_size for passage in tests) <= budget * 4 * 30 // 100
    assert "tests have their share" in {cut.reason for cut in outlined.cut}


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("noted") / "keep", NOTED)


def prose_of(outlined: Outlined) -> int:
    """Bytes of the window that documentation takes."""
    return sum(one.size for one in outlined.passages if one.excerpt.path == "README.md")


@pytest.mark.parametrize("budget", [1_000, 2_000, 4_000])
@pytest.mark.parametrize(
    "task",
    ["list --format of keep takes yaml. Say so in README.md.", "correct `keep` in README.md, beside kept_3()"],
)
def test_documentation_named_in_passing_takes_no_room_from_code(noted: Corpus, budget: int, task: str) -> None:
    assert 0 < prose_of(outline(noted, task=task, budget=budget)) <= budget


def test_documentation_fills_what_code_leaves(tmp_path: Path) -> None:
    alone = corpus_of(tmp_path / "alone", {name: NOTED[name] for name in ("README.md", "src/keep/cli.py")})
    assert prose_of(outline(alone, task="list --format of README.md takes yaml", budget=2_000)) > 3_000


def test_the_command_that_a_task_quotes_is_shown(noted: Corpus) -> None:
    window = outline(noted, task="`keep list --format` takes yaml. Say so in README.md.", budget=1_000).window
    assert NOTED["src/keep/cli.py"].partition("def list")[2] in window.text


def test_a_task_that_names_documentation_alone_is_not_clear(noted: Corpus) -> None:
    assert read_task(noted, "correct `keep` in README.md").clarity == "plain"
    assert read_task(noted, "correct `keep` in README.md, beside kept_3()").clarity == "clear"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    budget=st.integers(32, 3_000),
    task=st.sampled_from(
        ["Cart", "Cart.total and cents() in shop/ledger.py", "settle_ledger", "the ledger module", "rows of the cart"]
    ),
)
def test_no_window_is_larger_than_its_budget(corpus: Corpus, budget: int, task: str) -> None:
    window = outline(corpus, task=task, budget=budget).window
    assert window.used <= budget
    shown = [(one.path, line) for one in window.excerpts for line in range(one.start, one.end + 1)]
    assert len(shown) == len(set(shown))


def test_what_one_index_was_asked_before_does_not_show(tmp_path: Path, corpus: Corpus) -> None:
    for task in ("round Cart.total(", "the weather is wrong", "round Cart.total("):
        fresh = corpus_of(tmp_path / str(len(list(tmp_path.iterdir()))), FILES)
        assert outline(fresh, task=task, budget=900).window == outline(corpus, task=task, budget=900).window
