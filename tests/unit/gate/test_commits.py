import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from hybridcode.domain.action import CommitFile, Committed, Failed, GitCommit, Unknown
from hybridcode.domain.canonical import sha256_hex
from hybridcode.gate import commits
from hybridcode.repo.gitwriter import GitWriter
from tests.support.commits import CHANGED, head, shop, shown, status
from tests.support.repos import git, write_tree

BLOBS = {sha256_hex(text.encode()): text.encode() for text in (CHANGED, "X = 1\n")}
NEW, EXTRA = BLOBS
AUTHOR = "Test <test@example.invalid>"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = shop(tmp_path / "shop")
    write_tree(root, {"shop.py": CHANGED})
    return root


def raising(root: Path) -> GitCommit:
    """A commit of the new rate."""
    return GitCommit("Raise it\n", (CommitFile("shop.py", NEW),), head(root), "main", author=AUTHOR)


def make(root: Path, commit: GitCommit) -> Committed | Failed:
    return commits.make(root, commit, load=BLOBS.__getitem__)


def test_a_commit_is_what_was_approved_whatever_the_file_holds_by_now(root: Path):
    commit = raising(root)
    write_tree(root, {"shop.py": "later\n"})
    assert isinstance(make(root, commit), Committed)
    assert git(root, "show", "HEAD:shop.py") == CHANGED
    assert status(root) == [" M shop.py"]


def test_the_reflog_tells_it_like_any_other_commit(root: Path):
    make(root, raising(root))
    assert git(root, "reflog", "-1", "--format=%gs").strip() == "commit: Raise it"
    assert git(root, "fsck", "--no-dangling", "--strict") == ""


@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        (("commit", "-q", "--allow-empty", "-m", "other"), "HEAD is not"),
        (("switch", "-q", "-c", "aside"), "main is not checked out any more"),
        (("add", "shop.py"), "changes of shop.py are staged"),
        (("config", "user.name", "Somebody else"), "names another author"),
    ],
)
def test_what_changed_since_it_was_asked_is_a_reason_not_to(
    root: Path, meanwhile: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch
):
    if meanwhile[0] == "config":
        monkeypatch.delenv("GIT_AUTHOR_NAME")
    commit = raising(root)
    git(root, *meanwhile)
    before = git(root, "for-each-ref"), (root / ".git/index").read_bytes()
    receipt = make(root, commit)
    assert isinstance(receipt, Failed)
    assert why in receipt.reason
    assert (git(root, "for-each-ref"), (root / ".git/index").read_bytes()) == before


def test_a_branch_that_moved_between_look_and_swap_is_not_moved(root: Path):
    commit = raising(root)
    writer = GitWriter.find(root)
    assert writer is not None
    other = git(root, "commit-tree", "-m", "other", "-p", "HEAD", "HEAD^{tree}").strip()
    made = writer.commit(writer.tree_of("HEAD"), parent=commit.parent, message="ours")
    git(root, "update-ref", "refs/heads/main", other)
    with pytest.raises(Exception, match="update-ref"):
        writer.move_branch("main", made, was=commit.parent, why="ours")
    assert head(root) == other


def test_a_file_where_a_folder_was_and_the_other_way_round(root: Path):
    write_tree(root, {"pkg/a.py": "A = 1\n", "flat": "f\n"})
    git(root, "add", "pkg", "flat")
    git(root, "commit", "-qm", "more")
    files = (
        CommitFile("flat", None),
        CommitFile("flat/b.py", EXTRA),
        CommitFile("pkg", EXTRA),
        CommitFile("pkg/a.py", None),
    )
    assert isinstance(make(root, replace(raising(root), files=files)), Committed)
    assert shown(root) == {"flat": "D", "flat/b.py": "A", "pkg": "A", "pkg/a.py": "D"}


def test_cut_off_before_the_branch_moved_nothing_is_committed(root: Path):
    receipt = commits.recover(root, raising(root), load=BLOBS.__getitem__)
    assert isinstance(receipt, Failed)
    assert "nothing was committed" in receipt.reason


def test_cut_off_after_the_branch_moved_the_index_is_told(root: Path):
    commit = raising(root)
    index = root / ".git/index"
    as_it_was = shutil.copy2(index, root.parent / "index")
    assert isinstance(make(root, commit), Committed)
    shutil.copy2(as_it_was, index)
    assert status(root) == ["MM shop.py"]
    receipt = commits.recover(root, commit, load=BLOBS.__getitem__)
    assert isinstance(receipt, Committed)
    assert (receipt.commit, status(root)) == (head(root), [])


def test_cut_off_and_gone_elsewhere_nobody_knows(root: Path):
    commit = raising(root)
    git(root, "commit", "-q", "--allow-empty", "-m", "other")
    assert isinstance(commits.recover(root, commit, load=BLOBS.__getitem__), Unknown)


def test_git_keeps_what_it_knows_of_modes_where_it_does_not_look_at_them(root: Path):
    git(root, "config", "core.fileMode", "false")
    writer = GitWriter.find(root)
    assert writer is not None
    known = writer.entries_of(head(root), ["shop.py"])["shop.py"]
    assert writer.git_mode(0o100755, known) == known.mode == 0o100644
