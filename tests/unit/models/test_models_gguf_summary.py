from pathlib import Path

import pytest

from hybridcode.models.gguf import BadGguf, inspect
from hybridcode.models.gguf_summary import Summary, quantisation_of, summarise, template_kind
from tests.support.gguf_files import QWEN, Metadata, gguf

Q4_K, Q6_K, F32 = 12, 14, 0
TENSORS = {
    "token_embd.weight": ((256, 1000), Q6_K, 0),
    "blk.0.ffn_up.weight": ((256, 3000), Q4_K, 210_048),
    "blk.0.attn_norm.weight": ((256,), F32, 642_048),
}
DATA = bytes(643_072)
HYBRID: Metadata = {
    "general.architecture": "qwen35",
    "general.name": "Hybrid",
    "general.license": "apache-2.0",
    "general.file_type": 15,
    "qwen35.context_length": 262_144,
    "qwen35.block_count": 65,
    "qwen35.nextn_predict_layers": 1,
    "qwen35.full_attention_interval": 4,
    "qwen35.embedding_length": 5_120,
    "qwen35.attention.head_count": 24,
    "qwen35.attention.head_count_kv": 4,
    "qwen35.attention.key_length": 256,
    "qwen35.attention.value_length": 256,
    "qwen35.ssm.conv_kernel": 4,
    "qwen35.ssm.inner_size": 6_144,
    "qwen35.ssm.state_size": 128,
    "qwen35.ssm.group_count": 16,
    "tokenizer.chat_template": "{% for m in messages %}<|im_start|>{% endfor %}",
}


def summary(path: Path, data: bytes) -> Summary:
    path.write_bytes(data)
    return summarise(path)


def test_a_hybrid_model_with_a_next_token_layer_is_described(tmp_path: Path) -> None:
    told = summary(tmp_path / "m.gguf", gguf(HYBRID, tensors=TENSORS, data=DATA))
    assert (told.name, told.architecture, told.licence) == ("Hybrid", "qwen35", "apache-2.0")
    assert (told.layers, told.attention_layers, told.nextn_layers) == (64, 16, 1)
    assert (told.quantisation, told.chat_template, told.vocabulary) == ("Q4_K_M", "ChatML", 1_000)
    assert told.parameters == 256_000 + 768_000 + 256
    assert told.tensor_types == {"Q4_K": 0.7498, "Q6_K": 0.2499, "F32": 0.0002}
    assert told.context_length == 262_144


def test_memory_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    told = summary(tmp_path / "m.gguf", gguf(HYBRID, tensors=TENSORS, data=DATA))
    assert [(row.n_ctx, row.kv_type) for row in told.memory][:4] == [
        (4_096, "f16"),
        (4_096, "q8_0"),
        (4_096, "q4_0"),
        (16_384, "f16"),
    ]
    for row in told.memory:
        assert row.total == row.weights + row.kv + row.recurrent + row.compute
    row = told.memory[3]
    assert row.weights == 643_072
    assert row.kv == 16 * 4 * 512 * 2 * 16_384
    assert row.recurrent == 48 * 4 * (6_144 * 128 + 3 * (6_144 + 2 * 16 * 128))


def test_a_plain_model_has_no_recurrent_state_and_no_more_context_than_it_knows(tmp_path: Path) -> None:
    told = summary(tmp_path / "coder-Q8.gguf", gguf(QWEN, tensors={"a": ((64, 2), 8, 0)}, data=bytes(136)))
    assert {row.recurrent for row in told.memory} == {0}
    assert {row.n_ctx for row in told.memory} == {4_096}
    assert (told.name, told.quantisation, told.vocabulary) == ("coder-Q8", "Q8_0", 2)
    assert (told.chat_template, told.licence, told.experts, told.nextn_layers) == ("none", None, None, 0)
    assert (told.layers, told.attention_layers) == (24, 24)


def test_a_model_with_a_tiny_context_is_told_for_that(tmp_path: Path) -> None:
    told = summary(tmp_path / "m.gguf", gguf({**QWEN, "qwen2.context_length": 512}))
    assert {row.n_ctx for row in told.memory} == {512}


def test_experts_are_counted(tmp_path: Path) -> None:
    moe: Metadata = {**QWEN, "qwen2.expert_count": 128, "qwen2.expert_used_count": 8}
    told = summary(tmp_path / "m.gguf", gguf(moe))
    assert (told.experts, told.experts_used) == (128, 8)


def test_layers_without_heads_have_no_attention(tmp_path: Path) -> None:
    told = summary(tmp_path / "m.gguf", gguf({**QWEN, "qwen2.attention.head_count_kv": (0, 0, 2, 0, 0, 2)}))
    assert told.attention_layers == 2


def test_a_header_that_says_little_is_no_failure(tmp_path: Path) -> None:
    told = summary(tmp_path / "m.gguf", gguf({"general.architecture": "new"}, tensors={"a": ((32,), 77, 0)}))
    assert (told.layers, told.attention_layers, told.context_length, told.vocabulary) == (None, None, None, None)
    assert told.quantisation == "type 77"
    assert inspect(tmp_path / "m.gguf").tensors[0].bytes is None


def test_the_parts_of_a_split_model_are_summed(tmp_path: Path) -> None:
    first, second = tmp_path / "big-00001-of-00002.gguf", tmp_path / "big-00002-of-00002.gguf"
    first.write_bytes(gguf(HYBRID))
    with pytest.raises(BadGguf, match="no file"):
        summarise(first)
    second.write_bytes(gguf({"split.no": 1}, tensors=TENSORS, data=DATA))
    told = summarise(first)
    assert (told.files, told.bytes) == (2, first.stat().st_size + second.stat().st_size)
    assert (told.parameters, told.vocabulary, told.memory[0].weights) == (1_024_256, 1_000, 643_072)
    assert summarise(second) == told


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        (None, "none"),
        ("{{ messages }}", "other"),
        ("{{ '<|start_header_id|>' }}", "Llama 3"),
        ("[INST] {{ x }} [/INST]", "Mistral"),
        ("<start_of_turn>user", "Gemma"),
        ("<|start|>assistant<|channel|>final", "Harmony"),
    ],
)
def test_templates_are_known_by_their_marks(template: str | None, kind: str) -> None:
    assert template_kind(template) == kind


def test_a_list_needs_the_quantisation_only(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf({**QWEN, "general.file_type": 38}))
    assert quantisation_of(inspect(path)) == "MXFP4"
