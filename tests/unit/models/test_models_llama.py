import json
import time
from importlib.resources import as_file, files
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hybridcode.models.kv_files import KvFiles
from hybridcode.models.llama import BATCH, MOST_ROWS
from hybridcode.models.llama_grammar import Grammar, grammar_of_schema
from hybridcode.models.llama_mtp import UNKNOWN, NextTokenDrafter
from hybridcode.models.problems import Trouble
from hybridcode.models.tiny_prompt import render_region
from tests.support.random_models import answer, chat, engine, load, next_in_line, random_gguf, runtime

pytestmark = pytest.mark.llama

LINES = "".join(f"def total_{n}(items):\n    return sum(item.price * {n} for item in items)\n\n" for n in range(12))
EDITS = [
    ("shop/pricing.py", "VAT_PERCENT = 19", "Set VAT_PERCENT to 21."),
    ("shop/pricing.py", "VAT_PERCENT = 19\nSHIPPING = 5\nLIMIT = 10", "Set VAT_PERCENT to 25."),
    ("shop/cart.py", "def total(self) -> int:\n    return self.count * self.price", "Rename total to grand_total."),
    ("shop/cart.py", LINES[:400], "Set LIMIT to 3."),
    ("app/names.py", "MAX_ITEMS = 5\nMIN_ITEMS = 1\n" * 6, "Set MAX_ITEMS to 7."),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def trained() -> Path:
    with as_file(files("hybridcode") / "assets" / "tiny.gguf") as path:
        return path


def test_guesses_change_no_answer_of_the_trained_model(trained: Path) -> None:
    plain, guessing = engine(trained), engine(trained, "lookup")
    passes = tokens = 0
    for path, region, goal in EDITS:
        system, user = render_region(path, region, goal)
        request = chat(user, system=system, limit=120)
        (text, _), (same, end) = answer(plain, request), answer(guessing, request)
        assert same == text
        passes, tokens = passes + end.passes, tokens + end.output_tokens
    assert tokens > 1.3 * passes


@pytest.mark.parametrize(("preset", "manner", "rollback"), [("tiny", "lookup", 0), ("hybrid", "lookup", 4)])
def test_guesses_change_no_answer_of_a_random_model(folder: Path, preset: str, manner: str, rollback: int) -> None:
    path = random_gguf(folder, preset)
    plain, guessing = engine(path), engine(path, manner, rollback=rollback)
    for text in (LINES, "rose " * 200, "sit on it, on a star\n" * 30):
        assert answer(guessing, chat(text, limit=60))[0] == answer(plain, chat(text, limit=60))[0]


def test_the_models_own_layer_changes_no_answer(folder: Path) -> None:
    path = random_gguf(folder, "hybrid", drafts=True)
    plain, guessing = engine(path), engine(path, "mtp", rollback=3)
    for text in (LINES, LINES + "more", "rose " * 200, LINES + "less"):
        assert answer(guessing, chat(text, limit=60))[0] == answer(plain, chat(text, limit=60))[0]


def test_guesses_that_cannot_be_taken_back_cost_time_and_no_answer(folder: Path) -> None:
    path = random_gguf(folder, "hybrid")
    guessing = engine(path, "lookup", rollback=0)
    text = "sit on it, on a star\n" * 30
    asked = chat(text, limit=120, ignore_end=True)
    assert answer(guessing, asked)[0] == answer(engine(path), asked)[0]
    assert guessing.speculation is None


def test_after_another_conversation_the_layer_holds_nothing_of_it(folder: Path) -> None:
    guessing = engine(next_in_line(folder / "line2.gguf", by_hidden=False), "mtp", rollback=3)
    for text in ("a" * 700, "b" * 700, "a" * 700 + "c"):
        _, end = answer(guessing, chat(text, limit=30))
        assert end.accepted == end.guessed > 0
    layer = guessing.speculation.drafter if guessing.speculation else None
    assert isinstance(layer, NextTokenDrafter)
    prompt = guessing.prompt(chat("a" * 700 + "c").messages)
    assert all(held in (UNKNOWN, token) for held, token in zip(layer.held, prompt, strict=False))


def test_a_layer_that_knows_what_follows_is_believed(folder: Path) -> None:
    guessing = engine(next_in_line(folder / "line.gguf", by_hidden=False), "mtp", rollback=3)
    for limit in (41, 30, 41):
        text, end = answer(guessing, chat("a", limit=limit))
        assert end.accepted == end.guessed > 0
        assert end.output_tokens == limit
        assert end.passes < limit / 3
    assert text == answer(engine(folder / "line.gguf"), chat("a", limit=41))[0]


def test_each_token_is_paired_with_the_hidden_row_before_it(folder: Path) -> None:
    llama = load(next_in_line(folder / "hidden.gguf", by_hidden=True), rollback=3, with_next_layer=True)
    functions = runtime().next_tokens
    assert functions is not None
    layer = NextTokenDrafter(llama, functions)
    llama.decode([40, 90, 70], 0)
    layer.observe([40, 90, 70], 0)
    assert llama.logits().argmax() == 71
    assert list(layer.draft(71, 1).tokens) == [71]
    llama.decode([120, 121], 3, rows=2)
    layer.observe([120, 121], 3)
    llama.keep(4)
    layer.keep(4)
    assert list(layer.draft(7, 1).tokens) == [121]


@pytest.mark.parametrize("preset", ["tiny", "hybrid"])
def test_what_prompts_share_is_computed_once_and_answers_stay_the_same(folder: Path, preset: str) -> None:
    path = random_gguf(folder, preset)
    one = engine(path)
    prompts = [LINES + "a", LINES + "b", "other " * 200, LINES + "c", LINES + "c\n\nThe last answer was wrong."]
    ends = [answer(one, chat(text, breaks=(len(LINES), len(LINES) + 1))) for text in prompts]
    assert [text for text, _ in ends] == [answer(engine(path), chat(text))[0] for text in prompts]
    whole = ends[0][1].prompt_tokens
    for _, end in (ends[1], ends[3], ends[4]):
        assert end.reused_tokens > 0.95 * whole
    assert ends[2][1].reused_tokens < 50


def test_the_next_process_takes_over_what_was_computed(folder: Path, tmp_path: Path) -> None:
    path = random_gguf(folder, "tiny")

    def shelf() -> KvFiles:
        return KvFiles(tmp_path / "kv", key={"model": "tiny"}, most_bytes=1 << 28, most_tokens=4_096)

    first = engine(path, shelf=shelf())
    answer(first, chat(LINES + "a"))
    first.store()
    text, end = answer(engine(path, shelf=shelf()), chat(LINES + "b"))
    assert end.reused_tokens > 0.95 * end.prompt_tokens
    assert text == answer(engine(path), chat(LINES + "b"))[0]


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_grammar_is_followed(folder: Path, temperature: float) -> None:
    one = engine(random_gguf(folder, "tiny"))
    grammar = 'root ::= ("yes" | "no") "," [0-9] [0-9] "\\n"'
    for seed in range(5):
        text, end = answer(one, chat("?", grammar=grammar, temperature=temperature, seed=seed))
        word, number = text.split(",")
        assert word in ("yes", "no")
        assert number.removesuffix("\n").isdigit()
        assert len(number) == 3
        assert end.finish == "stop"


class _Reply(msgspec.Struct):
    verdict: bool
    lines: list[int]


def test_a_schema_is_followed(folder: Path) -> None:
    schema = json.dumps(
        {
            "type": "object",
            "properties": {
                "verdict": {"type": "boolean"},
                "lines": {"type": "array", "items": {"type": "integer"}, "maxItems": 2},
            },
            "required": ["verdict", "lines"],
            "additionalProperties": False,
        }
    ).encode()
    text, end = answer(engine(random_gguf(folder, "tiny")), chat("?", schema=schema, limit=200))
    assert end.finish == "stop"
    assert msgspec.json.decode(text, type=_Reply)


@pytest.mark.parametrize(
    "grammar",
    ["root ::= (", "root ::= missing", "start ::= 'a'", "root ::= root", "\0", 'root ::= "a"{1,', "x" * 300_000],
)
def test_a_bad_grammar_is_refused_and_the_engine_goes_on(folder: Path, grammar: str) -> None:
    one = engine(random_gguf(folder, "tiny"))
    with pytest.raises(Trouble) as caught:
        answer(one, chat("?", grammar=grammar))
    assert caught.value.kind == "invalid"
    assert answer(one, chat("?", limit=3))[1].output_tokens == 3


@pytest.mark.parametrize("schema", [b"", b"{", b"[]", b'{"type": "nonsense"}', b'{"$ref": "#/$defs/none"}'])
def test_a_schema_that_gives_no_grammar_is_refused(schema: bytes) -> None:
    with pytest.raises(Trouble, match="schema"):
        grammar_of_schema(schema)


def test_the_best_token_alone_is_checked_first(folder: Path) -> None:
    llama = load(random_gguf(folder, "tiny"))
    grammar = Grammar(llama, 'root ::= "a" "b"')
    a, b = llama.tokens("a")[0], llama.tokens("b")[0]
    assert grammar.allows(a)
    assert not grammar.allows(b)
    logits = np.zeros(llama.vocab_size, dtype=np.float32)
    assert np.flatnonzero(np.isfinite(grammar.allowed(logits))).tolist() == [a]
    grammar.accept(a)
    assert grammar.allows(b)
    grammar.close()


def test_more_than_a_batch_never_reaches_native_code(folder: Path) -> None:
    llama = load(random_gguf(folder, "tiny"))
    with pytest.raises(ValueError, match="do not fit"):
        llama.decode([5] * (BATCH + 1), 0)
    with pytest.raises(ValueError, match="do not fit"):
        llama.decode([5] * 40, 0, rows=MOST_ROWS + 1)


@pytest.mark.parametrize("n_ctx", [1, 2, 300, 513])
def test_a_context_shorter_than_a_batch_is_kept_to(folder: Path, n_ctx: int) -> None:
    llama = load(random_gguf(folder, "tiny"), n_ctx=n_ctx)
    assert llama.n_ctx == n_ctx
    llama.decode([5] * 400, 0)


@pytest.mark.parametrize("manner", ["off", "mtp"])
def test_cancelling_stops_the_prompt_and_leaves_the_engine_usable(folder: Path, manner: str) -> None:
    one = engine(random_gguf(folder, "hybrid", drafts=True), manner, rollback=3)
    started = time.monotonic()
    _, end = answer(one, chat("x y " * 900), is_cancelled=lambda: time.monotonic() - started > 0.02)
    assert end.finish == "cancelled"
    assert time.monotonic() - started < 1.0
    text, end = answer(one, chat(LINES))
    assert end.reused_tokens == 0
    assert text == answer(engine(folder / "hybrid-mtp.gguf"), chat(LINES))[0]
