"""The frozen prompt: pure, free of line numbers, and safe against code that looks like a template."""

from hypothesis import given
from hypothesis import strategies as st

from hybridcode.models.tiny_prompt import language, render_region, render_whole

LINES = st.lists(st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=("Cs",))), min_size=1)


def test_region_prompt_is_pinned() -> None:
    system, user = render_region("shop/tax.py", "VAT = 19\n", "Set VAT to 21.")
    assert system == "Rewrite the region for the goal. Answer with one fence: all its lines, new."
    assert user == "File shop/tax.py\n```python\nVAT = 19\n```\nGoal: Set VAT to 21."


def test_whole_prompt_is_pinned() -> None:
    system, user = render_whole("docs/new.md", "Write it.\n")
    assert system == "Write the new file for the goal. Answer with one fence: the whole file."
    assert user == "New file docs/new.md\nGoal: Write it."


def test_placeholders_in_code_and_goal_stay_as_they_are() -> None:
    _, user = render_region("a.py", 'print("{goal} {path}")', "Use {code} and {language}.")
    assert user == 'File a.py\n```python\nprint("{goal} {path}")\n```\nGoal: Use {code} and {language}.'


def test_line_ends_do_not_matter() -> None:
    unix, windows = (render_region("a.py", code, "Go.") for code in ("a\nb\n", "a\r\nb"))
    assert unix == windows


def test_unknown_suffix_is_text() -> None:
    assert [language(path) for path in ("x.py", "Makefile", "a.b/c.toml")] == ["python", "text", "toml"]


@given(lines=LINES)
def test_the_code_stands_in_the_prompt_byte_for_byte(lines: list[str]) -> None:
    code = "\n".join(lines)
    _, user = render_region("a.py", code + "\n", "Go.")
    assert user == f"File a.py\n```python\n{code}\n```\nGoal: Go."
