import asyncio
from collections.abc import AsyncGenerator

import msgspec
import pytest

from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.errors import (
    ContextOverflow,
    EgressForbidden,
    LimitReached,
    ModelCrashed,
    ModelError,
    ModelTransient,
    ModelUnauthorised,
)
from hybridcode.domain.events import ModelAnswered, ModelAsked, NoticeGiven
from hybridcode.domain.model import Chunk, Finished, ModelInfo, ModelRequest, TextDelta, Timing, Usage
from hybridcode.domain.ports import Model
from hybridcode.models.egress import denied_files, matches
from hybridcode.models.faulty import Cut, Fail, FaultyModel, Garbage, Hang
from hybridcode.models.problems import RetryLater
from hybridcode.models.scripted import ScriptedModel
from hybridcode.models.sender import Sender, SendPolicy
from tests.support.requests_to_models import MemoryRecorder, only, request

REMOTE = ModelInfo("big", "frontier", host="provider", is_remote=True)
LOCAL = ModelInfo("small", "local")


class Pauses:
    def __init__(self) -> None:
        self.taken: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)


class Desk:
    """A sender with everything around it in sight."""

    def __init__(self, model: Model, policy: SendPolicy | None = None) -> None:
        self.recorder, self.pauses = MemoryRecorder(), Pauses()
        self.sender = Sender(model, self.recorder, policy=policy or SendPolicy(), sleep=self.pauses.sleep)

    def asked(self) -> list[ModelAsked]:
        return only(self.recorder.events, ModelAsked)

    def answered(self) -> list[ModelAnswered]:
        return only(self.recorder.events, ModelAnswered)


def says(text: str, info: ModelInfo = REMOTE) -> ScriptedModel:
    return ScriptedModel(info, lambda _: text)


async def test_a_call_leaves_a_receipt_and_its_answer() -> None:
    desk, pieces = Desk(says("good answer " * 5)), list[Chunk]()
    asked = request(role="judge", step="s1", files=("a.py#L1-2",))
    reply = await desk.sender.ask(asked, on_chunk=pieces.append)
    assert (reply.text, reply.finish, reply.model, reply.cost_usd) == ("good answer " * 5, "stop", "big", 0.0)
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == reply.text
    before, after = desk.recorder.events
    assert isinstance(before, ModelAsked)
    assert (before.role, before.step, before.files, before.is_remote, before.host) == (
        "judge", "s1", ("a.py#L1-2",), True, "provider",
    )  # fmt: skip
    assert desk.recorder.blobs[before.prompt_sha256] == canonical_json(asked.messages)
    assert before.prompt_bytes == asked.prompt_bytes
    assert isinstance(after, ModelAnswered)
    assert desk.recorder.blobs[after.answer_sha256].decode() == reply.text
    assert (after.call_id, after.error, after.usage.output_bytes) == ("call-1", "", len(reply.text))


async def test_the_receipt_is_there_before_the_model_is_asked() -> None:
    seen: list[int] = []

    class Watching(ScriptedModel):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
            seen.append(len(desk.asked()))
            async for chunk in super().stream(request):
                yield chunk

    desk = Desk(Watching(REMOTE, lambda _: "x"))
    await desk.sender.ask(request())
    assert seen == [1]


async def test_transient_failures_are_tried_again_with_pauses_and_receipts() -> None:
    faults = {1: Fail(ModelTransient("busy")), 2: Cut(1)}
    desk = Desk(FaultyModel(says("the answer, at last, in two pieces"), faults), SendPolicy(max_retries=2))
    reply = await desk.sender.ask(request())
    assert reply.text == "the answer, at last, in two pieces"
    assert desk.pauses.taken == [1.0, 2.0]
    assert [event.attempt for event in desk.asked()] == [1, 2, 3]
    assert [event.error.partition(":")[0] for event in desk.answered()] == ["ModelTransient", "ModelTransient", ""]
    assert [event.level for event in only(desk.recorder.events, NoticeGiven)] == ["warning", "warning"]
    kinds = [type(event).__name__ for event in desk.recorder.events]
    assert kinds == ["ModelAsked", "ModelAnswered", "NoticeGiven"] * 2 + ["ModelAsked", "ModelAnswered"]


async def test_tries_run_out() -> None:
    faults = {n: Fail(ModelTransient("busy")) for n in range(1, 9)}
    desk = Desk(FaultyModel(says("never"), faults), SendPolicy(max_retries=3))
    with pytest.raises(ModelTransient, match="busy"):
        await desk.sender.ask(request())
    assert desk.pauses.taken == [1.0, 2.0, 4.0]
    assert len(desk.asked()) == len(desk.answered()) == 4


@pytest.mark.parametrize(("asked", "taken"), [(7.0, 7.0), (600.0, 30.0), (0.0, 0.0), (None, 1.0)])
async def test_the_pause_is_what_was_asked_for_within_reason(asked: float | None, taken: float) -> None:
    faults = {1: Fail(RetryLater("slow down", retry_after_s=asked))}
    desk = Desk(FaultyModel(says("x"), faults))
    await desk.sender.ask(request())
    assert desk.pauses.taken == [taken]


async def test_a_refused_key_is_not_tried_again() -> None:
    desk = Desk(FaultyModel(says("x"), {1: Fail(ModelUnauthorised("no"))}))
    with pytest.raises(ModelUnauthorised):
        await desk.sender.ask(request())
    assert [event.error for event in desk.answered()] == ["ModelUnauthorised: no"]


async def test_a_cut_answer_is_kept_as_it_came() -> None:
    desk = Desk(FaultyModel(says("x" * 60), {1: Cut(2)}), SendPolicy(max_retries=0))
    with pytest.raises(ModelTransient):
        await desk.sender.ask(request())
    (answer,) = desk.answered()
    assert desk.recorder.blobs[answer.answer_sha256] == b"x" * 48
    assert (answer.finish, answer.usage.output_bytes) == ("cancelled", 48)


async def test_silence_is_a_transient_failure() -> None:
    desk = Desk(FaultyModel(says("x" * 60), {1: Hang(1)}), SendPolicy(timeout_s=0.05))
    reply = await desk.sender.ask(request())
    assert reply.text == "x" * 60
    assert "no progress" in desk.answered()[0].error


async def test_cancelling_is_recorded_and_passes() -> None:
    desk = Desk(FaultyModel(says("x" * 60), {1: Hang(1)}))
    task = asyncio.create_task(desk.sender.ask(request()))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (answer,) = desk.answered()
    assert (answer.finish, answer.error) == ("cancelled", "")
    assert desk.recorder.blobs[answer.answer_sha256] == b"x" * 24


async def test_a_viewer_that_fails_leaves_no_open_receipt() -> None:
    def broken(chunk: Chunk) -> None:
        raise RuntimeError(f"cannot show {chunk}")

    desk = Desk(says("x"))
    with pytest.raises(RuntimeError):
        await desk.sender.ask(request(), on_chunk=broken)
    assert [event.error for event in desk.answered()] == ["RuntimeError"]


async def test_secrets_leave_neither_to_the_model_nor_to_the_journal() -> None:
    model = says("x")
    desk = Desk(model)
    secret = "AKIA" + "A1B2C3D4E5F6G7H8"
    await desk.sender.ask(request(f"key = '{secret}' # and {secret}"))
    assert secret not in str(model.requests)
    assert not any(secret.encode() in blob for blob in desk.recorder.blobs.values())
    (event,) = desk.asked()
    assert event.redactions == 2
    assert event.prompt_bytes == model.requests[0].prompt_bytes


async def test_redaction_can_be_off() -> None:
    model = says("x")
    secret = "AKIA" + "A1B2C3D4E5F6G7H8"
    await Desk(model, SendPolicy(redactor=None)).sender.ask(request(secret))
    assert secret in str(model.requests)


async def test_too_large_a_request_is_not_sent() -> None:
    desk = Desk(says("x"), SendPolicy(max_input_tokens=100))
    with pytest.raises(ContextOverflow, match="103 tokens; max_input_tokens is 100"):
        await desk.sender.ask(request("x" * 400))
    assert not desk.recorder.events
    await desk.sender.ask(request("x" * (400 - len("Be brief."))))


async def test_offline_forbids_remote_models_only() -> None:
    desk = Desk(says("x"), SendPolicy(offline=True))
    with pytest.raises(EgressForbidden, match="provider"):
        await desk.sender.ask(request())
    assert not desk.recorder.events
    assert (await Desk(says("x", LOCAL), SendPolicy(offline=True)).sender.ask(request())).text == "x"


async def test_denied_files_are_never_shown_to_a_remote_model() -> None:
    policy = SendPolicy(deny_paths=("secrets/**", "*.pem"))
    shown = request(files=("src/a.py#L1-9", "deep/key.pem", "secrets/x.py#f"))
    with pytest.raises(EgressForbidden, match=r"deep/key\.pem, secrets/x\.py"):
        await Desk(says("x"), policy).sender.ask(shown)
    assert (await Desk(says("x", LOCAL), policy).sender.ask(shown)).text == "x"


async def test_the_budget_is_looked_at_before_each_try() -> None:
    looks: list[int] = []

    def check(_: ModelRequest, __: ModelInfo) -> None:
        looks.append(1)
        if len(looks) == 2:
            raise LimitReached("used up")

    desk = Desk(FaultyModel(says("x"), {1: Fail(ModelTransient("busy"))}), SendPolicy(check_budget=check))
    with pytest.raises(LimitReached):
        await desk.sender.ask(request())
    assert len(desk.asked()) == len(desk.answered()) == 1


async def test_a_model_that_never_stops_is_stopped() -> None:
    desk = Desk(says("x" * 10_000))
    reply = await desk.sender.ask(request(max_output_tokens=10))
    assert reply.finish == "length"
    assert 640 < len(reply.text) < 700


async def test_a_stream_without_an_end_is_a_cut_stream() -> None:
    class Endless(ScriptedModel):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
            yield TextDelta("half")

    desk = Desk(Endless(REMOTE, {}), SendPolicy(max_retries=0))
    with pytest.raises(ModelTransient, match="cut the stream"):
        await desk.sender.ask(request())


async def test_garbage_is_passed_on_as_the_answer() -> None:
    model = FaultyModel(says("good"), {1: Garbage("%%%")})
    assert (await Desk(model).sender.ask(request())).text == "%%%"
    await model.close()


async def test_the_models_own_timing_is_kept_and_ours_fills_in() -> None:
    class Timed(ScriptedModel):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
            yield Finished("stop", Usage(), Timing(5.0, 1.0, 9.0), None)

    assert (await Desk(Timed(REMOTE, {})).sender.ask(request())).timing == Timing(5.0, 1.0, 9.0)
    assert (await Desk(says("x")).sender.ask(request())).timing.total_s > 0


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("*.pem", "a/b/key.pem", True),
        ("*.pem", "key.pem.txt", False),
        ("secrets/**", "secrets/a/b", True),
        ("secrets", "lib/secrets/a", True),
        ("/secrets/", "lib/secrets/a", False),
        ("/secrets/", "secrets/a", True),
        ("secrets/", "lib/secrets/a", True),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/x/y/a.py", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
        (".ENV", "deploy/.env", True),
    ],
)
def test_globs(glob: str, path: str, expected: bool) -> None:
    assert matches(path, glob) is expected


def test_denied_files_are_named_once() -> None:
    assert denied_files(("b.pem#L1-2", "b.pem", "a.pem", "c.py"), ("*.pem",)) == ["a.pem", "b.pem"]


async def test_errors_in_the_journal_are_redacted() -> None:
    secret = "ghp_" + "a1B2" * 10
    desk = Desk(FaultyModel(says("x"), {1: Fail(ModelError(f"bad {secret}"))}))
    with pytest.raises(ModelError):
        await desk.sender.ask(request())
    assert secret.encode() not in msgspec.json.encode(desk.recorder.events)


async def test_after_a_crash_the_model_is_asked_once_more_and_not_twice() -> None:
    died = ModelCrashed("The model's process was ended by SIGKILL.", "")
    desk = Desk(FaultyModel(says("fine"), {1: Fail(died)}))
    assert (await desk.sender.ask(request())).text == "fine"
    assert [event.attempt for event in only(desk.recorder.events, ModelAsked)] == [1, 2]
    desk = Desk(FaultyModel(says("fine"), {1: Fail(died), 2: Fail(died)}))
    with pytest.raises(ModelCrashed):
        await desk.sender.ask(request())


class Cramped(ScriptedModel):
    """A model that was loaded with less than was wished for."""

    notes = ("n_ctx lowered from 16,384 to 4,096 tokens",)


async def test_what_a_person_should_know_of_the_loading_is_told_once() -> None:
    desk = Desk(Cramped(REMOTE, {"draft": ["one", "two"]}))
    await desk.sender.ask(request())
    await desk.sender.ask(request())
    told = [event.text for event in only(desk.recorder.events, NoticeGiven)]
    assert len(told) == 1
    assert "n_ctx lowered" in told[0]


async def test_a_pause_that_is_too_long_is_not_waited_for_where_another_model_can_be_asked() -> None:
    limited = RetryLater("slow down", retry_after_s=600.0)
    desk = Desk(FaultyModel(says("late"), {1: Fail(limited)}))
    desk.sender.backed_by(Sender(says("now", LOCAL), desk.recorder, policy=SendPolicy()))
    assert (await desk.sender.ask(request())).text == "now"
    assert desk.pauses.taken == []
    assert desk.sender.model.info == says("now", LOCAL).info
    assert (await desk.sender.ask(request())).model == "small"
    short = Desk(FaultyModel(says("late"), {1: Fail(RetryLater("slow down", retry_after_s=3.0))}))
    short.sender.backed_by(Sender(says("now", LOCAL), short.recorder, policy=SendPolicy()))
    assert ((await short.sender.ask(request())).text, short.pauses.taken) == ("late", [3.0])


async def test_what_may_not_be_sent_is_no_reason_to_ask_somebody_else() -> None:
    desk = Desk(says("x"), SendPolicy(deny_paths=("secret/**",)))
    desk.sender.backed_by(Sender(says("now", LOCAL), desk.recorder, policy=SendPolicy()))
    with pytest.raises(EgressForbidden):
        await desk.sender.ask(request(files=("secret/a.py",)))
    assert desk.recorder.events == []


async def test_a_fallback_sees_what_its_own_policy_lets_it_see() -> None:
    desk = Desk(FaultyModel(says("x", LOCAL), {1: Fail(ModelCrashed("gone")), 2: Fail(ModelCrashed("gone"))}))
    policy = SendPolicy(deny_paths=("secret/**",))
    desk.sender.backed_by(Sender(says("far"), desk.recorder, policy=policy))
    with pytest.raises(EgressForbidden):
        await desk.sender.ask(request(files=("secret/a.py",)))
    assert [event.model for event in desk.asked()] == ["small", "small"]
