import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridcode.context.assemble import assemble
from hybridcode.context.check import checked_tests
from hybridcode.context.corpus import Corpus
from hybridcode.context.outline import outline
from hybridcode.domain.plan import Region, Step
from tests.support.contexts import corpus_of

FILES = {
    "shop/cart.py": "def total(rows):\n    return sum(rows)\n",
    "tests/test_cart.py": "import pytest\n\nfrom shop.cart import total\n\n\n"
    "def test_of_nothing():\n    assert total([]) == 0\n\n\n"
    "class TestMany:\n    def test_rows(self):\n        assert total([1, 2]) == 3\n\n"
    + "".join(f"    def test_row_{n}(self):\n        assert total([{n}]) == {n}\n\n" for n in range(60)),
    "tests/test_other.py": "def test_elsewhere():\n    pass\n\n\ndef test_of_bag():\n    pass\n",
    "tests/test_bag.py": "def test_of_bag():\n    pass\n",
    "test/parse.js": "describe('parse', () => {\n  it('is quick', () => {})\n})\n",
    "pkg/cart_test.go": "package pkg\n\nfunc TestTotals(t *testing.T) {\n}\n",
    "spec/cart_spec.rb": "def helper\n  1\nend\n\ndef case_of_two\n  2\nend\n",
    **{f"other/report_{n}.py": f"def report_{n}():\n    return 'weather {n}'\n" for n in range(20)},
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("check") / "tree", FILES)


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("pytest -q tests/test_cart.py::test_of_nothing", ["tests/test_cart.py#test_of_nothing"]),
        ("pytest ./tests/test_cart.py::TestMany::test_rows[1-a]", ["tests/test_cart.py#TestMany.test_rows"]),
        ("pytest 'tests/test_cart.py::TestMany'", ["tests/test_cart.py#TestMany"]),
        ("python -m pytest tests/test_cart.py::gone", ["tests/test_cart.py"]),
        ("pytest tests/test_cart.py tests/test_other.py", ["tests/test_cart.py", "tests/test_other.py"]),
        (
            "pytest -k 'test_elsewhere or test_rows'",
            ["tests/test_other.py#test_elsewhere", "tests/test_cart.py#TestMany.test_rows"],
        ),
        ("pytest -k test_of_bag", []),
        ("python -m unittest tests.test_cart.TestMany.test_rows", ["tests/test_cart.py#TestMany.test_rows"]),
        ("python -m unittest tests.test_cart", ["tests/test_cart.py"]),
        ("npm test -- parse", ["test/parse.js"]),
        ("npx jest test/parse.js -t 'is quick'", ["test/parse.js"]),
        ("npx jest --testPathPattern=test/parse.js", ["test/parse.js"]),
        ("go test ./pkg -run '^TestTotals$'", ["pkg/cart_test.go#TestTotals"]),
        ("rspec spec/cart_spec.rb:6", ["spec/cart_spec.rb#case_of_two"]),
        ("pytest tests", []),
        ("pytest -q", []),
        ("make 'test", []),
        ("python shop/cart.py", []),
        ("", []),
    ],
)
def test_the_tests_of_a_command_are_found(corpus: Corpus, command: str, found: list[str]) -> None:
    shown = [[f"{path}#{one.symbol.name}" for one in tests] or [path] for path, tests in checked_tests(corpus, command)]
    assert [name for names in shown for name in names] == found


def test_a_planner_sees_the_named_test_and_which_file_it_is(corpus: Corpus) -> None:
    check = "pytest -q tests/test_cart.py::TestMany::test_rows"
    window = outline(corpus, task="the weather is wrong", budget=2_000, check=check).window
    assert "tests/test_bag.py\ntests/test_cart.py (the check)\n" in window.text
    heading = "## The check: tests/test_cart.py\nlines 11-12, in `class TestMany:`:\n```python\n"
    assert f"{heading}    def test_rows(self):\n        assert total([1, 2]) == 3\n```\n" in window.text
    assert [(one.path, one.start, one.end) for one in window.excerpts if one.reason == "check"] == [
        ("tests/test_cart.py", 11, 12)
    ]


def test_of_a_file_of_tests_a_planner_sees_the_head(corpus: Corpus) -> None:
    outlined = outline(corpus, task="make total() exact", budget=1_000, check="pytest tests/test_cart.py")
    assert outlined.task.clarity == "clear"
    text = outlined.window.text
    assert "## The check: tests/test_cart.py\nlines 1-" in text and "def test_of_nothing():\n" in text
    assert sum(one.path == "tests/test_cart.py" and one.start < 12 for one in outlined.window.excerpts) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    budget=st.integers(32, 2_000),
    check=st.sampled_from(["pytest tests/test_cart.py::TestMany", "pytest tests/test_other.py tests/test_cart.py"]),
)
def test_no_window_with_a_check_is_larger_than_its_budget(corpus: Corpus, budget: int, check: str) -> None:
    window = outline(corpus, task="total of test_cart", budget=budget, check=check).window
    assert window.used <= budget
    shown = [(one.path, line) for one in window.excerpts for line in range(one.start, one.end + 1)]
    assert len(shown) == len(set(shown))


def test_who_writes_sees_the_test_that_proves_the_step(corpus: Corpus) -> None:
    def text_of(check: str) -> str:
        step = Step("s", "Change report_3.", touches=("other/report_3.py#report_3",), check=check)
        region = Region.parse("other/report_3.py#report_3")
        return assemble(step, corpus, region=region, budget=800, format="region").text

    assert "def test_rows(self)" in text_of("pytest tests/test_cart.py::TestMany::test_rows")
    assert "def test_rows(self)" not in text_of("pytest tests/test_cart.py")
