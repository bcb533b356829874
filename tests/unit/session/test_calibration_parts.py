import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.agent.kinds import is_config, is_test, runs_tests, work_of
from hybridcode.context.regions import resolve
from hybridcode.domain.plan import Region, Step
from hybridcode.repo.snapshot import take
from hybridcode.session.calibration.mined import GOAL_CHARS, goal_of
from hybridcode.session.calibration.regions import changed_lines, is_same_code, regions_of
from hybridcode.session.calibration.runners import narrowed
from tests.support.repos import write_tree

LONG = "".join(f"def f{n}(a):\n    b = a + {n}\n    return b\n\n\n" for n in range(40))
TEST = ("tests/test_a.py",)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pytest", "pytest tests/test_a.py"),
        ("pytest -q -n 4 -m 'not slow'", "pytest -q -n 4 -m 'not slow' tests/test_a.py"),
        ("python -m pytest -x", "python -m pytest -x tests/test_a.py"),
        (".venv/bin/python -m pytest", ".venv/bin/python -m pytest tests/test_a.py"),
        ("uv run pytest", "uv run pytest tests/test_a.py"),
        ("npx vitest run", "npx vitest run tests/test_a.py"),
        ("pytest tests/unit", "pytest tests/unit"),
        ("pytest -q | tail -3", "pytest -q | tail -3"),
        ("pytest > out.txt", "pytest > out.txt"),
        ("cd web && pytest", "cd web && pytest"),
        ("make test", "make test"),
        ("echo pytest", "echo pytest"),
        ("python3 pytest.py", "python3 pytest.py"),
    ],
)
def test_a_check_is_narrowed_where_the_runner_is_known(line: str, expected: str):
    assert narrowed(line, TEST) == expected


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20), max_size=3))
def test_names_of_files_stay_names_of_files(names: list[str]):
    found = narrowed("pytest -q", names)
    if any(name.startswith("-") for name in names):
        assert found == "pytest -q"
    else:
        assert shlex.split(found) == ["pytest", "-q", *names]


def test_regions_are_the_symbols_that_changed():
    after = LONG.replace("a + 7\n", "a + 70\n").replace("a + 30\n", "a - 30\n")
    assert [str(region) for region in regions_of("a.py", LONG.encode(), after.encode())] == ["a.py#f7", "a.py#f30"]


def test_lines_outside_of_symbols_are_named_as_lines():
    after = "import os\n" + LONG
    assert [str(region) for region in regions_of("a.py", LONG.encode(), after.encode())] == ["a.py#f0"]
    text = "".join(f"A{n} = {n}\n" for n in range(200))
    (region,) = regions_of("a.txt", text.encode(), text.replace("A150 = 150", "A150 = 15").encode())
    assert (region.start, region.end) == (149, 153)


def test_a_short_file_is_one_region():
    assert regions_of("a.py", b"a = 1\n", b"a = 2\n") == (Region("a.py"),)


@given(
    st.lists(st.integers(0, 199), min_size=1, max_size=6), st.sampled_from(["", "x = 1\n", "    y = 2\n    z = 3\n"])
)
def test_regions_resolve_do_not_overlap_and_hold_every_change(
    tmp_path_factory: pytest.TempPathFactory, at: list[int], new: str
):
    lines = LONG.splitlines(keepends=True)
    after = [new if number in at else line for number, line in enumerate(lines)]
    regions = regions_of("a.py", LONG.encode(), "".join(after).encode())
    root = write_tree(tmp_path_factory.mktemp("tree"), {"a.py": LONG})
    targets = [resolve(take(root), region) for region in regions]
    places = [(target.start or 1, target.end or len(lines)) for target in targets]
    assert all(first[1] < second[0] for first, second in pairwise(places))
    for number in at:
        if lines[number] != after[number]:
            assert any(start - 1 <= number + 1 <= end + 1 for start, end in places)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("a = 1  # one\n", "a = 1\n", True),
        ("def f():\n    return 1\n", "def f():\n\n    return (1)\n", False),
        ("if a:\n    b()\n    c()\n", "if a:\n    b()\nc()\n", False),
        ("a = 'x # y'\n", "a = 'x'\n", False),
        ("a  =  1\n", "a = 1\n", True),
    ],
)
def test_what_counts_as_the_same_code(before: str, after: str, same: bool):
    assert is_same_code("a.py", before.encode(), after.encode()) is same


def test_lines_are_counted_once():
    assert changed_lines(b"a\nb\nc\n", b"a\nX\nY\nc\n") == 2
    assert changed_lines(b"", b"a\nb\n") == 2


@pytest.mark.parametrize(
    "path", ["tests/test_a.py", "a_test.go", "web/x.spec.ts", "src/FooTest.java", "tests/conftest.py"]
)
def test_tests_are_known_by_their_names(path: str):
    assert is_test(path)
    assert runs_tests(path) is (path != "tests/conftest.py")


@pytest.mark.parametrize("path", ["shop.py", "contest.py", "latest.go", "testimony/a.py", "attest.ts"])
def test_what_only_sounds_like_a_test(path: str):
    assert not is_test(path)


def test_configuration_and_docs():
    assert is_config("pyproject.toml") and is_config("docs/a.md") and is_config("Dockerfile")
    assert not is_config("shop.py")


@pytest.mark.parametrize(
    ("step", "kind", "language"),
    [
        (Step("1", "g", touches=("a.py#f1",)), "small_edit", "python"),
        (Step("1", "g", touches=("a.py",)), "large_edit", "python"),
        (Step("1", "g", touches=("a.py#f1", "a.py#f2", "a.py#f3")), "many_places", "python"),
        (Step("1", "g", touches=("a.py#f1", "b.go")), "small_edit", "mixed"),
        (Step("1", "g", kind="create", touches=("new.rs",)), "create", "rust"),
        (Step("1", "g", kind="create", touches=("tests/test_new.py",)), "test", "python"),
        (Step("1", "g", touches=("setup.cfg",)), "config", "cfg"),
        (Step("1", "g", touches=("a.py#gone",)), "large_edit", "python"),
    ],
)
def test_the_kind_of_a_step(tmp_path: Path, step: Step, kind: str, language: str):
    root = write_tree(tmp_path, {"a.py": LONG, "b.go": "package b\n", "setup.cfg": "[a]\n"})
    work = work_of(step, take(root))
    assert work is not None
    assert (work.kind, work.language) == (kind, language)


def test_steps_that_no_model_writes_have_no_kind(tmp_path: Path):
    write_tree(tmp_path, {"a.py": LONG})
    assert work_of(Step("1", "g", kind="command", command="make"), take(tmp_path)) is None
    assert work_of(Step("1", "g", kind="delete", touches=("a.py",)), take(tmp_path)) is None


def test_a_goal_is_what_the_commit_says_without_trailers_and_control_characters():
    message = "Fix it\n\nBecause \x1b[31m of \u202eb.\n\nSigned-off-by: A <a@example.invalid>\nCo-authored-by: B"
    assert goal_of(message, (Region("a.py"),)) == "Fix it\n\nBecause  [31m of  b.\n\nTo be changed: a.py"
    assert len(goal_of("x" * 5_000, (Region("a.py"),))) < GOAL_CHARS + 50
