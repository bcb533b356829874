import pytest

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.place import place
from hybridcode.patch.read import read_answer

FIRST = "def first():\n    return 1\n"
SECOND = "def second():\n    return 2\n"
THIRD = "def third():\n    return 3\n"
THREE = f"{FIRST}\n\n{SECOND}\n\n{THIRD}"
RATE = "    def rate(self):\n        return 3\n"
METHODS = f"class Cart:\n    def size(self):\n        return 2\n\n{RATE}\n    def last(self):\n        pass\n"


def block(search: str, replace: str = "") -> str:
    return f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def placed(text: str, file: str, path: str = "cart.py") -> str:
    answer = read_answer(f"{path}\n```python\n{text}```\n", finish="stop", target=None)
    assert not isinstance(answer, Refusal), answer
    (found,) = place(answer, {path: file.encode()})
    assert isinstance(found, FileChange), found
    return (found.after or b"").decode()


@pytest.mark.parametrize(
    ("search", "file", "after"),
    [
        (SECOND, THREE, f"{FIRST}\n\n{THIRD}"),
        (FIRST, THREE, f"{SECOND}\n\n{THIRD}"),
        (THIRD, THREE, f"{FIRST}\n\n{SECOND}"),
        (SECOND, f"{FIRST}\n\n{SECOND}\n\n", f"{FIRST}\n\n"),
        (f"{SECOND}\n\n", THREE, f"{FIRST}\n\n{THIRD}"),
        (f"\n\n{SECOND}", THREE, f"{FIRST}\n\n{THIRD}"),
        (f"{SECOND}\n", THREE, f"{FIRST}\n\n{THIRD}"),
        (RATE, METHODS, METHODS.replace(f"{RATE}\n", "")),
        (SECOND, THREE.replace("\n", "\r\n"), f"{FIRST}\n\n{THIRD}".replace("\n", "\r\n")),
        (SECOND, f"\ufeff{SECOND}\n\n{THIRD}", f"\ufeff{THIRD}"),
        (SECOND, f"{FIRST}{SECOND}\n\n\n\n{THIRD}", f"{FIRST}\n\n\n\n{THIRD}"),
    ],
)
def test_a_definition_that_goes_takes_its_blank_lines_along(search: str, file: str, after: str):
    assert placed(block(search), file) == after


def test_blank_lines_that_were_there_before_stay():
    file = f"{FIRST}\n\n\n\n{SECOND}\n\n\n\n\n{THIRD}\n\n\n"
    assert placed(block("    return 1\n", "    return 4\n"), file) == file.replace("return 1", "return 4")
    assert placed(block("    return 2\n", "    return 4\n"), file) == file.replace("return 2", "return 4")


def test_lines_that_define_nothing_take_nothing_along():
    file = "def first():\n    a = 1\n\n    print(a)\n\n    return a\n"
    assert placed(block("    print(a)\n"), file) == file.replace("    print(a)\n", "")


def test_blank_lines_that_another_block_changes_are_left_to_that():
    text = block(SECOND) + block(f"\n\n{THIRD}", f"\n\n\n{THIRD}")
    assert placed(text, THREE) == f"{FIRST}\n\n\n\n\n{THIRD}"


def test_a_diff_means_what_it_says():
    diff = "--- a/cart.py\n+++ b/cart.py\n@@ -3,6 +3,4 @@\n \n \n-def second():\n-    return 2\n \n \n def third():\n"
    answer = read_answer(f"```diff\n{diff}```\n", finish="stop", target=None)
    assert not isinstance(answer, Refusal), answer
    (found,) = place(answer, {"cart.py": THREE.encode()})
    assert isinstance(found, FileChange), found
    assert (found.after or b"").decode() == f"{FIRST}\n\n\n\n{THIRD}"
