import asyncio
import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from hybridcode.cli.headless import run_headless
from hybridcode.domain.events import Envelope, ModelAsked, NoticeGiven, ProposalMade
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from hybridcode.domain.trials import CalibrationBegun, TrialEnded
from hybridcode.journal.store import Journal
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.calibration.shadow import Shadow
from hybridcode.session.finding import open_existing
from hybridcode.session.models import Models
from hybridcode.session.session import SessionOptions
from hybridcode.tui.live import LiveConversation
from tests.support.calibrations import FRONTIER, LOCAL, Priced, Stage, sandboxed
from tests.support.history import CHECK, RUNNER, SHOP, TESTS
from tests.support.repos import git_repository
from tests.support.sessions import Scene, as_json, edit, fence, loaded_for, yes

Kind = TypeVar("Kind")
STEP = edit("rate", "shop.py#RATE", check=CHECK)
ONE = Plan((STEP,))
RIGHT, WRONG = fence("RATE = 5"), fence("RATE = 6")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    files = {"shop.py": SHOP, "tests/test_shop.py": TESTS.format(15), "tests/run.py": RUNNER}
    return git_repository(tmp_path / "shop", files)


def scene(workspace: Path, *, other: str = RIGHT, is_far: bool = False, **settings: object) -> Scene:
    info = msgspec.structs.replace(FRONTIER, is_remote=is_far, host="far" if is_far else None)
    frontier = ScriptedModel(info, {"plan": [as_json(ONE)] * 3, "draft": [other] * 3, "judge": ["good"] * 3})
    local = ScriptedModel(LOCAL, {"draft": [RIGHT] * 3})
    said = {"verify.test_cmd": CHECK, **{name.replace("__", "."): value for name, value in settings.items()}}
    return Scene(workspace, models=Models(frontier, local), settings=said)


async def tried(it: Scene) -> tuple[TrialEnded, ...]:
    """A task, and what follows it."""
    session = it.open()
    shadow = Shadow(session)
    outcome = await session.run("the rate is five")
    assert outcome.code == ExitCode.DONE, outcome.message
    found = await shadow.catch_up()
    await session.close()
    return found


def told(it: Scene) -> list[str]:
    assert it.session is not None
    events = [one.event for one in it.session.state.envelopes]
    return [event.text for event in events if isinstance(event, NoticeGiven)]


def beside(it: Scene) -> list[list[Envelope]]:
    assert it.session is not None
    with Journal.open(it.session.journal.path) as journal:
        return [list(journal.envelopes(row.id)) for row in journal.sessions() if row.is_calibration]


def of(envelopes: list[Envelope], kind: type[Kind]) -> list[Kind]:
    return [one.event for one in envelopes if isinstance(one.event, kind)]


@sandboxed
async def test_a_step_that_falls_due_is_tried_by_the_other_model_and_never_applied(workspace: Path) -> None:
    it = scene(workspace, other=WRONG, routing__shadow=1)
    (trial,) = await tried(it)
    assert (trial.model, trial.writer, trial.source, trial.ends) == ("large", "frontier", "recorded", ("check failed",))
    assert it.read("shop.py") == SHOP.replace("RATE = 3", "RATE = 5")
    ((*envelopes,),) = beside(it)
    assert of(envelopes, CalibrationBegun)[0].models == ("large",)
    assert [event.role for event in of(envelopes, ModelAsked)] == ["draft"]
    assert all(event.proposal.step == trial_step(envelopes) for event in of(envelopes, ProposalMade))
    assert any("step rate was also written by large" in text for text in told(it))
    assert it.session is not None
    assert not [one for one in it.session.state.envelopes if isinstance(one.event, TrialEnded)]


def trial_step(envelopes: list[Envelope]) -> str:
    return next(event.proposal.step for event in of(envelopes, ProposalMade))


@sandboxed
async def test_calibrate_counts_the_trial_and_does_not_repeat_it(workspace: Path) -> None:
    it = scene(workspace, routing__shadow=1)
    (trial,) = await tried(it)
    stage = Stage(workspace)
    stage.frontier = ScriptedModel(FRONTIER, {})
    stage.local = ScriptedModel(LOCAL, {"draft": [RIGHT]})
    calibration = await stage.run()
    assert {(each.model, each.passed_at) for each in calibration.trials()} == {("large", 1), ("small", 1)}
    assert trial in calibration.trials()


@sandboxed
async def test_one_in_so_many_steps_by_their_number_in_the_journal(workspace: Path) -> None:
    counts: list[int] = []
    for _ in range(4):
        (workspace / "shop.py").write_text(SHOP)
        counts.append(len(await tried(scene(workspace, routing__shadow=2))))
    assert counts == [0, 1, 0, 1]
    assert await tried(scene(workspace)) == ()


@sandboxed
@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"egress.deny_paths": ("shop.py",)}, "deny_paths"),
        ({"egress.mode": "ask"}, "egress.mode is not allow"),
    ],
)
async def test_no_code_leaves_where_egress_forbids_it(workspace: Path, settings: dict[str, object], why: str) -> None:
    it = scene(
        workspace, is_far=True, routing__shadow=1, **settings, **{"roles.plan": "local", "routing.judge": "never"}
    )
    assert it.models is not None
    it.models = Models(it.models.frontier, ScriptedModel(LOCAL, {"plan": [as_json(ONE)], "draft": [RIGHT]}))
    assert await tried(it) == ()
    assert any("step rate was not tried by the other model" in text and why in text for text in told(it)), told(it)
    assert [event for envelopes in beside(it) for event in of(envelopes, ModelAsked)] == []


@sandboxed
async def test_what_is_left_of_the_cap_is_all_that_it_may_cost(workspace: Path) -> None:
    it = scene(workspace, routing__shadow=1, limits__max_cost_usd=0.5)
    assert len(await tried(it)) == 1  # a script costs nothing
    (workspace / "shop.py").write_text(SHOP)
    prices: dict[str, Any] = {"models.frontier.input_usd_per_mtok": 0.01, "models.frontier.output_usd_per_mtok": 0.01}
    dear = scene(workspace, routing__shadow=1, limits__max_cost_usd=0.5, **prices)
    assert dear.models is not None and isinstance(dear.models.frontier, ScriptedModel)
    dear.models = Models(Priced(dear.models.frontier, usd=0.6), dear.models.local)
    assert await tried(dear) == ()
    assert any("nothing is left of max_cost_usd" in text for text in told(dear))


@sandboxed
async def test_whoever_has_something_better_to_do_stops_it(workspace: Path) -> None:
    it = scene(workspace, routing__shadow=1)
    session = it.open()
    shadow = Shadow(session)
    await session.run("the rate is five")
    shadow.stop()
    assert await shadow.catch_up() == ()
    await session.close()
    assert beside(it) == []


@sandboxed
def test_a_headless_run_waits_for_it(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    it = scene(workspace, other=WRONG, routing__shadow=1)
    models = it.models
    assert models is not None
    options = SessionOptions(
        workspace, loaded_for(workspace, **it.settings), make_approver=yes, make_models=lambda _: models
    )
    assert run_headless(options, "the rate is five", output_format="json") == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["exit_code"] == 0
    journal = open_existing(workspace, options.loaded.settings)
    assert journal is not None
    with journal:
        assert [row.is_calibration for row in journal.sessions()].count(True) == 1


@sandboxed
async def test_in_the_program_it_follows_the_task_and_the_next_one_stops_it(workspace: Path) -> None:
    it = scene(workspace, other=WRONG, routing__shadow=1, approval__mode="acceptEdits")
    models = it.models
    assert models is not None
    plan = ONE
    talk = LiveConversation(workspace, loaded_for(workspace, **it.settings), make_models=lambda _: models, plan=plan)
    texts = list[str]()
    tried_it = asyncio.Event()

    def watch(envelope: Envelope) -> None:
        if isinstance(envelope.event, NoticeGiven):
            texts.append(envelope.event.text)
            if "by the other model" in envelope.event.text or "was also written" in envelope.event.text:
                tried_it.set()

    talk.subscribe(watch)
    await talk.start("the rate is five")
    await talk.answer_plan(plan)
    async with asyncio.timeout(60):
        await tried_it.wait()
    await talk.close()
    assert any("step rate was also written by large" in text for text in texts), texts
