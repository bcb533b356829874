from hybridcode.domain.action import FileChange, FileEdit
from hybridcode.gate.change_flags import LOOKED_AT, change_flags, mode_note


def test_a_change_that_only_hides_is_flagged() -> None:
    assert "invisible-only-change" in change_flags(FileChange("f", b"a = 1\n", "a\u200b = 1\n".encode()))


def test_changed_line_ends_are_flagged_and_kept_ones_are_not() -> None:
    assert "eol-change" in change_flags(FileChange("f", b"a\nb\n", b"a\r\nb\r\n"))
    assert "eol-change" in change_flags(FileChange("f", b"a\nb\n", b"a\nb\nc\r\n"))
    assert change_flags(FileChange("f", b"a\r\nb\r\n", b"a\r\nb\r\nc\r\nd\r\n")) == ()
    assert change_flags(FileChange("f", b"a\r\nb\r\nz\r\n", b"a\r\nx\r\ny\r\nz\r\n")) == ()


def test_a_diff_inside_a_diff_is_flagged() -> None:
    assert "diff-in-diff" in change_flags(FileChange("f", b"a\n", b"a\n--- a/g\n+++ b/g\n@@ -1 +1 @@\n"))


def test_an_ordinary_change_has_no_flags() -> None:
    assert change_flags(FileChange("f", b"a = 1\n", b"a = 2\n")) == ()


def test_of_a_long_diff_it_is_said_how_much_was_looked_at() -> None:
    lines = b"".join(b"value = %d\n" % number for number in range(LOOKED_AT // 8))
    (flag,) = change_flags(FileChange("f", b"", lines))
    assert flag.startswith("long-diff: only its first 65,")


def test_permission_bits_that_change_with_the_bytes_are_told() -> None:
    assert mode_note(FileEdit("f", "a", "b", 0o755, before_mode=0o644)) == "f: mode 0644 becomes 0755"
    assert mode_note(FileEdit("f", "a", "b", 0o755)) == ""
    assert mode_note(FileEdit("f", None, "b", 0o755)) == ""
