from pathlib import Path

import pytest

from hybridcode.cli.here import settings_of
from hybridcode.domain.action import Approve, ChangeSet, FileChange, FileEdit, Proposal, Ruling, action_digest
from hybridcode.domain.asked import Question, QuestionAnswered, TaskQuestioned
from hybridcode.domain.events import PlanDecided, PlanMade, SessionOpened, TaskEnded, TaskGiven
from hybridcode.domain.plan import Plan, Step, Task
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.store import Journal
from hybridcode.session.finding import journal_path
from hybridcode.tui.archive_live import LiveArchive
from hybridcode.tui.conversation import Facts

SESSION = "20260101-000000-aaaa"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "a.py").write_text("def total(): return 1\n")
    return folder


async def test_nothing_waits_where_nothing_was_done(workspace: Path) -> None:
    archive = LiveArchive(*settings_of(workspace))
    assert (await archive.waiting(), await archive.count_elsewhere("")) == ([], 0)


async def test_questions_and_plans_of_all_sessions_wait_until_they_are_answered(workspace: Path) -> None:
    root, loaded = settings_of(workspace)
    path = journal_path(root, loaded.settings)
    path.parent.mkdir(parents=True)
    plan = Plan((Step("1", "do it", touches=("a.py#total",)),))
    with Journal.open(path) as journal:
        questioned, stopped = (
            TaskQuestioned("t", (Question("Which?", ("a", "b")),)),
            TaskEnded(4, "approval_pending", ()),
        )
        for name, mode, events in (
            ("asks", "default", [questioned, stopped]),
            ("plans", "plan", [PlanMade(plan, "frontier"), stopped]),
            ("follows", "default", [PlanMade(plan, "frontier"), PlanDecided(True, "policy")]),
        ):
            log = journal.session(name)
            log.append(SessionOpened(str(workspace), "0.1.0", mode, True, True, None, None))
            log.append(TaskGiven(Task("t", f"do {name}"), "d" * 64))
            for event in events:
                log.append(event)
    archive = LiveArchive(root, loaded)
    asks, plans = await archive.unanswered()
    assert (asks.session, asks.task, asks.questions) == ("asks", "do asks", ("Which? (a / b)",))
    assert (plans.session, plans.said, plans.is_running) == ("plans", "a plan of 1 step waits", False)
    assert await archive.count_elsewhere("asks") == 1
    with Journal.open(path) as journal:
        journal.session("asks").append(QuestionAnswered("t", "a", "person"))
    assert [one.session for one in await archive.unanswered()] == ["plans"]


async def test_a_proposal_is_answered_once_and_a_stale_one_is_closed(workspace: Path) -> None:
    root, loaded = settings_of(workspace)
    path = journal_path(root, loaded.settings)
    path.parent.mkdir(parents=True)
    with Journal.open(path) as journal:
        log = journal.session(SESSION)
        new = log.put_blob(b"x = 1\n")
        action = ChangeSet((FileEdit("a.py", log.put_blob((workspace / "a.py").read_bytes()), new),))
        for name in ("aaaaaaaa", "bbbbbbbb"):
            proposal = Proposal(name, "1", action, action_digest(action), Ruling("ask", "why", "rule"))
            Approvals(journal).add(SESSION, proposal)
    archive = LiveArchive(root, loaded)
    first, second = await archive.waiting()
    assert [(row.is_running, row.lapsed) for row in (first, second)] == [(False, ""), (False, "")]
    assert (await archive.count_elsewhere(SESSION), await archive.count_elsewhere("another")) == (0, 2)
    shelf = await archive.shelf(first, Facts(workspace="shop"))
    assert shelf.blob(new) == b"x = 1\n"
    assert shelf.seal([FileChange("a.py", b"", b"y")]).edits[0].before_sha256 == action.edits[0].before_sha256
    yes = Approve(action_digest(action), "person:tui")
    assert "approved" in await archive.answer(first, yes)
    assert "nothing changed" in await archive.answer(first, yes)
    (workspace / "a.py").write_text("another editor was here\n")
    assert "was closed" in await archive.answer(second, yes)
    assert await archive.waiting() == []
