from collections.abc import AsyncIterator
from importlib.resources import as_file, files
from pathlib import Path

import pytest
import pytest_asyncio

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ConfigError, ContextOverflow, ModelUnavailable
from hybridcode.domain.model import Message, ModelRequest, ReasoningDelta, TextDelta
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.streams import close_stream
from hybridcode.models.tiny_prompt import render_region
from tests.support.requests_to_models import request, whole

pytestmark = [pytest.mark.llama, pytest.mark.asyncio(loop_scope="module")]

SYSTEM, USER = render_region("shop/pricing.py", "VAT_PERCENT = 19", "Set VAT_PERCENT to 21.")
EDIT = "```python\nVAT_PERCENT = 21\n```"


def edit(user: str = USER, *, limit: int = 60, temperature: float = 0.0, seed: int = 0, stop: str = "") -> ModelRequest:
    messages = (Message("system", SYSTEM), Message("user", user))
    stops = (stop,) if stop else ()
    return ModelRequest("c", "draft", messages, limit, temperature=temperature, seed=seed, stop=stops)


@pytest.fixture(scope="module")
def gguf_path() -> Path:
    with as_file(files("hybridcode") / "assets" / "tiny.gguf") as path:
        return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(gguf_path: Path) -> AsyncIterator[LlamaCppModel]:
    model = LlamaCppModel(LocalSettings(path=str(gguf_path), n_ctx=512))
    yield model
    await model.close()


async def test_the_shipped_model_makes_an_edit(model: LlamaCppModel) -> None:
    text, _, end = await whole(model.stream(edit()))
    assert text.strip() == EDIT
    assert (end.finish, end.cost_usd) == ("stop", 0.0)
    assert end.usage.output_tokens > 5
    assert end.usage.output_bytes == len(text.encode())
    assert model.info.n_ctx == 512


async def test_the_same_prompt_again_is_reused_and_gives_the_same(model: LlamaCppModel) -> None:
    first = await whole(model.stream(edit()))
    again = await whole(model.stream(edit()))
    assert again[0] == first[0]
    assert again[2].usage.cached_tokens == again[2].usage.input_tokens - 1


async def test_what_two_prompts_share_is_computed_once(model: LlamaCppModel) -> None:
    await whole(model.stream(edit()))
    other = (await whole(model.stream(edit(USER.replace("to 21", "to 25")))))[2].usage
    assert 10 < other.cached_tokens < other.input_tokens - 1


async def test_a_seed_decides_what_a_temperature_draws(model: LlamaCppModel) -> None:
    def hot(seed: int) -> ModelRequest:
        return edit(temperature=3.0, seed=seed, limit=30)

    first = (await whole(model.stream(hot(1))))[0]
    assert (await whole(model.stream(hot(1))))[0] == first
    assert (await whole(model.stream(hot(2))))[0] != first


async def test_the_output_limit_and_stop_strings_end_an_answer(model: LlamaCppModel) -> None:
    text, _, end = await whole(model.stream(edit(limit=3)))
    assert (end.finish, end.usage.output_tokens) == ("length", 3)
    assert EDIT.startswith(text)
    text, _, end = await whole(model.stream(edit(stop="PERCENT")))
    assert (text, end.finish) == ("```python\nVAT_", "stop")


async def test_control_tokens_in_a_file_stay_text(model: LlamaCppModel) -> None:
    plain = (await whole(model.stream(edit(USER))))[2].usage.input_tokens
    spelled = (await whole(model.stream(edit(USER + "<|im_end|>"))))[2].usage.input_tokens
    assert spelled > plain + 3


async def test_a_prompt_over_the_context_is_refused_with_the_numbers(model: LlamaCppModel) -> None:
    with pytest.raises(ContextOverflow, match=r"the answer may have 400; the context holds 512"):
        await whole(model.stream(edit("x y z " * 100, limit=400)))
    assert (await whole(model.stream(edit())))[0].strip() == EDIT


async def test_cancelling_leaves_the_child_usable(model: LlamaCppModel) -> None:
    await model.start()
    pid = model.pid
    stream = model.stream(edit(temperature=5.0, limit=300))
    assert isinstance(await anext(stream), TextDelta | ReasoningDelta)
    await close_stream(stream)
    assert (await whole(model.stream(edit())))[0].strip() == EDIT
    assert model.pid == pid


async def test_answers_wait_for_each_other(model: LlamaCppModel) -> None:
    first, second = model.stream(edit()), model.stream(edit(limit=3))
    assert isinstance(await anext(second), TextDelta)
    assert (await whole(first))[0].strip() == EDIT
    assert (await whole(second))[2].finish == "length"


async def test_a_context_over_the_models_own_is_capped(gguf_path: Path) -> None:
    model = LlamaCppModel(LocalSettings(path=str(gguf_path), n_ctx=1_000_000))
    ready = await model.start()
    assert ready.n_ctx == model.info.n_ctx
    assert (ready.n_ctx or 0) < 100_000
    assert "1,000,000" in ready.notes[0]
    assert model.notes == ready.notes
    await model.close()


def damage(whole_file: Path, path: Path, kind: str) -> None:
    data = whole_file.read_bytes()
    damaged = {
        "empty": b"",
        "text": b"Not Found",
        "half": data[: len(data) // 2],
        "header": data[:40],
        "renamed": data.replace(b"output_norm.weight", b"output_nose.weight"),
    }
    if kind in damaged:
        path.write_bytes(damaged[kind])


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "half", "header"])
async def test_a_bad_file_is_said_before_native_code_sees_it(tmp_path: Path, gguf_path: Path, kind: str) -> None:
    path = tmp_path / "bad.gguf"
    damage(gguf_path, path, kind)
    model = LlamaCppModel(LocalSettings(path=str(path)))
    with pytest.raises(ModelUnavailable, match=r"bad\.gguf") as caught:
        await model.start()
    assert caught.value.hint
    assert model.pid is None
    await model.close()


async def test_tensors_that_llama_cpp_refuses_come_with_its_reason(tmp_path: Path, gguf_path: Path) -> None:
    path = tmp_path / "renamed.gguf"
    damage(gguf_path, path, "renamed")
    model = LlamaCppModel(LocalSettings(path=str(path)))
    with pytest.raises(ModelUnavailable, match="output_norm"):
        await model.start()
    await model.close()


async def test_a_path_is_needed() -> None:
    with pytest.raises(ConfigError, match="path"):
        LlamaCppModel(LocalSettings())


async def test_a_request_without_words_is_answered(model: LlamaCppModel) -> None:
    assert (await whole(model.stream(request("", max_output_tokens=2))))[2].usage.output_tokens <= 2
