import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.agent.plan_reply import GOAL_CHARS, MoreWanted, ShortPlan, ShortStep, parse_reply
from hybridcode.domain.errors import PlanInvalid
from hybridcode.domain.plan import Plan, Region, Step

TASK = "Round the total half to even."


@pytest.mark.parametrize(
    "text",
    [
        '{"steps":[{"id":"1","goal":"do it","touches":["cart.py#total"]}]}',
        'Here is the plan:\n```json\n{"steps":[{"id":"1","goal":"do it","touches":["cart.py#total"]}]}\n```\nBye',
        'Sure! {"steps":[{"id":"1","goal":"do it","touches":["cart.py#total"]}]} That is all.',
        '{"s":[{"t":["cart.py#total"],"g":"do it"}]}',
        '{"s":[{"t":"cart.py#total","g":"do it"}]}',
        '```json\n{"s": [{"g": " do it ", "t": "cart.py#total"}], "c": null}\n```',
    ],
)
def test_a_plan_is_read_in_full_and_short_with_or_without_chatter(text: str):
    assert parse_reply(text, task=TASK) == Plan((Step("1", "do it", touches=("cart.py#total",)),))


def test_a_short_plan_says_all_that_a_full_one_can():
    text = """{"s": [
        {"t": ["a.py#A.f", "#A.g", "b.py", "#L3-9"], "g": "one", "r": "c.py#h", "c": "make a"},
        {"k": "create", "t": "d.py", "g": "two", "n": 1, "w": "subtle"},
        {"x": "make gen", "n": [1, 2]}], "c": "make test", "y": "read as small"}"""
    assert parse_reply(text, task=TASK) == Plan(
        (
            Step("1", "one", touches=("a.py#A.f", "a.py#A.g", "b.py", "b.py#L3-9"), reads=("c.py#h",), check="make a"),
            Step("2", "two", "create", touches=("d.py",), needs=("1",), writer="frontier", why="subtle"),
            Step("3", "make gen", "command", needs=("1", "2"), command="make gen"),
        ),
        rationale="read as small",
        check="make test",
    )


def test_one_step_without_a_goal_does_what_the_task_says():
    assert parse_reply('{"s":[{"t":"cart.py#total"}]}', task=f"{TASK}\n") == Plan(
        (Step("1", TASK, touches=("cart.py#total",)),)
    )


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ('{"s":[{"t":"cart.py#total"},{"t":"b.py","g":"x"}]}', TASK),
        ('{"s":[{"t":"cart.py#total"}]}', "x" * (GOAL_CHARS + 1)),
        ('{"s":[{"t":"cart.py#total"}]}', " "),
    ],
)
def test_a_goal_is_left_empty_where_the_task_cannot_stand_for_it(text: str, task: str):
    plan = parse_reply(text, task=task)
    assert isinstance(plan, Plan)
    assert plan.steps[0].goal == ""


def test_a_deletion_needs_no_goal():
    plan = parse_reply('{"s":[{"t":["a.py","b.py"],"k":"delete"},{"t":"c.py","g":"x"}]}', task=TASK)
    assert isinstance(plan, Plan)
    assert plan.steps[0] == Step("1", "delete a.py, b.py", "delete", touches=("a.py", "b.py"))


def test_a_request_to_see_more_is_told_from_a_plan():
    asked = parse_reply('{"read":["cart.py#total"],"search":["rate"]}', task=TASK)
    assert asked == MoreWanted(("cart.py#total",), ("rate",))


def test_a_name_alone_is_in_the_file_named_before_it_wherever_places_are_named():
    asked = parse_reply('{"read":["cart.py#total","#rate","shop.py","#Shop.open"]}', task=TASK)
    assert asked == MoreWanted(("cart.py#total", "cart.py#rate", "shop.py", "shop.py#Shop.open"))
    plan = parse_reply('{"s":[{"t":["a.py#X","b.py#Y"],"r":["#Z","c.py","#W"],"g":"Do it."}]}', task=TASK)
    assert isinstance(plan, Plan)
    assert plan.steps[0].reads == ("b.py#Z", "c.py", "c.py#W")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I cannot do that.", "not a JSON object"),
        ('{"steps": [{"id": "1"}]}', "goal"),
        ('{"steps": [{"id": "1", "goal": "x", "tool": "y"}]}', "tool"),
        ('{"steps": [{"id": 1, "goal": "x"}]}', r"\$.steps"),
        ('{"s": [{"t": [3], "g": "x"}]}', r"\$.s\[0\].t"),
        ('{"s": [{"t": "a.py", "g": "x", "tool": "y"}]}', "tool"),
        ('{"s": [{"t": "a.py", "g": "x", "k": "move"}]}', r"\$.s\[0\].k"),
        ('{"s": [], "zz": 1}', "zz"),
        ("{}", "neither steps nor an answer"),
        ('{"s": []}', "neither steps nor an answer"),
        ('{"steps": [', "not a JSON object"),
    ],
)
def test_an_unusable_reply_is_refused_with_the_place(text: str, reason: str):
    with pytest.raises(PlanInvalid, match=reason):
        parse_reply(text, task=TASK)


def places(path: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from([path, f"{path}#f", f"{path}#L3-9"]), max_size=3).map(tuple)


@given(
    st.lists(
        st.builds(ShortStep, t=places("a.py"), g=st.just("x"), r=places("b.py"), w=st.text(max_size=5)), min_size=1
    )
)
def test_what_is_written_short_is_read_back(steps: list[ShortStep]):
    plan = ShortPlan(tuple(steps), c="make")
    assert parse_reply(msgspec.json.encode(plan).decode(), task=TASK) == plan.plan_for(TASK)


def test_a_number_of_a_line_without_an_end_is_a_name_that_is_not_there():
    assert Region.parse(f"a.py#L{'9' * 5_000}").start is None
