import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.agent.plan_draft import draft_part
from hybridcode.agent.plan_reply import AskedBack, MoreWanted, ShortPlan, ShortStep, parse_reply
from hybridcode.domain.plan import Plan
from hybridcode.models.prompts import fill, load

NAMES = ["plan", "draft_region", "draft_whole", "draft_blocks", "retry", "judge", "hint"]


@pytest.mark.parametrize("name", NAMES)
def test_each_prompt_is_there_and_small(name: str) -> None:
    text = load(name)
    assert 50 < len(text) < 4_000
    assert text == text.strip()
    assert text.isascii()
    assert set(re.findall(r"\{\{(\w+)\}\}", text)) == ({"whose", "reason"} if name == "retry" else set())


def test_the_plan_prompts_shapes_are_what_is_read() -> None:
    shapes = re.findall(r"^\{.*\}$", load("plan"), re.MULTILINE)
    plan, answer, more, asked = [parse_reply(shape, task="x") for shape in shapes]
    assert isinstance(plan, Plan)
    assert plan.steps[0].touches == ("src/cart.py#Cart.total", "src/cart.py#Cart.add")
    assert plan.check == "pytest -q tests/test_cart.py"
    assert isinstance(answer, Plan)
    assert answer.answer
    assert isinstance(more, MoreWanted)
    assert isinstance(asked, AskedBack)


def test_the_plan_prompt_names_every_key_of_a_short_plan() -> None:
    text = f"{load('plan')}\n{draft_part(Plan(), task='x')}"
    names = [field.name for kind in (ShortPlan, ShortStep) for field in msgspec.structs.fields(kind)]
    assert [name for name in names if not re.search(rf'(^|\. ){name}[:,] |"{name}": ', text, re.MULTILINE)] == []


def test_values_are_put_in_once() -> None:
    assert fill("a {{x}} b {{y}} {{x}}", x="{{y}}", y="2") == "a {{y}} b 2 {{y}}"


@pytest.mark.parametrize("values", [{}, {"x": "1"}, {"x": "1", "y": "2", "z": "3"}])
def test_missing_and_unknown_names_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(KeyError, match="missing values"):
        fill("{{x}} {{y}}", **values)


@given(st.text())
def test_a_value_is_never_changed(text: str) -> None:
    assert fill("<{{x}}>", x=text) == f"<{text}>"


def test_a_prompt_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        load("nothing")
