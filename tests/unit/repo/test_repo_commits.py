from pathlib import Path

from hybridcode.repo.commits import MESSAGE_CHARS, list_tree, read_past
from tests.support.repos import git, git_repository, write_tree


def commit(root: Path, message: str, files: dict[str, str]) -> str:
    write_tree(root, files)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--cleanup=verbatim", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD").strip()


def test_commits_with_what_they_changed_newest_first(tmp_path: Path):
    root = git_repository(tmp_path / "r", {"a.py": "a\n", "b.py": "b\n"})
    first = git(root, "rev-parse", "HEAD").strip()
    (root / "b.py").unlink()
    second = commit(root, "second", {"a.py": "A\n", "c d.py": "c\n"})
    found = read_past(root, head=second, limit=10)
    assert [each.id for each in found.commits] == [second, first]
    newest, oldest = found.commits
    assert (newest.parent, newest.message, oldest.parent) == (first, "second", "")
    assert [(f.path, f.status, bool(f.before), bool(f.after)) for f in newest.files] == [
        ("a.py", "modified", True, True),
        ("b.py", "deleted", True, False),
        ("c d.py", "added", False, True),
    ]


def test_no_message_and_no_name_can_pass_for_something_else(tmp_path: Path):
    root = git_repository(tmp_path / "r", {"a.py": "a\n"})
    evil = ":100644 100644 " + "0" * 40 + " " + "1" * 40 + " M"
    head = commit(root, f"{evil}\n\x01{'a' * 40}\n:not a path", {evil: "x\n", "\x01b.py": "y\n"})
    newest = read_past(root, head=head, limit=5).commits[0]
    assert newest.id == head
    assert newest.message.startswith(evil)
    assert sorted(file.path for file in newest.files) == sorted([evil, "\x01b.py"])
    assert {file.status for file in newest.files} == {"added"}


def test_links_and_modes(tmp_path: Path):
    root = git_repository(tmp_path / "r", {"a.sh": "a\n"})
    (root / "link").symlink_to("a.sh")
    (root / "a.sh").chmod(0o755)
    newest = read_past(root, head=commit(root, "modes", {}), limit=1).commits[0]
    assert [(file.path, file.status, file.permissions) for file in newest.files] == [
        ("a.sh", "modified", 0o755),
        ("link", "other", 0o644),
    ]
    tree = list_tree(root, newest.id)
    assert tree is not None
    assert {path: (entry.mode, entry.is_ordinary) for path, entry in tree.items()} == {
        "a.sh": ("100755", True),
        "link": ("120000", False),
    }


def test_a_folder_of_a_repository(tmp_path: Path):
    top = git_repository(tmp_path / "r", {"web/a.py": "a\n", "other.py": "o\n"})
    both = commit(top, "both", {"web/a.py": "A\n", "other.py": "O\n"})
    inside = commit(top, "inside", {"web/a.py": "AA\n"})
    found = read_past(top / "web", head=inside, limit=2)
    assert [(c.id, [f.path for f in c.files], c.reaches_outside) for c in found.commits] == [
        (inside, ["a.py"], False),
        (both, ["a.py"], True),
    ]
    assert list(list_tree(top / "web", both) or {}) == ["a.py"]


def test_bounds(tmp_path: Path):
    root = git_repository(tmp_path / "r", {"a.py": "a\n"})
    head = commit(root, "x" * 10_000, {"a.py": "b\n"})
    assert len(read_past(root, head=head, limit=1).commits) == 1
    assert len(read_past(root, head=head, limit=1).commits[0].message) == MESSAGE_CHARS
    assert read_past(root, head=head, limit=5, since="2090-01-01").reason == "no commit since then"
    assert read_past(tmp_path, head=head, limit=5).reason == "not a git repository"
    assert read_past(root, head=None, limit=5).reason == "no commits yet"
    assert list_tree(root, "0" * 40) is None
