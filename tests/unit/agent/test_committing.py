from pathlib import Path

import pytest

from hybridcode.domain.action import GitCommit
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.approvers import Refuse, Scripted, no, yes
from tests.support.commits import (
    CHANGED,
    FILES,
    MESSAGE,
    RATE,
    committed,
    committing,
    head,
    known_author,
    notes_of,
    notices,
    refusal,
    shop,
    shown,
    status,
)
from tests.support.repos import git, git_repository, write_tree
from tests.support.sessions import as_json, edit, fence

TOTAL = edit("total", "shop.py#total")
NEW_TOTAL = fence("def total(items):\n    return sum(items) * RATE")
CREATE = Step("new", "write it", kind="create", touches=("extra.py",))


@pytest.fixture(autouse=True)
def no_author_in_the_environment(monkeypatch: pytest.MonkeyPatch):
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{who}_NAME")
        monkeypatch.delenv(f"GIT_{who}_EMAIL")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return shop(tmp_path / "shop")


async def test_a_task_that_ended_done_is_committed_with_the_models_message(workspace: Path):
    before = head(workspace)
    it = committing(workspace)
    assert (await it.run()).code == ExitCode.DONE
    assert git(workspace, "log", "-1", "--format=%B").strip() == f"{MESSAGE}\n\nAssisted-by: hybridcode"
    assert git(workspace, "log", "-1", "--format=%an <%ae> %P").strip() == f"Test Author <author@localhost> {before}"
    assert shown(workspace) == {"shop.py": "M"}
    assert status(workspace) == []
    assert git(workspace, "interpret-trailers", "--parse", input_of(workspace)).strip() == "Assisted-by: hybridcode"


def input_of(workspace: Path) -> str:
    path = workspace.parent / "message"
    path.write_text(git(workspace, "log", "-1", "--format=%B"))
    return str(path)


async def test_off_commits_nothing(workspace: Path):
    before = head(workspace)
    await committing(workspace, mode="off").run()
    assert head(workspace) == before
    assert status(workspace) == [" M shop.py"]


async def test_the_approval_is_bound_to_what_is_committed(workspace: Path):
    it = committing(workspace)
    asked = Scripted([yes, yes])
    it.make_approver = lambda approvals, sandbox: asked
    await it.run()
    change = asked.asked[1]
    assert isinstance(change.action, GitCommit)
    assert (change.title, change.ruling.rule) == ("git commit: Raise the rate to five", "git.commit")
    assert change.action.branch == "main"
    assert [file.path for file in change.action.files] == ["shop.py"]


async def test_a_no_leaves_the_task_done_and_nothing_committed(workspace: Path):
    before = head(workspace)
    it = committing(workspace)
    it.make_approver = lambda approvals, sandbox: Scripted([yes, no("later")])
    assert (await it.run()).code == ExitCode.DONE
    assert head(workspace) == before
    assert "later" in refusal(it)


async def test_where_nobody_can_answer_the_run_stops_with_4_and_goes_on_with_the_same_message(workspace: Path):
    it = committing(workspace, message=MESSAGE, more={"approval.allow": ("Edit(**)",)})
    it.make_approver = lambda approvals, sandbox: Refuse()
    outcome = await it.run()
    assert outcome.code == ExitCode.APPROVAL_PENDING
    assert it.session is not None
    name, (waiting,) = it.session.id, it.session.state.waiting
    it = committing(workspace, message=None, more={"approval.allow": ("Edit(**)",)})
    session = it.open(name)
    try:
        assert session.gate.approvals.answer(waiting.proposal.id, yes(waiting.proposal))
        assert (await session.resume()).code == ExitCode.DONE
    finally:
        await session.close()
    assert git(workspace, "log", "-1", "--format=%s").strip() == "Raise the rate to five"


async def test_other_changes_of_the_person_stay_as_they_are(workspace: Path):
    write_tree(workspace, {"notes.txt": "two\n", "mine.txt": "mine\n", "staged.txt": "staged\n"})
    git(workspace, "add", "staged.txt")
    await committing(workspace).run()
    assert shown(workspace) == {"shop.py": "M"}
    assert status(workspace) == [" M notes.txt", "A  staged.txt", "?? mine.txt"]


async def test_staged_changes_of_a_changed_file_are_a_reason_not_to(workspace: Path):
    before = head(workspace)
    it = committing(workspace)
    session = it.open()
    try:
        session.subscribe(lambda envelope: stage_once(workspace))
        await session.run("do it")
    finally:
        await session.close()
    assert head(workspace) == before
    assert "changes of shop.py are staged" in refusal(it)
    assert status(workspace) in (["M  shop.py"], ["MM shop.py"])


def stage_once(workspace: Path) -> None:
    if (workspace / "shop.py").read_text() == CHANGED:
        git(workspace, "add", "shop.py")


async def test_a_file_that_held_other_changes_is_not_committed(workspace: Path):
    write_tree(workspace, {"shop.py": FILES["shop.py"] + "\nMINE = 1\n"})
    before = head(workspace)
    it = committing(workspace)
    assert (await it.run()).code == ExitCode.DONE
    assert head(workspace) == before
    assert "shop.py held changes of yours before" in refusal(it)


async def test_a_detached_head_is_a_reason_not_to_unless_a_branch_is_made(workspace: Path):
    git(workspace, "checkout", "-q", "--detach")
    it = committing(workspace)
    await it.run()
    assert "HEAD is detached" in refusal(it)
    git(workspace, "checkout", "-q", "--", "shop.py")
    await committing(workspace, more={"git.branch": "work/{task}"}).run("Set the rate")
    assert git(workspace, "symbolic-ref", "--short", "HEAD").strip() == "work/set-the-rate"
    assert status(workspace) == []


async def test_the_first_commit_of_a_repository(tmp_path: Path):
    root = tmp_path / "fresh"
    root.mkdir()
    git(root, "init", "-q", "-b", "trunk")
    known_author(root)
    write_tree(root, {"mine.txt": "mine\n"})
    await committing(root, CREATE, drafts=[fence("X = 1")]).run()
    assert git(root, "log", "--format=%s %P").strip() == "Raise the rate to five"
    assert git(root, "ls-tree", "--name-only", "HEAD").split() == ["extra.py"]
    assert status(root) == ["?? mine.txt"]


@pytest.mark.parametrize("what", ["merge", "rebase", "cherry-pick"])
async def test_nothing_is_committed_into_the_middle_of_something(workspace: Path, what: str):
    marker = {"merge": "MERGE_HEAD", "rebase": "rebase-merge", "cherry-pick": "CHERRY_PICK_HEAD"}[what]
    if what == "rebase":
        (workspace / ".git" / marker).mkdir()
    else:
        (workspace / ".git" / marker).write_text(head(workspace) + "\n")
    before = head(workspace)
    it = committing(workspace)
    await it.run()
    assert head(workspace) == before
    assert f"a {what} is in progress" in refusal(it)


async def test_a_real_merge_with_a_conflict_is_left_alone(workspace: Path):
    git(workspace, "checkout", "-q", "-b", "other")
    write_tree(workspace, {"notes.txt": "other\n"})
    git(workspace, "commit", "-qam", "other")
    git(workspace, "checkout", "-q", "main")
    write_tree(workspace, {"notes.txt": "main\n"})
    git(workspace, "commit", "-qam", "main")
    with pytest.raises(Exception, match="merge"):
        git(workspace, "merge", "-q", "other")
    index = (workspace / ".git/index").read_bytes()
    it = committing(workspace)
    await it.run()
    assert "a merge is in progress" in refusal(it)
    assert (workspace / ".git/index").read_bytes() == index


async def test_a_missing_author_is_said_with_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    root = git_repository(tmp_path / "shop", FILES)
    before = head(root)
    it = committing(root)
    assert (await it.run()).code == ExitCode.DONE
    assert head(root) == before
    assert "git config --global user.name" in refusal(it)


async def test_signing_that_is_configured_never_hangs_and_is_said(workspace: Path):
    git(workspace, "config", "commit.gpgsign", "true")
    git(workspace, "config", "gpg.program", "/bin/false")
    it = committing(workspace)
    await it.run()
    assert git(workspace, "log", "-1", "--format=%s").strip() == "Raise the rate to five"
    assert any("not signed" in note for note in notes_of(it))


@pytest.mark.parametrize("moved", [False, True])
async def test_no_hook_of_the_repository_runs_and_they_are_named(workspace: Path, moved: bool):
    folder = workspace / (".hooks" if moved else ".git/hooks")
    folder.mkdir(exist_ok=True)
    for name in ("pre-commit", "commit-msg", "post-commit", "reference-transaction", "post-index-change"):
        (folder / name).write_text(f"#!/bin/sh\ntouch {workspace.parent}/ran-{name}\n")
        (folder / name).chmod(0o755)
    if moved:
        git(workspace, "config", "core.hooksPath", ".hooks")
        (workspace / ".git/info/exclude").write_text(".hooks\n")
    it = committing(workspace)
    await it.run()
    assert shown(workspace) == {"shop.py": "M"}
    assert not list(workspace.parent.glob("ran-*"))
    assert any("pre-commit, commit-msg, post-commit, reference-transaction" in note for note in notes_of(it))


async def test_a_rename_and_a_new_program_keep_their_modes(workspace: Path):
    (workspace / "shop.py").chmod(0o755)
    git(workspace, "commit", "-qam", "executable")
    command = Step("move", "move it", kind="command", command="mv shop.py store.py")
    await committing(workspace, command).run()
    assert shown(workspace) == {"shop.py": "D", "store.py": "A"}
    assert git(workspace, "ls-files", "-s", "store.py").startswith("100755 ")
    assert status(workspace) == []


async def test_a_change_of_mode_alone_is_committed(workspace: Path):
    command = Step("exec", "make it executable", kind="command", command="chmod 755 shop.py")
    await committing(workspace, command).run()
    assert "old mode 100644" in git(workspace, "show")
    assert status(workspace) == []


async def test_what_git_ignores_is_left_out_and_named(workspace: Path):
    log = Step("log", "write it", kind="create", touches=("run.log",))
    it = committing(workspace, RATE, log, drafts=[fence("RATE = 5"), fence("a line", "text")])
    await it.run()
    assert shown(workspace) == {"shop.py": "M"}
    assert any("run.log" in note for note in notes_of(it))


async def test_each_step_gets_its_commit(workspace: Path):
    total = Step("total", "count the rate in", touches=("shop.py#total",), needs=("rate",))
    it = committing(workspace, RATE, total, mode="step", drafts=[fence("RATE = 5"), NEW_TOTAL], message=None)
    await it.run("both")
    assert git(workspace, "log", "--format=%s").split("\n")[:2] == ["count the rate in", "do rate"]
    assert status(workspace) == []


async def test_a_later_task_commits_on_top_of_what_an_earlier_one_left(workspace: Path):
    drafts = [fence("RATE = 5"), fence("RATE = 7")]
    it = committing(workspace, drafts=drafts, message=None, more={"limits.max_repairs": 0})
    it.frontier = {"plan": [as_json(Plan((RATE,)))] * 2, "judge": ["bad no", "good yes"]}
    session = it.open()
    try:
        assert (await session.run("first")).code == ExitCode.VERIFICATION_FAILED
        assert (await session.run("second")).code == ExitCode.DONE
    finally:
        await session.close()
    assert "RATE = 7" in git(workspace, "show", "HEAD:shop.py")


async def test_a_branch_is_made_and_the_old_one_stays(workspace: Path):
    before = head(workspace)
    it = committing(workspace, more={"git.branch": "hybridcode/{task}"})
    await it.run("Raise the rate, please: Über alles")
    assert git(workspace, "branch", "--show-current").strip() == "hybridcode/raise-the-rate-please-uber-alles"
    assert git(workspace, "rev-parse", "main").strip() == before
    assert status(workspace) == []
    git(workspace, "switch", "-q", "main")
    assert it.read("shop.py") == FILES["shop.py"]
    await committing(workspace, more={"git.branch": "hybridcode/{task}"}).run("Raise the rate, please: Über alles")
    assert git(workspace, "branch", "--show-current").strip() == "hybridcode/raise-the-rate-please-uber-alles-2"


async def test_steps_of_one_task_share_its_branch(workspace: Path):
    total = Step("total", "count the rate in", touches=("shop.py#total",), needs=("rate",))
    drafts = [fence("RATE = 5"), NEW_TOTAL]
    await committing(workspace, RATE, total, mode="step", drafts=drafts, more={"git.branch": "b/{task}"}).run("go")
    assert git(workspace, "rev-list", "--count", "main..b/go").strip() == "2"


async def test_a_file_of_a_submodule_is_not_committed_from_outside(tmp_path: Path, workspace: Path):
    inner = git_repository(tmp_path / "inner", {"in.py": "X = 1\n"})
    git(workspace, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    git(workspace, "commit", "-qm", "sub")
    it = committing(workspace, Step("sub", "write it", kind="create", touches=("sub/new.py",)), drafts=[fence("Y = 2")])
    before = head(workspace)
    await it.run()
    assert head(workspace) == before
    assert "sub/new.py lies in another repository, sub" in refusal(it)


async def test_a_sparse_checkout_keeps_its_other_files(tmp_path: Path):
    root = shop(tmp_path / "sparse", {**FILES, "far/away.py": "Y = 1\n", "near/x.py": "Z = 1\n"})
    git(root, "sparse-checkout", "set", "near")
    assert not (root / "far").exists()
    await committing(root).run()
    assert shown(root) == {"shop.py": "M"}
    assert "far/away.py" in git(root, "ls-tree", "-r", "--name-only", "HEAD")
    assert status(root) == []
    assert not (root / "far").exists()


async def test_a_linked_work_tree_commits_to_its_own_branch(tmp_path: Path, workspace: Path):
    linked = tmp_path / "linked"
    git(workspace, "worktree", "add", "-q", "-b", "side", str(linked))
    before = head(workspace)
    await committing(linked).run()
    assert shown(linked) == {"shop.py": "M"}
    assert git(workspace, "rev-parse", "main").strip() == before
    assert (status(linked), status(workspace)) == ([], [])


async def test_a_workspace_below_the_top_commits_whole_paths(tmp_path: Path):
    outside = {".gitignore": "/pkg-outside/\n"}
    root = shop(tmp_path / "top", {**outside, **{f"pkg/{name}": text for name, text in FILES.items()}})
    await committing(root / "pkg").run()
    assert shown(root) == {"pkg/shop.py": "M"}
    assert status(root) == []


async def test_line_ends_are_turned_as_git_is_told(tmp_path: Path):
    root = git_repository(tmp_path / "crlf", {**FILES, ".gitattributes": "*.py text eol=crlf\n"})
    known_author(root)
    (root / "shop.py").write_bytes(FILES["shop.py"].replace("\n", "\r\n").encode())
    git(root, "add", "shop.py")
    assert status(root) == []
    await committing(root).run()
    assert git(root, "cat-file", "blob", "HEAD:shop.py") == CHANGED
    assert b"RATE = 5\r\n" in (root / "shop.py").read_bytes()
    assert status(root) == []


async def test_a_file_that_goes_through_a_program_is_not_committed(workspace: Path):
    write_tree(workspace, {".gitattributes": "*.py filter=odd\n"})
    git(workspace, "add", ".gitattributes")
    git(workspace, "commit", "-qm", "attributes")
    git(workspace, "config", "filter.odd.clean", f"touch {workspace.parent}/ran; cat")
    it = committing(workspace)
    await it.run()
    assert "shop.py goes through the filter odd" in refusal(it)
    assert not (workspace.parent / "ran").exists()


async def test_a_locked_index_is_said(workspace: Path):
    (workspace / ".git/index.lock").touch()
    it = committing(workspace)
    before = head(workspace)
    await it.run()
    assert head(workspace) == before
    assert "another git works on the index" in refusal(it)


async def test_outside_git_it_is_said_once(tmp_path: Path):
    root = write_tree(tmp_path / "plain", FILES)
    it = committing(root)
    assert (await it.run()).code == ExitCode.DONE
    assert "not in a git repository" in refusal(it)


@pytest.mark.parametrize(
    "answer", ["```\nx\n```", "x" * 90, "", "Signed-off-by: me", "ok\u202ebad", "a subject\nno gap"]
)
async def test_an_answer_that_is_no_message_gives_way_to_one_made_of_the_task(workspace: Path, answer: str):
    await committing(workspace, message=answer).run("Set the rate to five")
    assert git(workspace, "log", "-1", "--format=%B").strip() == "Set the rate to five\n\nAssisted-by: hybridcode"


async def test_a_trailer_of_ones_own_or_none(workspace: Path):
    await committing(workspace, message=None, more={"git.trailer": ""}).run("No trailer")
    assert git(workspace, "log", "-1", "--format=%B").strip() == "No trailer"


async def test_the_receipt_says_what_was_made(workspace: Path):
    it = committing(workspace)
    await it.run()
    receipt = committed(it)
    assert (receipt.commit, receipt.branch, receipt.files, receipt.note) == (head(workspace), "main", ("shop.py",), "")
    assert not [text for text in notices(it) if "not committed" in text]
