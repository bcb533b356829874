import textwrap
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patching import Outcome, patch, refusal

from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Target
from hybridcode.patch.answer import RegionRewrite
from hybridcode.patch.filetext import FileText
from hybridcode.patch.place import place
from hybridcode.patch.place_rewrite import place_region
from hybridcode.patch.read import read_answer
from hybridcode.patch.read_fence import read_for_target

FILE = """import os

LIMIT = 3


class Cart:
    def total(self):
        x = 1
        return x

    def size(self):
        return 2


def main():
    print(Cart().total())
"""
PATH = "shop/cart.py"
TOTAL = Target(PATH, "region", 7, 9)
OLD = "    def total(self):\n        x = 1\n        return x\n"
NEW = "    def total(self, tax=0):\n        x = 1\n        return x + tax\n"
SAME_HEAD = "    def total(self):\n        x = 1\n        return x + 5\n"


def rewritten(new: str, old: str = OLD) -> Outcome:
    return {PATH: FILE.replace(old, new).encode()}


def answered(text: str, target: Target = TOTAL, file: str = FILE) -> Outcome:
    return patch(text, {PATH: file.encode()}, target=target)


def fenced(text: str, tag: str = "python") -> str:
    return f"```{tag}\n{text}```\n"


DRESSES: dict[str, Callable[[str], str]] = {
    "a fence": fenced,
    "no tag": lambda text: fenced(text, tag=""),
    "no last newline": lambda text: fenced(text).rstrip("\n"),
    "blank edges": lambda text: fenced(f"\n\n{text}\n\n"),
    "chatter": lambda text: f"Here are the lines:\n\n{fenced(text)}\nThey add a tax.",
    "crlf": lambda text: fenced(text).replace("\n", "\r\n"),
    "commands and output": lambda text: (
        f"{fenced(text)}\nRun it:\n```bash\npytest -q\n```\nand see\n```text\n1 passed\n```\n"
    ),
    "a name above": lambda text: f"shop/cart.py\n{fenced(text)}",
    "dedented": lambda text: fenced(textwrap.dedent(text)),
    "indented": lambda text: fenced(textwrap.indent(text, "  ")),
    "tabs": lambda text: fenced(textwrap.dedent(text).replace("    ", "\t")),
}


@pytest.mark.parametrize("new", [NEW, SAME_HEAD])
@pytest.mark.parametrize("dress", sorted(DRESSES))
def test_the_region_comes_back_in_many_dresses(new: str, dress: str) -> None:
    assert answered(DRESSES[dress](new)) == rewritten(new)


def test_lines_around_the_region_are_taken_off() -> None:
    above, below = "class Cart:\n", "\n    def size(self):\n        return 2\n"
    assert answered(fenced(above + SAME_HEAD)) == rewritten(SAME_HEAD)
    assert answered(fenced(SAME_HEAD + below)) == rewritten(SAME_HEAD)
    assert answered(fenced(above + SAME_HEAD + below)) == rewritten(SAME_HEAD)
    assert answered(fenced(FILE.replace(OLD, SAME_HEAD))) == rewritten(SAME_HEAD)


SHORT = "def a():\n    return 1\n\n\na = d(a)\nb(a)\n\n\nx = a\n"


@pytest.mark.parametrize(
    ("region", "sent"),
    [
        ((1, 2), "def a():\n    return 2\n\n\na = d(a)\n"),
        ((1, 2), "def a():\n    return 2\n\na = d(a)\nb(a)\n"),
        ((1, 2), "def a():\n    return 2\na = d(a)\n"),
    ],
)
def test_the_lines_that_follow_are_not_doubled(region: tuple[int, int], sent: str) -> None:
    outcome = patch(fenced(sent), {"a.py": SHORT.encode()}, target=Target("a.py", "region", *region))
    assert outcome == {"a.py": SHORT.replace("return 1", "return 2").encode()}


def test_a_line_that_comes_before_is_not_doubled() -> None:
    target = Target("a.py", "region", 6, 6)
    outcome = patch(fenced("a = d(a)\nb(a, 2)\n"), {"a.py": SHORT.encode()}, target=target)
    assert outcome == {"a.py": SHORT.replace("b(a)", "b(a, 2)").encode()}


@pytest.mark.parametrize(
    ("file", "line", "sent"),
    [
        ("if a:\n    x = 1\nelse:\n    x = 2\n", 2, "    x = 3\nelse:\n"),
        ("ALL = (\n)\n\nx = 1\n", 4, ")\nx = 3\n"),
    ],
)
def test_half_of_a_block_beside_the_region_is_not_doubled(file: str, line: int, sent: str) -> None:
    outcome = patch(fenced(sent), {"a.py": file.encode()}, target=Target("a.py", "region", line, line))
    assert outcome == {"a.py": file.replace("x = 1", "x = 3").encode()}


TOX = "[tox]\nenvlist = py38,py39\nskip = true\n\n[testenv]\ndeps = pytest\n"


@pytest.mark.parametrize(
    "sent",
    [
        "[tox]\nenvlist = py39\n",
        "envlist = py39\nskip = true\n",
        "[tox]\nenvlist = py39\nskip = true\n",
        "[tox]\n\nenvlist = py39\n",
        "envlist = py39\nskip = true\n\n[testenv]\n",
    ],
)
def test_lines_beside_one_line_are_not_doubled(sent: str) -> None:
    outcome = patch(fenced(sent, tag=""), {"tox.ini": TOX.encode()}, target=Target("tox.ini", "region", 2, 2))
    assert outcome == {"tox.ini": TOX.replace("py38,", "").encode()}


@pytest.mark.parametrize("sent", ["[tox]\n", "skip = true\n", "skip = true\n\n[testenv]\n", "  [tox]\n"])
def test_one_line_is_not_overwritten_with_what_stands_beside_it(sent: str) -> None:
    outcome = patch(fenced(sent, tag=""), {"tox.ini": TOX.encode()}, target=Target("tox.ini", "region", 2, 2))
    said = refusal(outcome)
    assert said.reason == "the answer holds what stands beside the line asked for, and not that line"
    assert "envlist = py38,py39" in said.near


@pytest.mark.parametrize(
    ("file", "line", "sent", "wanted"),
    [
        ("[\ntrue,\nfalse,\ntrue\n]\n", 3, "true,\n", "[\ntrue,\ntrue,\ntrue\n]\n"),
        ("show(a)\nshow(b)\n", 2, "show(a)\n", "show(a)\nshow(a)\n"),
        ("go\ngo\nend\n", 3, "go\nend now\n", "go\ngo\ngo\nend now\n"),
        ("a = 1\nb = 2\n", 2, "b = 3\nc = 4\n", "a = 1\nb = 3\nc = 4\n"),
    ],
)
def test_one_line_may_become_like_the_line_beside_it(file: str, line: int, sent: str, wanted: str) -> None:
    outcome = patch(fenced(sent, tag=""), {"a.txt": file.encode()}, target=Target("a.txt", "region", line, line))
    assert outcome == {"a.txt": wanted.encode()}


def test_a_last_line_that_stands_twice_stays_twice() -> None:
    file = "def a():\n    x = 1\n    go(x, 1)\n    go(x, 1)\n"
    outcome = patch(fenced("    x = 2\n    go(x, 1)\n"), {"a.py": file.encode()}, target=Target("a.py", "region", 2, 3))
    assert outcome == {"a.py": file.replace("x = 1\n", "x = 2\n").encode()}


@pytest.mark.parametrize(
    "text",
    [
        "KEEP",
        "KEEP.\n",
        "`KEEP`",
        "```\nKEEP\n```",
        "KEEP - the total is right already",
        "KEEP: because nothing here uses the tax.",
        "**KEEP** (no change)",
        "KEEP.\n\nThe lines do what the step says.",
        "`KEEP` — as it is",
    ],
)
def test_one_word_keeps_a_region(text: str) -> None:
    said = refusal(answered(text))
    assert said.is_already
    assert said.reason == "the model keeps the lines as they are"


@pytest.mark.parametrize(
    "text", [f"KEEP - all but this:\n{fenced(NEW)}", "KEEP_ALIVE = 5", "KEEP-ALIVE: 5", "KEEP = 5", "KEEP the total"]
)
def test_the_word_keeps_nothing_where_there_is_an_edit_or_another_word(text: str) -> None:
    outcome = answered(text)
    assert not isinstance(outcome, Refusal) or not outcome.is_already


def test_the_word_may_be_the_text_of_a_file_without_code() -> None:
    target = Target("a.txt", "region", 1, 1)
    assert patch(fenced("KEEP\n", tag=""), {"a.txt": b"DROP\n"}, target=target) == {"a.txt": b"KEEP\n"}


def test_a_closing_bracket_outside_is_not_taken_for_the_region() -> None:
    file = "class A {\n  f() {\n    g();\n  }\n}\n"
    target = Target("a.js", "region", 2, 4)
    new = "  f() {\n    if (x) {\n      g();\n    }\n  }\n"
    wanted = file.replace("  f() {\n    g();\n  }\n", new).encode()
    assert patch(fenced(new), {"a.js": file.encode()}, target=target) == {"a.js": wanted}
    assert patch(fenced(textwrap.dedent(new)), {"a.js": file.encode()}, target=target) == {"a.js": wanted}
    assert patch(fenced(new + "}\n"), {"a.js": file.encode()}, target=target) == {"a.js": wanted}


def test_wrapping_the_body_moves_only_the_body() -> None:
    target = Target(PATH, "region", 8, 9)
    body = "        x = 1\n        return x\n"
    new = "        if self:\n            x = 1\n            return x\n"
    assert answered(fenced(new), target) == rewritten(new, body)
    said = refusal(answered(fenced(textwrap.dedent(new)), target))
    assert "indented" in said.reason


def test_a_dedented_text_keeps_the_lines_of_a_string_that_stand_further_left() -> None:
    old = '    def help(self):\n        return """\nleft\n"""\n'
    new = '    def help(self):\n        print(1)\n        return """\nleft\n"""\n'
    file = "class A:\n" + old
    sent = 'def help(self):\n    print(1)\n    return """\nleft\n"""\n'
    outcome = answered(fenced(sent), Target(PATH, "region", 2, 5), file)
    assert outcome == {PATH: ("class A:\n" + new).encode()}


def test_tabs_of_the_file_are_kept() -> None:
    file = "func f() {\n\tif a {\n\t\tg()\n\t}\n}\n"
    sent = "func f() {\n    if a {\n        g()\n        h()\n    }\n}\n"
    outcome = patch(fenced(sent), {"a.go": file.encode()}, target=Target("a.go", "region", 1, 5))
    assert outcome == {"a.go": b"func f() {\n\tif a {\n\t\tg()\n\t\th()\n\t}\n}\n"}


def test_blank_edges_of_the_region_stay() -> None:
    target = Target(PATH, "region", 6, 10)
    outcome = answered(fenced("class Cart:\n" + SAME_HEAD), target)
    assert outcome == rewritten(SAME_HEAD)


def test_untouched_lines_keep_their_bytes() -> None:
    file = FILE.replace("\n", "\r\n").replace("x = 1\r\n", "x = 1\n").removesuffix("\r\n")
    outcome = answered(fenced(SAME_HEAD), TOTAL, file)
    assert outcome == {PATH: file.replace("return x\r\n", "return x + 5\r\n").encode()}


def test_decorators_may_be_added_and_a_function_renamed() -> None:
    new = "    @property\n    def amount(self):\n        x = 1\n        return x\n"
    assert answered(fenced(new)) == rewritten(new)


def test_a_helper_may_be_added_beside_the_region() -> None:
    new = SAME_HEAD + "\n    def helper(self):\n        return 7\n"
    assert answered(fenced(new)) == rewritten(new)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (fenced(OLD), "already so"),
        (fenced("\n\n"), "empty"),
        (f"```python\n{NEW}", "not closed"),
        (fenced("    def total(self):\n        # ... existing code ...\n        return 2\n"), "left out"),
        (fenced("class Cart(Base):\n    def total(self):\n        return 9\n"), "Cart"),
        (fenced(NEW + "\n    def size(self):\n        return 3\n"), "size"),
        (fenced(FILE.replace("import os", "import sys").replace(OLD, NEW)), "Cart"),
        (fenced("x = 5\n") + "or\n" + fenced("y = 6\n"), "several fences"),
        ("Use a tax argument instead.", "not plainly"),
        ("I would write:\n" + NEW, "not plainly"),
    ],
)
def test_what_is_not_plainly_the_region_is_refused(text: str, reason: str) -> None:
    said = refusal(answered(text))
    assert reason in said.reason
    assert said.path == PATH
    assert said.advice


def test_bare_text_is_taken_if_it_starts_and_ends_as_the_region() -> None:
    bare = "    def total(self):\n        y = 4\n        return x\n"
    assert answered(bare) == rewritten(bare)


def test_of_several_fences_the_last_with_the_regions_head_counts() -> None:
    first = fenced("    def total(self):\n        return 1\n")
    assert answered(f"A first try:\n{first}\nBetter:\n{fenced(SAME_HEAD)}") == rewritten(SAME_HEAD)


def test_a_region_that_is_not_in_the_file_any_more_is_refused() -> None:
    assert "no lines 7-9" in refusal(answered(fenced(NEW), TOTAL, "x = 1\n")).reason


def test_the_region_decides_between_twins_of_a_block() -> None:
    file = "def a():\n    return 1\n\n\ndef b():\n    return 1\n"
    block = "<<<<<<< SEARCH\n    return 1\n=======\n    return 2\n>>>>>>> REPLACE\n"
    assert "2 places" in refusal(answered(block, Target(PATH, "blocks"), file)).reason
    outcome = answered(block, Target(PATH, "region", 5, 6), file)
    assert outcome == {PATH: b"def a():\n    return 1\n\n\ndef b():\n    return 2\n"}


def test_code_that_looks_like_a_diff_is_still_the_region() -> None:
    file = "TEXT = '''\n--- a\n+++ b\n@@ -1 +1 @@\n'''\n"
    new = file.replace("@@ -1 +1 @@", "@@ -2 +2 @@")
    text = f"```python\n# sample\n\nX = 1\n{new}```\n"
    outcome = patch(text, {"a.py": file.encode()}, target=Target("a.py", "region", 1, 5))
    assert outcome == {"a.py": f"# sample\n\nX = 1\n{new}".encode()}


@settings(max_examples=80)
@given(
    words=st.lists(st.from_regex(r"[a-z]{3,8}", fullmatch=True), min_size=3, max_size=14, unique=True),
    indents=st.lists(st.sampled_from(["", "    ", "        "]), min_size=14, max_size=14),
    data=st.data(),
)
def test_one_changed_line_is_placed_exactly_in_any_region(
    words: list[str], indents: list[str], data: st.DataObject
) -> None:
    lines = [indent + word for indent, word in zip(indents, words, strict=False)]
    start = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(start + 1, len(lines)))
    at = data.draw(st.integers(start, end - 1))
    new = [*lines[:at], indents[at] + "changed_line", *lines[at + 1 :]]
    shown = {"a.txt": "".join(f"{line}\n" for line in lines).encode()}
    target = Target("a.txt", "region", start + 1, end)
    wanted = "".join(f"{line}\n" for line in new).encode()
    assert patch(fenced("".join(f"{line}\n" for line in new[start:end]), ""), shown, target=target) == {"a.txt": wanted}
    whole = patch(fenced("".join(f"{line}\n" for line in new), ""), shown, target=Target("a.txt", "whole"))
    assert whole == {"a.txt": wanted}


def test_a_region_that_begins_inside_a_block_of_text_may_hold_half_of_its_fences():
    file = FileText.of(b"# T\n\n```shell\n$ a\n$ b\n```\n\nEnd.\n")
    answer = ["````", "$ a", "$ a2", "$ b", "```", "", "End.", "````"]
    found = read_for_target(answer, Target("README.md", "region", 4, 8))
    assert isinstance(found, RegionRewrite)
    edits = place_region(file, found)
    assert [edit.lines for edit in edits] == [("$ a2",)]


@pytest.mark.parametrize(
    ("goal", "advice"),
    [
        ("Delete total; size stays.", "If the step says that all of them go, answer with an empty fence."),
        ("Make total faster.", ""),
    ],
)
def test_what_comes_back_in_place_of_a_region_that_goes_is_no_answer(goal: str, advice: str):
    text = "def total():\n    return 1\n\n\ndef size():\n    return 2\n"
    answer = read_answer("```\ndef size():\n    return 3\n```", finish="stop", target=Target("a.py", "region", 1, 2))
    assert not isinstance(answer, Refusal)
    (found,) = place(answer, {"a.py": text.encode()}, goal=goal, is_itself=True)
    assert isinstance(found, Refusal)
    assert found.reason == "the answer also defines size, which stands outside the lines asked for"
    only = "Answer with exactly the lines that were asked for, complete, and no others."
    assert (found.advice, found.near) == (f"{only} {advice}".strip(), "")
