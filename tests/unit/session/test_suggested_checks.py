from collections.abc import Mapping
from pathlib import Path

import pytest

from hybridcode.domain.action import ShellCommand
from hybridcode.domain.events import CheckRan, NoticeGiven
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from hybridcode.gate.approvers import Answer, Scripted, no, yes
from hybridcode.gate.rules import exact_rule_text
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.session.session import Session, SessionOptions
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, Scene, as_json, edit, fence, loaded_for, planning

FILES = {
    "shop.py": "RATE = 3\n",
    "Makefile": "test:\n\tpython3 check.py\n",
    "check.py": "import shop\nassert shop.RATE == 5\n",
}
PLAN = Plan((edit("rate", "shop.py#RATE"),))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def attended(
    workspace: Path,
    answers: list[Answer],
    *,
    tasks: int = 1,
    resume: str | None = None,
    settings: Mapping[str, object] | None = None,
) -> tuple[Session, Scripted]:
    """A session with somebody there, whose answers are written beforehand."""
    person = Scripted(answers)
    script = {"plan": [as_json(PLAN)] * tasks, "judge": ["good fine"] * tasks}
    drafts = {"draft": [fence("RATE = 5"), fence("RATE = 6")]}
    session = Session.open(
        SessionOptions(
            workspace=workspace,
            loaded=loaded_for(workspace, **{"approval.sandbox": "off", **(settings or {})}),
            make_approver=lambda approvals, sandbox: person,
            make_models=lambda _: Models(ScriptedModel(FRONTIER, script), ScriptedModel(LOCAL, drafts)),
            is_attended=True,
            resume=resume,
        )
    )
    return session, person


def ran(session: Session) -> list[CheckRan]:
    return [e.event for e in session.state.envelopes if isinstance(e.event, CheckRan)]


def told(session: Session) -> str:
    events = (e.event for e in session.state.envelopes)
    return "\n".join(f"{event.text} {event.hint}" for event in events if isinstance(event, NoticeGiven))


async def test_a_person_is_asked_once_for_what_the_files_tell(workspace: Path):
    session, person = attended(workspace, [yes, yes])
    try:
        assert (await session.run("set it")).code == ExitCode.DONE
    finally:
        await session.close()
    asked = person.asked[1]
    assert isinstance(asked.action, ShellCommand)
    assert (asked.action.text, asked.action.purpose) == ("make test", "check")
    assert "Makefile has the target test" in asked.notes[0]
    assert [(check.command, check.passed) for check in ran(session)] == [("make test", True)]
    person.finish()


async def test_a_no_goes_on_without_it_and_is_not_asked_again_in_this_session(workspace: Path):
    session, person = attended(workspace, [yes, no(), yes], tasks=2)
    try:
        assert (await session.run("set it")).code == ExitCode.DONE
        assert (await session.run("set it to six")).code == ExitCode.DONE
    finally:
        await session.close()
    assert ran(session) == []
    person.finish()


async def test_a_rule_for_the_repository_lets_it_run_unasked_and_headless_too(workspace: Path):
    rule = {"approval.allow": (exact_rule_text("make test"), "Edit(**)")}
    session, person = attended(workspace, [], settings=rule)
    try:
        assert (await session.run("set it")).code == ExitCode.DONE
    finally:
        await session.close()
    assert person.asked == []
    session = Scene(workspace, planning(PLAN), {}, settings=rule).open()
    await session.close()
    assert session.settings.verify.test_cmd == "make test"


async def test_headless_it_is_named_with_the_flag_and_not_run(workspace: Path):
    it = Scene(workspace, planning(PLAN), {"draft": [fence("RATE = 5")]})
    assert (await it.run()).code == ExitCode.DONE
    assert it.session is not None
    assert ran(it.session) == []
    words = told(it.session)
    assert "the check `make test` is not run, though Makefile has the target test --test-cmd 'make test'" in words


async def test_a_suggestion_that_cannot_start_proves_nothing(tmp_path: Path):
    root = git_repository(tmp_path / "shop", {**FILES, "Makefile": "", "go.mod": "module x\n"})
    session, _ = attended(root, [yes, yes])
    try:
        outcome = await session.run("set it")
    finally:
        await session.close()
    assert outcome.code == ExitCode.DONE


@pytest.mark.parametrize("settings", [{"verify.detect": "off"}, {"verify.test_cmd": "python3 check.py"}])
async def test_nothing_is_suggested_where_that_is_off_or_a_check_is_named(
    workspace: Path, settings: Mapping[str, object]
):
    session, _ = attended(workspace, [], settings=settings)
    await session.close()
    assert session.agreed.suggested == {}


async def test_a_check_that_was_named_once_holds_when_the_session_goes_on(workspace: Path):
    session, _ = attended(workspace, [yes], settings={"verify.test_cmd": "python3 check.py"})
    name = session.id
    await session.close()
    again, person = attended(workspace, [yes], resume=name)
    try:
        assert again.settings.verify.test_cmd == "python3 check.py"
        assert (await again.run("set it")).code == ExitCode.DONE
    finally:
        await again.close()
    assert [(check.command, check.passed) for check in ran(again)] == [("python3 check.py", True)]
    assert len(person.asked) == 1
