from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridcode.context.corpus import Corpus
from hybridcode.context.lookup import look_up
from hybridcode.context.passages import Taken
from tests.support.contexts import corpus_at, corpus_of
from tests.support.repos import write_tree

MARK = "spare_tally"
FILES = {
    "tools/rows.py": "def rows_of(left, right):\n    return left, right\n\n\n"
    + "".join(f"def row_{n}(item):\n    return item + {n}\n\n\n" for n in range(200)),
    "tools/pairs.py": f"def pairs(left, right):\n    return {MARK}(left, right)\n\n\n"
    f"def {MARK}(left, right):\n    return 1\n",
    "tools/many.py": "".join(f"counted_{n} = counter({n})\n" for n in range(90)),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("lookup") / "tree", FILES)


def hits_of(text: str, words: str) -> str:
    """The section that lists the lines with some words."""
    assert text.count(f"## Lines with '{words}'\n") == 1
    return text.partition(f"## Lines with '{words}'\n")[2].partition("\n\n")[0]


def test_a_search_finds_its_lines_though_what_is_read_uses_up_the_room(corpus: Corpus) -> None:
    text = look_up(corpus, read=("tools/rows.py#L1-89",), search=(MARK,), budget=300)
    assert "def row_20(item):" in text and "None." not in text
    hits = hits_of(text, MARK)
    assert f"tools/pairs.py#pairs L2: return {MARK}(left, right)\ntools/pairs.py#{MARK} L5: def {MARK}(" in hits


def test_regions_that_have_room_are_whole_before_lines_are_listed(corpus: Corpus) -> None:
    read = tuple(f"tools/rows.py#row_{n}" for n in range(20))
    text = look_up(corpus, read=read, search=("counter", MARK), budget=500)
    assert text.count("def row_") == 20 and "It needs" not in text and "did not fit" not in text
    assert "(not shown: " in hits_of(text, "counter")
    assert text.index("def row_") < text.index("## Lines with")


def test_a_region_inside_another_one_takes_no_room_from_the_others(corpus: Corpus) -> None:
    read = ("tools/rows.py#row_30", "tools/rows.py#L1-60", "tools/rows.py#L1-59", "tools/rows.py#row_9")
    need = look_up(corpus, read=read[:2], search=(), budget=4_000)
    text = look_up(corpus, read=read, search=(), budget=len(need.encode()) // 4 + 45)
    assert text.startswith(need) and text.count("Its lines are shown above.") == 2


def test_every_search_has_its_share(corpus: Corpus) -> None:
    text = look_up(corpus, read=(), search=("counter", MARK, "absent_word"), budget=250)
    assert f"tools/pairs.py#pairs L2: return {MARK}(left, right)" in hits_of(text, MARK)
    assert "tools/many.py#counted_0 L1\n" in hits_of(text, "counter")
    assert hits_of(text, "absent_word") == "None."


@pytest.mark.parametrize("budget", [100, 400, 4_000])
def test_lines_that_are_not_listed_are_counted(corpus: Corpus, budget: int) -> None:
    listed = hits_of(look_up(corpus, read=(), search=("counter",), budget=budget), "counter")
    shown = listed.count("tools/many.py#")
    assert 0 < shown <= 40
    assert f"(not shown: tools/many.py x{90 - shown})" in listed


def test_where_no_line_fits_the_lines_are_counted(corpus: Corpus) -> None:
    listed = hits_of(look_up(corpus, read=(), search=(MARK,), budget=22), MARK)
    assert listed == "2 lines, not shown: search for it alone, or for more of it"


def test_a_region_that_does_not_fit_is_shown_by_its_head(corpus: Corpus) -> None:
    taken = Taken()
    text = look_up(corpus, read=("tools/rows.py",), search=(), budget=200, taken=taken)
    ((first, last),) = taken.ranges["tools/rows.py"]
    assert first == 1 and last > 20
    assert f"## tools/rows.py\nlines 1-{last}:\n```python\ndef rows_of(left, right):\n" in text
    assert f"tools/rows.py#L{last + 1}-" in text and text.endswith(" did not fit.\n\n")
    again = look_up(corpus, read=(f"tools/rows.py#L1-{last + 2}",), search=(), budget=200, taken=taken)
    assert again.startswith(f"## tools/rows.py, lines {last + 1}-{last + 2}\n")


def test_a_small_region_is_whole_beside_one_that_does_not_fit(corpus: Corpus) -> None:
    for read in (("tools/rows.py", "tools/pairs.py"), ("tools/pairs.py", "tools/rows.py")):
        text = look_up(corpus, read=read, search=(), budget=250)
        assert f"## tools/pairs.py, lines 1-6\n```python\n{FILES['tools/pairs.py']}```\n" in text
        assert "## tools/rows.py\nlines 1-" in text


def test_what_of_a_region_does_not_fit_is_said_where_not_one_line_does(corpus: Corpus) -> None:
    text = look_up(corpus, read=("tools/rows.py",), search=(), budget=25)
    assert text.startswith("## tools/rows.py\nIt needs ") and text.endswith(" tokens; name a smaller region.\n\n")


LONG = "".join(
    f"def row_{n}(item):\n    return item + {n}\n\n\n" if n != 150 else "def settle(item):\n    return item.debts\n\n\n"
    for n in range(200)
)


@pytest.mark.parametrize(("task", "search"), [("settle the debts of an item", ()), ("", ("debts",))])
def test_a_region_that_does_not_fit_is_cut_around_what_is_looked_for(
    tmp_path: Path, task: str, search: tuple[str, ...]
) -> None:
    corpus = corpus_of(tmp_path / "tree", {"tools/rows.py": LONG})
    text = look_up(corpus, read=("tools/rows.py",), search=search, budget=500, task=task)
    assert text.startswith("## tools/rows.py defines\n```\n1: def row_0(item):\n")
    assert "## tools/rows.py\nlines 601-602:\n```python\ndef settle(item):\n    return item.debts\n```\n" in text
    assert "tools/rows.py#L1-600, L603-800 did not fit.\n\n" in text


def test_a_search_that_names_a_test_or_a_file_shows_it(corpus: Corpus) -> None:
    text = look_up(corpus, read=(), search=("tools/pairs.py::pairs",), budget=400)
    body = f"def pairs(left, right):\n    return {MARK}(left, right)\n"
    assert text == f"## tools/pairs.py, lines 1-2\n```python\n{body}```\n\n"
    defined = f"## tools/pairs.py defines\n```\n1: def pairs(left, right):\n5: def {MARK}(left, right):\n```\n\n"
    assert look_up(corpus, read=(), search=("tools/pairs.py",), budget=400) == defined
    assert look_up(corpus, read=(), search=("left in tools/pairs.py",), budget=400).startswith(defined)


def test_what_is_defined_once_is_shown_with_a_line_for_each_use(corpus: Corpus) -> None:
    head = f"## tools/pairs.py\nlines 5-6:\n```python\ndef {MARK}(left, right):\n    return 1\n```\n\n"
    rows = f"tools/pairs.py#pairs L2: return {MARK}(left, right)\ntools/pairs.py#{MARK} L5: def {MARK}(left, right):"
    whole = f"{head}## Lines with '{MARK}'\n```\n{rows}\n```\n\n"
    assert look_up(corpus, read=(), search=(MARK,), budget=2_000) == whole
    assert look_up(corpus, read=(MARK,), search=(), budget=2_000) == head.replace("\nlines 5-6:", ", lines 5-6")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    budget=st.integers(0, 900),
    read=st.lists(
        st.sampled_from(["tools/rows.py", "tools/pairs.py", "tools/no.py", "tools/rows.py#L3-90"]), max_size=4
    ),
    search=st.lists(st.sampled_from(["counter", MARK, "def ", "absent"]), max_size=4),
)
def test_it_keeps_the_budget_and_shows_no_line_twice(
    corpus: Corpus, budget: int, read: list[str], search: list[str]
) -> None:
    taken = Taken()
    text = look_up(corpus, read=read, search=search, budget=budget, taken=taken)
    assert len(text.encode()) <= 4 * budget
    lines = [(path, line) for path, spans in taken.ranges.items() for a, b in spans for line in range(a, b + 1)]
    assert len(lines) == len(set(lines))
    assert not any(f"## Lines with '{words}'\nNone." in text for words in search if words != "absent")


def test_what_is_found_is_the_same_twice(tmp_path: Path, corpus: Corpus) -> None:
    fresh = corpus_of(tmp_path / "tree", dict(reversed(FILES.items())))
    first, second = (
        look_up(one, read=("tools/rows.py", "tools/pairs.py#pairs"), search=(MARK, "counter"), budget=400)
        for one in (fresh, corpus)
    )
    assert first == second


def test_of_a_file_that_is_searched_for_and_defines_nothing_that_is_said(tmp_path: Path) -> None:
    files = {"a.py": "", "package-lock.json": '{"a": 1}\n', "b.py": "def b():\n    pass\n"}
    write_tree(tmp_path, files)
    (tmp_path / "c.dat").write_bytes(bytes(range(256)))
    corpus = corpus_at(tmp_path)
    assert look_up(corpus, read=(), search=("a.py",), budget=100) == "## a.py\nIt is empty.\n\n"
    assert "read it to see its lines" in look_up(corpus, read=(), search=("package-lock.json",), budget=100)
    assert look_up(corpus, read=(), search=("c.dat",), budget=100).startswith("## c.dat\nA binary file")
    assert look_up(corpus, read=(), search=("b.py",), budget=100) == "## b.py defines\n```\n1: def b():\n```\n\n"
    assert look_up(corpus, read=(), search=("a.py",), budget=1) == ""
