from collections.abc import Mapping
from pathlib import Path

import pytest

from hybridcode.domain.action import Applied
from hybridcode.domain.events import DraftRefused, ModelAsked, ProposalMade, RungTaken
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.approvers import Refuse, Scripted, no, yes
from hybridcode.session.state import SessionState
from tests.support.repos import git_repository
from tests.support.sessions import Scene, edit, fence, planning

FILES = {
    "shop.py": "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n",
    "check.py": "import shop\nassert shop.RATE == 5\n",
}
RATE = edit("rate", "shop.py#RATE")
CHECK = "python3 check.py"
NEW_RATE = FILES["shop.py"].replace("3", "5")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def scene(
    workspace: Path,
    *steps: Step,
    draft: dict[str, list[str]] | None = None,
    more: Mapping[str, object] | None = None,
) -> Scene:
    drafts = draft if draft is not None else {"draft": [fence("RATE = 5")]}
    settings = {"approval.allow": (f"Bash({CHECK})",), **(more or {})}
    return Scene(workspace, planning(Plan(steps or (RATE,))), drafts, settings=settings)


def state_of(scene: Scene) -> SessionState:
    assert scene.session is not None
    return scene.session.state


async def test_a_step_is_drafted_by_the_local_model_and_applied(workspace: Path):
    it = scene(workspace)
    outcome = await it.run()
    assert (outcome.code, outcome.files) == (ExitCode.DONE, ("shop.py",))
    assert it.read("shop.py") == NEW_RATE
    view = next(iter(state_of(it).proposals.values()))
    assert isinstance(view.receipt, Applied)
    assert view.proposal.writer == "local scripted-local, try 1"


async def test_without_an_approver_the_run_stops_at_the_first_approval_and_is_resumable(workspace: Path):
    it = scene(workspace)
    it.make_approver = lambda approvals, sandbox: Refuse()
    outcome = await it.run()
    assert outcome.code == ExitCode.APPROVAL_PENDING
    assert it.read("shop.py") == FILES["shop.py"]
    state = state_of(it)
    (waiting,) = state.waiting
    assert waiting.proposal.id in outcome.message

    later = scene(workspace, draft={})
    outcome = await later.resume(state.session)
    assert outcome.code == ExitCode.DONE
    assert later.read("shop.py") == NEW_RATE
    assert len([e for e in state_of(later).envelopes if isinstance(e.event, ModelAsked)]) == 3


async def test_a_refused_draft_is_retried_with_the_reason(workspace: Path):
    it = scene(workspace, draft={"draft": ["I cannot.", fence("RATE = 5")]})
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == NEW_RATE
    rungs = [e.event for e in state_of(it).envelopes if isinstance(e.event, RungTaken)]
    assert [rung.rung for rung in rungs] == ["local", "local_retry"]


async def test_a_first_draft_that_does_not_parse_is_written_again(workspace: Path):
    it = scene(workspace, draft={"draft": [fence("RATE = (5"), fence("RATE = 5")]})
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == NEW_RATE
    refused = [e.event for e in state_of(it).envelopes if isinstance(e.event, DraftRefused)]
    assert [refusal.reason for event in refused for refusal in event.refusals] == ["3 new syntax errors"]


async def test_a_last_draft_that_does_not_parse_is_shown_with_a_warning(workspace: Path):
    it = scene(
        workspace,
        draft={"draft": [fence("RATE = (5"), fence("RATE = (6")]},
        more={"routing.frontier_hints": 0, "routing.frontier_tries": 0},
    )
    it.make_approver = lambda approvals, sandbox: Scripted([yes])
    await it.run()
    proposals = [e.event.proposal for e in state_of(it).envelopes if isinstance(e.event, ProposalMade)]
    assert [proposal.notes for proposal in proposals if "shop.py" in proposal.title] == [
        ("shop.py: 3 new syntax errors",)
    ]


async def test_the_ladder_ends_with_the_frontier_writing(workspace: Path):
    it = scene(workspace, draft={"draft": ["I cannot."] * 3})
    it.frontier = {**planning(Plan((RATE,))), "hint": ["Set it to 5."], "draft": [fence("RATE = 5")]}
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == NEW_RATE
    rungs = [e.event.rung for e in state_of(it).envelopes if isinstance(e.event, RungTaken)]
    assert rungs == ["local", "local_retry", "frontier_hint", "frontier"]


async def test_when_nobody_manages_the_run_fails_and_the_tree_is_untouched(workspace: Path):
    it = scene(workspace, draft={"draft": ["I cannot."] * 3})
    it.frontier = {**planning(Plan((RATE,))), "hint": ["Set it."], "draft": ["I cannot."]}
    outcome = await it.run()
    assert outcome.code == ExitCode.VERIFICATION_FAILED
    assert outcome.files == ()
    assert it.read("shop.py") == FILES["shop.py"]


async def test_a_failed_check_goes_one_rung_up_with_its_output(workspace: Path):
    step = edit("rate", "shop.py#RATE", check=CHECK)
    it = scene(workspace, step, draft={"draft": [fence("RATE = 4"), fence("RATE = 5")]})
    outcome = await it.run()
    assert outcome.code == ExitCode.DONE, outcome.message
    assert it.read("shop.py") == NEW_RATE
    (view,) = state_of(it).tasks[0].steps.values()
    assert [check.passed for check in view.checks] == [False, True]


async def test_a_check_that_keeps_failing_is_exit_3(workspace: Path):
    step = edit("rate", "shop.py#RATE", check=CHECK)
    wrong = {"draft": [fence(f"RATE = {n}") for n in (1, 2)]}
    it = scene(workspace, step, draft=wrong, more={"routing.frontier_hints": 0, "routing.frontier_tries": 0})
    outcome = await it.run()
    assert outcome.code == ExitCode.VERIFICATION_FAILED
    assert CHECK in outcome.message


async def test_the_check_of_the_task_decides(workspace: Path):
    no_more = {"routing.local_tries": 1, "routing.frontier_hints": 0, "routing.frontier_tries": 0}
    it = scene(workspace, draft={"draft": [fence("RATE = 4")]}, more={"verify.test_cmd": CHECK, **no_more})
    assert (await it.run()).code == ExitCode.VERIFICATION_FAILED


async def test_a_judge_that_objects_is_exit_3(workspace: Path):
    it = scene(workspace)
    it.frontier = planning(Plan((RATE,)), judge="bad The rate should be 7.")
    outcome = await it.run()
    assert outcome.code == ExitCode.VERIFICATION_FAILED
    assert "The rate should be 7." in outcome.message


async def test_a_persons_reason_reaches_the_next_draft(workspace: Path):
    it = scene(workspace, draft={"draft": [fence("RATE = 4"), fence("RATE = 5")]})
    it.make_approver = lambda approvals, sandbox: Scripted([no("it must be 5"), yes])
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == NEW_RATE


async def test_a_denied_write_is_never_exit_0(workspace: Path):
    it = scene(workspace, more={"approval.deny": ("Edit(shop.py)",)})
    outcome = await it.run()
    assert outcome.code == ExitCode.DENIED
    assert it.read("shop.py") == FILES["shop.py"]
    assert state_of(it).denials


async def test_steps_that_need_a_failed_step_are_not_tried(workspace: Path):
    second = Step("note", "write a note", kind="create", touches=("NOTE.md",), needs=("rate",))
    third = Step("log", "write a log", kind="create", touches=("LOG.md",))
    drafts = {"draft:rate": ["I cannot."] * 2, "draft:log": [fence("done", "text")]}
    it = scene(
        workspace, RATE, second, third, draft=drafts, more={"routing.frontier_hints": 0, "routing.frontier_tries": 0}
    )
    outcome = await it.run()
    assert outcome.code == ExitCode.VERIFICATION_FAILED
    assert "note" in outcome.message
    assert it.read("LOG.md") == "done\n"


async def test_several_regions_of_one_file_become_one_change(workspace: Path):
    both = edit("both", "shop.py#RATE", "shop.py#total")
    it = scene(
        workspace, both, draft={"draft": [fence("RATE = 5\nBASE = 1"), fence("def total(items):\n    return 0")]}
    )
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 5\nBASE = 1\n\n\ndef total(items):\n    return 0\n"
    assert len(state_of(it).proposals) == 1


async def test_a_question_is_answered_without_an_edit(workspace: Path):
    it = scene(workspace)
    it.frontier = {"plan": ['{"answer": "It is 3."}']}
    outcome = await it.run("what is the rate?")
    assert (outcome.code, outcome.message) == (ExitCode.DONE, "It is 3.")


async def test_a_bad_plan_is_sent_back_with_the_reason(workspace: Path):
    it = scene(workspace)
    good = planning(Plan((RATE,)))
    it.frontier = {
        **good,
        "plan": ["nonsense", '{"steps":[{"id":"1","goal":"x","touches":["gone.py"]}]}', *good["plan"]],
    }
    assert (await it.run()).code == ExitCode.DONE
    assert any("gone.py" in notice.text for notice in state_of(it).notices)


async def test_a_planner_that_never_manages_is_exit_7(workspace: Path):
    it = scene(workspace)
    it.frontier = {"plan": ["nonsense"] * 3}
    assert (await it.run()).code == ExitCode.MODEL_UNAVAILABLE


async def test_the_planner_may_look_before_it_answers(workspace: Path):
    it = scene(workspace)
    good = planning(Plan((RATE,)))
    it.frontier = {**good, "plan": ['{"read":["shop.py#RATE"],"search":["sum"]}', *good["plan"]]}
    assert (await it.run()).code == ExitCode.DONE


async def test_too_many_steps_are_a_limit(workspace: Path):
    it = scene(workspace, more={"limits.max_steps": 1})
    it.frontier = planning(Plan((RATE, edit("more", "shop.py#total"))))
    assert (await it.run()).code == ExitCode.LIMIT


async def test_without_a_local_model_the_frontier_writes_and_says_so(workspace: Path):
    it = scene(workspace)
    it.local = None
    it.frontier = {**planning(Plan((RATE,))), "draft": [fence("RATE = 5")]}
    assert (await it.run()).code == ExitCode.DONE
    assert any("No local model" in notice.text for notice in state_of(it).notices)


async def test_without_a_frontier_the_local_model_plays_all_roles(workspace: Path):
    it = scene(workspace)
    it.frontier, it.local = None, {**planning(Plan((RATE,))), "draft": [fence("RATE = 5")]}
    assert (await it.run()).code == ExitCode.DONE
    assert any("No frontier model" in notice.text for notice in state_of(it).notices)


async def test_without_any_model_the_run_says_what_to_do(workspace: Path):
    it = scene(workspace)
    it.frontier = it.local = None
    outcome = await it.run()
    assert outcome.code == ExitCode.MODEL_UNAVAILABLE
    assert "models.frontier" in outcome.message


async def test_plan_mode_plans_and_changes_nothing(workspace: Path):
    it = scene(workspace, more={"approval.mode": "plan"})
    outcome = await it.run()
    assert outcome.code == ExitCode.DONE
    assert it.read("shop.py") == FILES["shop.py"]
    assert not state_of(it).proposals


async def test_a_later_task_knows_the_earlier_one(workspace: Path):
    it = scene(workspace)
    plan = Plan((RATE,))
    it.frontier = {"plan": [*planning(plan)["plan"], '{"answer": "yes"}'], "judge": ["good"]}
    session = it.open()
    await session.run("set the rate to five")
    await session.run("did it work?")
    prompt = [e.event for e in session.state.envelopes if isinstance(e.event, ModelAsked)][-1].prompt_sha256
    text = session.log.get_blob(prompt).decode()
    await session.close()
    assert "set the rate to five" in text
    assert "shop.py" in text
