"""Whatever a model's file is, asking the model ends soon, in an answer or in an error that says what to do."""

import asyncio
import os
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ModelCrashed, ModelError, ModelUnavailable
from hybridcode.models.local import LlamaCppModel
from tests.support.gguf_files import tiny_file, with_flipped_bit, with_number, with_weights
from tests.support.local_models import answers, local_model
from tests.support.requests_to_models import request, whole

pytestmark = [
    pytest.mark.llama,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.timeout(60),
]

TINY = tiny_file().read_bytes()
WAIT_S = 15
"""Seconds in which everything here must have ended, on a busy machine."""


async def ended(path: Path | str, **settings: Any) -> ModelError | str:
    """How a first request to a model ends."""
    async with local_model(path, **settings) as model:
        try:
            async with asyncio.timeout(WAIT_S):
                return await answers(model)
        except ModelError as error:
            assert error.message
            assert error.hint
            return error


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "of_another_kind": b"hello world\n" * 100,
    "a_web_page": b"<!DOCTYPE html><title>Not Found</title>",
    "only_the_magic": b"GGUF",
    "without_its_last_byte": TINY[:-1],
    "without_its_last_1000_bytes": TINY[:-1000],
    "of_version_0": TINY[:4] + struct.pack("<I", 0) + TINY[8:],
    "of_version_99": TINY[:4] + struct.pack("<I", 99) + TINY[8:],
    "of_the_other_byte_order": TINY[:4] + struct.pack(">I", 3) + TINY[8:],
    "that_claims_too_many_words": TINY.replace(struct.pack("<IQ", 8, 768), struct.pack("<IQ", 8, 2**40)),
    "that_claims_more_words_than_it_has": TINY.replace(struct.pack("<IQ", 8, 768), struct.pack("<IQ", 8, 200_000)),
    "that_claims_too_many_tensors": TINY[:8] + struct.pack("<Q", 2**63) + TINY[16:],
    "that_claims_too_many_keys": TINY[:16] + struct.pack("<Q", 2**63) + TINY[24:],
    **{f"cut_at_{tenth}0_percent": TINY[: len(TINY) * tenth // 10] for tenth in range(1, 10)},
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_broken_file_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    error = await ended(written(tmp_path / f"{kind}.gguf", BROKEN[kind]))
    assert isinstance(error, ModelUnavailable), error
    assert f"{kind}.gguf" in error.message


def no_file(folder: Path) -> Path:
    return folder / "none.gguf"


def a_folder(folder: Path) -> Path:
    return folder


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.gguf")
    return folder / "pipe.gguf"


def a_link_to_a_pipe(folder: Path) -> Path:
    (folder / "link.gguf").symlink_to(a_pipe(folder))
    return folder / "link.gguf"


def a_link_to_itself(folder: Path) -> Path:
    (folder / "loop.gguf").symlink_to(folder / "loop.gguf")
    return folder / "loop.gguf"


def a_link_to_nothing(folder: Path) -> Path:
    (folder / "link.gguf").symlink_to(folder / "none.gguf")
    return folder / "link.gguf"


def a_name_no_file_can_have(folder: Path) -> str:
    return f"{folder}/a\0b.gguf"


def a_name_that_is_too_long(folder: Path) -> Path:
    return folder / ("a" * 5_000)


def a_name_that_is_not_text(folder: Path) -> str:
    return f"{folder}/a\udc80b.gguf"


def an_endless_device(_: Path) -> Path:
    return Path("/dev/zero")


def an_empty_device(_: Path) -> Path:
    return Path("/dev/null")


def memory_as_a_file(_: Path) -> Path:
    return Path("/proc/self/mem")


@pytest.mark.parametrize(
    "made",
    [
        no_file,
        a_folder,
        a_pipe,
        a_link_to_a_pipe,
        a_link_to_itself,
        a_link_to_nothing,
        a_name_no_file_can_have,
        a_name_that_is_too_long,
        an_endless_device,
        an_empty_device,
        memory_as_a_file,
    ],
    ids=lambda made: made.__name__,
)
async def test_what_is_no_file_is_refused(tmp_path: Path, made: Callable[[Path], Path | str]) -> None:
    assert isinstance(await ended(made(tmp_path)), ModelUnavailable)


async def test_a_name_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    assert isinstance(await ended(a_name_that_is_not_text(tmp_path)), ModelError)


@pytest.mark.skipif(not Path("/sys/class/net/lo/speed").exists(), reason="needs a file that cannot be read")
async def test_a_file_on_which_reading_fails_is_refused() -> None:
    error = await ended("/sys/class/net/lo/speed")
    assert isinstance(error, ModelUnavailable)
    assert "cannot be read" in error.message


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
async def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "secret.gguf", TINY)
    path.chmod(0)
    error = await ended(path)
    assert isinstance(error, ModelUnavailable)
    assert "permission" in error.advice.lower()


@pytest.mark.parametrize("name", ["with space.gguf", "ünï 漢字 🦙.gguf", "new\nline.gguf", "-n.gguf", "%s%n\\.gguf"])
async def test_any_name_a_file_can_have_is_loaded(tmp_path: Path, name: str) -> None:
    assert isinstance(await ended(written(tmp_path / name, TINY)), str)


async def test_a_file_that_is_mended_is_loaded_by_the_next_request(tmp_path: Path) -> None:
    path = written(tmp_path / "model.gguf", TINY[:-1000])
    async with local_model(path) as model:
        for _ in range(3):
            with pytest.raises(ModelUnavailable, match="its tensors need"):
                await model.start()
        written(path, TINY)
        assert await answers(model)


@pytest.mark.parametrize(("share", "size"), [(1.0, None), (0.95, 4), (0.5, 4), (0.1, 4)])
async def test_weights_that_are_not_numbers_are_noticed(tmp_path: Path, share: float, size: int | None) -> None:
    error = await ended(written(tmp_path / "nan.gguf", with_weights(TINY, byte=0xFF, share=share, size=size)))
    assert isinstance(error, ModelError), error
    assert "NaN" in error.message
    assert "SHA-256" in error.hint


async def test_weights_of_nothing_but_zero_give_an_answer(tmp_path: Path) -> None:
    async with local_model(written(tmp_path / "zero.gguf", with_weights(TINY, byte=0))) as model:
        assert (await whole(model.stream(request("hi", max_output_tokens=200))))[2].finish in ("stop", "length")


@pytest.mark.parametrize("key", ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.bos_token_id"])
async def test_a_token_that_is_not_in_the_vocabulary_does_no_harm(tmp_path: Path, key: str) -> None:
    await ended(written(tmp_path / "odd.gguf", with_number(TINY, key, 2**31 - 1)))


async def test_a_context_for_which_there_is_no_memory_is_refused_before_loading(tmp_path: Path) -> None:
    huge = with_number(with_number(TINY, "qwen2.context_length", 2**32 - 1), "qwen2.block_count", 2**31)
    error = await ended(written(tmp_path / "huge.gguf", huge), n_ctx=2**31)
    assert isinstance(error, ModelUnavailable)
    assert "GiB" in error.message


async def test_a_file_that_makes_native_code_abort_is_an_error_and_refused_after_two_times(tmp_path: Path) -> None:
    path = written(tmp_path / "layers.gguf", with_number(TINY, "qwen2.block_count", 0))
    async with local_model(path) as model:
        for _ in range(2):
            with pytest.raises(ModelCrashed, match="SIGABRT") as caught:
                await model.start()
            assert "GGML_ASSERT" in caught.value.message
        with pytest.raises(ModelCrashed, match="2 times in a row"):
            await model.start()


async def flipped(folder: Path, bits: list[int]) -> list[ModelError | str]:
    return [await ended(written(folder / "flipped.gguf", with_flipped_bit(TINY, bit))) for bit in bits]


HEADER = len(TINY) - int(0.98 * len(TINY))


async def test_a_flipped_bit_is_an_error_or_a_model(tmp_path: Path) -> None:
    chance = random.Random(7)
    bits = [chance.randrange(HEADER * 8) for _ in range(5)] + [chance.randrange(len(TINY) * 8) for _ in range(3)]
    assert len(await flipped(tmp_path, bits)) == 8


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(10))
async def test_flipped_bits_all_over_the_header_and_the_weights_end_well(tmp_path: Path, part: int) -> None:
    chance = random.Random(part)
    bits = [byte * 8 + chance.randrange(8) for byte in range(part * 47, HEADER, 470)]
    bits += [chance.randrange(HEADER * 8, len(TINY) * 8) for _ in range(20)]
    assert len(await flipped(tmp_path, bits)) == len(bits)


async def test_a_file_that_is_replaced_or_deleted_in_use_stays_loaded(tmp_path: Path) -> None:
    path = written(tmp_path / "model.gguf", TINY)
    async with local_model(path) as model:
        first, pid = await answers(model), model.pid
        written(tmp_path / "other.gguf", b"not a model").replace(path)
        assert await answers(model) == first
        path.unlink()
        assert await answers(model) == first
        assert model.pid == pid


async def test_a_file_that_is_cut_in_use_is_an_error_and_then_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "model.gguf", TINY)
    async with local_model(path) as model:
        await answers(model)
        os.truncate(path, 100)
        with pytest.raises(ModelError) as caught:
            await whole(model.stream(request("Something else.", max_output_tokens=8)))
        assert "SIGBUS" in caught.value.message
        with pytest.raises(ModelUnavailable, match="ends inside its header"):
            await answers(model)
        written(path, TINY)
        assert await answers(model)


async def test_two_sessions_share_a_file(tmp_path: Path) -> None:
    path = written(tmp_path / "model.gguf", TINY)
    first, second = await asyncio.gather(asked_once(path), asked_once(path))
    assert first == second


async def asked_once(path: Path) -> str:
    model = LlamaCppModel(LocalSettings(path=str(path), n_ctx=512))
    try:
        return await answers(model)
    finally:
        await model.close()
