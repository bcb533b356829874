import time
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec
import pytest
import pytest_asyncio

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ContextOverflow, ModelUnavailable
from hybridcode.models.openai_compatible import ServerModel
from tests.support.chat_server import ChatServer, listing, say, serving
from tests.support.requests_to_models import request, whole
from tests.support.server_kinds import Ollama, be_llama_server, be_lm_studio, be_vllm

pytestmark = pytest.mark.asyncio(loop_scope="module")

Start = Callable[..., ServerModel]
CODE = "def add(left, right):\n    return left + right\n\n\n"
"""7 words, some 14 tokens."""


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving() as chat:
        yield chat


@pytest_asyncio.fixture(loop_scope="module")
async def at(server: ChatServer) -> AsyncIterator[Start]:
    models: list[ServerModel] = []

    def start(**settings: object) -> ServerModel:
        fields = {"base_url": server.base_url, "name": "coder", "timeout_s": 5.0, "n_ctx": 16_384} | settings
        models.append(ServerModel(msgspec.convert(fields, LocalSettings)))
        return models[-1]

    yield start
    for model in models:
        await model.close()


@pytest.mark.parametrize("lists_n_ctx", [True, False])
async def test_llama_server_says_its_context_and_its_slots(server: ChatServer, at: Start, lists_n_ctx: bool) -> None:
    be_llama_server(server, n_ctx=8192, slots=3, lists_n_ctx=lists_n_ctx)
    model = at()
    ready = await model.start()
    assert (model.info.n_ctx, model.info.capacity) == (8192, 3)
    assert ready.notes == (f"{server.base_url} gives coder a context of 8,192 tokens, less than n_ctx = 16,384",)


async def test_a_router_that_has_no_model_loaded_is_taken_at_its_list(server: ChatServer, at: Start) -> None:
    be_llama_server(server, n_ctx=4096)
    server.pages["GET /props"] = lambda _: {"role": "router", "default_generation_settings": {"n_ctx": 0}}
    model = at()
    await model.start()
    assert model.info.n_ctx == 4096


async def test_vllm_says_it_in_its_list_and_is_asked_nothing_else(server: ChatServer, at: Start) -> None:
    be_vllm(server, max_model_len=12_000)
    model = at()
    await model.start()
    assert model.info.n_ctx == 12_000
    assert server.visits == ["GET /v1/models"]


@pytest.mark.parametrize(("loaded", "found", "how"), [(4096, 4096, "gives"), (None, 8192, "may give")])
async def test_lm_studio_says_what_it_loaded_or_could(
    server: ChatServer, at: Start, loaded: int | None, found: int, how: str
) -> None:
    be_lm_studio(server, loaded=loaded, longest=8192)
    model = at()
    ready = await model.start()
    assert model.info.n_ctx == found
    assert f" {how} coder a context of {found:,} tokens" in ready.notes[0]


async def test_a_longer_context_than_configured_changes_nothing(server: ChatServer, at: Start) -> None:
    be_vllm(server, max_model_len=131_072)
    model = at()
    assert (await model.start()).notes == ()
    assert model.info.n_ctx == 16_384


async def test_a_server_that_says_nothing_is_taken_as_configured(server: ChatServer, at: Start) -> None:
    model = at()
    assert (await model.start()).notes == ()
    assert model.info.n_ctx == 16_384
    for _ in range(3):
        assert (await whole(model.stream(request())))[0] == "hello"
    assert server.visits.count("GET /props") == 1


async def test_answers_of_another_shape_are_no_failure(server: ChatServer, at: Start) -> None:
    for place in ("GET /props", "GET /api/ps", "POST /api/show", "GET /api/v0/models"):
        server.pages[place] = lambda _: ["not", {"what": "was expected"}]
    server.pages["GET /v1/models"] = listing({"id": "coder", "max_model_len": "long", "meta": []})
    model = at()
    await model.start()
    assert model.info.n_ctx == 16_384


async def test_a_server_that_does_not_answer_questions_costs_two_seconds_at_most(server: ChatServer, at: Start) -> None:
    def sleepy(_: object) -> None:
        time.sleep(4)

    await at().start()
    for place in ("GET /props", "GET /api/ps", "POST /api/show", "GET /api/v0/models"):
        server.pages[place] = sleepy
    model = at()
    started = time.monotonic()
    await model.start()
    assert time.monotonic() - started < 2.5  # the child's own start is in it
    assert model.info.n_ctx == 16_384


async def test_questions_carry_the_same_key(server: ChatServer) -> None:
    be_llama_server(server, n_ctx=4096)
    settings = LocalSettings(base_url=server.base_url, name="coder", api_key_env="MY_KEY")
    model = ServerModel(settings, {"MY_KEY": "abc"})
    await model.start()
    await model.close()
    assert {headers.get("authorization") for headers in server.all_headers} == {"Bearer abc"}


async def test_ollama_says_what_the_loaded_model_has(server: ChatServer, at: Start) -> None:
    Ollama(server, n_ctx=8192, is_loaded=True)
    model = at()
    await model.start()
    assert model.info.n_ctx == 8192
    assert "POST /api/generate" not in server.visits


async def test_ollama_says_what_the_modelfile_sets(server: ChatServer, at: Start) -> None:
    Ollama(server, n_ctx=6144, parameters="temperature                    0.7\nnum_ctx                        6144\n")
    model = at()
    await model.start()
    assert model.info.n_ctx == 6144
    assert "POST /api/generate" not in server.visits


async def test_ollama_loads_the_model_where_nothing_else_tells(server: ChatServer, at: Start) -> None:
    Ollama(server, n_ctx=32_768)
    model = at(n_ctx=65_536)
    await model.start()
    assert model.info.n_ctx == 32_768
    assert server.visits.count("POST /api/generate") == 1


async def test_ollama_that_cannot_load_is_taken_for_its_default(server: ChatServer, at: Start) -> None:
    Ollama(server, n_ctx=4096)
    del server.pages["POST /api/generate"]
    model = at()
    assert " may give coder a context of 4,096 tokens" in (await model.start()).notes[0]
    assert model.info.n_ctx == 4096


async def test_a_model_that_ollama_runs_elsewhere_is_refused(server: ChatServer, at: Start) -> None:
    Ollama(server, n_ctx=4096).remote_host = "https://ollama.com:443"
    with pytest.raises(ModelUnavailable, match=r"runs at https://ollama\.com"):
        await at().start()
    assert not server.asked


async def test_a_prompt_that_cannot_fit_is_not_sent(server: ChatServer, at: Start) -> None:
    Ollama(server, n_ctx=4096, is_loaded=True)
    with pytest.raises(ContextOverflow, match=r"at least 3,642 tokens and the answer may have 512; .* holds 4,096"):
        await whole(at().stream(request(CODE * 520, max_output_tokens=512)))
    assert not server.asked


@pytest.mark.parametrize("keeps_full_window", [False, True])
async def test_a_prompt_that_ollama_cut_is_an_overflow_with_the_numbers_and_the_fix(
    server: ChatServer, at: Start, keeps_full_window: bool
) -> None:
    Ollama(server, n_ctx=4096, is_loaded=True).keeps_full_window = keeps_full_window
    read = "4,096" if keeps_full_window else "2,050"
    with pytest.raises(ContextOverflow, match=f"read {read} tokens .* the context holds 4,096 tokens") as caught:
        await whole(at().stream(request(CODE * 400, max_output_tokens=512)))
    assert len(server.asked) == 1
    assert "OLLAMA_CONTEXT_LENGTH=8192" in caught.value.hint
    assert "PARAMETER num_ctx 8192" in caught.value.hint


async def test_an_answer_that_pushed_the_prompt_out_is_an_overflow(server: ChatServer, at: Start) -> None:
    ollama = Ollama(server, n_ctx=4096, is_loaded=True)
    model = at()
    await model.start()
    server.answer = say("long", usage=(4000, 200))
    with pytest.raises(ContextOverflow, match="read 4,000 tokens and wrote 200"):
        await whole(model.stream(request(CODE * 200)))
    server.answer = ollama.answer
    assert (await whole(model.stream(request(CODE))))[0] == "an answer to some of it"


async def test_a_prompt_that_fits_is_no_alarm_even_if_the_cache_is_left_out_of_the_count(
    server: ChatServer, at: Start
) -> None:
    ollama = Ollama(server, n_ctx=4096, is_loaded=True)
    model = at()
    for cached in (0, 1000, 5000):
        ollama.cached = cached
        assert (await whole(model.stream(request(CODE * 120))))[2].finish == "stop"


async def test_a_cut_is_seen_before_the_context_is_known(server: ChatServer, at: Start) -> None:
    ollama = Ollama(server, n_ctx=4096)
    server.pages["GET /api/ps"] = lambda _: {"models": []}
    model = at()
    with pytest.raises(ContextOverflow, match="read 2,050 tokens"):
        await whole(model.stream(request(CODE * 400)))
    ollama.n_ctx = 8192
    assert (await whole(model.stream(request(CODE * 300))))[2].finish == "stop"


async def test_any_server_that_read_far_too_little_is_found_out(server: ChatServer, at: Start) -> None:
    server.answer = say("x", usage=(50, 1))
    with pytest.raises(ContextOverflow, match="cut off without a word"):
        await whole(at().stream(request(CODE * 50)))


async def test_lm_studio_says_in_the_stream_that_a_prompt_is_too_long(server: ChatServer, at: Start) -> None:
    words = (
        "Trying to keep the first 10136 tokens when context the overflows. However, the model is loaded with context "
        "length of only 7866 tokens, which is not enough."
    )
    server.answer = lambda exchange: (
        exchange.begin_stream(),
        exchange.send_raw(f'event: error\ndata: {{"error": {{"message": "{words}"}}}}\n\n'),
    )[0]
    with pytest.raises(ContextOverflow, match="only 7866 tokens"):
        await whole(at().stream(request()))
