import pytest

from hybridcode.domain.errors import ModelError, ModelTransient, ModelUnauthorised, ModelUnavailable
from hybridcode.domain.model import Finished, ModelInfo, TextDelta
from hybridcode.models.faulty import Fail, FaultyModel
from hybridcode.models.problems import RetryLater
from hybridcode.models.recorded import RecordedModel
from hybridcode.models.scripted import PIECE_CHARS, ScriptedAnswer, ScriptedModel
from hybridcode.models.sender import Sender, SendPolicy
from tests.support.requests_to_models import MemoryRecorder, request, whole

INFO = ModelInfo("script", "frontier", is_remote=True)


async def test_answers_come_by_role_and_step_in_order() -> None:
    model = ScriptedModel(INFO, {"draft": ["any", "more"], "draft:s2": ["for s2"], "judge": ["good"]})
    assert (await whole(model.stream(request(step="s1"))))[0] == "any"
    assert (await whole(model.stream(request(step="s2"))))[0] == "for s2"
    assert (await whole(model.stream(request(step="s2"))))[0] == "more"
    assert (await whole(model.stream(request(role="judge"))))[0] == "good"
    model.expect_used_up()
    assert [asked.step for asked in model.requests] == ["s1", "s2", "s2", None]


async def test_a_missing_answer_and_one_left_over_are_errors() -> None:
    model = ScriptedModel(INFO, {"draft": ["one"]})
    with pytest.raises(ModelUnavailable, match="no answer for plan"):
        await whole(model.stream(request(role="plan")))
    with pytest.raises(ModelError, match=r"left over: \{'draft': 1\}"):
        model.expect_used_up()


async def test_a_rule_answers_from_the_request() -> None:
    model = ScriptedModel(INFO, lambda asked: ScriptedAnswer(asked.messages[-1].content.upper(), "length"))
    text, _, end = await whole(model.stream(request("shout")))
    assert (text, end.finish) == ("SHOUT", "length")


async def test_it_streams_in_pieces_and_counts_bytes() -> None:
    model = ScriptedModel(INFO, {"draft": ["ä" * 50]})
    chunks = [chunk async for chunk in model.stream(request())]
    assert [len(chunk.text) for chunk in chunks if isinstance(chunk, TextDelta)] == [PIECE_CHARS, PIECE_CHARS, 2]
    end = chunks[-1]
    assert isinstance(end, Finished)
    assert (end.usage.output_bytes, end.usage.output_tokens, end.cost_usd) == (100, 25, 0.0)


def test_a_script_always_says_that_it_is_one() -> None:
    assert ScriptedModel(ModelInfo("x", "frontier"), {}).info.is_scripted


async def recorded() -> tuple[MemoryRecorder, RecordedModel]:
    recorder = MemoryRecorder()
    inner = ScriptedModel(INFO, {"draft": ["first", "second", "third"]})
    faults = {2: Fail(RetryLater("busy", retry_after_s=9)), 4: Fail(ModelUnauthorised("no"))}
    sender = Sender(FaultyModel(inner, faults), recorder, policy=SendPolicy(max_retries=0))
    assert (await sender.ask(request("a"))).text == "first"
    with pytest.raises(ModelTransient):
        await sender.ask(request("a"))
    assert (await sender.ask(request("b", call_id="call-2"))).text == "second"
    with pytest.raises(ModelUnauthorised):
        await sender.ask(request("b", call_id="call-3"))
    return recorder, RecordedModel.of(recorder.envelopes(), lambda digest: recorder.blobs[digest], backend="frontier")


async def test_a_recording_gives_the_same_answers_to_the_same_prompts() -> None:
    _, model = await recorded()
    assert (model.info.name, model.info.is_remote, model.info.is_scripted) == ("script", False, True)
    text, _, end = await whole(model.stream(request("b")))
    assert (text, end.finish, end.usage.output_bytes) == ("second", "stop", 6)
    assert (await whole(model.stream(request("a"))))[0] == "first"


async def test_a_recorded_failure_fails_again_in_the_same_way() -> None:
    _, model = await recorded()
    await whole(model.stream(request("a")))
    with pytest.raises(ModelTransient, match="busy"):
        await whole(model.stream(request("a")))
    await whole(model.stream(request("b")))
    with pytest.raises(ModelUnauthorised, match="no"):
        await whole(model.stream(request("b")))


async def test_a_recording_answers_nothing_else() -> None:
    recorder, model = await recorded()
    with pytest.raises(ModelUnavailable, match="no answer left"):
        await whole(model.stream(request("other words")))
    with pytest.raises(ModelUnavailable, match="no call of the local model"):
        RecordedModel.of(recorder.envelopes(), lambda _: b"", backend="local")
