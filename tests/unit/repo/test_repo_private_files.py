import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.repo import private_files
from hybridcode.repo.private_files import WantedFiles, files_matching, files_with_values
from tests.support.repos import write_tree


def names(root: Path, wanted: WantedFiles) -> list[str]:
    return [file.relative_to(root).as_posix() for file in wanted.find()]


def rest(*folders: Path) -> None:
    """Have folders look as if nothing had come or gone for a while; what is told by ctime has to be waited for."""
    for folder in folders:
        os.utime(folder, (1_000_000_000, 1_000_000_000))
    time.sleep(2.1)


def test_files_with_values_are_found_nearest_first_and_not_in_installed_packages(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "a/b/.env": "",
            ".env": "",
            "a/secrets.toml": "",
            "a/.env.example": "",
            "node_modules/x/.env": "",
            "a/b.py": "",
        },
    )
    (tmp_path / "link.env").symlink_to(".env")
    assert names(tmp_path, files_with_values(tmp_path)) == [".env", "a/secrets.toml", "a/b/.env"]


def test_files_that_come_and_go_are_seen_in_folders_at_rest(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a/b/x.py": "", "a/y.py": "", ".env": ""})
    wanted = files_with_values(root)
    rest(root, root / "a", root / "a/b")
    assert names(root, wanted) == [".env"]
    (root / "a/b/.env").write_text("")
    assert names(root, wanted) == [".env", "a/b/.env"]
    (root / ".env").rename(root / "a/.env")
    assert names(root, wanted) == ["a/.env", "a/b/.env"]
    (root / "a/b").rename(root / "c")
    assert names(root, wanted) == ["a/.env", "c/.env"]
    (root / "c/.env").unlink()
    (root / "c/.env").mkdir()
    assert names(root, wanted) == ["a/.env"]


def test_a_folder_that_becomes_a_link_is_not_followed(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree", {"a/.env": ""})
    write_tree(tmp_path / "outside", {".env": ""})
    wanted = files_with_values(root)
    rest(root, root / "a")
    assert names(root, wanted) == ["a/.env"]
    (root / "a").rename(tmp_path / "moved")
    (root / "a").symlink_to(tmp_path / "outside")
    assert names(root, wanted) == []


def test_folders_at_rest_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_tree(tmp_path, {"a/.env": "", "b/.env": ""})
    read: list[str] = []

    def is_wanted(path: str) -> bool:
        read.append(path)
        return True

    wanted = files_matching(root, is_wanted)
    rest(root, root / "a", root / "b")
    wanted.find()
    (root / "b/x").write_text("")
    assert names(root, wanted) == ["a/.env", "b/.env", "b/x"]
    assert read == ["a/.env", "b/.env", "b/.env", "b/x"]
    read.clear()
    monkeypatch.setattr(private_files, "_BELIEVED_S", 0.0)
    wanted = files_matching(root, is_wanted)
    assert wanted.find() == wanted.find()
    assert read == ["a/.env", "b/.env", "b/x"] * 2


@settings(max_examples=40, deadline=None)
@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(["", "a", "a/b", "c"]), st.sampled_from([".env", "x.py", "secrets.toml"]), st.booleans()
        ),
        max_size=12,
    )
)
def test_what_is_found_again_is_what_a_first_look_finds(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str, bool]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    values, python = files_with_values(root), files_matching(root, lambda path: path.endswith(".py"))
    for folder, name, is_made in edits:
        (root / folder).mkdir(parents=True, exist_ok=True)
        if is_made:
            (root / folder / name).write_text("")
        else:
            (root / folder / name).unlink(missing_ok=True)
        assert values.find() == files_with_values(root).find()
        assert python.find() == files_matching(root, lambda path: path.endswith(".py")).find()
