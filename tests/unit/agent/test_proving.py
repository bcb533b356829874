from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from msgspec.structs import replace

from hybridcode.agent.proving import inconclusive
from hybridcode.config.paths import cache_dir
from hybridcode.domain.action import Amend, Applied, ChangeSet, Decision, Proposal, Ran, ShellCommand
from hybridcode.domain.events import (
    CheckRan,
    EffectFinished,
    EffectStarted,
    Event,
    ModelAsked,
    NoticeGiven,
    ProposalMade,
    RungTaken,
)
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from hybridcode.gate.approvers import Answer, Refuse, Scripted, no, yes
from hybridcode.gate.sandbox import probe
from hybridcode.session.result import result_of
from hybridcode.session.state import SessionState
from tests.support.repos import git_repository
from tests.support.sessions import Scene, edit, fence, planning

CHECK = "python3 check.py"
FILES = {
    "shop.py": "RATE = 3\n",
    "check.py": "import shop\nassert shop.RATE == 5, 'want five'\n",
    ".gitignore": "*.pyc\n",
}
STEP = edit("rate", "shop.py#RATE", check=CHECK)
NOBODY = {"routing.frontier_hints": 0, "routing.frontier_tries": 0}
sandboxed = pytest.mark.skipif(probe().kind == "none", reason="this machine has no sandbox")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


class Stage:
    """A session with scripted models and a scripted person."""

    def __init__(
        self,
        workspace: Path,
        *drafts: str,
        answers: tuple[Answer, ...] = (yes,),
        more: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        settings = {"approval.allow": (f"Bash(={CHECK})",), **NOBODY, **more}
        self.person = Scripted(answers)
        self.scene = Scene(workspace, planning(Plan((STEP,))), {"draft": [fence(d) for d in drafts]}, settings=settings)
        self.scene.make_approver = lambda approvals, sandbox: self.person

    @property
    def state(self) -> SessionState:
        assert self.scene.session is not None
        return self.scene.session.state

    @property
    def events(self) -> list[Event]:
        return [envelope.event for envelope in self.state.envelopes]

    @property
    def checks(self) -> list[tuple[str, bool]]:
        return [(event.where, event.passed) for event in self.events if isinstance(event, CheckRan)]


@sandboxed
async def test_a_draft_that_fails_its_check_bothers_nobody_and_the_next_one_is_shown_proven(workspace: Path):
    seen: list[str] = []

    def look(proposal: Proposal) -> Decision:
        seen.append((workspace / "shop.py").read_text())
        return yes(proposal)

    it = Stage(workspace, "RATE = 4", "RATE = 5", answers=(look,))
    outcome = await it.scene.run()
    assert outcome.code == ExitCode.DONE, outcome.message
    (asked,) = it.person.asked
    assert (asked.proven_by, asked.notes, seen) == (CHECK, (), ["RATE = 3\n"])
    assert it.scene.read("shop.py") == "RATE = 5\n"
    assert it.checks == [("scratch", False), ("scratch", True)]
    result = result_of(it.state, outcome.code, outcome.message)
    assert result["verification"]["passed"] is True
    assert [check["where"] for check in result["verification"]["checks"]] == ["scratch", "scratch"]


@sandboxed
async def test_the_next_draft_sees_what_the_check_said_and_its_own_last_answer(workspace: Path):
    it = Stage(workspace, "RATE = 4", "RATE = 5")
    await it.scene.run()
    asked = [event for event in it.events if isinstance(event, ModelAsked) and event.role == "draft"]
    prompt = it.scene.open(it.state.session).log.get_blob(asked[-1].prompt_sha256).decode()
    assert all(words in prompt for words in ("want five", "+RATE = 4", "was not applied"))


@sandboxed
async def test_every_run_in_the_copy_is_on_record_before_it_starts(workspace: Path):
    it = Stage(workspace, "RATE = 5")
    await it.scene.run()
    made = [
        e.proposal for e in it.events if isinstance(e, ProposalMade) and isinstance(e.proposal.action, ShellCommand)
    ]
    assert [bool(proposal.action.tree) for proposal in made if isinstance(proposal.action, ShellCommand)] == [True]
    kinds = [type(e).__name__ for e in it.events if getattr(e, "proposal", "") == made[0].id]
    assert kinds == ["ProposalDecided", "EffectStarted", "EffectFinished"]


@sandboxed
async def test_the_last_draft_is_shown_although_its_check_failed(workspace: Path):
    it = Stage(workspace, "RATE = 1", "RATE = 2", answers=(no("never mind"),), more={"limits.max_repairs": 0})
    outcome = await it.scene.run()
    assert outcome.code == ExitCode.DENIED
    (asked,) = it.person.asked
    assert (asked.proven_by, asked.notes) == ("", (f"`{CHECK}` failed on exactly these bytes: exit code 1",))
    assert it.scene.read("shop.py") == FILES["shop.py"]


@sandboxed
async def test_a_last_draft_that_is_approved_all_the_same_is_checked_in_the_workspace(workspace: Path):
    it = Stage(workspace, "RATE = 1", "RATE = 2")
    assert (await it.scene.run()).code == ExitCode.VERIFICATION_FAILED
    assert it.scene.read("shop.py") == "RATE = 2\n"
    assert it.checks == [("scratch", False), ("scratch", False), ("tree", False)]


@sandboxed
async def test_a_check_that_lies_in_the_copy_is_not_asked_there_again(workspace: Path):
    (workspace / ".gitignore").write_text(".pytest_cache\n")
    (workspace / ".pytest_cache").mkdir()
    (workspace / ".pytest_cache" / "seen").write_text("")
    (workspace / "check.py").write_text("import os, sys\nsys.exit(not os.path.exists('.pytest_cache/seen'))\n")
    it = Stage(workspace, "RATE = 1", "RATE = 2")
    outcome = await it.scene.run()
    assert outcome.code == ExitCode.DONE, outcome.message
    assert it.checks == [("scratch", False), ("scratch", False), ("tree", True)]
    assert any("passes in the workspace" in e.text for e in it.events if isinstance(e, NoticeGiven))


@sandboxed
async def test_an_amended_draft_is_checked_after_it_was_applied(workspace: Path):
    def amend(proposal: Proposal) -> Decision:
        assert it.scene.session is not None
        assert isinstance(proposal.action, ChangeSet)
        change = proposal.action.edits[0]
        after = it.scene.session.log.put_blob(b"RATE = 5  # by hand\n")
        return Amend(ChangeSet((type(change)(change.path, change.before_sha256, after, change.mode),)), "person:test")

    it = Stage(workspace, "RATE = 5", answers=(amend,))
    assert (await it.scene.run()).code == ExitCode.DONE
    assert it.checks == [("scratch", True), ("tree", True)]
    proposals = [e.proposal for e in it.events if isinstance(e, ProposalMade)]
    assert [p.proven_by for p in proposals if isinstance(p.action, ChangeSet)] == [CHECK, ""]


@sandboxed
async def test_a_tree_that_moved_on_while_a_person_thought_is_checked_again(workspace: Path):
    def edit_meanwhile(proposal: Proposal) -> Decision:
        (workspace / "other.py").write_text("Y = 1\n")
        return yes(proposal)

    it = Stage(workspace, "RATE = 5", answers=(edit_meanwhile,))
    assert (await it.scene.run()).code == ExitCode.DONE
    assert it.checks == [("scratch", True), ("tree", True)]


@sandboxed
async def test_what_proved_the_last_step_is_not_run_again_for_the_task(workspace: Path):
    it = Stage(workspace, "RATE = 5", more={"verify.test_cmd": CHECK})
    assert (await it.scene.run()).code == ExitCode.DONE
    assert it.checks == [("scratch", True)]


@sandboxed
async def test_a_check_that_changes_files_proves_nothing_and_says_so(workspace: Path):
    (workspace / "check.py").write_text("open('shop.py', 'a').write('# formatted\\n')\n")
    it = Stage(workspace, "RATE = 5", more={"approval.sandbox": "auto"})
    assert (await it.scene.run()).code == ExitCode.DONE
    (asked,) = it.person.asked
    assert asked.proven_by == ""
    assert it.checks == [("scratch", True), ("tree", True)]
    assert any("changed 1 file in the scratch copy: shop.py" in e.text for e in it.events if isinstance(e, NoticeGiven))


async def test_without_consent_a_check_waits_until_the_draft_is_approved(workspace: Path):
    it = Stage(workspace, "RATE = 5", answers=(yes, yes), more={"approval.allow": ()})
    assert (await it.scene.run()).code == ExitCode.DONE
    assert [proposal.proven_by for proposal in it.person.asked] == ["", ""]
    assert it.checks == [("tree", True)]


@pytest.mark.parametrize("setting", [{"approval.sandbox": "off"}, {"verify.scratch": "off"}], ids=["no sandbox", "off"])
async def test_without_a_copy_the_check_runs_after_the_approval(workspace: Path, setting: dict[str, object]):
    it = Stage(workspace, "RATE = 4", "RATE = 5", answers=(yes, yes), more=setting)
    assert (await it.scene.run()).code == ExitCode.DONE
    assert it.checks == [("tree", False), ("tree", True)]
    assert [proposal.proven_by for proposal in it.person.asked] == ["", ""]


@sandboxed
async def test_a_proof_of_a_draft_that_nobody_approved_does_not_count_when_the_run_goes_on(workspace: Path):
    it = Stage(workspace, "RATE = 5")
    it.scene.make_approver = lambda approvals, sandbox: Refuse()
    assert (await it.scene.run()).code == ExitCode.APPROVAL_PENDING
    (waiting,) = it.state.waiting
    assert waiting.proposal.proven_by == CHECK
    again = Stage(workspace)
    assert (await again.scene.resume(it.state.session)).code == ExitCode.DONE
    assert again.checks == [("scratch", True), ("tree", True)]
    assert len([e for e in again.events if isinstance(e, RungTaken)]) == 1


@sandboxed
async def test_no_copy_is_left_when_a_session_is_closed(workspace: Path):
    before = set((cache_dir() / "scratch").glob("*"))
    it = Stage(workspace, "RATE = 5")
    await it.scene.run()
    assert any(isinstance(e, EffectStarted) for e in it.events)
    assert set((cache_dir() / "scratch").glob("*")) <= before
    assert any(isinstance(e, EffectFinished) and isinstance(e.receipt, Applied) for e in it.events)


@pytest.mark.parametrize("words", ["Read-only file system", "Permission denied", "OSError: out of pty devices"])
def test_what_the_sandbox_withholds_is_no_verdict_on_a_draft(words: str):
    receipt = Ran(1, "e" * 64, f"E  {words}\n1 failed\n", 0.5, "landlock")
    assert inconclusive(receipt) == "it wants what is read-only or out of reach there"
    assert inconclusive(replace(receipt, tail="E  AssertionError\n")) == ""
