import json

import pytest
from patching import patch, refusal

from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Finish, Target
from hybridcode.patch.read import read_answer

BEFORE = b"""import os


def area(w, h):
    return w * h


def rim(w, h):
    return w + h
"""
AFTER = BEFORE.replace(b"return w + h", b"return 2 * (w + h)")
SHOWN = {"geo/box.py": BEFORE, "geo/other.py": b"x = 1\n"}
BLOCK = """<<<<<<< SEARCH
def rim(w, h):
    return w + h
=======
def rim(w, h):
    return 2 * (w + h)
>>>>>>> REPLACE
"""
HUNK = " def rim(w, h):\n-    return w + h\n+    return 2 * (w + h)\n"
ENVELOPE = f"*** Begin Patch\n*** Update File: geo/box.py\n@@ def rim(w, h):\n{HUNK[16:]}*** End Patch\n"
WHOLE = f"geo/box.py\n```python\n{AFTER.decode()}```\n"

FORMATS = {
    "blocks": f"geo/box.py\n{BLOCK}",
    "fenced blocks": f"Here it is.\n\n**geo/box.py**:\n\n```python\n{BLOCK}```\n\nDone.\n",
    "name in the fence": f"```\ngeo/box.py\n{BLOCK}```\n",
    "diff": f"--- a/geo/box.py\n+++ b/geo/box.py\n@@ -8,2 +8,2 @@\n{HUNK}",
    "diff without numbers": f"```diff\n--- geo/box.py\n+++ geo/box.py\n@@\n{HUNK}```\nThat doubles it.\n",
    "diff with wrong numbers": f"```diff\n--- a/geo/box.py\n+++ b/geo/box.py\n@@ -77,9 +1,3 @@\n{HUNK}```\n",
    "envelope": ENVELOPE,
    "envelope in a fence": f"Sure:\n```\n{ENVELOPE}```\n",
    "whole": WHOLE,
    "whole with chatter": f"I doubled it.\n\n{WHOLE}\nRun it:\n```bash\npytest\n```\n",
    "json": json.dumps({"path": "geo/box.py", "old": "    return w + h", "new": "    return 2 * (w + h)"}),
    "json list in a fence": "```json\n"
    + json.dumps({"edits": [{"file": "box.py", "old_string": "return w + h\n", "new_string": "return 2 * (w + h)\n"}]})
    + "\n```\n",
    "thinking first": f"<think>SEARCH for rim</think>\ngeo/box.py\n{BLOCK}",
    "crlf answer": f"geo/box.py\n{BLOCK}".replace("\n", "\r\n"),
}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_means_the_same_change(name: str) -> None:
    assert patch(FORMATS[name], SHOWN) == {"geo/box.py": AFTER}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_is_understood_whatever_was_asked_for(name: str) -> None:
    for target in (Target("geo/box.py", "blocks"), Target("geo/box.py", "whole")):
        assert patch(FORMATS[name], SHOWN, target=target) == {"geo/box.py": AFTER}


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"whole", "whole with chatter"}))
def test_edits_are_understood_where_a_region_was_asked_for(name: str) -> None:
    assert patch(FORMATS[name], SHOWN, target=Target("geo/box.py", "region", 8, 9)) == {"geo/box.py": AFTER}


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("prefix", ["./", "/workspace/project/", "project/", "a/"])
def test_wrong_prefixes_mean_the_shown_file(name: str, prefix: str) -> None:
    text = FORMATS[name].replace("geo/box.py", prefix + "geo/box.py")
    assert patch(text, SHOWN) == {"geo/box.py": AFTER}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_line_ends_bom_and_missing_last_newline_stay(name: str) -> None:
    def dressed(data: bytes) -> bytes:
        return b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n").removesuffix(b"\r\n")

    assert patch(FORMATS[name], {**SHOWN, "geo/box.py": dressed(BEFORE)}) == {"geo/box.py": dressed(AFTER)}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_applying_twice_is_refused_as_already_so(name: str) -> None:
    said = refusal(patch(FORMATS[name], {**SHOWN, "geo/box.py": AFTER}))
    assert "already" in said.reason
    assert said.path == "geo/box.py"


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"diff"}))
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_a_cut_answer_never_gives_another_text(name: str, share: float) -> None:
    text = FORMATS[name]
    outcome = patch(text[: int(len(text) * share)], SHOWN)
    assert not isinstance(outcome, dict) or outcome == {"geo/box.py": AFTER}


@pytest.mark.parametrize("finish", ["length", "refused", "cancelled"])
def test_an_answer_that_did_not_end_is_refused_first(finish: Finish) -> None:
    said = refusal(patch(FORMATS["blocks"], SHOWN, finish=finish))
    assert said.reason
    assert said.advice


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("I cannot do that.", "no edit"),
        (f"geo/box.py\n{BLOCK[:60]}", "not closed"),
        ("geo/box.py\n<<<<<<< SEARCH\nx\n>>>>>>> REPLACE\n", "no divider"),
        (f"geo/box.py\n```python\n{AFTER.decode()}", "not closed"),
        (ENVELOPE.removesuffix("*** End Patch\n"), "End Patch"),
        ("--- a/geo/box.py\n+++ b/geo/box.py\n@@ -8,3 +8,3 @@\n" + HUNK, "shorter than its header"),
        ("```diff\n--- a/geo/box.py\n+++ b/geo/box.py\n@@\n" + HUNK + "oops\n```\n", "no mark"),
        ("<think>forever", "thoughts"),
        (BLOCK.replace("w", "q"), "fits no"),
        (f"geo/nothere.py\n{BLOCK}", "no such file"),
        (f"geo/box.py\n{BLOCK}{BLOCK.replace('2 * ', '3 * ')}", "same lines"),
    ],
)
def test_refusals_say_why(text: str, reason: str) -> None:
    assert reason in refusal(patch(text, SHOWN)).reason


def test_a_block_without_a_name_goes_to_the_only_file_it_fits() -> None:
    assert patch(BLOCK, SHOWN) == {"geo/box.py": AFTER}
    assert "fits 2" in refusal(patch(BLOCK, {**SHOWN, "twin.py": BEFORE})).reason


def test_several_files_are_changed_together_or_not_at_all() -> None:
    other = "geo/other.py\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n"
    assert patch(FORMATS["blocks"] + other, SHOWN) == {"geo/box.py": AFTER, "geo/other.py": b"x = 2\n"}
    said = refusal(patch(FORMATS["blocks"] + other.replace("x = 1", "y = 1"), SHOWN))
    assert (said.path, said.hunk) == ("geo/other.py", 0)


def test_two_whole_files_under_their_names() -> None:
    text = f"{WHOLE}\n**geo/other.py**\n```python\nx = 2\n```\n"
    assert patch(text, SHOWN) == {"geo/box.py": AFTER, "geo/other.py": b"x = 2\n"}


def test_a_whole_markdown_file_with_fences_of_its_own() -> None:
    before = b"# Use\n\n```\nmake\n```\n\nThen:\n\n```sh\nmake test\n```\n\nEnd.\n"
    after = before.replace(b"make test", b"make check")
    text = f"README.md\n```markdown\n{after.decode()}```\n"
    assert patch(text, {"README.md": before}) == {"README.md": after}
    assert patch(text, {"README.md": before}, target=Target("README.md", "whole")) == {"README.md": after}


def test_files_are_created_deleted_and_renamed() -> None:
    text = (
        "*** Begin Patch\n*** Add File: geo/new.py\n+y = 1\n+\n*** Delete File: geo/other.py\n"
        f"*** Update File: geo/box.py\n*** Move to: geo/frame.py\n@@\n{HUNK}*** End Patch\n"
    )
    assert patch(text, SHOWN) == {
        "geo/box.py": None,
        "geo/frame.py": AFTER,
        "geo/new.py": b"y = 1\n\n",
        "geo/other.py": None,
    }
    created = "--- /dev/null\n+++ b/geo/new.py\n@@ -0,0 +1,1 @@\n+y = 1\n"
    assert patch(created, SHOWN) == {"geo/new.py": b"y = 1\n"}
    deleted = "--- a/geo/other.py\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x = 1\n"
    assert patch(deleted, SHOWN) == {"geo/other.py": None}


def test_a_git_rename_with_changes() -> None:
    text = (
        "diff --git a/geo/box.py b/geo/frame.py\nsimilarity index 90%\nrename from geo/box.py\nrename to geo/frame.py\n"
        f"--- a/geo/box.py\n+++ b/geo/frame.py\n@@ -8,2 +8,2 @@\n{HUNK}"
    )
    assert patch(text, SHOWN) == {"geo/box.py": None, "geo/frame.py": AFTER}


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.py", "geo/../../up.py", "~/x.py", "a//b.py"])
def test_new_files_stay_inside_the_tree(path: str) -> None:
    text = f"*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n"
    assert "plain" in refusal(patch(text, SHOWN)).reason


def test_a_new_file_is_written_from_one_fence() -> None:
    target = Target("geo/new.py", "whole")
    assert patch("```python\ny = 1\n```", SHOWN, target=target) == {"geo/new.py": b"y = 1\n"}
    assert "not plain" in refusal(patch("y = 1", SHOWN, target=target)).reason


def test_a_new_file_with_the_name_of_a_shown_one_elsewhere_is_refused() -> None:
    assert "same name" in refusal(patch("lib/box.py\n```python\ny = 1\n```", SHOWN)).reason


def test_bytes_that_are_not_utf8_elsewhere_survive() -> None:
    before = BEFORE.replace(b"import os", b"# caf\xe9\x0c")
    assert patch(FORMATS["blocks"], {"geo/box.py": before}) == {
        "geo/box.py": before.replace(b"return w + h", b"return 2 * (w + h)")
    }


def test_a_divider_inside_the_new_text_is_no_divider() -> None:
    text = "a.rst\n<<<<<<< SEARCH\nold text\n=======\nTitle\n=======\n\nnew text\n>>>>>>> REPLACE\n"
    assert patch(text, {"a.rst": b"old text\n"}) == {"a.rst": b"Title\n=======\n\nnew text\n"}


def test_a_block_that_can_be_divided_in_two_ways_is_refused() -> None:
    text = "a.rst\n<<<<<<< SEARCH\nTitle\n=======\nold\n=======\nTitle\n=======\nnew\n>>>>>>> REPLACE\n"
    assert "several ways" in refusal(patch(text, {"a.rst": b"Title\n=======\nold\n"})).reason


def test_prose_above_the_edit_is_kept_for_people() -> None:
    answer = read_answer(FORMATS["fenced blocks"], finish="stop", target=None)
    assert not isinstance(answer, Refusal)
    assert answer.chatter == "Here it is."
    assert answer.paths == ("geo/box.py",)


def test_a_byte_order_mark_is_not_doubled() -> None:
    assert patch("a.py\n```\n\ufeffa = 1\nb = 2\n```\n", {"a.py": b"\xef\xbb\xbfa = 1\n"}) == {
        "a.py": b"\xef\xbb\xbfa = 1\nb = 2\n"
    }


def test_commands_and_text_above_inner_fences_are_no_names_of_files() -> None:
    old = "# Gin\n\n```\ngo get github.com/gin-gonic/gin\n```\nimport github.com/gin-gonic/gin\n```\nrun\n```\n"
    new = old.replace("# Gin", "# Gin Gonic")
    found = patch(f"```markdown\n{new}```\n", {"README.md": old.encode(), "other.py": b"x = 1\n"})
    assert isinstance(found, Refusal) or found == {"README.md": new.encode()}


def test_a_fence_without_a_name_before_one_with_a_name_is_not_guessed_at() -> None:
    text = "```python\nx = 0\n```\nMy choice:\n\nnew.py\n```python\nx = 1\n```\n"
    assert "before the first one with a name" in refusal(patch(text, {"geo/box.py": BEFORE})).reason
