from pathlib import Path

import pytest

from hybridcode.domain.errors import ConfigError, RepoError
from hybridcode.gate import worktrees
from hybridcode.gate.paths import Places
from hybridcode.gate.sandbox_places import hooks_folder
from tests.support.commits import head, shop
from tests.support.repos import git, write_tree


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return shop(tmp_path / "shop")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state" / "one"


def made(home: Path, place: Path, *links: str, at: str = "", branch: str = "") -> worktrees.Made:
    return worktrees.make(home, place, at=at, branch=branch, wanted_links=links)


def remove(home: Path, place: Path, *written: str, links: tuple[str, ...] = (), began: str = "") -> str:
    return worktrees.remove(home, place, place, links=links, began=began or head(home), written=written)


def test_it_begins_at_the_commit_with_a_detached_head_and_goes_without_a_trace(home: Path, place: Path):
    found = made(home, place)
    assert (found.root, found.commit, found.notes) == (place, head(home), ())
    assert (git(place, "status", "--porcelain"), git(place, "branch", "--show-current")) == ("", "")
    assert remove(home, place) == ""
    assert not place.exists()
    assert (git(home, "worktree", "list").count("\n"), git(home, "branch").split()) == (1, ["*", "main"])


def test_a_folder_of_the_repository_stands_for_the_same_folder(home: Path, place: Path):
    write_tree(home, {"web/app.js": "1\n", "new/app.js": "2\n"})
    git(home, "add", "web")
    git(home, "commit", "-q", "-m", "web")
    assert made(home / "web", place).root == place / "web"
    with pytest.raises(ConfigError, match="no folder new/"):
        made(home / "new", place.with_name("two"))
    assert not place.with_name("two").exists()


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"shop.py": "RATE = 5\n"}, "shop.py is not committed"),
        ({"new.txt": "new\n"}, "new.txt is not committed"),
        ({"a.txt": "", "b.txt": ""}, "a.txt, b.txt are not committed"),
    ],
)
def test_what_is_not_committed_keeps_it(home: Path, place: Path, files: dict[str, str], why: str):
    made(home, place)
    write_tree(place, files)
    assert remove(home, place) == why
    assert place.is_dir()


def test_what_git_ignores_keeps_it_only_if_the_session_wrote_it(home: Path, place: Path):
    made(home, place)
    write_tree(place, {"kept.log": "kept\n", "by-a-check.log": "made\n"})
    assert remove(home, place, "kept.log", "shop.py", "gone.log") == "kept.log is not committed"
    (place / "kept.log").unlink()
    assert remove(home, place, "kept.log") == ""


def test_a_commit_on_no_branch_keeps_it(home: Path, place: Path):
    began = made(home, place).commit
    git(place, "commit", "-q", "--allow-empty", "-m", "apart")
    assert remove(home, place, began=began) == f"its commit {head(place)[:12]} is on no branch"
    git(place, "switch", "-q", "-c", "mine")
    assert remove(home, place, began=began) == ""
    assert git(home, "log", "-1", "--format=%s", "mine").strip() == "apart"


def test_links_lead_into_the_persons_folder_and_do_not_count(home: Path, place: Path):
    write_tree(home, {"node_modules/a.js": "1\n", ".git/x": "", "outside/../deep/venv/cfg": ""})
    found = made(home, place, "node_modules/", "../shop", "/etc", ".git/x", "shop.py", "missing", "deep/venv")
    assert (found.links, (place / "node_modules").readlink()) == (("node_modules",), home / "node_modules")
    assert [text.removeprefix("not linked into the worktree: ") for text, _ in found.notes] == [
        "../shop, which is no path inside your folder",
        "/etc, which is no path inside your folder",
        ".git/x, which is no path inside your folder",
        "shop.py, which the worktree has by itself",
        "missing, which your folder does not have",
        "deep/venv, whose folder the worktree does not have",
    ]
    assert remove(home, place, links=found.links) == ""
    assert (home / "node_modules" / "a.js").read_text() == "1\n"


def test_it_is_made_again_where_it_was_deleted_or_cut_off(home: Path, place: Path):
    began = made(home, place).commit
    git(place, "switch", "-q", "-c", "mine")
    git(place, "rm", "-q", "notes.txt")
    git(place, "commit", "-q", "-m", "less")
    for path in sorted(place.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (place / ".git").unlink(missing_ok=True)
    place.rmdir()
    made(home, place, at=began, branch="mine")
    assert sorted(path.name for path in place.iterdir()) == [".git", ".gitignore", "shop.py"]
    (home / ".git" / "worktrees" / "one" / "index").unlink()
    (place / "shop.py").unlink()
    made(home, place, at=began, branch="mine")
    assert git(place, "status", "--porcelain") == ""


def test_a_branch_that_is_checked_out_elsewhere_is_an_error(home: Path, place: Path):
    with pytest.raises(RepoError, match="already"):
        made(home, place, branch="main")


def test_filter_programs_do_not_run_and_their_files_are_named(home: Path, place: Path):
    write_tree(home, {".gitattributes": "*.bin filter=big\n", "a.bin": "pointer\n"})
    git(home, "add", "-A")
    git(home, "commit", "-q", "-m", "big")
    git(home, "config", "filter.big.smudge", f"touch {home.parent}/ran; cat")
    git(home, "config", "filter.big.clean", "cat")
    found = made(home, place)
    assert [text for text, _ in found.notes] == [
        "in the worktree as git keeps them, since filter programs do not run: a.bin"
    ]
    assert ((place / "a.bin").read_text(), (home.parent / "ran").exists()) == ("pointer\n", False)


def test_the_hooks_folder_of_the_repository_is_protected_in_its_worktrees_too(home: Path, place: Path):
    git(home, "config", "core.hooksPath", "tools/hooks")
    made(home, place)
    assert Places.of(place).of_edit("tools/hooks/pre-commit.txt").why == "is protected: git runs hooks from this folder"
    assert hooks_folder(place, home.parent) == place / "tools" / "hooks"
