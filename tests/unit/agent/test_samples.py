from pathlib import Path

from hybridcode.agent.ladder import rungs
from hybridcode.config.settings import RoutingSettings
from hybridcode.domain.events import RungTaken
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.models.scripted import Script, ScriptedModel
from hybridcode.session.models import Models
from tests.support.calibrations import sandboxed
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, Scene, edit, fence, planning

CHECK = "grep -q 5 shop.py"
SETTINGS = {
    "routing.samples": 4,
    "routing.local_tries": 2,
    "routing.frontier_hints": 0,
    "routing.frontier_tries": 0,
    "limits.max_repairs": 0,
    "models.local.seed": 7,
    "approval.allow": (f"Bash(={CHECK})",),
}


def stage(tmp_path: Path, *drafts: str, check: str = CHECK, temperature: float = 0.0) -> tuple[Scene, ScriptedModel]:
    step = edit("rate", "shop.py#RATE", check=check or None)
    script: Script = {"draft": [fence(draft) for draft in drafts]}
    local = ScriptedModel(LOCAL, script)
    workspace = git_repository(tmp_path / "shop", {"shop.py": "RATE = 3\n"})
    models = Models(ScriptedModel(FRONTIER, planning(Plan((step,)))), local)
    return Scene(workspace, models=models, settings={**SETTINGS, "models.local.temperature": temperature}), local


def rungs_of(it: Scene) -> list[str]:
    assert it.session is not None
    return [one.event.rung for one in it.session.state.envelopes if isinstance(one.event, RungTaken)]


@sandboxed
async def test_samples_are_drafted_from_scratch_until_one_passes_the_check(tmp_path: Path):
    it, local = stage(tmp_path, "RATE = 1", "RATE = 2", "RATE = 6", "RATE = 5")
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 5\n"
    assert rungs_of(it) == ["local", "local_retry", "local_sample", "local_sample"]
    drafts = [one for one in local.requests if one.role == "draft"]
    assert [(one.seed, one.temperature) for one in drafts] == [(7, 0.0), (7, 0.0), (10, 0.7), (11, 0.7)]
    assert drafts[1].messages != drafts[0].messages
    assert drafts[2].messages == drafts[3].messages == drafts[0].messages


@sandboxed
async def test_a_model_that_says_the_same_whatever_its_seed_is_not_asked_for_all_samples(tmp_path: Path):
    it, _ = stage(tmp_path, "RATE = 1", "RATE = 2", "RATE = 1")
    assert (await it.run()).code == ExitCode.VERIFICATION_FAILED
    assert rungs_of(it) == ["local", "local_retry", "local_sample"]


@sandboxed
async def test_the_sampling_temperature_of_a_model_that_has_a_higher_one_stays(tmp_path: Path):
    it, local = stage(tmp_path, "RATE = 1", "RATE = 2", "RATE = 5", temperature=0.9)
    assert (await it.run()).code == ExitCode.DONE
    assert {one.temperature for one in local.requests if one.role == "draft"} == {0.9}


def test_samples_come_behind_the_tries_and_before_the_frontier():
    found = rungs(Step("1", "do"), RoutingSettings(samples=3), has_local=True, has_frontier=True)
    names = [rung.name for rung in found]
    assert names == ["local", "local_retry", "local_sample", "local_sample", "frontier_hint", "frontier"]


@sandboxed
async def test_a_sample_is_told_of_no_refusal_and_a_replay_knows_that(tmp_path: Path):
    it, local = stage(tmp_path, "RATE = 1", "RATE = (", "RATE = [", "RATE = 6", "RATE = 5")
    assert (await it.run()).code == ExitCode.DONE
    drafts = [one for one in local.requests if one.role == "draft"]
    assert [number for number, one in enumerate(drafts) if one.messages == drafts[0].messages] == [0, 3, 4]


@sandboxed
async def test_no_samples_are_drafted_where_a_person_is_asked_before_the_check_runs(tmp_path: Path):
    it, _ = stage(tmp_path, "RATE = 1", "RATE = 2", "RATE = 6", check="python3 -c 'import shop; assert shop.RATE == 5'")
    assert (await it.run()).code != ExitCode.DONE
    assert "local_sample" not in rungs_of(it)


async def test_without_a_check_no_samples_are_drafted(tmp_path: Path):
    it, _ = stage(tmp_path, "RATE = (", "RATE = [", check="")
    assert (await it.run()).code == ExitCode.VERIFICATION_FAILED
    assert rungs_of(it) == ["local", "local_retry"]
