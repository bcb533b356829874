from pathlib import Path

import pytest

from hybridcode.domain.action import Committed
from hybridcode.gate.commit_plan import Refused
from hybridcode.gate.reverting import commits_behind, revert, told
from hybridcode.gate.taking_back import Reach
from hybridcode.session.rewinding import take_back
from tests.support.commits import FILES, committing, head, notices, shop, status
from tests.support.repos import git, write_tree


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return shop(tmp_path / "shop")


async def test_an_undo_says_that_a_commit_holds_it_and_one_more_reverts_it(workspace: Path):
    it = committing(workspace)
    session = it.open()
    try:
        await session.run("raise it")
        first = head(workspace)
        undone = await take_back(session, Reach(), by="person:test")
        assert (head(workspace), status(workspace)) == (first, [" M shop.py"])
        assert any(f"commit {first[:10]} (Raise the rate to five) on main" in text for text in notices(it))
        made = await revert(session.log, session.gate, undone, by="person:test")
        assert isinstance(made, Committed)
        assert git(workspace, "rev-parse", "HEAD^").strip() == first
        assert git(workspace, "show", "HEAD:shop.py") == FILES["shop.py"]
        message = git(workspace, "log", "-1", "--format=%B").strip()
        assert message == f'Revert "Raise the rate to five"\n\nThis reverts commit {first}.'
        assert status(workspace) == []
    finally:
        await session.close()


async def test_a_file_that_has_other_changes_since_is_not_reverted(workspace: Path):
    it = committing(workspace)
    session = it.open()
    try:
        await session.run("raise it")
        undone = await take_back(session, Reach(), by="person:test")
        write_tree(workspace, {"shop.py": "mine\n"})
        git(workspace, "commit", "-qam", "mine")
        made = await revert(session.log, session.gate, undone, by="person:test")
        assert isinstance(made, Refused)
        assert "held changes of yours" in made.reason
    finally:
        await session.close()


async def test_without_a_commit_nothing_is_said(workspace: Path):
    it = committing(workspace, mode="off")
    session = it.open()
    try:
        await session.run("raise it")
        undone = await take_back(session, Reach(), by="person:test")
        assert told(commits_behind(session.log, undone)) == ""
        assert isinstance(await revert(session.log, session.gate, undone, by="person:test"), Refused)
    finally:
        await session.close()
