import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from repo_tree import commit, git, new_repo, write

from hybridcode.repo.history import Commit, History, read_history
from hybridcode.repo.snapshot import take

DAY = 1_700_000_000


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Two lines of work, merged; all commits bear the same time."""
    root = new_repo(tmp_path / "shop")
    commit(root, "cart: first\n\nbody", {"shop/cart.py": "A = 1\n", "docs/a.md": "a\n"}, date=DAY)
    git(root, "checkout", "-q", "-b", "side")
    commit(root, "side: tax", {"shop/tax.py": "T = 1\n"}, date=DAY)
    git(root, "checkout", "-q", "main")
    commit(root, "cart: second", {"shop/cart.py": "A = 2\n"}, date=DAY)
    git(root, "merge", "-q", "--no-ff", "-m", "merge side", "side", date=DAY)
    commit(root, "docs: more", {"docs/b.md": "b\n"}, date=DAY)
    return root


def head_of(root: Path) -> str | None:
    return take(root).git.head


def history_of(root: Path, *, limit: int = 100) -> History:
    return read_history(root, head=head_of(root), limit=limit)


class Store:
    """Remembers commits and counts those it did not know."""

    def __init__(self) -> None:
        self.commits: dict[str, Commit] = {}
        self.asked: list[int] = []

    def __call__(self, ids: Sequence[str]) -> Mapping[str, Commit]:
        known = {commit: self.commits[commit] for commit in ids if commit in self.commits}
        self.asked.append(len(ids) - len(known))
        return known


def test_commits_without_merges_say_what_they_touched(repo: Path) -> None:
    history = history_of(repo)
    assert history.head == git(repo, "rev-parse", "HEAD")
    assert (history.reason, history.is_shallow) == ("", False)
    assert [commit.id for commit in history.commits] == git(repo, "rev-list", "--no-merges", "HEAD").split()
    said = {commit.message: commit.files for commit in history.commits}
    assert said == {
        "docs: more": ("docs/b.md",),
        "cart: second": ("shop/cart.py",),
        "side: tax": ("shop/tax.py",),
        "cart: first\n\nbody": ("docs/a.md", "shop/cart.py"),
    }


def test_the_newest_commits_up_to_the_limit_are_read(repo: Path) -> None:
    assert history_of(repo, limit=2).commits == history_of(repo).commits[:2]


def test_below_a_folder_only_its_files_are_named(repo: Path) -> None:
    files = [commit.files for commit in history_of(repo / "shop").commits]
    assert sorted(files) == [(), ("cart.py",), ("cart.py",), ("tax.py",)]


def test_known_commits_are_not_read_again(repo: Path) -> None:
    store = Store()
    first = read_history(repo, head=head_of(repo), known=store)
    store.commits = {commit.id: commit for commit in first.commits}
    assert read_history(repo, head=head_of(repo), known=store) == first
    commit(repo, "cart: third", {"shop/cart.py": "A = 3\n"}, date=DAY + 1)
    later = read_history(repo, head=head_of(repo), known=store)
    assert [commit.message for commit in later.commits[:1]] == ["cart: third"]
    assert later.commits[1:] == first.commits
    assert store.asked == [4, 0, 1]


def test_an_earlier_history_holds_while_its_head_does(repo: Path) -> None:
    earlier = history_of(repo)
    shutil.move(repo / ".git/objects", repo / ".git/away")
    assert read_history(repo, head=earlier.head, earlier=earlier) is earlier
    failed = read_history(repo, head=earlier.head)
    assert failed.reason.startswith("git cannot read it (")
    shutil.move(repo / ".git/away", repo / ".git/objects")
    assert read_history(repo, head=earlier.head, earlier=failed) == earlier
    commit(repo, "cart: third", {"shop/cart.py": "A = 3\n"}, date=DAY + 1)
    later = read_history(repo, head=head_of(repo), earlier=earlier)
    assert [commit.message for commit in later.commits[:2]] == ["cart: third", "docs: more"]


def test_what_is_known_is_believed(repo: Path) -> None:
    store = Store()
    ids = [commit.id for commit in history_of(repo).commits]
    store.commits = {commit: Commit(commit, "known", ("x",)) for commit in ids}
    assert {commit.message for commit in read_history(repo, head=head_of(repo), known=store).commits} == {"known"}


def test_refs_grafts_replacements_and_settings_have_no_part(repo: Path, tmp_path: Path) -> None:
    before = history_of(repo)
    ids = [commit.id for commit in before.commits]
    witness = tmp_path / "ran"
    trap = write(tmp_path, "trap.sh", f"#!/bin/sh\ntouch {witness}\ncat\n")
    trap.chmod(0o755)
    git(repo, "tag", "other", ids[-1])
    git(repo, "branch", "third", ids[-1])
    git(repo, "replace", ids[0], ids[-1])
    write(repo, ".git/info/grafts", f"{ids[0]}\n")
    write(repo, ".gitattributes", "* diff=evil\n")
    for name, value in (
        ("log.showSignature", "true"), ("gpg.program", str(trap)), ("diff.external", str(trap)),
        ("diff.evil.textconv", str(trap)), ("diff.evil.command", str(trap)), ("core.pager", str(trap)),
        ("diff.noprefix", "true"), ("diff.renames", "copies"), ("log.date", "relative"), ("diff.relative", "true"),
        ("i18n.logOutputEncoding", "UTF-16"), ("format.pretty", "oneline"), ("core.quotePath", "true"),
        ("core.fsmonitor", str(trap)), ("diff.orderFile", str(trap)), ("log.diffMerges", "first-parent"),
    ):  # fmt: skip
        git(repo, "config", name, value)
    assert history_of(repo) == before
    assert not witness.exists()


def test_a_commit_graph_file_changes_nothing(repo: Path) -> None:
    before = history_of(repo)
    git(repo, "commit-graph", "write", "--reachable", "--changed-paths")
    git(repo, "gc", "-q", "--prune=now")
    assert history_of(repo) == before


def test_a_clone_has_the_same_history_with_or_without_blobs(repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "uploadpack.allowFilter", "true")
    for name, flags in (("whole", ()), ("blobless", ("--filter=blob:none", "--no-checkout"))):
        git(tmp_path, "clone", "-q", *flags, f"file://{repo}", name)
    repo.rename(tmp_path / "gone")
    whole, blobless = history_of(tmp_path / "whole"), history_of(tmp_path / "blobless")
    assert whole == blobless == history_of(tmp_path / "gone")


def test_a_clone_without_trees_fetches_nothing_and_has_no_history(repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=tree:0", "--no-checkout", f"file://{repo}", "treeless")
    objects = git(tmp_path / "treeless", "count-objects", "-v")
    history = history_of(tmp_path / "treeless")
    assert history.commits == ()
    assert history.reason.startswith("git cannot read it (")
    assert git(tmp_path / "treeless", "count-objects", "-v") == objects


def test_a_shallow_clone_has_no_history(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    history = history_of(tmp_path / "shallow")
    assert (history.commits, history.is_shallow) == ((), True)
    assert "shallow" in history.reason
    git(tmp_path / "shallow", "fetch", "-q", "--unshallow")
    assert history_of(tmp_path / "shallow") == history_of(repo)


def test_without_git_or_commits_it_is_absent(tmp_path: Path) -> None:
    assert read_history(tmp_path, head=None).reason == "not a git repository"
    assert history_of(new_repo(tmp_path / "new")).reason == "no commits yet"


def test_a_head_that_is_no_id_or_not_there_is_a_reason(repo: Path) -> None:
    assert "not a commit id" in read_history(repo, head="--all").reason
    assert read_history(repo, head="0" * 40).reason.startswith("git cannot read it (")


def test_wide_commits_carry_no_files(tmp_path: Path) -> None:
    root = new_repo(tmp_path)
    commit(root, "forty", {f"a{number}.py": "A\n" for number in range(40)}, date=DAY)
    commit(root, "one more", {f"b{number}.py": "B\n" for number in range(41)}, date=DAY + 1)
    assert [(commit.message, len(commit.files)) for commit in history_of(root).commits] == [
        ("one more", 0),
        ("forty", 40),
    ]


def test_a_rename_names_both_files_and_an_empty_commit_none(tmp_path: Path) -> None:
    root = new_repo(tmp_path)
    commit(root, "first", {"a.py": "A = 1\n" * 20}, date=DAY)
    git(root, "mv", "a.py", "b.py")
    commit(root, "move", date=DAY + 1)
    commit(root, "empty", date=DAY + 2)
    assert [commit.files for commit in history_of(root).commits] == [(), ("a.py", "b.py"), ("a.py",)]


def test_odd_names_and_messages_are_kept_apart(tmp_path: Path) -> None:
    root = new_repo(tmp_path)
    first = commit(root, "first", {"a.py": "A\n"}, date=DAY)
    names = [f"\x01{first}", "\nline\nend", "M", "tab\there", "ünï.py", f"\x01{'0' * 40}"]
    commit(root, "\x01odd \x02 names", dict.fromkeys(names, "x\n"), date=DAY + 1)
    (root / "bad\udcff.py").write_bytes(b"x\n")
    git(root, "add", "-A")
    message = tmp_path.parent / "message"
    message.write_bytes(b"caf\xe9 \xff\n")
    git(root, "-c", "i18n.commitEncoding=no-such-encoding", "commit", "-q", "-F", str(message), date=DAY + 2)
    message.write_bytes(b"na\xefve\n")
    git(root, "-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-F", str(message), date=DAY + 3)
    said = [(commit.message, commit.files) for commit in history_of(root).commits]
    assert said == [
        ("naïve", ()),
        ("caf\ufffd \ufffd", ()),
        ("\x01odd \x02 names", tuple(sorted(names))),
        ("first", ("a.py",)),
    ]


def test_long_messages_are_cut(tmp_path: Path) -> None:
    root = new_repo(tmp_path)
    commit(root, "é" * 700, date=DAY)
    assert history_of(root).commits[0].message == "é" * 600
