import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridcode.models.kv_files import KvFiles
from hybridcode.models.prefix_cache import Kept

KEY: Mapping[str, str | int] = {"path": "/m.gguf", "bytes": 5, "library": "1"}


def kept(tokens: list[int], size: int = 1_000, marks: tuple[int, ...] = ()) -> Kept:
    rng = np.random.default_rng(sum(tokens))
    data = rng.integers(0, 255, size, dtype=np.uint8)
    return Kept(tokens, data, {place: data[:place].copy() for place in marks})


def same(one: Kept, other: Kept | None) -> bool:
    return other is not None and (
        np.array_equal(one.tokens, other.tokens)
        and np.array_equal(one.state, other.state)
        and one.marks.keys() == other.marks.keys()
        and all(np.array_equal(one.marks[place], other.marks[place]) for place in one.marks)
    )


def prompt(*tokens: int) -> Any:
    return np.asarray(tokens, dtype=np.int32)


def files(folder: Path, key: Mapping[str, str | int] = KEY, *, most: int = 100_000, tokens: int = 4_096) -> KvFiles:
    return KvFiles(folder, key=key, most_bytes=most, most_tokens=tokens)


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    state = kept([1, 2, 3], marks=(1, 2))
    files(tmp_path).put(state)
    assert same(state, files(tmp_path).best(prompt(1, 2, 9)))
    assert files(tmp_path).best(prompt(9)) is None


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "kv"
    files(folder).put(kept([1, 2, 3]))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


@pytest.mark.parametrize("other", [{"path": "/n.gguf"}, {"bytes": 6}, {"library": "2"}, {"kv": "q8_0"}])
def test_another_model_or_library_does_not_see_it(tmp_path: Path, other: dict[str, str | int]) -> None:
    files(tmp_path).put(kept([1, 2, 3]))
    assert files(tmp_path, {**KEY, **other}).best(prompt(1, 2, 3)) is None


def test_the_one_that_shares_most_is_taken(tmp_path: Path) -> None:
    shelf, long = files(tmp_path), kept([1, 2, 3, 4])
    shelf.put(kept([1, 2, 9]))
    shelf.put(long)
    assert same(long, shelf.best(prompt(1, 2, 3, 5)))


def test_a_longer_state_replaces_its_own_beginning(tmp_path: Path) -> None:
    shelf = files(tmp_path)
    shelf.put(kept([1, 2]))
    shelf.put(kept([1, 2, 3]))
    assert len(list(tmp_path.iterdir())) == 1


def test_the_least_recently_used_makes_room(tmp_path: Path) -> None:
    shelf = files(tmp_path, most=3_500)
    for number, tokens in enumerate(([1, 1], [2, 2], [3, 3])):
        shelf.put(kept(tokens))
        for path in tmp_path.iterdir():
            if path.stat().st_mtime > 1_000:
                os.utime(path, (number, number))
    assert shelf.best(prompt(1, 1)) is not None
    shelf.put(kept([4, 4]))
    assert [shelf.best(prompt(n, n)) is not None for n in (1, 2, 3, 4)] == [True, False, True, True]


def test_what_is_too_large_is_not_written(tmp_path: Path) -> None:
    files(tmp_path, most=500).put(kept([1, 2]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", [0, 20, 60, 90, 200, -1])
def test_a_damaged_file_is_not_used(tmp_path: Path, place: int) -> None:
    shelf = files(tmp_path)
    shelf.put(kept([1, 2, 3]))
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    data[place] ^= 0x40
    path.write_bytes(data)
    assert shelf.best(prompt(1, 2, 3)) is None
    path.write_bytes(bytes(data)[:30])
    assert shelf.best(prompt(1, 2, 3)) is None


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "kv").write_text("a file")
    files(tmp_path / "kv").put(kept([1, 2, 3]))
    assert files(tmp_path / "kv").best(prompt(1)) is None


def test_a_state_longer_than_the_context_is_not_offered(tmp_path: Path) -> None:
    files(tmp_path).put(kept([1, 2, 3, 4]))
    assert files(tmp_path, tokens=3).best(prompt(1, 2, 3)) is None
    assert files(tmp_path, tokens=4).best(prompt(1, 2, 3)) is not None


def test_what_a_killed_process_left_unfinished_is_cleared_away(tmp_path: Path) -> None:
    old, new = tmp_path / "old.part", tmp_path / "new.part"
    for path in (old, new):
        path.write_bytes(b"half a prompt")
    os.utime(old, (1, 1))
    files(tmp_path).put(kept([1, 2, 3]))
    assert not old.exists()
    assert new.exists()
