from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.models.fit import (
    MARGIN_BYTES,
    MIN_CTX,
    Fit,
    Misfit,
    available_memory,
    kv_bytes_per_token,
    physical_cores,
    plan_fit,
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
    assert fit == Fit(8192, GIB, 8192 * PER_TOKEN, ())


def test_a_context_over_the_models_own_is_capped_and_said(model: GgufInfo) -> None:
    fit = plan_fit(model, n_ctx=65_536, kv_type="f16", available=None)
    assert isinstance(fit, Fit)
    assert fit.n_ctx == 32_768
    assert "32,768" in fit.notes[0]


def test_short_memory_shrinks_the_context_and_says_so(model: GgufInfo) -> None:
    room = GIB + MARGIN_BYTES + 5_000 * PER_TOKEN
    fit = plan_fit(sized(model, GIB), n_ctx=16_384, kv_type="f16", available=room)
    assert isinstance(fit, Fit)
    assert fit.n_ctx == 4_864
    assert "16,384" in fit.notes[0]


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
        assert fit.weights_bytes + fit.kv_bytes + MARGIN_BYTES <= available
        assert min(n_ctx, MIN_CTX, 4096) - 256 < fit.n_ctx <= min(n_ctx, 4096)


def test_this_machine_has_memory_and_cores() -> None:
    assert (available_memory() or 0) > 16 * 2**20
    assert physical_cores() >= 1
