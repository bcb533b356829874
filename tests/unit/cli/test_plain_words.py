from hybridcode.cli.plain_words import entry_lines, fact_lines, hunk_lines, spoken
from hybridcode.domain.action import ChangeSet, FileChange, Proposal, Ruling
from hybridcode.tui.entry import Entry, Fold
from hybridcode.tui.reviewing import Review

OLD = b"one\ntwo\nthree\nfour\nfive\n"
NEW = b"one\ntwo\n3\nfour\nfive\nsix\n"


def review(before: bytes | None = OLD, after: bytes | None = NEW) -> Review:
    proposal = Proposal("p1", "a", ChangeSet(()), "0" * 64, Ruling("ask", "files.inside", "built-in", "ordinary"), "t")
    return Review.of(proposal, [FileChange("count.txt", before, after, 0o644)])


def test_every_line_of_a_hunk_says_what_becomes_of_it() -> None:
    told = list(hunk_lines(review()))
    assert told == [
        "count.txt, hunk 1 of 1",
        "  1 same    one",
        "  2 same    two",
        "  3 delete  three",
        "    add     3",
        "  4 same    four",
        "  5 same    five",
        "    add     six",
    ]


def test_a_binary_file_is_said_to_be_taken_whole() -> None:
    assert "taken whole" in "\n".join(hunk_lines(review(b"\0", b"\0\1")))


def test_signs_become_words() -> None:
    assert spoken("✓ wrote: a.py · b.py") == "ok: wrote: a.py, b.py"
    assert list(entry_lines(Entry("✗ 3", "failed: no\nmore", "bad"))) == ["no: 3 failed: no", "  more"]
    assert list(entry_lines(Entry("", "✓ is output", "code"))) == ["  ✓ is output"]
    assert list(entry_lines(Entry("", "1\n2\n3", fold=Fold(first=1)))) == ["  1", "  2", "  3"]
    assert list(entry_lines(Entry("", "2 excerpts\n  a\n  b", fold=Fold(is_summed_up=True)))) == ["  2 excerpts"]
    assert list(fact_lines([("argv", "0  a\n1  b", "")])) == ["  argv: 0  a", "    1  b"]
