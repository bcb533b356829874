import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.models.fit import (
    MARGIN_BYTES,
    MIN_CTX,
    MOST_CTX,
    Fit,
    KvType,
    Misfit,
    available_memory,
    kv_bytes_per_token,
    need_of,
    physical_cores,
    plan_fit,
    recurrent_bytes,
    usable_threads,
)
from hybridcode.models.gguf import GgufInfo, inspect
from tests.support.gguf_files import QWEN, gguf

GIB = 2**30
PER_TOKEN = 24 * 2 * (64 + 64) * 2
"""24 layers, 2 KV heads, 64 + 64 values of 2 bytes."""


@pytest.fixture
def model(tmp_path: Path) -> GgufInfo:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf({**QWEN, "qwen2.context_length": 32_768}))
    return inspect(path)


def sized(model: GgufInfo, weights: int) -> GgufInfo:
    return GgufInfo(model.path, weights, model.metadata, weights)


def test_kv_bytes_follow_the_shape_and_the_type(model: GgufInfo) -> None:
    assert kv_bytes_per_token(model, "f16") == PER_TOKEN
    assert kv_bytes_per_token(model, "q8_0") == PER_TOKEN * 1.0625 // 2
    hybrid = GgufInfo("", 0, {**model.metadata, "qwen2.full_attention_interval": 4}, 0)
    assert kv_bytes_per_token(hybrid, "f16") == PER_TOKEN / 4


def test_what_fits_is_taken_whole(model: GgufInfo) -> None:
    fit = plan_fit(sized(model, GIB), n_ctx=8192, kv_type="f16", available=8 * GIB)
    assert isinstance(fit, Fit)
    assert (fit.n_ctx, fit.weights_bytes, fit.kv_bytes, fit.kv_type) == (8192, GIB, 8192 * PER_TOKEN, "f16")
    assert fit.compute_bytes > 8192 * 512 * 2
    assert fit.notes == ()


def test_a_context_over_the_models_own_is_capped_and_said(model: GgufInfo) -> None:
    fit = plan_fit(model, n_ctx=65_536, kv_type="f16", available=None)
    assert isinstance(fit, Fit)
    assert fit.n_ctx == 32_768
    assert "32,768" in fit.notes[0]


def room_for(model: GgufInfo, tokens: int, kv_type: KvType) -> int:
    return MARGIN_BYTES + model.tensor_bytes + need_of(model, kv_type).total(tokens)


def test_short_memory_shrinks_the_context_first_and_says_so(model: GgufInfo) -> None:
    heavy = sized(model, GIB)
    fit = plan_fit(heavy, n_ctx=16_384, kv_type="f16", available=room_for(heavy, 9_000, "f16"))
    assert isinstance(fit, Fit)
    assert (fit.n_ctx, fit.kv_type) == (8_960, "f16")
    assert "16,384" in fit.notes[0]


def test_before_the_context_gets_short_the_cache_is_quantised(model: GgufInfo) -> None:
    heavy = sized(model, GIB)
    available = room_for(heavy, 5_000, "f16")
    fit = plan_fit(heavy, n_ctx=16_384, kv_type="f16", available=available)
    assert isinstance(fit, Fit)
    assert fit.kv_type == "q8_0"
    assert fit.n_ctx > 8_000
    assert any("q8_0 instead of f16" in note for note in fit.notes)


def test_a_type_that_was_asked_for_is_kept(model: GgufInfo) -> None:
    heavy = sized(model, GIB)
    fit = plan_fit(heavy, n_ctx=16_384, kv_type="q4_0", available=room_for(heavy, 3_000, "q4_0"))
    assert isinstance(fit, Fit)
    assert (fit.n_ctx, fit.kv_type) == (2_816, "q4_0")


def test_a_quantised_cache_takes_little_more_than_half(model: GgufInfo) -> None:
    assert kv_bytes_per_token(model, "q8_0") <= 0.55 * kv_bytes_per_token(model, "f16")


def test_layers_that_the_gpu_has_no_room_for_stay_outside(model: GgufInfo) -> None:
    whole = plan_fit(sized(model, 4 * GIB), n_ctx=8192, kv_type="f16", available=8 * GIB, vram=8 * GIB)
    part = plan_fit(sized(model, 4 * GIB), n_ctx=8192, kv_type="f16", available=8 * GIB, vram=3 * GIB)
    assert isinstance(whole, Fit)
    assert isinstance(part, Fit)
    assert whole.gpu_layers is None
    assert part.gpu_layers is not None
    assert 10 < part.gpu_layers < 20
    assert "of 25 layers are on the GPU" in part.notes[-1]


def test_recurrent_layers_need_a_state_for_each_token_that_may_be_taken_back(model: GgufInfo) -> None:
    shape = {"ssm.inner_size": 128, "ssm.state_size": 32, "ssm.group_count": 2, "ssm.conv_kernel": 4}
    metadata = {**model.metadata, "qwen2.full_attention_interval": 4, **{f"qwen2.{k}": v for k, v in shape.items()}}
    hybrid = GgufInfo("m", 0, metadata, 0)
    state = 18 * 4 * (3 * (128 + 2 * 2 * 32) + 32 * 128)
    assert recurrent_bytes(hybrid) == state
    assert need_of(hybrid, "f16", rollback=4).fixed - need_of(hybrid, "f16").fixed == 4 * state
    assert recurrent_bytes(model) == 0


def test_too_little_memory_is_refused_with_the_numbers(model: GgufInfo) -> None:
    misfit = plan_fit(sized(model, 16 * GIB), n_ctx=16_384, kv_type="f16", available=8 * GIB)
    assert isinstance(misfit, Misfit)
    assert "16.0 GiB" in misfit.message
    assert "8.0 GiB" in misfit.message


@given(st.integers(0, 40 * GIB), st.integers(0, 40 * GIB), st.integers(64, 65_536))
def test_a_fit_never_needs_more_than_there_is(weights: int, available: int, n_ctx: int) -> None:
    model = GgufInfo("m", weights, QWEN, weights)
    fit = plan_fit(model, n_ctx=n_ctx, kv_type="f16", available=available)
    if isinstance(fit, Fit):
        assert fit.weights_bytes + fit.kv_bytes + fit.compute_bytes + MARGIN_BYTES <= available
        assert min(n_ctx, MIN_CTX, 4096) - 256 < fit.n_ctx <= min(n_ctx, 4096)


def test_this_machine_has_memory_and_cores() -> None:
    assert (available_memory() or 0) > 16 * 2**20
    assert physical_cores() >= 1


@pytest.mark.parametrize("n_ctx", [0, -1, -(2**31)])
def test_a_context_of_nothing_is_refused(model: GgufInfo, n_ctx: int) -> None:
    assert isinstance(plan_fit(model, n_ctx=n_ctx, kv_type="f16", available=GIB), Misfit)


def test_an_absurd_context_is_capped_whatever_the_file_claims() -> None:
    boastful = GgufInfo("m", 0, {**QWEN, "qwen2.context_length": 2**32 - 1, "qwen2.block_count": 2**31}, 0)
    assert isinstance(plan_fit(boastful, n_ctx=2**31, kv_type="f16", available=8 * GIB), Misfit)
    modest = GgufInfo("m", 0, {**QWEN, "qwen2.context_length": 2**32 - 1}, 0)
    fit = plan_fit(modest, n_ctx=2**31, kv_type="f16", available=None)
    assert isinstance(fit, Fit)
    assert fit.n_ctx == MOST_CTX


def test_threads_are_no_more_than_there_are_processors() -> None:
    assert usable_threads(10**6) <= (os.cpu_count() or 1)
    assert usable_threads(1) == 1
    assert usable_threads(0) == max(1, physical_cores() - 1)
