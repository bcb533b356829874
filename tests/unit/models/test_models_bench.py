from importlib.resources import as_file, files

import msgspec
import pytest

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.model import ModelInfo
from hybridcode.models.bandwidth import read_bandwidth
from hybridcode.models.bench import BenchResult, measure, weights_per_pass
from hybridcode.models.gguf import GgufInfo, Tensor
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.scripted import ScriptedModel

KEYS = {
    "prompt_tps", "decode_tps", "limit_share", "ttft_cold_ms", "ttft_warm_ms", "tokens_per_call", "kv_bytes_per_token",
    "peak_rss_mb",
}  # fmt: skip


@pytest.mark.llama
async def test_the_shipped_model_is_measured() -> None:
    heard: list[str] = []
    with as_file(files("hybridcode") / "assets" / "tiny.gguf") as path:
        settings = LocalSettings(path=str(path), n_ctx=2048)
        model = LlamaCppModel(settings)
        result = await measure(model, settings, say=heard.append)
        await model.close()
    figures = msgspec.to_builtins(result)
    assert set(figures) >= KEYS
    assert all(figures[key] and figures[key] > 0 for key in KEYS)
    assert result.reused_tokens > 0.95 * result.prompt_tokens > 500
    assert result.ttft_warm_ms is not None
    assert result.ttft_cold_ms is not None
    assert result.ttft_warm_ms < result.ttft_cold_ms
    assert result.kv_bytes_per_token == 4 * 2 * 128 * 2
    assert result.limit_share is not None
    assert 0 < result.limit_share < 1.2
    assert heard[0] == "loading"


async def test_a_model_that_is_no_file_has_no_limit() -> None:
    script = {"draft": ["yes"] * 9}
    model = ScriptedModel(ModelInfo("server", "local", n_ctx=4096), script)
    result = await measure(model, LocalSettings(base_url="http://127.0.0.1:1/v1"), say=lambda _: None)
    assert isinstance(result, BenchResult)
    assert (result.limit_share, result.kv_bytes_per_token, result.peak_rss_mb) == (None, None, None)


def test_only_what_a_token_needs_is_counted() -> None:
    metadata = {"general.architecture": "m", "m.block_count": 2, "m.nextn_predict_layers": 1} | {
        "m.expert_count": 8,
        "m.expert_used_count": 2,
    }
    tensors = (
        Tensor("token_embd.weight", (32, 1000), 8),
        Tensor("blk.0.attn_q.weight", (32, 32), 8),
        Tensor("blk.0.ffn_up_exps.weight", (32, 32, 8), 8),
        Tensor("blk.1.attn_q.weight", (32, 32), 8),
    )
    tied = GgufInfo("m", 0, metadata, 0, tensors)
    assert weights_per_pass(tied) == 1000 * 34 + 32 * 34 + 2 * 32 * 34
    output = (*tensors, Tensor("output.weight", (32, 500), 8))
    assert weights_per_pass(GgufInfo("m", 0, metadata, 0, output)) == 500 * 34 + 32 * 34 + 2 * 32 * 34


def test_memory_is_read_at_some_speed() -> None:
    speed = read_bandwidth(1, size=1 << 24, rounds=2)
    assert speed is None or speed > 1e8
