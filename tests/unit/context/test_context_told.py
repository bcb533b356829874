from pathlib import Path

import pytest

from hybridcode.context.assemble import assemble
from hybridcode.context.corpus import Corpus
from hybridcode.context.index import Index
from hybridcode.domain.plan import Plan, Step, StepKind
from hybridcode.domain.window import ContextWindow

BODY = "".join(f"    files = files_of(root, {number}, pattern=pattern)\n" for number in range(6))
LONG = "".join(f"    mode = mode_of(root, {number})\n" for number in range(200))
FILES = {
    "lib/walk.py": f"import os\n\n\ndef iter_find_files(root, pattern):\n{BODY}    return files\n",
    "lib/perms.py": f"def file_perms(root):\n{LONG}    return mode\n",
    "lib/a.py": "def rate_of(root):\n    return 'a'\n",
    "lib/b.py": "LIMIT = 3\n\n\ndef rate_of(root):\n    return 'b'\n",
    "lib/use.py": "def use():\n    return write_tests0()\n",
    "lib/c.py": "def rate_of(root):\n    return 'c'\n",
    "tests/test_copy.py": "def test_copy():\n    assert True\n",
    "setup.cfg": "[bump]\nversion = 1\n",
    "NEWS.md": "# News\n\nThe version of the files.\n",
} | {
    f"lib/write{number}.py": f"def write_tests{number}(files):\n    # Write tests: find files, version {number}.\n"
    + "".join(f"    write(tests, files, {line})\n" for line in range(20))
    for number in range(12)
}  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Corpus:
    for path, text in FILES.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    index = Index.in_memory()
    return index.corpus(index.take(tmp_path))


def window(
    tree: Corpus,
    goal: str,
    touches: str = "tests/test_copy.py#test_copy",
    *,
    reads: tuple[str, ...] = (),
    budget: int = 1_500,
    kind: StepKind = "edit",
    others: tuple[Step, ...] = (),
) -> ContextWindow:
    step = Step("s", goal, kind=kind, touches=(touches,), reads=reads)
    plan = Plan((step, *others))
    return assemble(step, tree, region=step.regions[0], budget=budget, format="region", plan=plan)


def places(window: ContextWindow, reason: str) -> list[str]:
    return [f"{one.path}#L{one.start}-{one.end}" for one in window.excerpts if one.reason == reason]


@pytest.mark.parametrize("name", ["iter_find_files", "`iter_find_files`", "iter_find_files()", "walk.iter_find_files"])
def test_a_definition_that_the_goal_names_is_shown_whole(tree: Corpus, name: str):
    found = window(tree, f"Write tests for {name} and write tests for files.")
    assert places(found, "named") == ["lib/walk.py#L4-11"]


def test_it_is_shown_for_a_new_file_and_in_a_small_window_too(tree: Corpus):
    goal = "Write tests for iter_find_files, tests that find files."
    new = window(tree, goal, "tests/test_walk.py", kind="create", budget=500)
    assert places(new, "named") == ["lib/walk.py#L4-11"]
    assert places(window(tree, goal, budget=450), "named") == ["lib/walk.py#L4-11"]


def test_of_a_long_definition_the_head_is_shown_and_the_rest_noted(tree: Corpus):
    found = window(tree, "Write tests for file_perms and iter_find_files.")
    assert places(found, "named")[0].startswith("lib/perms.py#L1-")
    assert places(found, "named")[1] == "lib/walk.py#L4-11"
    assert any("lib/perms.py, lines 1-202 is cut after line" in note for note in found.notes)
    assert found.used <= found.budget


def test_what_the_plan_reads_does_not_take_its_room(tree: Corpus):
    reads = tuple(f"lib/write{number}.py" for number in range(12))
    found = window(tree, "Write tests for iter_find_files.", reads=reads, budget=2_000)
    assert places(found, "named") == ["lib/walk.py#L4-11"]
    assert len(places(found, "read")) > 3


def test_what_the_plan_reads_is_not_shown_twice(tree: Corpus):
    found = window(tree, "Write tests for iter_find_files.", reads=("lib/walk.py",))
    assert (places(found, "read"), places(found, "named")) == (["lib/walk.py#L1-11"], [])


@pytest.mark.parametrize(
    ("touches", "reads", "named"),
    [
        ("tests/test_copy.py", (), []),
        ("tests/test_copy.py", ("lib/b.py#LIMIT",), ["lib/b.py#L4-5"]),
        ("lib/b.py#LIMIT", (), ["lib/b.py#L4-5"]),
        ("lib/b.py#rate_of", (), []),
    ],
)
def test_what_many_files_define_is_meant_where_the_step_works(
    tree: Corpus, touches: str, reads: tuple[str, ...], named: list[str]
):
    assert places(window(tree, "Write tests for rate_of.", touches, reads=reads), "named") == named


def test_what_the_goal_names_stands_before_callers(tree: Corpus):
    found = window(tree, "Let it use iter_find_files.", "lib/write0.py#write_tests0")
    assert places(found, "caller")
    assert found.text.index("def iter_find_files") < found.text.index("write_tests0()")


@pytest.mark.parametrize("others", [(), (Step("t", "Write tests that find files.", touches=("lib/a.py",)),)])
def test_beside_a_file_without_code_stands_only_the_code_that_the_goal_names(tree: Corpus, others: tuple[Step, ...]):
    goal = "Write the version of the tests that find files."
    assert "write_tests" in window(tree, goal, "lib/a.py", others=others).text
    found = window(tree, goal, "setup.cfg", others=others)
    assert "def " not in found.text
    assert "# News" in found.text
    named = window(tree, f"{goal} See lib/write3.py and iter_find_files.", "setup.cfg", others=others)
    assert {one.path for one in named.excerpts} - {"NEWS.md"} == {"lib/walk.py", "lib/write3.py", "setup.cfg"}
