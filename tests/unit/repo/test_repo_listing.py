import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from repo_tree import commit, git, new_repo, write

from hybridcode.repo.snapshot import Snapshot, take


def left_out(seen: Snapshot) -> list[str]:
    return [str(skipped) for skipped in seen.skipped]


@pytest.fixture(params=["git", "no git"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    return new_repo(tree) if request.param == "git" else tree


def test_own_ignore_files_rule_at_every_level_inside_and_outside_git(root: Path) -> None:
    for path in ("a.gen", "keep.gen", "data/x.csv", "data/deep/y.csv", "src/a.py", "src/sub/b.gen", "src/sub/c.gen"):
        write(root, path, "x\n")
    write(root, ".hybridcodeignore", "*.gen\n!keep.gen\ndata/\n")
    write(root, "src/.hybridcodeignore", "!b.gen\n")
    seen = take(root)
    assert list(seen.files) == [
        ".hybridcodeignore", "keep.gen", "src/.hybridcodeignore", "src/a.py", "src/sub/b.gen"
    ]  # fmt: skip
    assert left_out(seen) == [
        "a.gen: named in .hybridcodeignore",
        "data/: named in .hybridcodeignore",
        "src/sub/c.gen: named in .hybridcodeignore",
    ]


def test_git_ignore_files_rule_inside_and_outside_git(root: Path) -> None:
    for path in ("a.log", "src/a.py", "src/b.log", "tmp/x.py", "src/keep/tmp/y.py"):
        write(root, path, "x\n")
    write(root, ".gitignore", "*.log\n/tmp\n")
    write(root, "src/.gitignore", "!b.log\n")
    seen = take(root)
    assert list(seen.files) == [".gitignore", "src/.gitignore", "src/a.py", "src/b.log", "src/keep/tmp/y.py"]
    assert not seen.skipped


def test_own_ignore_files_hide_tracked_files_and_may_be_hidden_from_git_themselves(tmp_path: Path) -> None:
    root = new_repo(tmp_path)
    commit(root, "first", {"a.py": "A = 1\n", "old/b.py": "B = 1\n", ".gitignore": ".hybridcodeignore\n"})
    write(root, "old/.hybridcodeignore", "*.py\n")
    seen = take(root)
    assert list(seen.files) == [".gitignore", "a.py"]
    assert left_out(seen) == ["old/b.py: named in .hybridcodeignore"]


def test_rules_above_the_root_hold_below_it_unless_they_hide_the_root(tmp_path: Path) -> None:
    root = new_repo(tmp_path)
    for path in ("web/a.py", "web/b.gen", "web/lib/c.py", "web/lib/d.gen", "hidden/e.py", "hidden/f.gen"):
        write(root, path, "x\n")
    write(root, ".hybridcodeignore", "*.gen\n/web/lib/\n/hidden/\n")
    below = take(root / "web")
    assert list(below.files) == ["a.py"]
    assert left_out(below) == ["b.gen: named in .hybridcodeignore", "lib/: named in .hybridcodeignore"]
    assert list(take(root / "hidden").files) == ["e.py", "f.gen"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"*.py\n" + b"#" * 100_001, "its rules are not used: larger than 100 kB"),
        (b"*.py\n\0\0", "its rules are not used: a binary file"),
        (b"*.py\n" * 2_001, "its rules are not used: more than 2000 patterns"),
        (b"[a\n*.txt\nb\\\n", "a pattern that can never match, in line 1, 3"),
    ],
)
def test_an_ignore_file_that_cannot_be_used_is_named(root: Path, content: bytes, complaint: str) -> None:
    write(root, "a.py", "A = 1\n")
    write(root, "b.txt", "b\n")
    (root / ".hybridcodeignore").write_bytes(content)
    seen = take(root)
    assert f".hybridcodeignore: {complaint}" in left_out(seen)
    assert "a.py" in seen.files
    assert ("b.txt" in seen.files) == (b"*.txt" not in content)


def test_an_ignore_file_is_not_read_through_a_link(root: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside/rules", "*.py\n")
    write(root, "a.py", "A = 1\n")
    (root / ".hybridcodeignore").symlink_to(tmp_path / "outside/rules")
    seen = take(root)
    assert "a.py" in seen.files
    assert left_out(seen) == [".hybridcodeignore: its rules are not used: a symbolic link"]


def test_nothing_below_a_link_is_read_though_git_tracks_it(tmp_path: Path) -> None:
    root = new_repo(tmp_path / "tree")
    commit(root, "first", {"lib/deep/a.py": "A = 1\n"})
    write(tmp_path, "outside/deep/a.py", "SECRET = 1\n")
    write(tmp_path, "outside/deep/.hybridcodeignore", "*\n")
    (root / "lib/deep/a.py").unlink()
    (root / "lib/deep").rmdir()
    (root / "lib").rmdir()
    (root / "lib").symlink_to(tmp_path / "outside")
    seen = take(root)
    assert {path: entry.kind for path, entry in seen.files.items()} == {"lib": "symlink"}
    assert left_out(seen) == ["lib/deep/a.py: below a symbolic link"]


def test_submodules_and_nested_repositories_are_listed(tmp_path: Path) -> None:
    library = new_repo(tmp_path / "library")
    commit(library, "first", {"a.py": "A = 1\n"})
    root = new_repo(tmp_path / "tree")
    commit(root, "first", {"b.py": "B = 1\n"})
    git(root, "submodule", "add", "-q", str(library), "sub")
    commit(new_repo(root / "nested"), "first", {"c.py": "C = 1\n"})
    seen = take(root)
    assert list(seen.files) == [".gitmodules", "b.py"]
    assert left_out(seen) == ["nested/: another repository", "sub: a submodule"]


def test_files_outside_a_sparse_checkout_are_not_called_deleted(tmp_path: Path) -> None:
    root = new_repo(tmp_path)
    commit(root, "first", {"a/x.py": "X = 1\n", "b/y.py": "Y = 1\n", "b/z.py": "Z = 1\n", "top.py": "T = 1\n"})
    git(root, "sparse-checkout", "set", "--cone", "a")
    write(root, "b/z.py", "Z = 2\n")
    (root / "a/x.py").unlink()
    seen = take(root)
    assert list(seen.files) == ["b/z.py", "top.py"]
    assert left_out(seen) == ["a/x.py: deleted", "b/y.py: outside the sparse checkout"]


def test_partial_and_shallow_clones_are_seen_as_they_lie_on_disk(tmp_path: Path) -> None:
    origin = new_repo(tmp_path / "origin")
    git(origin, "config", "uploadpack.allowFilter", "true")
    commit(origin, "first", {"a.py": "A = 1\n"})
    commit(origin, "second", {"a.py": "A = 2\n"})
    whole = take(origin)
    for flags in (["--filter=blob:none"], ["--filter=tree:0"], ["--depth=1"]):
        name = flags[0].strip("-").replace(":", "_")
        git(tmp_path, "clone", "-q", *flags, f"file://{origin}", name)
        assert take(tmp_path / name).digest == whole.digest


def test_names_that_differ_in_case_only_and_names_with_line_ends_are_kept_apart(root: Path) -> None:
    for path in ("Readme", "README", "a\nb.py", "tab\tname", 'quote".py', "ünï.py", " blank "):
        write(root, path, path)
    seen = take(root)
    assert sorted(seen.files) == sorted(["Readme", "README", "a\nb.py", "tab\tname", 'quote".py', "ünï.py", " blank "])
    assert all(seen.text(path) == path for path in seen.files)


def test_pipes_and_sockets_are_never_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "tree"
    write(root, "a.py", "A = 1\n")
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        seen = take(root)
    assert list(seen.files) == ["a.py"]
    assert left_out(seen) == ["pipe: not an ordinary file", "socket: not an ordinary file"]
    new_repo(root)
    commit(root, "first")
    (root / "a.py").unlink()
    os.mkfifo(root / "a.py")
    assert "a.py: not an ordinary file" in left_out(take(root))


def test_line_ends_and_odd_bytes_are_taken_as_they_are(root: Path) -> None:
    if (root / ".git").exists():
        git(root, "config", "core.autocrlf", "true")
        write(root, ".gitattributes", "* text=auto\n")
    (root / "dos.py").write_bytes(b"A = 1\r\nB = 2\r\n")
    (root / "latin.py").write_bytes(b"# caf\xe9\n")
    if (root / ".git").exists():
        git(root, "add", "-A")
    seen = take(root)
    assert seen.read("dos.py") == b"A = 1\r\nB = 2\r\n"
    assert seen.read("latin.py") == b"# caf\xe9\n"


def test_a_broken_index_is_told_and_the_tree_is_walked(tmp_path: Path) -> None:
    root = new_repo(tmp_path)
    commit(root, "first", {"a.py": "A = 1\n"})
    (root / ".git/index").write_bytes(b"DIRC but not an index")
    seen = take(root)
    assert list(seen.files) == ["a.py"]
    assert left_out(seen)[0].startswith(".git: git cannot list the files (")


def test_a_git_program_in_the_work_tree_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = new_repo(tmp_path / "tree")
    witness = tmp_path / "ran"
    write(root, "git", f"#!/bin/sh\ntouch {witness}\n").chmod(0o755)
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}:")
    assert list(take(root).files) == ["git"]
    assert not witness.exists()


def test_folders_nested_deeper_than_the_stack_is_high_are_listed(tmp_path: Path) -> None:
    root = new_repo(tmp_path)
    commit(root, "first", {"a.py": "A = 1\n", ".hybridcodeignore": "*.txt\n"})
    blob = git(root, "rev-parse", "HEAD:a.py")
    deep = "d/" * 1_200
    for name in ("b.py", "b.txt"):
        git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{deep}{name}")
    seen = take(root)
    assert list(seen.files) == [".hybridcodeignore", "a.py"]
    assert left_out(seen) == [f"{deep}b.py: deleted", f"{deep}b.txt: named in .hybridcodeignore"]


@pytest.fixture
def ordinary_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Root may look everywhere: it becomes somebody else for the length of a test."""
    monkeypatch.setenv("HOME", str(tmp_path))
    if os.geteuid() != 0:
        yield
        return
    for folder in (tmp_path, *tmp_path.parents):
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_or_file_without_permission_is_named(root: Path, request: pytest.FixtureRequest) -> None:
    write(root, "a.py", "A = 1\n")
    write(root, "file.py", "F = 1\n").chmod(0)
    write(root, "shut/b.py", "B = 1\n")
    (root / "shut").chmod(0)
    request.addfinalizer(lambda: (root / "shut").chmod(0o755))
    request.getfixturevalue("ordinary_user")
    seen = take(root)
    assert list(seen.files) == ["a.py"]
    assert [(skipped.path, skipped.reason.lower()) for skipped in seen.skipped] == [
        ("file.py", "no permission to read it"),
        ("shut/", "no permission to read it"),
    ]
