import time

import pytest
from patching import patch, refusal

from hybridcode.patch.filetext import FileText, LineEdit
from hybridcode.patch.match import distance, one_slip

FILE = """class Shop:
    def open(self):
        self.doors.unlock()
        self.lights.switch_on()
        return True

    def close(self):
        self.lights.switch_off()
        self.doors.lock()
        return False
"""


def block(search: str, replace: str, path: str = "a.py") -> str:
    return f"{path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def changed(old: str, new: str) -> dict[str, bytes]:
    assert FILE.count(old) == 1
    return {"a.py": FILE.replace(old, new).encode()}


def test_trailing_blanks_are_overlooked_and_kept_in_the_file() -> None:
    file = FILE.replace("unlock()\n", "unlock()  \n").encode()
    text = block("self.doors.unlock()\n        return True\n", "")
    assert "not in the file" in refusal(patch(text, {"a.py": file})).reason
    text = block(
        "        self.doors.unlock()\n        self.lights.switch_on()\n",
        "        self.doors.unlock()\n        self.lights.dim()\n",
    )
    assert patch(text, {"a.py": file}) == {"a.py": file.replace(b"switch_on", b"dim")}


def test_typography_is_overlooked() -> None:
    file = b"say('it is \"here\" - now')\nend()\n"
    text = block("say(‘it is “here” – now’)\nend()\n", "say(‘it is “here” – now’)\nstop()\n")
    assert patch(text, {"a.py": file}) == {"a.py": b"say('it is \"here\" - now')\nstop()\n"}


@pytest.mark.parametrize("shift", ["", "  ", "            "])
def test_one_consistent_shift_is_undone(shift: str) -> None:
    search = f"{shift}self.lights.switch_off()\n{shift}self.doors.lock()\n"
    replace = f"{shift}self.lights.switch_off()\n{shift}if late:\n{shift}    self.alarm()\n{shift}self.doors.lock()\n"
    assert patch(block(search, replace), {"a.py": FILE.encode()}) == changed(
        "        self.doors.lock()\n", "        if late:\n            self.alarm()\n        self.doors.lock()\n"
    )


def test_two_different_shifts_are_refused() -> None:
    text = block("self.lights.switch_off()\n    self.doors.lock()\n", "x()\n")
    assert "not in the file" in refusal(patch(text, {"a.py": FILE.encode()})).reason


def test_a_slip_in_context_is_forgiven_and_not_written() -> None:
    search = "    def close(self):\n        self.light.switch_off()\n        self.doors.lock()\n        return False\n"
    text = block(search, search.replace("False", "None"))
    assert patch(text, {"a.py": FILE.encode()}) == changed("return False", "return None")


def test_a_slip_in_a_deleted_line_is_refused_with_the_real_lines() -> None:
    text = block("        self.door.lock()\n        return False\n", "        return False\n")
    said = refusal(patch(text, {"a.py": FILE.encode()}))
    assert "self.doors.lock()" in said.near
    assert said.near.startswith("lines ")


def test_twins_are_refused_unless_the_result_is_the_same() -> None:
    file = b"a()\nx()\nb()\nx()\n"
    assert "2 places" in refusal(patch(block("x()\n", "y()\n"), {"a.py": file})).reason
    assert patch(block("x()\n", ""), {"a.py": b"x()\nx()\n"}) == {"a.py": b"x()\n"}


def test_line_numbers_decide_only_where_the_whole_header_is_right() -> None:
    file = b"a()\nx()\nb()\nx()\n"
    right = "--- a/a.py\n+++ b/a.py\n@@ -4,1 +4,1 @@\n-x()\n+y()\n"
    assert patch(right, {"a.py": file}) == {"a.py": b"a()\nx()\nb()\ny()\n"}
    fenced_with_wrong_counts = "```diff\n" + right.replace("-4,1 +4,1", "-4,3 +4,3") + "```\n"
    assert "2 places" in refusal(patch(fenced_with_wrong_counts, {"a.py": file})).reason


def test_the_order_of_hunks_can_leave_one_reading() -> None:
    file = b"x()\nmark()\nx()\nend()\n"
    text = "```diff\n--- a.py\n+++ a.py\n@@\n-mark()\n+sign()\n@@\n-x()\n+y()\n@@\n-end()\n+fin()\n```\n"
    assert patch(text, {"a.py": file}) == {"a.py": b"x()\nsign()\ny()\nfin()\n"}


def test_a_scope_after_the_at_signs_decides() -> None:
    file = b"def a():\n    go()\n\n\ndef b():\n    go()\n"
    text = "*** Begin Patch\n*** Update File: a.py\n@@ def b():\n-    go()\n+    stop()\n*** End Patch\n"
    assert patch(text, {"a.py": file}) == {"a.py": b"def a():\n    go()\n\n\ndef b():\n    stop()\n"}


def test_left_out_lines_in_context_are_bridged() -> None:
    search = "    def open(self):\n        # ...\n        return True\n"
    text = block(search, search.replace("True", "1"))
    assert patch(text, {"a.py": FILE.encode()}) == changed("return True", "return 1")
    added = block("        return True\n", "        # ... rest of the code unchanged ...\n        return 1\n")
    assert "left out" in refusal(patch(added, {"a.py": FILE.encode()})).reason


def test_a_pure_insertion_is_not_made_twice() -> None:
    search = "        self.doors.unlock()\n"
    insertion = block(search, search + "        self.greet()\n")
    once = FILE.replace(search, search + "        self.greet()\n").encode()
    assert patch(insertion, {"a.py": FILE.encode()}) == {"a.py": once}
    assert "already" in refusal(patch(insertion, {"a.py": once})).reason


def test_tabs_are_written_as_the_file_indents() -> None:
    text = block("\tdef close(self):\n\t\tself.lights.switch_off()\n", "\tdef close(self):\n\t\tself.dim()\n")
    assert patch(text, {"a.py": FILE.encode()}) == changed("self.lights.switch_off()", "self.dim()")


@pytest.mark.parametrize(
    ("ours", "theirs", "slip"),
    [
        ("call(lenght)", "call(length)", "lenght"),
        ("call(length)", "call(width)", None),
        ("v1 = get(1)", "v1 = get(2)", None),
        ("item10 = x", "item11 = x", None),
        ("a + b", "a - b", None),
        ("call(a, b)", "call(a)", None),
        ("if not ready:", "if ready:", None),
    ],
)
def test_only_a_few_letters_in_one_word_are_a_slip(ours: str, theirs: str, slip: str | None) -> None:
    assert one_slip(ours, theirs) == slip


def test_distance_counts_a_swap_once_and_stops_at_its_limit() -> None:
    assert distance("length", "lenght") == 1
    assert distance("abc", "abc") == 0
    assert distance("abcdef", "uvwxyz") == 4


def test_new_lines_end_like_their_neighbours_in_a_mixed_file() -> None:
    file = FileText.of(b"a\r\nb\r\nc\nd\ne\n")
    edits = [LineEdit(0, 1, ("A",)), LineEdit(3, 3, ("new",))]
    assert file.bytes_with(edits) == b"A\r\nb\r\nc\nnew\nd\ne\n"


def test_appending_below_a_line_without_end_keeps_it_that_way() -> None:
    assert FileText.of(b"a\r\nb").bytes_with([LineEdit(2, 2, ("c",))]) == b"a\r\nb\r\nc"
    assert FileText.of(b"").bytes_with([LineEdit(0, 0, ("c",))]) == b"c\n"


@pytest.mark.parametrize(
    "text",
    [
        block("same\n" * 1000, "other\n"),
        block("x" * 200_000 + "\n", "y\n"),
        "```\n" * 20_001,
        "<<<<<<< SEARCH\n" + "=======\n" * 5_000 + ">>>>>>> REPLACE\n",
        "a.py\n```\n" + "other\n" * 60_000 + "```\n",
        "--- a/a.py\n+++ b/a.py\n" + "@@\n-same\n+other\n" * 300,
    ],
)
def test_hostile_answers_end_soon(text: str) -> None:
    started = time.process_time()
    patch(text, {"a.py": b"same\n" * 50_000})
    assert time.process_time() - started < 8
