import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.gate.flags import command_flags, diff_flags
from hybridcode.gate.render import escape, is_plain, visible


@pytest.mark.parametrize(
    ("text", "shown", "flag"),
    [
        ("ls\x1b[2K", "ls␛[2K", "control:ESC"),
        ("a\rb", "a␍b", "control:CR"),
        ("a\x7fb", "a␡b", "control:DEL"),
        ("a\u202eb", "a⟨U+202E⟩b", "bidi:202E"),
        ("a\u200bb", "a⟨U+200B⟩b", "invisible:200B"),
        ("a\U000e0041", "a⟨U+E0041⟩", "invisible:E0041"),
        ("a\u00a0b", "a⟨U+00A0⟩b", "invisible:00A0"),
        ("a\u3164", "a⟨U+3164⟩", "invisible:3164"),
        ("a\ufe0f", "a⟨U+FE0F⟩", "invisible:VS"),
        ("a\u2028b", "a⟨U+2028⟩b", "control:2028"),
        ("a\udc80", "a⟨U+DC80⟩", "invisible:DC80"),
    ],
)
def test_what_cannot_be_seen_is_drawn_and_flagged(text: str, shown: str, flag: str):
    escaped = escape(text)
    assert escaped.text == shown
    assert escaped.flags == (flag,)
    assert not is_plain(text)


@pytest.mark.parametrize("text", ["plain", "a\tb\nc", "naïve café", "日本語", "🎉 👩\u200d💻 ❤\ufe0f", "[a-c]*.py", ""])
def test_ordinary_text_stays_as_it_is(text: str):
    assert escape(text) == (text, ())
    assert is_plain(text)


def test_line_ends_are_drawn_in_one_line_places():
    assert visible("a\nb") == "a␊b"
    assert escape("a\nb", keep_newlines=False).flags == ()


def test_look_alikes_are_flagged_but_legible():
    assert escape("\u0441url x").flags == ("confusable:0441",)
    assert escape("\uff0fetc").flags == ("confusable:FF0F",)
    assert escape("кот и собака").flags == ()


@given(st.text())
def test_nothing_hidden_is_left(text: str):
    shown = escape(text).text
    hidden = [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") and c not in "\n\t\u200d"]
    assert hidden == []
    assert escape(shown).text == shown


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("echo [@click=app.quit]yes[/]", "markup-literal"),
        ("echo '╭─ Approved ─╮'", "box-drawing"),
        ("a\nb\nc", "multiline"),
        ("ls" + " " * 60 + "; x", "blank-run"),
    ],
)
def test_commands_that_pretend(text: str, flag: str):
    assert flag in command_flags(text)


@pytest.mark.parametrize(
    ("removed", "added", "flag"),
    [
        ("a='x'", "a='x\u200b'", "invisible-only-change"),
        ("x", "x\r", "eol-change"),
        ("# Doc", "![x](https://evil.example/?q=1)", "remote-url"),
        ("x", "x\n\\ No newline at end of file", "final-newline-change"),
    ],
)
def test_diffs_that_hide_something(removed: str, added: str, flag: str):
    assert flag in diff_flags(f"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-{removed}\n+{added}\n")


def test_an_ordinary_diff_has_no_flags():
    assert diff_flags("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x = 1\n+x = 2\n") == ()


def test_a_command_that_goes_on_in_the_next_line_is_one_line():
    assert command_flags("pytest -q \\\n  tests/unit \\\n  --maxfail=1") == ()
    for several in ("ls\nmake", "ls \\\n\nmake", "ls \\\\\nmake", "ls \\\n  \\\n\n\nmake"):
        assert "multiline" in command_flags(several)
