import asyncio
import os
from collections.abc import Iterator
from typing import TextIO

import pytest

from hybridcode.cli.lines import READ_S, Lines

Typed = tuple[int, TextIO]


@pytest.fixture
def typed() -> Iterator[Typed]:
    inside, outside = os.pipe()
    with os.fdopen(inside, encoding="utf-8") as source:
        yield outside, source


async def test_a_line_that_was_typed_before_the_question_is_dropped_and_told(typed: Typed):
    outside, source = typed
    lines = Lines(source)
    os.write(outside, b"first\nyes\n")
    assert await lines.next() == "first"
    await asyncio.sleep(0.05)
    assert lines.dropped() == ["yes"]
    assert lines.dropped() == []
    os.close(outside)


async def test_a_line_that_comes_too_soon_after_a_question_answers_nothing(typed: Typed):
    outside, source = typed
    lines = Lines(source)
    os.write(outside, b"y\n")
    assert await lines.answer() == ""
    asking = asyncio.create_task(lines.answer())
    await asyncio.sleep(READ_S + 0.1)
    os.write(outside, b"y\n")
    assert await asking == "y"
    os.close(outside)


async def test_the_end_of_the_input_is_told_even_when_lines_are_dropped(typed: Typed):
    outside, source = typed
    lines = Lines(source)
    os.write(outside, b"one\ntwo\n")
    os.close(outside)
    assert await lines.next() == "one"
    await asyncio.sleep(0.05)
    assert lines.dropped() == ["two"]
    assert await lines.next() is None
