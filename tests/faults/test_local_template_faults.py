"""A chat template is a program of whoever made the file: it may do nothing, for ever, or with all memory there is."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from hybridcode.domain.errors import ModelError
from hybridcode.domain.model import Message
from hybridcode.models.problems import Trouble
from hybridcode.models.template import RENDERING_S, render
from tests.support.gguf_files import tiny_file, with_template, without_template
from tests.support.local_models import answers, local_model

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's"),
    pytest.mark.timeout(60),
]

SHOWN = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
HOSTILE = {
    "a_range_of_a_billion": "{% for i in range(10**9) %}{% endfor %}",
    "loops_in_loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "a_gigabyte": "{% set x = 'a' * 10**9 %}",
    "a_gigabyte_that_is_shown": "{{ 'a' * 10**9 }}",
    "more_than_there_is": "{{ 'a' * 10**15 }}",
    "doubled_again_and_again": (
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}"
    ),
    "a_wide_column": "{{ '{:1000000000}'.format(1) }}",
    "centred": "{{ 'a' | center(10**9) }}",
    "a_long_prompt": "{% for i in range(99999) %}a longer and longer prompt{% endfor %}",
    "a_macro_that_calls_itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "brackets_in_brackets": "{{" + "(" * 5_000 + "1" + ")" * 5_000 + "}}",
    "a_number_with_too_many_digits": "{{ 10**10**5 }}",
    "that_raises": "{{ raise_exception('x' * 100000) }}",
    "that_divides_by_zero": "{{ 1 // 0 }}",
    "of_half_a_character": "{{ '\\ud800' }}",
    "of_nothing": "",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_template_is_refused_soon(kind: str) -> None:
    started = time.monotonic()
    with pytest.raises(Trouble) as caught:
        render(HOSTILE[kind], [Message("system", "a"), Message("user", "b")])
    assert time.monotonic() - started < RENDERING_S + 10
    assert caught.value.kind == "invalid"
    assert "chat template" in caught.value.message
    assert len(caught.value.message) < 600
    assert "llama-server" in caught.value.hint


def test_a_template_is_run_once_for_the_same_roles() -> None:
    render(SHOWN, [Message("user", "a")])
    started = time.monotonic()
    for n in range(200):
        assert render(SHOWN, [Message("user", str(n))]) == [(str(n), True)]
    assert time.monotonic() - started < 1


def test_it_has_no_files_and_no_modules() -> None:
    for reach in (
        "cycler.__init__.__globals__",
        "messages.__class__",
        "lipsum.__globals__['os']",
        "self._TemplateReference",
    ):
        with pytest.raises(Trouble):
            render(SHOWN + "{{ " + reach + ".x.y }}", [Message("user", "a")])


@pytest.mark.llama
@pytest.mark.parametrize("kind", ["loops_in_loops", "a_gigabyte", "that_raises", "of_nothing"])
async def test_a_model_with_a_hostile_template_is_an_error_each_time_and_its_process_lives(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "hostile.gguf"
    path.write_bytes(with_template(tiny_file().read_bytes(), HOSTILE[kind]))
    async with local_model(path) as model:
        for _ in range(3):
            async with asyncio.timeout(RENDERING_S + 10):
                with pytest.raises(ModelError, match="chat template"):
                    await answers(model)


@pytest.mark.llama
async def test_a_model_without_a_template_is_asked_in_chatml(tmp_path: Path) -> None:
    path = tmp_path / "plain.gguf"
    path.write_bytes(without_template(tiny_file().read_bytes()))
    said: list[str] = []
    for file in (path, tiny_file()):
        async with local_model(file) as model:
            said.append(await answers(model))
    assert said[0] == said[1]
