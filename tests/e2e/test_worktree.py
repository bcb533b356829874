import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer, Exchange
from tests.support.commits import head, shown, status
from tests.support.processes import Done, Program
from tests.support.repos import git, write_tree
from tests.support.role_server import by_role, role_of
from tests.support.screen import Screen
from tests.support.sessions import fence

FILES = {
    "shop.py": "RATE = 3\n",
    "check.py": "import shop\nassert shop.RATE == 5\n",
    ".gitignore": "__pycache__/\nnode_modules/\n",
}
BRANCH = "hybridcode/set-the-rate"
TASK = ("set the rate", "--worktree", "--yes", "--test-cmd", "python3 check.py")


@pytest.fixture
def files() -> Mapping[str, str]:
    return FILES


def run(program: Program, repo: Path, *more: str) -> Done:
    return program.run("run", *more, "--output-format", "json", cwd=repo)


def worktrees(repo: Path) -> list[str]:
    lines = git(repo, "worktree", "list", "--porcelain").splitlines()
    return [line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")]


def everything(repo: Path) -> dict[str, str]:
    """What of a person's repository must stay: files, index, HEAD, stash, branches but ours, worktrees."""
    files = {
        str(path.relative_to(repo)): path.read_text()
        for path in sorted(repo.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }
    return {
        **files,
        "status": "\n".join(status(repo)),
        "index": git(repo, "ls-files", "-s"),
        "HEAD": (repo / ".git" / "HEAD").read_text() + head(repo),
        "stash": git(repo, "stash", "list"),
        "reflog": git(repo, "reflog", "HEAD"),
        "worktrees": "\n".join(worktrees(repo)),
    }


def test_a_task_is_done_in_a_worktree_and_its_branch_can_be_merged(program: Program, repo: Path):
    write_tree(repo, {"staged.txt": "s\n"})
    git(repo, "add", "staged.txt")
    git(repo, "stash", "push", "-q", "-m", "kept", "--", "staged.txt")
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\ntouch ../hook-ran\n")
    hook.chmod(0o755)
    write_tree(repo, {"other.txt": "other\n", "check.py": FILES["check.py"] + "# mine\n"})
    before = everything(repo)
    done = run(program, repo, *TASK)
    assert done.code == 0, done.err + done.out
    assert everything(repo) == before
    assert not list(repo.parent.rglob("hook-ran"))
    left = done.json["worktree"]
    assert (left["branch"], left["is_removed"], Path(left["path"]).exists()) == (BRANCH, True, False)
    assert not Path(left["path"]).is_relative_to(repo)
    assert shown(repo, BRANCH) == {"shop.py": "M"}
    assert [n["text"] for n in done.json["notices"] if "not in the worktree" in n["text"]] == [
        "not in the worktree, since it is not committed: check.py, other.txt"
    ]
    git(repo, "merge", "-q", BRANCH)
    assert (repo / "shop.py").read_text() == "RATE = 5\n"


def test_the_text_says_how_to_take_it_and_sessions_and_replay_know_it(program: Program, repo: Path):
    done = program.run("run", *TASK, cwd=repo)
    assert done.code == 0, done.err
    assert f"take it: git merge {BRANCH}" in done.out
    assert "works in a git worktree begun at commit" in done.err
    assert f"the work is on branch {BRANCH}: `git merge {BRANCH}` takes it; its worktree is removed" in done.err
    assert "done  set the rate" in program.run("sessions", "list", cwd=repo).out
    assert f"git merge {BRANCH}" in program.run("sessions", "show", cwd=repo).err
    replayed = program.run("replay", "--verify", cwd=repo)
    assert (replayed.code, " 0 differ," in replayed.err) == (0, True), replayed.out
    undone = program.run("undo", cwd=repo)
    assert undone.code == 2
    assert f"git branch -D {BRANCH}" in undone.err
    assert (repo / "shop.py").read_text() == "RATE = 3\n"


def test_what_is_not_committed_keeps_the_worktree_and_can_be_undone(program: Program, repo: Path, server: ChatServer):
    server.answer = by_role(draft=fence("RATE = 4"))
    done = run(program, repo, *TASK, "--set", "routing.local_tries=1", "--set", "verify.scratch=off")
    assert done.code == 3, done.err + done.out
    left = done.json["worktree"]
    assert (left["branch"], left["is_removed"], left["why_kept"]) == ("", False, "shop.py is not committed")
    kept = Path(left["path"])
    assert (kept / "shop.py").read_text() == "RATE = 4\n"
    undone = program.run("undo", "--json", cwd=repo)
    assert (undone.code, undone.json["restored"]) == (0, ["shop.py"]), undone.err
    assert (kept / "shop.py").read_text() == (repo / "shop.py").read_text() == "RATE = 3\n"


def test_an_approval_waits_in_the_worktree_and_resume_goes_on_there(program: Program, repo: Path):
    done = run(program, repo, "set the rate", "--worktree", "--test-cmd", "python3 check.py")
    assert done.code == 4, done.err
    assert done.json["worktree"]["why_kept"] == "something in it still waits for an answer"
    (repo / "shop.py").write_text("RATE = 33\n")
    (pending,) = done.json["pending_approvals"]
    assert program.run("approvals", "approve", pending["id"], cwd=repo).code == 0
    done = program.run("sessions", "resume", "--yes", "--output-format", "json", cwd=repo)
    assert done.code == 0, done.err + done.out
    assert (done.json["worktree"]["branch"], done.json["worktree"]["is_removed"]) == (BRANCH, True)
    assert git(repo, "show", f"{BRANCH}:shop.py") == "RATE = 5\n"
    assert (repo / "shop.py").read_text() == "RATE = 33\n"


def test_a_killed_run_goes_on_in_its_worktree(program: Program, repo: Path, server: ChatServer, tmp_path: Path):
    asked = tmp_path / "asked"

    def answer(exchange: Exchange) -> None:
        if role_of(exchange) == "plan":
            by_role()(exchange)
        else:
            asked.touch()
            exchange.hang()

    server.answer = answer
    running = program.start("run", *TASK, cwd=repo)
    deadline = time.monotonic() + 60
    while not asked.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert len(worktrees(repo)) == 2
    server.answer = by_role()
    done = program.run("sessions", "resume", "--yes", "--output-format", "json", cwd=repo)
    assert done.code == 0, done.err + done.out
    assert (done.json["worktree"]["branch"], len(worktrees(repo))) == (BRANCH, 1)


def test_a_removed_worktree_is_made_again_on_its_branch_for_the_next_task(
    program: Program, repo: Path, server: ChatServer
):
    assert run(program, repo, *TASK).code == 0
    server.answer = by_role(draft=fence("RATE = 5  # percent"))
    done = run(program, repo, "-c", "name the unit", "--yes")
    assert done.code == 0, done.err + done.out
    assert (done.json["worktree"]["branch"], done.json["worktree"]["is_removed"]) == (BRANCH, True)
    assert git(repo, "log", "--format=%s", f"main..{BRANCH}").splitlines() == ["Set the rate to five"] * 2
    assert git(repo, "show", f"{BRANCH}:shop.py") == "RATE = 5  # percent\n"


def test_ignored_folders_are_missing_until_they_are_linked(program: Program, repo: Path):
    write_tree(repo, {"node_modules/rate.txt": "5\n"})
    check = ("--test-cmd", "cat node_modules/rate.txt", "--no-sandbox", "--set", "routing.local_tries=1")
    done = run(program, repo, "set the rate", "--worktree", "--yes", *check)
    assert done.code == 3, done.err + done.out
    (hint,) = [notice["hint"] for notice in done.json["notices"] if "without node_modules" in notice["text"]]
    assert hint == '[git] worktree_links = ["node_modules"] links what a check needs into it.'
    done = run(
        program, repo, "set the rate", "--worktree", "--yes", *check, "--set", 'git.worktree_links=["node_modules"]'
    )
    assert done.code == 0, done.err + done.out
    assert done.json["worktree"]["is_removed"]
    assert (repo / "node_modules" / "rate.txt").read_text() == "5\n"
    assert shown(repo, done.json["worktree"]["branch"]) == {"shop.py": "M"}


def test_there_is_no_worktree_without_a_commit(program: Program, tmp_path: Path):
    plain = tmp_path / "plain"
    plain.mkdir()
    done = run(program, plain, *TASK)
    assert (done.code, "not in a git repository" in done.json["message"]) == (2, True)
    git(plain, "init", "-q")
    done = run(program, plain, *TASK)
    assert (done.code, "no commit yet" in done.json["message"]) == (2, True)


def test_a_session_that_cannot_be_opened_leaves_no_worktree(program: Program, repo: Path):
    done = run(program, repo, *TASK, "--allow", "Bash(")
    assert done.code == 2, done.err
    assert len(worktrees(repo)) == 1


def test_the_conversation_tells_where_the_work_is_when_it_ends(program: Program, repo: Path):
    flags = ("--plain", "--worktree", "--permission-mode", "acceptEdits", "--set", "verify.detect=off")
    screen = Screen(program, "set the rate", *flags, cwd=repo, size=(400, 60))
    try:
        screen.see("a commit", "answer with one of")
        screen.wait(0.7)
        screen.press("y\r")
        screen.see("done", "what should be done?")
        screen.press("/quit\r")
        screen.see(f"the work is on branch {BRANCH}", "its worktree is removed", "go on: hybridcode")
    finally:
        screen.close()
    assert git(repo, "show", f"{BRANCH}:shop.py") == "RATE = 5\n"
