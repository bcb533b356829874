import os
from pathlib import Path

import pytest
from repo_tree import git, write

from hybridcode.domain.action import FileChange
from hybridcode.domain.errors import RepoError
from hybridcode.repo import look
from hybridcode.repo.entry import Skipped, differing
from hybridcode.repo.facts import git_facts
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import TreeMoved, take


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    write(root, ".gitignore", "*.log\n")
    write(root, "shop/cart.py", "RATE = 1\n")
    write(root, "noise.log", "x\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


def test_git_tree_lists_tracked_and_new_files_without_ignored_ones(repo: Path) -> None:
    write(repo, "new.txt", "hello\n")
    seen = take(repo)
    assert list(seen.files) == [".gitignore", "new.txt", "shop/cart.py"]
    assert seen.read("shop/cart.py") == b"RATE = 1\n"
    assert seen.git.is_git
    assert seen.git.branch == "main"
    assert seen.git.head == git(repo, "rev-parse", "HEAD")
    assert not git_facts(repo).is_dirty


def test_dirty_paths_are_relative_to_the_root_that_was_asked_for(repo: Path) -> None:
    write(repo, "shop/cart.py", "RATE = 2\n")
    write(repo, ".gitignore", "*.log\n*.tmp\n")
    assert git_facts(repo).dirty_paths == (".gitignore", "shop/cart.py")
    below = take(repo / "shop")
    assert list(below.files) == ["cart.py"]
    assert git_facts(repo / "shop").dirty_paths == ("cart.py",)


def test_a_deleted_tracked_file_is_skipped_and_dirty(repo: Path) -> None:
    (repo / "shop/cart.py").unlink()
    seen = take(repo)
    assert "shop/cart.py" not in seen.files
    assert seen.skipped == (Skipped("shop/cart.py", "deleted"),)
    assert git_facts(repo).dirty_paths == ("shop/cart.py",)


def test_a_root_that_git_ignores_as_a_whole_is_walked(repo: Path) -> None:
    write(repo, ".gitignore", "scratch/\n*.log\n")
    write(repo, "scratch/try/a.py", "A = 1\n")
    assert list(take(repo / "scratch/try").files) == ["a.py"]
    (repo / "empty").mkdir()
    write(repo, "empty/only.log", "ignored\n")
    assert list(take(repo / "empty").files) == []


def test_repository_without_commits_has_no_head(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "trunk")
    facts = take(tmp_path).git
    assert (facts.is_git, facts.head, facts.branch) == (True, None, "trunk")


def test_linked_worktree_reads_its_own_index(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    write(tmp_path / "side", "only_here.py", "A = 1\n")
    git(tmp_path / "side", "add", "only_here.py")
    seen = take(tmp_path / "side")
    assert "only_here.py" in seen.files
    assert seen.git.branch == "side"
    assert git_facts(tmp_path / "side").dirty_paths == ("only_here.py",)


def test_variables_left_by_a_git_hook_do_not_redirect_us(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert "shop/cart.py" in take(repo).files
    assert take(repo).git.branch == "main"


def test_programs_named_by_the_repository_are_never_run(repo: Path, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    trap = write(tmp_path, "trap.sh", f"#!/bin/sh\ntouch {witness}\ncat\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "filter.evil.clean", "filter.evil.process", "core.pager", "diff.external"):
        git(repo, "config", name, str(trap))
    git(repo, "config", "filter.evil.required", "true")
    write(repo, ".gitattributes", "* filter=evil\n")
    write(repo, "shop/cart.py", "RATE = 7\n")
    take(repo)
    assert git_facts(repo).dirty_paths == ("shop/cart.py",)
    assert not witness.exists()


def test_reading_takes_no_lock_and_leaves_the_index_alone(repo: Path) -> None:
    index = repo / ".git/index"
    before = index.read_bytes()
    os.utime(repo / "shop/cart.py", (1, 1))
    (repo / ".git/index.lock").write_bytes(b"")
    assert not git_facts(repo).is_dirty
    assert index.read_bytes() == before


def test_digest_depends_on_content_kind_and_path_only(tmp_path: Path) -> None:
    roots = [tmp_path / "one", tmp_path / "two"]
    for root, names in zip(roots, (("a.py", "b/c.py"), ("b/c.py", "a.py")), strict=True):
        for name in names:
            write(root, name, f"# {name}\n")
    (roots[1] / "a.py").chmod(0o664)
    os.utime(roots[1] / "a.py", (5, 5))
    first, second = (take(root) for root in roots)
    assert first.digest == second.digest
    (roots[1] / "a.py").chmod(0o755)
    assert take(roots[1]).digest != first.digest
    write(roots[0], "a.py", "# other\n")
    assert take(roots[0]).digest != first.digest


def test_walk_outside_git_leaves_out_build_output_and_follows_no_link(tmp_path: Path) -> None:
    root = tmp_path / "plain"
    write(root, "src/a.py", "A = 1\n")
    write(root, "node_modules/x/index.js", "x\n")
    write(root, ".venv/lib/y.py", "y\n")
    write(tmp_path, "outside/secret.txt", "secret\n")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "file_link").symlink_to(tmp_path / "outside/secret.txt")
    seen = take(root)
    assert {path: entry.kind for path, entry in seen.files.items()} == {
        "file_link": "symlink",
        "link": "symlink",
        "src/a.py": "text",
    }
    assert not seen.git.is_git
    with pytest.raises(RepoError, match="symlink"):
        seen.read("file_link")


def test_odd_files_are_named_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, "big.txt", "x" * 101)
    (tmp_path / "image.bin").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bad\udcff.txt").write_bytes(b"x")
    seen = take(tmp_path, max_file_bytes=100)
    assert {path: entry.kind for path, entry in seen.files.items()} == {
        "big.txt": "large",
        "image.bin": "binary",
        "latin.txt": "text",
    }
    assert [str(left_out) for left_out in seen.skipped] == [
        "bad\\xff.txt: its name is not UTF-8",
        "pipe: not an ordinary file",
    ]
    assert seen.text("latin.txt") is None
    assert seen.text("image.bin") is None
    assert seen.read("latin.txt") == b"caf\xe9\n"
    with pytest.raises(RepoError, match="large"):
        seen.read("big.txt")


def test_bytes_stay_the_same_after_the_file_changed(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "A = 1\n")
    seen = take(tmp_path)
    write(tmp_path, "a.py", "A = 2\n")
    assert seen.read("a.py") == b"A = 1\n"


def test_a_file_beyond_the_memory_limit_is_checked_when_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "KEPT_BYTES", 3)
    write(tmp_path, "a.py", "A = 1\n")
    seen = take(tmp_path)
    assert seen.read("a.py") == b"A = 1\n"
    write(tmp_path, "a.py", "A = 2\n")
    with pytest.raises(TreeMoved, match="changed while"):
        seen.read("a.py")
    (tmp_path / "a.py").unlink()
    with pytest.raises(TreeMoved, match="deleted"):
        seen.read("a.py")


def test_changes_are_laid_over_a_view(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "A = 1\n")
    write(tmp_path, "b.py", "B = 1\n")
    seen = take(tmp_path)
    changed = seen.with_changes(
        [
            FileChange("a.py", b"A = 1\n", b"A = 2\n"),
            FileChange("b.py", b"B = 1\n", None),
            FileChange("c.py", None, b"C = 3\n", 0o755),
        ]
    )
    assert list(changed.files) == ["a.py", "c.py"]
    assert changed.text("a.py") == "A = 2\n"
    assert seen.text("a.py") == "A = 1\n"
    write(tmp_path, "a.py", "A = 2\n")
    (tmp_path / "b.py").unlink()
    write(tmp_path, "c.py", "C = 3\n").chmod(0o755)
    assert take(tmp_path).digest == changed.digest


def test_a_missing_root_is_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(RepoError) as caught:
        take(tmp_path / "nowhere")
    assert "nowhere" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("data", [b"", b"a", b"a\n", b"a\r\nb\x0cc\n\n", b"\n\nx"])
def test_lines_join_to_the_bytes_they_came_from(data: bytes) -> None:
    lines = split_lines(data)
    assert b"".join(lines) == data
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines[:-1])


def test_changes_keep_the_order_of_paths(tmp_path: Path) -> None:
    for name in ("a", "c", "e"):
        write(tmp_path, name, "1\n")
    snapshot = take(tmp_path)
    edit = FileChange("c", before=b"1\n", after=b"2\n")
    gone = FileChange("a", before=b"1\n", after=None)
    back, new = FileChange("a", before=None, after=b"3\n"), FileChange("b", before=None, after=b"4\n")
    assert list(snapshot.with_changes([edit]).files) == ["a", "c", "e"]
    assert list(snapshot.with_changes([gone, edit]).files) == ["c", "e"]
    assert list(snapshot.with_changes([gone, back]).files) == ["a", "c", "e"]
    assert list(snapshot.with_changes([new]).files) == ["a", "b", "c", "e"]
    assert list(snapshot.without({"c"}).files) == ["a", "e"]
    changed = snapshot.with_changes([edit, gone, new])
    assert differing(snapshot.files, changed.files) == ["a", "b", "c"]
    assert differing(snapshot.files, take(tmp_path).files) == []
