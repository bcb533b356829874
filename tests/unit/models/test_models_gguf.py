import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.domain.exits import ExitCode
from hybridcode.models.gguf import BadGguf, BadReason, inspect
from tests.support.gguf_files import QWEN, gguf, text

TENSORS = {"a": ((64, 2), 0, 0), "b": ((32, 4), 8, 512)}
WHOLE = gguf(QWEN, tensors=TENSORS, data=b"\0" * (512 + 4 * 34))


def reason(path: Path, data: bytes) -> BadReason:
    path.write_bytes(data)
    with pytest.raises(BadGguf) as caught:
        inspect(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value.reason


def test_a_whole_file_tells_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(WHOLE)
    info = inspect(path)
    assert (info.architecture, info.context_length, info.number("block_count")) == ("qwen2", 4096, 24)
    assert info.metadata["tokenizer.ggml.tokens"] == ("a", "b")
    assert (info.file_bytes, info.tensor_bytes) == (len(WHOLE), 512 + 4 * 34)


def test_a_long_vocabulary_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf({**QWEN, "words": ("word",) * 5_000, "scores": (0.5,) * 5_000, "last": "seen"}))
    info = inspect(path)
    assert info.metadata["last"] == "seen"
    assert not {"words", "scores"} & set(info.metadata)


def test_heads_that_differ_by_layer_count_as_the_largest(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf({**QWEN, "qwen2.attention.head_count_kv": (0, 4, 2)}))
    assert inspect(path).number("attention.head_count_kv") == 4


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty"),
        (b"<html>not found</html>", "not_gguf"),
        (gguf(QWEN, magic=b"GGML"), "not_gguf"),
        (gguf(QWEN, version=1), "version"),
        (gguf(QWEN, version=99), "version"),
        (b"GGUF\0\0\0\3" + WHOLE[8:], "version"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**40, 2), "corrupt"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**60), "corrupt"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("key") + struct.pack("<I", 77) + bytes(40), "corrupt"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("key") + struct.pack("<IIQ", 9, 4, 2**50), "corrupt"),
        (gguf(QWEN, tensors={"a": ((2,) * 5, 0, 0)}), "corrupt"),
        (gguf({**QWEN, "general.alignment": 0}), "corrupt"),
        (gguf(QWEN, tensors={"a": ((2**40,), 0, 0)}), "truncated"),
    ],
)
def test_each_kind_of_damage_has_its_reason(tmp_path: Path, data: bytes, expected: BadReason) -> None:
    assert reason(tmp_path / "model.gguf", data) == expected


@pytest.mark.parametrize("cut", [4, 8, 24, 60, 300, len(WHOLE) - 600, len(WHOLE) - 1])
def test_a_download_that_was_cut_off_is_truncated(tmp_path: Path, cut: int) -> None:
    assert reason(tmp_path / "model.gguf", WHOLE[:cut]) == "truncated"


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BadGguf) as caught:
        inspect(tmp_path / "none.gguf")
    assert caught.value.reason == "missing"
    assert caught.value.exit_code is ExitCode.MODEL_UNAVAILABLE
    with pytest.raises(BadGguf) as caught:
        inspect(tmp_path)
    assert caught.value.reason == "not_a_file"


@given(st.integers(0, len(WHOLE)), st.binary(min_size=1, max_size=12))
def test_damage_anywhere_never_ends_in_another_error(
    tmp_path_factory: pytest.TempPathFactory, place: int, junk: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    path.write_bytes((WHOLE[:place] + junk + WHOLE[place + len(junk) :])[: len(WHOLE)])
    try:
        assert inspect(path).file_bytes == len(WHOLE)
    except BadGguf as error:
        assert error.hint
