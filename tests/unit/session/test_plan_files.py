import json
from pathlib import Path

import pytest

from hybridcode.domain.errors import ConfigError
from hybridcode.domain.plan import Plan, Step
from hybridcode.session.plan_files import read_plan_file, save_in, save_plan

PLAN = Plan(
    (
        Step(
            "rate", "Set RATE to 5 “percent”.", touches=("shop.py#RATE",), reads=("notes.txt#L1-2",), check="make test"
        ),
        Step("run", "See it", kind="command", needs=("rate",), command="cat shop.py\n"),
    ),
    rationale="as asked",
    check="make test",
)
TASK = "set the rate\nto five"


@pytest.mark.parametrize("name", ["plan.toml", "plan.json", "plan"])
def test_a_saved_plan_is_read_as_the_same_plan_of_the_same_task(tmp_path: Path, name: str):
    save_plan(tmp_path / name, PLAN, task=TASK)
    found = read_plan_file(tmp_path / name)
    assert (found.plan, found.task) == (PLAN, TASK)
    with pytest.raises(ConfigError, match="is there already"):
        save_plan(tmp_path / name, PLAN, task="other")


def test_a_folder_of_plans_names_them_by_task(tmp_path: Path):
    paths = [save_in(tmp_path / "plans", PLAN, task=task) for task in (TASK, TASK, "!?", "x" * 90)]
    assert [path.name for path in paths] == [
        "set-the-rate-to-five.toml",
        "set-the-rate-to-five-2.toml",
        "plan.toml",
        f"{'x' * 40}.toml",
    ]


def test_a_plan_as_older_files_hold_it_has_no_task(tmp_path: Path):
    (tmp_path / "plan.json").write_text(json.dumps({"steps": [{"id": "a", "goal": "g", "touches": ["a.py"]}]}))
    found = read_plan_file(tmp_path / "plan.json")
    assert (found.plan, found.task) == (Plan((Step("a", "g", touches=("a.py",)),)), "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps = 3", "Expected `array`, got `int` - at `$.steps`"),
        ('[[steps]]\nid = "a"\ngoal = "g"\ncolour = "red"', "unknown field `colour` - at `$.steps[0]`"),
        ('[[steps]]\nid = "a"\ngoal = "g"\nkind = "paint"', "Invalid enum value 'paint' - at `$.steps[0].kind`"),
        ("steps = [\n1", "Unclosed array"),
        ('{"steps": [}', "line 1"),
        ("", "The plan has no steps"),
        ('[[steps]]\nid = "a"\ngoal = "g"\nneeds = ["b"]', "Step a needs b, which is not a step"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_the_place(tmp_path: Path, text: str, said: str):
    (tmp_path / "plan").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_plan_file(tmp_path / "plan")
    assert said in caught.value.message
    assert caught.value.message.startswith(f"{tmp_path / 'plan'} is not a plan: ")
