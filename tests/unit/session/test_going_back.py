import json
from pathlib import Path

import pytest

from hybridcode.domain.errors import ConfigError, HybridcodeError
from hybridcode.domain.events import Rewound, SessionForked, SessionOpened
from hybridcode.domain.plan import Plan
from hybridcode.gate.taking_back import Reach
from hybridcode.journal.overview import overview
from hybridcode.journal.store import Journal
from hybridcode.session.changes import happenings, net_changes
from hybridcode.session.history import history_of
from hybridcode.session.report import report, write_report
from hybridcode.session.rewinding import foresee_undo, rewind, take_back
from hybridcode.session.session import Session
from hybridcode.session.state import SessionState
from hybridcode.tui.library import LiveLibrary
from hybridcode.tui.live import LiveConversation
from tests.support.repos import git_repository
from tests.support.sessions import Scene, as_json, edit, fence, loaded_for

FILES = {"a.py": "X = 1\n", "b.py": "Y = 1\n"}
YOU = "person:test"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Two tasks whose steps have the same name, in one session."""
    plans = [as_json(Plan((edit("1", f"{path}#{name}"),))) for path, name in (("a.py", "X"), ("b.py", "Y"))]
    return Scene(
        git_repository(tmp_path / "shop", FILES),
        {"plan": plans, "judge": ["good", "good"]},
        {"draft": [fence("X = 2"), fence("Y = 2")]},
        settings={"routing.frontier_hints": 0, "routing.frontier_tries": 0},
    )


async def both_tasks(scene: Scene) -> Session:
    session = scene.open()
    await session.run("make X two")
    await session.run("make Y two")
    assert (scene.read("a.py"), scene.read("b.py")) == ("X = 2\n", "Y = 2\n")
    return session


async def test_a_step_of_one_task_is_undone_and_the_same_name_in_another_is_not(scene: Scene):
    session = await both_tasks(scene)
    second = session.state.tasks[1].begun_at
    assert (await foresee_undo(session, Reach("1", until=second))).restored == ("a.py",)
    made = await take_back(session, Reach("1", until=second), by=YOU)
    assert (made.restored, made.kept) == (("a.py",), ())
    assert (scene.read("a.py"), scene.read("b.py")) == ("X = 1\n", "Y = 2\n")
    found = happenings(session.log.envelopes())
    assert [one.is_undone for one in found if one.kind == "edit"] == [True, False]
    assert [change.path for change in net_changes(found)] == ["b.py"]
    await session.close()


async def test_going_back_to_before_a_task_puts_files_back_and_forgets_it(scene: Scene):
    session = await both_tasks(scene)
    second = session.state.tasks[1]
    await rewind(session, second.task.id, files=True, conversation=True, by=YOU)
    assert (scene.read("a.py"), scene.read("b.py")) == ("X = 2\n", "Y = 1\n")
    assert "make X two" in history_of(session.state)
    assert "make Y two" not in history_of(session.state)
    assert session.state.task is None
    await session.close()
    again = scene.open(session.id)
    assert history_of(again.state) == history_of(session.state)
    assert [view.is_forgotten for view in again.state.tasks] == [False, True]
    await again.close()


async def test_only_files_or_only_the_conversation(scene: Scene):
    session = await both_tasks(scene)
    first, second = (view.task.id for view in session.state.tasks)
    await rewind(session, second, files=True, conversation=False, by=YOU)
    assert scene.read("b.py") == "Y = 1\n"
    assert "make Y two" in history_of(session.state)
    await rewind(session, first, files=False, conversation=True, by=YOU)
    assert scene.read("a.py") == "X = 2\n"
    assert history_of(session.state) == ""
    assert isinstance(session.state.envelopes[-1].event, Rewound)
    with pytest.raises(HybridcodeError, match="no task"):
        await rewind(session, "task-9", files=True, conversation=True, by=YOU)
    await session.close()


async def test_a_file_somebody_changed_since_is_foreseen_as_kept(scene: Scene):
    session = await both_tasks(scene)
    (scene.workspace / "a.py").write_text("X = 3\n")
    foreseen = await foresee_undo(session, Reach())
    assert (foreseen.restored, dict(foreseen.kept)) == (("b.py",), {"a.py": "it changed since"})
    await session.close()


async def test_a_list_of_sessions_tells_tasks_files_and_who_works_on_each(scene: Scene):
    session = await both_tasks(scene)
    with Journal.open(session.journal.path) as other:
        (one,) = overview(other)
        assert [task.text for task in one.tasks] == ["make X two", "make Y two"]
        assert [task.exit_reason for task in one.tasks] == ["done", "done"]
        assert (one.files, "in use" in one.owner) == (("a.py", "b.py"), True)
        await session.close()
        assert overview(other)[0].owner == ""


async def test_a_report_holds_every_change_and_never_overwrites(scene: Scene, tmp_path: Path):
    session = await both_tasks(scene)
    state = SessionState.of(session.log.envelopes())
    state.tasks[0].task = type(state.tasks[0].task)("task-1", "hidden \u202e and <b>", None)
    text = report(state, session.log.get_blob, suffix=".md")
    assert "-X = 1\n+X = 2" in text
    assert "\u202e" not in text
    page = report(state, session.log.get_blob, suffix=".html")
    assert "<span class=add>+X = 2</span>" in page
    assert "&lt;b&gt;" in page
    write_report(tmp_path / "r.md", text)
    for name in ("r.md", "r.txt", "no/r.md"):
        with pytest.raises(ConfigError):
            write_report(tmp_path / name, "other")
    assert (tmp_path / "r.md").read_text() == text
    await session.close()


async def test_the_running_program_goes_over_to_other_sessions(scene: Scene):
    session = await both_tasks(scene)
    await session.close()
    loaded = loaded_for(scene.workspace, **scene.settings)
    plan = as_json(Plan((edit("1", "a.py#X"),)))
    other = Scene(scene.workspace, {"plan": [plan]}, {"draft": [fence("X = 4")]})
    other.open()
    assert other.session is not None
    models = other.session.models
    await other.session.close(keeps_models=True)
    talk = LiveConversation(scene.workspace, loaded, make_models=lambda _: models)
    await talk.open_session(session.id)
    assert talk.session_id == session.id
    assert SessionState.of(talk.envelopes).tasks[1].task.text == "make Y two"
    assert talk.past.on_disk("b.py") == b"Y = 2\n"
    busy = next(one for one in await talk.library.sessions() if one.row.id == session.id)
    assert "in use" in busy.owner
    forked = await talk.library.fork(session.id, "task-1")
    await talk.open_session(None, forked=forked)
    assert talk.session_id not in (None, session.id)
    events = [envelope.event for envelope in talk.envelopes]
    assert isinstance(events[0], SessionOpened)
    assert isinstance(events[1], SessionForked)
    state = SessionState.of(talk.envelopes)
    assert "make X two" in history_of(state)
    assert "make Y two" not in history_of(state)
    here = talk.session_id
    with pytest.raises(HybridcodeError):
        await talk.open_session("20200101-000000-gone")
    assert talk.session_id == here
    await talk.open_session(None)
    assert (talk.session_id, list(talk.envelopes)) == (None, [])
    library = LiveLibrary(scene.workspace, loaded.settings)
    await library.delete(session.id)
    assert session.id not in [one.row.id for one in await library.sessions()]
    assert json.loads(json.dumps(forked.record)).count("make X two") == 1
    await talk.close()
