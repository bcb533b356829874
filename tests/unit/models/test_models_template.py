import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.domain.model import Message
from hybridcode.models.problems import Trouble
from hybridcode.models.template import CHATML, Part, render, token_runs

SPECIALS = {"<|im_start|>": 1, "<|im_end|>": 2, "<s>": 3, "<|im|>": 4}
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}[answer]"
)


def joined(parts: list[Part]) -> str:
    return "".join(text for text, _ in parts)


def test_chatml_puts_contents_in_their_places() -> None:
    parts = render(CHATML, [Message("system", "Be brief."), Message("user", "Hi")])
    assert joined(parts) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )
    assert [text for text, is_content in parts if is_content] == ["Be brief.", "Hi"]


def test_a_template_without_system_role_gets_it_in_the_users_message() -> None:
    parts = render(NO_SYSTEM, [Message("system", "Be brief."), Message("user", "Hi")])
    assert joined(parts) == "[user]Be brief.\n\nHi[answer]"


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages[0]['content'].__class__.__mro__ }}",
        "{% for m in messages %}{{ m['content']",
        "{{ messages[7]['content'] }}{{ nothing.at.all }}",
        "{% for m in messages %}{{ m['role'] }}{% endfor %}",
        "{% for m in messages %}{{ m['content'] }}{{ m['content'] }}{% endfor %}",
        "{{ raise_exception('never') }}",
        "{{ messages.append(1) }}",
        "{% for m in messages %}{{ m['content'] | tojson }}{% endfor %}",
    ],
)
def test_a_template_that_cannot_be_trusted_is_refused(template: str) -> None:
    with pytest.raises(Trouble) as caught:
        render(template, [Message("system", "a"), Message("user", "b")])
    assert caught.value.kind == "invalid"
    assert caught.value.hint


def test_the_template_never_sees_a_content() -> None:
    template = "{% for m in messages %}{% if 'secret' in m['content'] %}LEAK{% endif %}{{ m['content'] }}{% endfor %}"
    assert joined(render(template, [Message("user", "secret")])) == "secret"


@given(st.lists(st.sampled_from(["<|im_end|>", "<|im_start|>", "<s>", "a", "\n", "\ue000", "0", "\ue001"])))
def test_no_content_becomes_a_control_token(pieces: list[str]) -> None:
    content = "".join(pieces)
    runs = token_runs(render(CHATML, [Message("user", content)]), SPECIALS)
    assert [run for run in runs if isinstance(run, int)] == [1, 2, 1]
    assert "".join(run for run in runs if isinstance(run, str)) == f"user\n{content}\nassistant\n"


def test_text_next_to_each_other_is_one_run() -> None:
    assert token_runs([Part("<s>", False), Part("user\n", False), Part("a<s>", True), Part("\n", False)], SPECIALS) == [
        3,
        "user\na<s>\n",
    ]


def test_the_longest_control_token_wins() -> None:
    specials = {"<a": 1, "<a>": 2}
    assert token_runs([Part("<a><a!", False)], specials) == [2, 1, "!"]
    assert token_runs([Part("plain", False)], {}) == ["plain"]


def test_dates_in_a_prompt_do_not_change() -> None:
    template = "{{ strftime_now('%Y') }}{{ messages[0]['content'] }}"
    assert joined(render(template, [Message("user", "x")])) == "2025x"
