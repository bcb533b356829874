from pathlib import Path

import msgspec
import pytest

from hybridcode.domain.events import ModelAsked
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, Scene, edit, fence, planning

FILES = {
    "a.py": "X = 1\n",
    "secret/patients.py": "NAME_OF_PATIENT = 424242\n",
    ".env": "DB_PASSWORD=hunter2hunter2\n",
    ".hybridcode/config.toml": '[verify]\ntest_cmd = "touch PWNED"\n',
}
REMOTE = msgspec.structs.replace(FRONTIER, is_remote=True, host="models.example")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def remote(workspace: Path, *plans: str, **settings: object) -> Scene:
    good = planning(Plan((edit("1", "a.py#X"),)))
    script = {**good, "plan": [*plans, *good["plan"]]}
    models = Models(ScriptedModel(REMOTE, script), ScriptedModel(LOCAL, {"draft": [fence("X = 2")]}))
    return Scene(workspace, models=models, settings=settings)


def prompts(scene: Scene, *, remote_only: bool = False) -> dict[str, str]:
    assert scene.session is not None
    asked = [e.event for e in scene.session.state.envelopes if isinstance(e.event, ModelAsked)]
    log = scene.open(scene.session.id).log
    told = [event for event in asked if event.is_remote or not remote_only]
    return {event.call_id: log.get_blob(event.prompt_sha256).decode() for event in told}


async def test_denied_paths_never_reach_a_remote_planner_not_even_on_request(workspace: Path):
    wanted = '{"read": ["secret/patients.py"], "search": ["424242"]}'
    it = remote(workspace, wanted, **{"egress.deny_paths": ("secret/**",)})
    assert (await it.run("rename the patients")).code == ExitCode.DONE
    told = prompts(it, remote_only=True)
    assert len(told) == 3
    assert "NAME_OF_PATIENT" not in "".join(told.values())


async def test_credentials_are_shown_to_no_model(workspace: Path):
    it = remote(workspace, '{"read": [".env"], "search": ["hunter2"]}')
    assert (await it.run("use the password of .env")).code == ExitCode.DONE
    assert "hunter2hunter2" not in "".join(prompts(it).values())


async def test_what_the_planner_was_shown_stands_in_the_record(workspace: Path):
    it = remote(workspace)
    assert (await it.run("change X in a.py")).code == ExitCode.DONE
    assert it.session is not None
    asked = [e.event for e in it.session.state.envelopes if isinstance(e.event, ModelAsked)]
    assert any(file.startswith("a.py") for file in asked[0].files)


async def test_a_check_that_only_an_untrusted_repository_names_is_not_run_when_nobody_is_there(workspace: Path):
    it = remote(workspace)
    assert (await it.run("change X")).code == ExitCode.DONE
    assert not (workspace / "PWNED").exists()
    assert it.session is not None
    assert any("test_cmd" in notice.text for notice in it.session.state.notices)


async def test_unverified_and_unjudged_is_not_done(workspace: Path):
    it = remote(workspace)
    it.models = Models(
        ScriptedModel(FRONTIER, {"plan": planning(Plan((edit("1", "a.py#X"),)))["plan"]}),
        ScriptedModel(LOCAL, {"draft": [fence("X = 2")]}),
    )
    outcome = await it.run("change X")
    assert outcome.code == ExitCode.VERIFICATION_FAILED
    assert "not verified" in outcome.message
