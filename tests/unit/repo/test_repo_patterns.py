import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repo_tree import git, new_repo, write

from hybridcode.repo.patterns import BadPattern, parse, parse_line
from hybridcode.repo.walk import walk

FILES = (
    "a", "b.py", "ab", "abc.py", "build/a", "build/x/b.py", "doc/a.txt", "doc/b/c.txt", "x/a", "x/build/c", "x/y/a",
    "x/y/abc.py", "x/y/z/b.py", "-", "a-b", "[a]", "#a", "!a", "a b", "x/doc/a.txt",
)  # fmt: skip
ATOMS = [
    "a",
    "b",
    "c",
    "x",
    "y",
    "*",
    "**",
    "?",
    "/",
    ".py",
    "[ab]",
    "[!a]",
    "[a-c]",
    "\\",
    "doc",
    "build",
    " ",
    "-",
    "z",
]
LINES = st.lists(st.sampled_from(ATOMS), min_size=1, max_size=6).map("".join)
FILES_OF_RULES = st.lists(st.tuples(st.booleans(), LINES).map(lambda parts: "!" * parts[0] + parts[1]), max_size=5)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = new_repo(tmp_path_factory.mktemp("tree"))
    for path in FILES:
        write(root, path, "x\n")
    return root


@settings(max_examples=80, deadline=None)
@given(top=FILES_OF_RULES, below=FILES_OF_RULES)
def test_a_walk_hides_what_git_hides(tree: Path, top: list[str], below: list[str]) -> None:
    write(tree, ".gitignore", "\n".join(top))
    write(tree, "x/.gitignore", "\r\n".join(below))
    listed = git(tree, "ls-files", "-o", "--exclude-standard", "-z").split("\0")
    built = {path for path in listed if "build/" in path}
    assert walk(str(tree), lambda _: "").paths == {path for path in listed if path} - built


@pytest.mark.parametrize(
    ("line", "hidden", "shown"),
    [
        ("*.log", ["a.log", "x/a.log"], ["a.log.txt", "log"]),
        ("/a", ["a"], ["x/a"]),
        ("a/b", ["a/b"], ["x/a/b", "a/x/b"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "b"]),
        ("**/a/b", ["a/b", "x/y/a/b"], ["xa/b"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a/c"]),
        ("[[:digit:]]*", ["1a"], ["a1"]),
        ("[]-a]", ["]", "_", "a"], ["b", "-"]),
        ("[!a-c]x", ["dx"], ["ax", "x"]),
        ("\\!x", ["!x"], ["x"]),
        ("a?c", ["abc", "aéc"], ["ac", "a/c"]),
        ("a\\*b", ["a*b"], ["axb"]),
        ("x ", ["x"], ["x "]),
        ("x\\ ", ["x "], ["x"]),
        ("a*b*c", ["abc", "aXbYbc", "a\nbc"], ["acb", "a/b/c"]),
    ],
)
def test_a_pattern_hides_and_shows(line: str, hidden: list[str], shown: list[str]) -> None:
    rules, bad = parse([line])
    assert not bad
    assert [path for path in (*hidden, *shown) if rules.verdict(path, is_folder=False)] == hidden


def test_the_last_pattern_that_matches_decides_and_folders_are_told_apart() -> None:
    rules, _ = parse(["*.py", "!keep.py", "/keep.py", "out/", "# comment", ""])
    assert rules.verdict("x/keep.py", is_folder=False) is False
    assert rules.verdict("keep.py", is_folder=False) is True
    assert rules.verdict("out", is_folder=True) is True
    assert rules.verdict("out", is_folder=False) is None


@pytest.mark.parametrize("line", ["[a", "a\\", "!", "/", "[[:nonsense:]]", "x/[", "[a-"])
def test_lines_that_can_never_match_are_told(line: str) -> None:
    with pytest.raises(BadPattern):
        parse_line(line)
    assert parse(["a", line])[1] == (2,)


@given(line=st.text(max_size=30))
def test_any_line_is_a_pattern_or_none_or_bad(line: str) -> None:
    try:
        pattern = parse_line(line)
    except BadPattern:
        return
    if pattern is not None:
        re.compile(pattern.regex)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("*a" * 30 + "b", "a" * 250),
        ("**/" + "a/**/" * 30 + "b", "a/" * 1_000 + "c"),
        ("/" + "*a" * 30 + "/b", "a" * 250 + "/c"),
        ("**/*a*a*a*a*/" * 8 + "b", "aaaaaaaaaaaaaaaa/" * 100 + "c"),
    ],
)
def test_no_pattern_takes_long(line: str, path: str) -> None:
    rules, _ = parse([line])
    before = time.process_time()
    assert rules.verdict(path, is_folder=False) is None
    assert time.process_time() - before < 0.5


def test_a_deeper_file_beats_the_one_above(tree: Path) -> None:
    write(tree, ".gitignore", "a\n")
    write(tree, "x/.gitignore", "!a\n")
    found = walk(str(tree), lambda _: "").paths
    assert {"x/a", "x/y/a"} < found
    assert "a" not in found
