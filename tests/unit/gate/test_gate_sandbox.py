import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from boxes import Boxed, box_of

from hybridcode.gate.sandbox import probe
from hybridcode.gate.sandbox_places import GUARDED_NAMES, HELD_NAMES

GIT = "git -c user.name=a -c user.email=a@example.org"


def commit_all(root: Path) -> None:
    for line in ("init -q -b main", "add -A", "commit -q -m first --allow-empty"):
        subprocess.run([*GIT.split(), *line.split()], cwd=root, check=True)


@pytest.fixture
def server() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running.server_port
        running.shutdown()
        thread.join()


def test_files_are_written_in_the_workspace_and_nowhere_else(boxed: Boxed):
    outside = boxed.home / "kept"
    outside.write_text("mine")
    (boxed.root / "src" / "way-out").symlink_to(outside)
    ended = boxed.run(
        f"echo new > src/new; echo x > {outside}; echo x > src/way-out; touch {boxed.home}/made; echo end"
    )
    assert ended.exit_code == 0
    assert (boxed.root / "src" / "new").read_text() == "new\n"
    assert outside.read_text() == "mine"
    assert not (boxed.home / "made").exists()


def test_temporary_files_are_private_and_gone_afterwards(boxed: Boxed):
    made = boxed.says("mktemp")
    assert made
    assert not os.path.lexists(made)


def test_what_is_protected_cannot_be_changed_nor_made(boxed: Boxed):
    commit_all(boxed.root)
    (boxed.root / ".github").mkdir()
    (boxed.root / ".github" / "ci.yml").write_text("on: push")
    (boxed.root / "src" / ".vscode").mkdir()
    before = boxed.tree()
    config = (boxed.root / ".git" / "config").read_bytes()
    tries = [
        "echo x >> .git/config", "touch .git/hooks/post-checkout", "mv .git old", "rm -r .git",
        "mkdir .hybridcode",
        "touch .hybridcode/policy.toml", "echo x > .github/ci.yml", "touch .github/other.yml",
        "touch src/.vscode/t.json",
        "mkdir -p .husky && touch .husky/pre-commit", "touch .circleci/config.yml",
        "mkdir -p .vscode && touch .vscode/tasks.json", "touch .idea/x", "mkdir -p .claude/hooks",
    ]  # fmt: skip
    boxed.run("; ".join(tries))
    assert boxed.tree() == before
    assert (boxed.root / ".git" / "config").read_bytes() == config
    assert (boxed.root / ".github" / "ci.yml").read_text() == "on: push"
    assert not (boxed.root / ".git" / "hooks" / "post-checkout").exists()


def test_the_folder_that_git_takes_hooks_from_is_read_only_too(boxed: Boxed):
    commit_all(boxed.root)
    subprocess.run(["git", "config", "core.hooksPath", "tools/hooks"], cwd=boxed.root, check=True)
    before = boxed.tree()
    boxed.run("mkdir -p tools/hooks; touch tools/hooks/pre-commit")
    assert boxed.tree() == before


def test_git_is_read_as_ever(boxed: Boxed):
    (boxed.root / "src" / "a").write_text("a")
    commit_all(boxed.root)
    (boxed.root / "src" / "a").write_text("b")
    assert boxed.says("git log --format=%s") == "first"
    assert boxed.says("git status --short; git diff --stat | tail -1") == (
        "M src/a\n 1 file changed, 1 insertion(+), 1 deletion(-)"
    )


def test_an_approved_commit_works(boxed: Boxed):
    commit_all(boxed.root)
    (boxed.root / "new").write_text("new")
    (boxed.home / ".gitconfig").write_text("[user]\n name = A\n email = a@example.org\n")
    assert boxed.run("git add new").exit_code == 0
    assert boxed.run("git commit -q -m second").exit_code == 0
    assert boxed.says("git log --format=%s") == "second\nfirst"
    assert boxed.says("git commit -q -m third && true").endswith(("Read-only file system", "Permission denied"))


def test_hooks_and_configuration_stay_read_only_in_a_commit(mounted: Boxed):
    commit_all(mounted.root)
    hook = mounted.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch .git/hooks/other\necho x >> .git/config\ntouch .hybridcode/x\nexit 0\n")
    hook.chmod(0o755)
    before = (mounted.root / ".git" / "config").read_bytes()
    (mounted.home / ".gitconfig").write_text("[user]\n name = A\n email = a@example.org\n")
    assert mounted.run("git commit -q --allow-empty -m second").exit_code == 0
    assert (mounted.root / ".git" / "config").read_bytes() == before
    assert not hook.with_name("other").exists()
    assert not (mounted.root / ".hybridcode").exists()


def test_a_worktree_can_be_committed_to(mounted: Boxed, tmp_path: Path):
    main = tmp_path / "main"
    main.mkdir()
    commit_all(main)
    mounted.root.joinpath("src").rmdir()
    subprocess.run(["git", "worktree", "add", "-q", "-b", "side", str(mounted.root)], cwd=main, check=True)
    (mounted.home / ".gitconfig").write_text("[user]\n name = A\n email = a@example.org\n")
    assert mounted.run("git commit -q --allow-empty -m second").exit_code == 0
    assert mounted.says("git log --format=%s") == "second\nfirst"
    assert "Read-only" in mounted.says(f"touch {main}/.git/config")


def test_credentials_histories_and_other_agents_are_out_of_sight(boxed: Boxed):
    secrets = (
        ".ssh/id .aws/credentials .npmrc .bash_history .claude/x .config/gh/hosts.yml .config/hybridcode/config.toml"
    )
    for name in secrets.split():
        path = boxed.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("hush")
    (boxed.home / ".config" / "other").write_text("plain")
    readers = "; ".join(f"cat ~/{name}" for name in secrets.split())
    assert "hush" not in boxed.says(readers)
    assert boxed.says("cat ~/.config/other") == "plain"


def test_other_processes_cannot_be_looked_into(boxed: Boxed):
    assert boxed.run(f"cat /proc/{os.getpid()}/environ").exit_code != 0


def test_there_is_no_network_unless_it_was_approved(boxed: Boxed, server: int):
    program = f"import socket; socket.create_connection(('127.0.0.1', {server}), 3); print('there')"
    line = f'{sys.executable} -I -c "{program}"'
    assert "there" not in boxed.says(line)
    assert boxed.says(line, network=True) == "there"
    udp = (
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53)); print('out')"
    )
    assert "out" not in boxed.says(f'{sys.executable} -I -c "{udp}"').splitlines()


@pytest.mark.parametrize("network", [False, True])
def test_sockets_of_agents_cannot_be_reached(boxed: Boxed, network: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(boxed.home)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(boxed.home / "agent"))
    program = (
        f"import os, socket; os.chdir('{boxed.home}'); socket.socket(socket.AF_UNIX).connect('agent'); print('in')"
    )
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind("agent")
        agent.listen()
        assert "in" not in boxed.says(f'{sys.executable} -I -c "{program}"', network=network).splitlines()
    assert boxed.says("echo $SSH_AUTH_SOCK") == ""


def test_folders_of_sockets_and_of_temporary_files_are_empty(mounted: Boxed):
    assert mounted.says("ls -A /run /var/run/ /tmp/.X11-unix 2>/dev/null") in ("", "/run:\n\n/var/run/:")


def test_a_command_that_only_reads_can_write_nothing(boxed: Boxed):
    before = boxed.tree()
    ended = boxed.run("ls -A; touch src/new", is_reader=True)
    assert ended.exit_code != 0
    assert ended.output.startswith(b"src\n")
    assert boxed.tree() == before


def test_nothing_goes_on_after_the_command(boxed: Boxed):
    marks = [boxed.root / "src" / name for name in ("one", "two")]
    sleeper = "(sleep 1; touch src/{0}) </dev/null >/dev/null 2>&1 &"
    boxed.run(f"setsid sh -c '{sleeper.format('one')}'; {sleeper.format('two')} sleep 0.1")
    time.sleep(1.3)
    assert not any(mark.exists() for mark in marks)


def test_nothing_goes_on_after_the_timeout(boxed: Boxed):
    away = f'{sys.executable} -c \'import os, time; os.setsid(); time.sleep(1.5); open("src/late", "w")\' & sleep 60'
    started = time.monotonic()
    ended = boxed.run(away, timeout_s=0.8)
    assert ended.timed_out
    assert time.monotonic() - started < 8
    time.sleep(1.5)
    assert not (boxed.root / "src" / "late").exists()


def test_another_folder_can_stand_in_for_the_workspace(boxed: Boxed, tmp_path: Path):
    copy = tmp_path / "copy"
    (copy / "src").mkdir(parents=True)
    script = f"pwd; touch new; touch {boxed.root}/here"
    line = boxed.line("/bin/sh", "-c", script, cwd=boxed.root / "src", source=copy)
    done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.stdout == f"{(boxed.root if boxed.box.can_mount else copy) / 'src'}\n"
    assert (copy / "src" / "new").exists()
    assert boxed.tree() == {"src"}


def test_programs_keep_their_caches_apart_from_those_of_the_user(boxed: Boxed):
    (boxed.home / ".cache" / "pip").mkdir(parents=True)
    (boxed.home / ".cache" / "models").mkdir()
    (boxed.home / ".cache" / "models" / "tiny").write_text("weights")
    assert boxed.says(
        "mkdir -p $XDG_CACHE_HOME/pip && echo a > $XDG_CACHE_HOME/pip/x; cat $XDG_CACHE_HOME/models/tiny"
    ) == ("weights")
    assert not (boxed.home / ".cache" / "pip" / "x").exists()
    assert boxed.says("cat $XDG_CACHE_HOME/pip/x") == "a"


def test_nothing_of_its_power_is_left_to_root(mounted: Boxed):
    assert mounted.says("grep CapEff /proc/self/status").split() == ["CapEff:", "0" * 16]


def test_processes_are_bounded(mounted: Boxed):
    assert int(mounted.says("ulimit -u; true")) <= 4096


def test_the_best_sandbox_is_taken():
    assert probe().kind == box_of(probe().kind).kind
    assert probe().kind == "bwrap" or probe().missing


def test_every_kind_of_protected_name_is_held():
    wanted = {".git", ".hybridcode", ".github", ".husky", ".vscode", ".claude"}
    assert wanted <= set(HELD_NAMES)
    assert {".envrc", ".bashrc", ".mcp.json"} <= set(GUARDED_NAMES)
