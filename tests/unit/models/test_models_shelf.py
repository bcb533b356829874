import threading
from pathlib import Path

import pytest

from hybridcode.config.settings import LocalSettings, ModelSettings, Settings
from hybridcode.domain.errors import ConfigError
from hybridcode.models.gguf import BadGguf
from hybridcode.models.model_files import claimed, delete
from hybridcode.models.shelf import ModelFile, Shelf, is_later_part, is_split, parts_of, resolved
from hybridcode.session.models import build_models
from tests.support.gguf_files import QWEN, gguf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "models")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    path = tmp_path / "my coder.gguf"
    path.write_bytes(gguf(QWEN))
    return path


def pulled(shelf: Shelf, name: str) -> Path:
    shelf.folder.mkdir(exist_ok=True)
    path = shelf.folder / f"{name}.gguf"
    path.write_bytes(gguf(QWEN))
    return path


def test_an_empty_machine_has_no_model(shelf: Shelf) -> None:
    assert shelf.models() == ()
    assert not shelf.folder.exists()


def test_pulled_added_and_unfinished_models_stand_together(shelf: Shelf, elsewhere: Path) -> None:
    pulled(shelf, "b")
    shelf.add(elsewhere, "a")
    (shelf.folder / "0.gguf.part").write_bytes(b"GG")
    (shelf.folder / "b.gguf.part").write_bytes(b"GG")
    (shelf.folder / ".hidden.gguf").write_bytes(b"GG")
    size = len(gguf(QWEN))
    assert shelf.models() == (
        ModelFile("a", str(elsewhere), "added", size),
        ModelFile("b", str(shelf.folder / "b.gguf"), "pulled", size),
        ModelFile("0", str(shelf.folder / "0.gguf.part"), "unfinished", 2),
    )


def test_an_added_file_stays_where_and_as_it_is(shelf: Shelf, elsewhere: Path) -> None:
    before = elsewhere.stat()
    shelf.add(elsewhere, "coder")
    assert [path.name for path in shelf.folder.iterdir()] == ["added.json"]
    shelf.forget("coder")
    shelf.forget("coder")
    after = elsewhere.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)
    assert shelf.models() == ()


def test_the_name_is_the_files_own_unless_given(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "Coder-Q4_K_M.gguf"
    path.write_bytes(gguf(QWEN))
    assert shelf.add(path).name == "Coder-Q4_K_M"
    assert shelf.add(path).name == "Coder-Q4_K_M"


@pytest.mark.parametrize("name", ["my coder", "../coder", ".coder", "a/b", "x" * 101, "-coder"])
def test_a_name_that_is_no_name_is_refused(shelf: Shelf, elsewhere: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        shelf.add(elsewhere, name)


def test_two_files_do_not_share_a_name(shelf: Shelf, elsewhere: Path) -> None:
    pulled(shelf, "coder")
    with pytest.raises(ConfigError, match="already"):
        shelf.add(elsewhere, "coder")


def test_only_a_gguf_can_be_added(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_bytes(b"<html>")
    for name in ("page.gguf", "gone.gguf"):
        with pytest.raises(BadGguf):
            shelf.add(tmp_path / name)
    assert shelf.models() == ()


def test_a_file_of_a_split_model_is_not_added(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "big-00001-of-00002.gguf"
    path.write_bytes(gguf(QWEN))
    with pytest.raises(ConfigError, match="split"):
        shelf.add(path)


def test_a_file_that_went_away_is_still_listed(shelf: Shelf, elsewhere: Path) -> None:
    shelf.add(elsewhere, "coder")
    elsewhere.unlink()
    assert shelf.models()[0].bytes is None


def test_a_damaged_note_is_named(shelf: Shelf) -> None:
    shelf.folder.mkdir()
    (shelf.folder / "added.json").write_text("{")
    with pytest.raises(ConfigError, match=r"added\.json"):
        shelf.models()


def test_models_that_are_added_at_once_are_all_kept(shelf: Shelf, elsewhere: Path) -> None:
    threads = [threading.Thread(target=shelf.add, args=(elsewhere, f"m{number}")) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shelf.models()) == 12
    assert [path.name for path in shelf.folder.iterdir()] == ["added.json"]


def test_a_name_in_the_settings_means_the_file(shelf: Shelf, elsewhere: Path) -> None:
    path = pulled(shelf, "here")
    shelf.add(elsewhere, "there")
    assert resolved(LocalSettings(name="here"), shelf).path == str(path)
    assert resolved(LocalSettings(name="there", n_ctx=5), shelf) == LocalSettings(
        name="there", n_ctx=5, path=str(elsewhere)
    )


@pytest.mark.parametrize(
    "local",
    [
        LocalSettings(),
        LocalSettings(path="/a.gguf", name="nonesuch"),
        LocalSettings(base_url="http://127.0.0.1:1/v1", name="nonesuch"),
    ],
)
def test_a_path_or_a_server_comes_first(shelf: Shelf, local: LocalSettings) -> None:
    assert resolved(local, shelf) == local


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("qwen3.5-4", "hybridcode models pull qwen3.5-4b"),
        ("qwen3.5-4b", "hybridcode models pull qwen3.5-4b"),
        ("codr", "nearest are coder"),
        ("zzzzzz", "hybridcode models list"),
        ("half", "not finished"),
    ],
)
def test_an_unknown_name_is_an_error_that_knows_better(shelf: Shelf, name: str, words: str) -> None:
    pulled(shelf, "coder")
    (shelf.folder / "half.gguf.part").write_bytes(b"GGUF")
    with pytest.raises(ConfigError) as caught:
        resolved(LocalSettings(name=name), shelf)
    assert words in caught.value.advice


def test_a_session_takes_the_model_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    Shelf().folder.mkdir(parents=True)
    pulled(Shelf(), "coder")
    local = build_models(Settings(models=ModelSettings(local=LocalSettings(name="coder")))).local
    assert local is not None
    assert (local.info.name, local.info.n_ctx, local.info.is_remote) == ("coder", 4096, False)
    with pytest.raises(ConfigError, match="no model nonesuch"):
        build_models(Settings(models=ModelSettings(local=LocalSettings(name="nonesuch"))))


def test_split_models_are_known_by_their_names(tmp_path: Path) -> None:
    names = [f"big-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    assert [path.name for path in parts_of(tmp_path / names[1])] == names
    assert parts_of(tmp_path / "small.gguf") == (tmp_path / "small.gguf",)
    assert [is_later_part(name) for name in names] == [False, True, True]
    assert all(is_split(name) for name in names)
    assert not is_split("big-1-of-3.gguf")


def test_nothing_outside_the_folder_is_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"mine")
    (folder / "link.gguf").symlink_to(mine)
    delete(folder, "link.gguf")
    for name in ("../mine.gguf", str(mine), "gone.gguf", "."):
        with pytest.raises(ConfigError):
            delete(folder, name)
    assert mine.read_bytes() == b"mine"
    assert list(folder.iterdir()) == []


def test_a_claim_is_a_single_one_and_leaves_nothing(tmp_path: Path) -> None:
    with claimed(tmp_path, "a"), claimed(tmp_path, "b"), pytest.raises(ConfigError), claimed(tmp_path, "a"):
        pass
    with claimed(tmp_path, "a"):
        pass
    assert list(tmp_path.iterdir()) == []
