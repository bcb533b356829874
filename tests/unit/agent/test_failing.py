from pathlib import Path

from hybridcode.agent.distil import by_file, frames
from hybridcode.agent.failing import failing_definitions
from hybridcode.repo.snapshot import take

CART = "RATE = 1\n\n\nclass Cart:\n    def total(self):\n        return RATE\n\n    def size(self):\n        return 2\n"
OUTPUT = (
    "Traceback (most recent call last):\n"
    '  File "/tmp/copy/tests/test_cart.py", line 2, in test_total\n    assert Cart().total() == 2\n'
    '  File "/tmp/copy/cart.py", line 6, in total\n    return RATE\n'
    '  File "/usr/lib/python3/json.py", line 9, in load\nE   AssertionError\n'
)


def tree(tmp_path: Path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "cart.py").write_text(CART)
    (tmp_path / "tests" / "test_cart.py").write_text("def test_total():\n    assert Cart().total() == 2\n")
    return take(tmp_path)


def test_what_a_failure_names_is_named_code_before_tests(tmp_path: Path):
    found = failing_definitions(OUTPUT, tree(tmp_path))
    assert list(map(str, found)) == ["cart.py#L5-6", "tests/test_cart.py#L1-2"]


def test_of_a_long_definition_the_lines_around_the_place_are_meant(tmp_path: Path):
    body = "".join(f"    x{number} = {number}\n" for number in range(100))
    (tmp_path / "long.py").write_text(f"def long():\n{body}")
    (one,) = failing_definitions("long.py:51: AssertionError", take(tmp_path))
    assert (one.start, one.end) == (31, 60)


def test_places_of_the_tree_are_told_apart_from_others(tmp_path: Path):
    snapshot = tree(tmp_path)
    assert by_file(frames(OUTPUT, snapshot.files.keys())) == {"tests/test_cart.py": {2}, "cart.py": {6}}
    assert frames("./cart.py:3:5: error: no", ["cart.py"]) == [("cart.py", 3)]
    assert failing_definitions("cart.py:900: gone", snapshot) == []
