"""The local model drafts the plan of a task that is not small, and the frontier corrects the draft."""

from pathlib import Path
from typing import Any

import pytest

from hybridcode.agent.plan_reply import in_short, parse_reply
from hybridcode.context.index import Index
from hybridcode.context.places import places
from hybridcode.context.render import tokens
from hybridcode.domain.errors import PlanInvalid
from hybridcode.domain.events import ModelAsked, OutlineMade, PlanMade, PlannerChosen
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from tests.support.repos import git_repository
from tests.support.sessions import Scene, edit, fence, requests_of

LONG = "".join(f"def f{n}():\n    value = {n}\n    return value * {n} + offset_{n}\n\n\n" for n in range(150))
TASK = "Let the seventh and the ninth function return 8, and say so in the notes."
DRAFT = """{"s":[{"t":"long.py#f7","g":"return 8"},{"t":"long.py#f8","g":"return 8","n":1},
{"t":"notes.md","n":2,"g":"say so"}]}"""
ALL = Plan((edit("a", "long.py#f7"), edit("b", "long.py#f8", needs=("a",)), edit("c", "notes.md", needs=("b",))))
NOTES = "# Notes\n\nNothing yet.\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", {"long.py": LONG, "notes.md": NOTES, "AGENTS.md": "Be kind.\n"})


def body(number: int) -> str:
    return fence(f"def f{number}():\n    return 8")


async def drafted(workspace: Path, reply: str, *local: str, drafts: tuple[str, ...]) -> Scene:
    """A run of which the local model answers `local` to requests for a plan, and the frontier `reply`."""
    it = Scene(
        workspace, {"plan": [reply], "judge": ["good"]}, {"plan": [*local], "draft": [*drafts, fence("# Notes\n", "")]}
    )
    outcome = await it.run(TASK)
    assert outcome.code == ExitCode.DONE, outcome.message
    return it


def events(it: Scene, *kinds: type) -> list[Any]:
    assert it.session is not None
    return [one.event for one in it.session.state.envelopes if isinstance(one.event, kinds)]


def asked(it: Scene) -> list[tuple[str, str]]:
    return [(event.role, event.backend) for event in events(it, ModelAsked) if event.role in ("plan", "judge")]


async def test_a_draft_that_is_right_is_followed_as_it_is(workspace: Path):
    it = await drafted(workspace, '{"ok":true}', DRAFT, drafts=(body(7), body(8)))
    assert asked(it) == [("plan", "local"), ("plan", "frontier"), ("judge", "frontier")]
    (plan,) = [event.plan for event in events(it, PlanMade)]
    assert [step.touches for step in plan.steps] == [("long.py#f7",), ("long.py#f8",), ("notes.md",)]
    assert [step.needs for step in plan.steps] == [(), ("1",), ("2",)]
    (chosen,) = events(it, PlannerChosen)
    assert chosen.writer == "frontier"
    assert chosen.why.endswith("; the local model drafts the plan")


async def test_the_frontier_sees_the_places_of_the_draft_and_no_outline(workspace: Path):
    it = await drafted(workspace, '{"ok":true}', '{"read":["long.py#L1-90"]}', DRAFT, drafts=(body(7), body(8)))
    assert it.session is not None
    told = requests_of(it.session, "plan")[-1][1].content
    assert "def f7():" in told
    assert "Nothing yet." in told
    assert "Be kind." in told
    assert "def f60():" not in told
    assert '\n1 {"t":["long.py#f7"],"g":"return 8"}\n2 {"t":["long.py#f8"],"g":"return 8","n":[1]}\n' in told
    assert events(it, OutlineMade)[-1].places == ("long.py#f7", "long.py#f8", "notes.md")
    receipt = [event for event in events(it, ModelAsked) if event.role == "plan"][-1]
    assert "long.py#L36-38" in receipt.files


async def test_a_draft_of_new_files_alone_is_shown_with_the_whole_outline(workspace: Path):
    new = '{"s":[{"t":"new.py","k":"create","g":"x"}]}'
    it = await drafted(workspace, '{"ok":true}', new, drafts=(fence("X = 1"),))
    first, second = events(it, OutlineMade)
    assert (second.places, second.budget) == ((), first.budget)


async def test_what_is_wrong_in_a_draft_is_corrected_by_number(workspace: Path):
    reply = '{"s":[1,{"d":2,"t":"long.py#f9"},3]}'
    it = await drafted(workspace, reply, DRAFT, drafts=(body(7), body(9)))
    (plan,) = [event.plan for event in events(it, PlanMade)]
    assert [(step.touches, step.goal) for step in plan.steps[:2]] == [
        (("long.py#f7",), "return 8"),
        (("long.py#f9",), "return 8"),
    ]
    assert plan.steps[2].needs == ("2",)


@pytest.mark.parametrize("reply", ["I would change long.py.", '{"s":[' + '{"t":"long.py","g":"x"},' * 12 + "3]}"])
async def test_without_a_usable_draft_the_frontier_plans_alone(workspace: Path, reply: str):
    whole = '{"s":[{"t":"long.py#f7","g":"return 8"},{"t":"notes.md","n":1,"g":"say so"}]}'
    it = await drafted(workspace, whole, *[reply] * 3, drafts=(body(7),))
    assert [event.places for event in events(it, OutlineMade)] == [(), ()]
    assert events(it, PlannerChosen)[-1].why.startswith("the local model made no usable plan: ")
    assert asked(it)[-2:] == [("plan", "frontier"), ("judge", "frontier")]


def test_a_long_draft_is_not_read(workspace: Path):
    long = parse_reply('{"s":[' + ",".join(['{"t":"long.py","g":"x"}'] * 13) + "]}", task=TASK)
    assert isinstance(long, Plan)
    assert len(in_short(long, task=TASK).splitlines()) == 13


def read(reply: str, draft: Plan = ALL) -> Plan:
    plan = parse_reply(reply, task=TASK, draft=draft)
    assert isinstance(plan, Plan)
    return plan


def test_steps_of_a_draft_keep_what_they_need_under_their_new_numbers():
    plan = read('{"s":[{"t":"new.py","k":"create","g":"x"},1,{"d":3}],"c":"make"}')
    assert [(step.id, step.touches, step.needs) for step in plan.steps] == [
        ("1", ("new.py",), ()),
        ("2", ("long.py#f7",), ()),
        ("3", ("notes.md",), ("2",)),
    ]
    assert plan.check == "make"
    assert read('{"s":[2,1]}').steps[0].needs == ("2",)
    assert read('{"s":[1,{"d":2,"g":"x"},3]}').steps[1].needs == ("1",)


def test_a_step_that_is_given_anew_says_only_what_differs():
    draft = Plan((edit("a", "long.py#f7", reads=("notes.md",), check="make"),))
    (step,) = read('{"s":[{"d":1,"g":"return 9","w":"subtle"}]}', draft).steps
    assert (step.goal, step.touches, step.reads, step.check) == ("return 9", ("long.py#f7",), ("notes.md",), "make")
    assert (step.writer, step.why) == ("frontier", "subtle")


def test_what_a_step_that_is_given_anew_reads_is_in_the_file_of_the_draft():
    draft = Plan((Step("1", "change it", touches=("a.py#f",)),))
    plan = parse_reply('{"s":[{"d":1,"r":["#g"]}]}', task=TASK, draft=draft)
    assert isinstance(plan, Plan)
    assert plan.steps[0].reads == ("a.py#g",)


def test_an_empty_key_takes_away_what_the_draft_says():
    first = edit("a", "x.py")
    more = edit("b", "y.py", reads=("notes.md",), needs=("a",), check="make", writer="frontier", why="subtle")
    plan = read('{"s":[1,{"d":2,"r":[],"n":[],"c":"","w":""}]}', Plan((first, more), check="make all"))
    assert plan.steps[1] == Step("2", "do b", touches=("y.py",))
    assert plan.check == "make all"
    assert read('{"s":[1,{"d":2,"r":""}]}', Plan((first, more))).steps[1].reads == ()


def test_what_needed_a_step_that_is_gone_or_in_two_parts_waits_all_the_same():
    assert [step.needs for step in read('{"s":[1,3]}').steps] == [(), ("1",)]
    halves = read('{"s":[{"d":1,"t":"long.py#f1"},{"d":1,"t":"long.py#f2"},2]}')
    assert [step.needs for step in halves.steps] == [(), (), ("1", "2")]


def test_the_kind_of_a_step_can_be_corrected():
    draft = Plan((edit("a", "old.py", kind="delete"), Step("b", "run", kind="command", command="make")))
    first, second = read('{"s":[{"d":1,"k":"edit","g":"drop f"},{"d":2,"k":"edit","t":"x.py","g":"y"}]}', draft).steps
    assert (first.kind, first.goal, first.touches) == ("edit", "drop f", ("old.py",))
    assert (second.kind, second.command, second.touches) == ("edit", None, ("x.py",))
    (gone,) = read('{"s":[{"d":1,"k":"delete"}]}').steps
    assert (gone.kind, gone.touches) == ("delete", ("long.py#f7",))


@pytest.mark.parametrize("reply", ['{"ok":true,"s":[1]}', '{"ok":true,"a":"no"}', '{"s":[1,1]}'])
def test_what_contradicts_itself_is_refused(reply: str):
    with pytest.raises(PlanInvalid, match=r"right as it is|twice"):
        read(reply)


def test_who_is_to_write_a_step_of_a_draft_is_told():
    assert in_short(Plan((edit("a", "x.py", writer="frontier", why="subtle"),)), task="x").endswith('"w":"subtle"}')


@pytest.mark.parametrize("reply", ['{"s":[4]}', '{"s":[0]}', '{"s":[{"d":-1,"g":"x"}]}', '{"ok":true}'])
def test_what_no_draft_holds_is_refused(reply: str):
    with pytest.raises(PlanInvalid, match=r"no step|neither steps"):
        read(reply, Plan() if "ok" in reply else ALL)


def test_the_task_is_not_said_twice():
    assert in_short(Plan((edit("a", "x.py", check="make"),)), task="do a") == '1 {"t":["x.py"],"c":"make"}'


@pytest.mark.parametrize("budget", [40, 200, 1_000, 4_000])
def test_a_window_of_places_stays_in_its_budget(workspace: Path, budget: int):
    index = Index.in_memory()
    corpus = index.corpus(index.take(workspace))
    regions = ("long.py", "long.py#f7", "gone.py", "long.py#gone", "notes.md")
    window = places(corpus, task=TASK, regions=regions, budget=budget)
    assert window.used == tokens(window.text) <= budget
    assert window == places(corpus, task=TASK, regions=regions, budget=budget)


def test_imports_and_long_constants_are_not_read_for_a_plan(tmp_path: Path):
    names = "".join(f'    "name_{n}",\n' for n in range(40))
    text = f"import os\n\n__all__ = [\n{names}]\nRATE = 3\n\n\ndef f():\n    return os.sep\n"
    root = git_repository(tmp_path / "shop", {"a.py": text})
    index = Index.in_memory()
    regions = ("a.py#imports", "a.py#__all__", "a.py#RATE", "a.py#f")
    corpus = index.corpus(index.take(root))
    window = places(corpus, task="x", regions=regions, budget=900)
    assert [(one.start, one.end) for one in window.excerpts] == [(45, 45), (48, 49)]
    alone = places(corpus, task="x", regions=regions[:1], budget=900)
    assert [(one.start, one.end) for one in alone.excerpts] == [(1, 1)]


def test_behind_a_plus_sign_places_and_words_are_added_to_the_drafts_step():
    first = edit("1", "a.py#f", "b.py#g")
    (step,) = read('{"s":[{"d":1,"g":"+ Keep h.","t":["+","#h","c.py"]}]}', Plan((first,))).steps
    assert (step.goal, step.touches) == ("do 1 Keep h.", ("a.py#f", "b.py#g", "b.py#h", "c.py"))
    (step,) = read('{"s":[{"d":1,"t":"+c.py"}]}', Plan((first,))).steps
    assert (step.goal, step.touches) == ("do 1", ("a.py#f", "b.py#g", "c.py"))
    (alone,) = read('{"s":[{"t":["+","c.py"],"g":"+ x"}]}').steps
    assert (alone.goal, alone.touches) == ("x", ("c.py",))
