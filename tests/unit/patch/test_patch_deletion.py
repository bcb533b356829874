import pytest

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Target
from hybridcode.patch.place import place
from hybridcode.patch.read import read_answer

FILE = """import os

LIMIT = 3


def total(items):
    print(items)
    return sum(items)


class Cart:
    def size(self):
        return 2

    def rate(self):
        return LIMIT


def main():
    print(total([1]))
"""
TOTAL = (6, 8)
EMPTY = "```python\n```\n"


def placed(text: str, goal: str | None, lines: tuple[int, int], file: str = FILE, path: str = "cart.py") -> str:
    """The file's new text, or why there is none."""
    answer = read_answer(text, finish="stop", target=Target(path, "region", *lines))
    assert not isinstance(answer, Refusal)
    found = place(answer, {path: file.encode()}, goal=goal)[0]
    if isinstance(found, FileChange):
        return (found.after or b"").decode()
    return f"{found.reason}. {found.advice}"


@pytest.mark.parametrize(
    "goal",
    [
        "Remove `total`.",
        "Add a tax to rate. Delete the old function total and its tests.",
        "Move total to shop/sums.py.",
        "The helper total is unused now, drop it",
        "Lösche total",
        "Delete lines 6-8.",
        "Remove lines 5 to 9 of cart.py.",
    ],
)
@pytest.mark.parametrize("text", [EMPTY, "```\n\n```", "It is gone:\n\n```python\n\n\n```\n"])
def test_an_empty_fence_deletes_a_region_that_is_to_go(goal: str, text: str):
    wanted = FILE.replace("def total(items):\n    print(items)\n    return sum(items)\n\n\n", "")
    assert placed(text, goal, TOTAL) == wanted


@pytest.mark.parametrize(
    "goal",
    [
        "Make total faster.",
        "Remove the print from total.",
        "Remove the print in the function `total`.",
        "Replace total by a shorter one.",
        "Rename total to amount.",
        "Delete subtotal.",
        "Delete rate. Make total faster.",
        "Delete lines 6-7.",
        "Remove the print in lines 6-8.",
        "Do not delete total.",
        "Simplify it without removing total.",
        "Don't remove lines 6-8.",
        None,
    ],
)
def test_an_empty_fence_is_refused_where_the_goal_does_not_say_that_the_region_goes(goal: str | None):
    said = placed(EMPTY, goal, TOTAL)
    assert said.startswith(
        "the fence is empty. Return the whole region; an empty answer deletes it only where the step"
    )


@pytest.mark.parametrize(
    "goal",
    [
        "Remove the sh import.",
        "Remove sh.",
        "The `sh` dependency goes.",
        "Lines 2-3 go.",
        "L2-3 is taken out",
        "Drop sh",
    ],
)
def test_few_lines_that_define_nothing_go_by_a_word_of_theirs(goal: str):
    file = "import os\nif os.name != 'nt':\n    import sh\n\nLIMIT = 3\n"
    assert placed(EMPTY, goal, (2, 3), file) == "import os\n\nLIMIT = 3\n"
    assert placed(EMPTY, "Sort the imports.", (2, 3), file).startswith("the fence is empty")


def test_a_name_that_sounds_like_a_removal_does_not_delete_itself():
    file = "def drop_all():\n    return 1\n\n\nx = 1\n"
    assert placed(EMPTY, "Document drop_all.", (1, 2), file).startswith("the fence is empty")
    assert placed(EMPTY, "Delete drop_all.", (1, 2), file) == "x = 1\n"


def test_lines_that_define_nothing_go_by_their_own_text():
    goal = "Remove the unused `import os`."
    assert placed(EMPTY, goal, (1, 1)) == FILE.removeprefix("import os\n\n")
    assert placed(EMPTY, "Remove the unused imports.", (1, 1)).startswith("the fence is empty")


def test_all_definitions_of_the_region_must_go():
    assert placed(EMPTY, "Delete total.", (6, 16)).startswith("the fence is empty")
    both = placed(EMPTY, "Delete total. Delete Cart.", (6, 16))
    assert both == "import os\n\nLIMIT = 3\n\n\ndef main():\n    print(total([1]))\n"


@pytest.mark.parametrize(
    ("lines", "goal", "old", "new"),
    [
        ((12, 13), "Delete Cart.size.", "    def size(self):\n        return 2\n\n", ""),
        ((15, 16), "Delete Cart.rate.", "\n    def rate(self):\n        return LIMIT\n", ""),
        ((19, 20), "Delete main.", "\n\ndef main():\n    print(total([1]))\n", ""),
        ((3, 3), "Delete LIMIT.", "LIMIT = 3\n\n\n", "\n"),
        ((7, 7), "Delete line 7.", "    print(items)\n", ""),
    ],
)
def test_blank_lines_stay_as_they_were_on_one_side(lines: tuple[int, int], goal: str, old: str, new: str):
    assert old in FILE
    assert placed(EMPTY, goal, lines) == FILE.replace(old, new)


def test_a_region_in_braces_leaves_no_blank_line_at_its_edge():
    file = "class A {\n  f() { return 1; }\n\n  g() { return 2; }\n}\n"
    assert placed(EMPTY, "Delete g.", (4, 4), file, "a.js") == "class A {\n  f() { return 1; }\n}\n"
    assert placed(EMPTY, "Delete f.", (2, 2), file, "a.js") == "class A {\n  g() { return 2; }\n}\n"


def test_a_part_of_a_document_goes_and_line_ends_stay():
    file = "# Cart\r\n\r\n## Rates\r\n\r\nOld.\r\n\r\n## Sizes\r\n\r\nNew.\r\n"
    wanted = "# Cart\r\n\r\n## Sizes\r\n\r\nNew.\r\n"
    assert placed("```\n```", "Remove lines 3-6.", (3, 5), file, "a.md") == wanted


def test_an_empty_fence_deletes_nothing_where_blocks_were_asked_for():
    answer = read_answer(EMPTY, finish="stop", target=Target("cart.py", "blocks", *TOTAL))
    assert not isinstance(answer, Refusal)
    assert isinstance(place(answer, {"cart.py": FILE.encode()}, goal="Delete total.")[0], Refusal)


COMMENTS = "import os\n\n# left over\n# from before\n\nLIMIT = 3\n"


@pytest.mark.parametrize(
    "goal",
    [
        "Delete all these lines (two leftover comments); nothing takes their place.",
        "Remove these two comments.",
        "Both lines are gone.",
    ],
)
def test_lines_that_define_nothing_go_where_the_goal_calls_them_these(goal: str):
    assert placed(EMPTY, goal, (3, 4), COMMENTS) == "import os\n\nLIMIT = 3\n"


def test_the_line_is_that_of_a_region_of_one_line():
    tox = "[tox]\ndeps =\n    pytest\n    sh >= 2\n    click\n"
    left = tox.replace("    sh >= 2\n", "")
    assert placed(EMPTY, "Remove the line of sh.", (4, 4), tox, "tox.ini") == left
    assert placed(EMPTY, "Remove that line.", (4, 4), tox, "tox.ini") == left
    assert placed(EMPTY, "Remove the line of sh.", (3, 5), tox, "tox.ini").startswith("the fence is empty")


@pytest.mark.parametrize("goal", ["Remove the blanks from these lines.", "Say more in these lines.", "Drop os there."])
def test_what_goes_from_these_lines_does_not_take_them_along(goal: str):
    assert placed(EMPTY, goal, (3, 4), COMMENTS).startswith("the fence is empty")


TRIED = (
    "import os\n\n# since 3.10\ntry:\n    zip(strict=True)\nexcept TypeError:\n    _strict = zip\nelse:\n"
    "    _strict = partial(zip, strict=True)\n\nLIMIT = 3\n"
)


def test_lines_that_set_one_name_go_with_it():
    goal = "Delete Gone, _gone and the try block that sets _strict; drop the import of partial."
    assert placed(EMPTY, goal, (3, 9), TRIED) == "import os\n\nLIMIT = 3\n"
    assert placed(EMPTY, "Remove the use of zip in _strict.", (3, 9), TRIED).startswith("the fence is empty")
    assert placed(EMPTY, "Delete the block that sets _strict.", (3, 11), TRIED).startswith("the fence is empty")


def test_a_number_of_a_line_names_it():
    project = '[project]\nclassifiers = [\n    "Python :: 3",\n    "Python :: 3.9",\n    "Python :: 3.10",\n]\n'
    left = project.replace('    "Python :: 3.9",\n', "")
    for goal in ("Drop the 3.9 classifier.", "Of the classifiers only the line of 3.9 goes, that of 3.10 stays."):
        assert placed(EMPTY, goal, (4, 4), project, "pyproject.toml") == left
    assert placed(EMPTY, "Drop the 3.9 classifier.", (5, 5), project, "pyproject.toml").startswith("the fence is empty")
