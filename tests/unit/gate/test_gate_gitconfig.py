import os
import subprocess
from pathlib import Path

import pytest
from gate_bench import open_bench
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.config.settings import Settings
from hybridcode.domain.action import Held, Ran, Ruling, ShellCommand
from hybridcode.gate.approvers import Refuse
from hybridcode.gate.commands.gitconfig import programs_named
from hybridcode.gate.policy import Policy

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *who, *arguments], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    (folder / "a.txt").write_text("one\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    (folder / "a.txt").write_text("two\n")
    return folder


def judge(root: Path, text: str) -> Ruling:
    return Policy.load(Settings(), root).judge(ShellCommand(script=text))


@pytest.mark.parametrize(
    ("name", "attributes", "text"),
    [
        ("diff.external", "", "git diff"),
        ("diff.evil.command", "* diff=evil", "git diff"),
        ("diff.evil.textconv", "* diff=evil", "git log -p"),
        ("filter.evil.clean", "* filter=evil", "git status"),
        ("core.fsmonitor", "", "git status"),
    ],
)
async def test_programs_of_the_configuration_do_not_run_unasked(tmp_path: Path, name: str, attributes: str, text: str):
    bench = open_bench(tmp_path, approver=Refuse())
    repository(bench.root)
    assert isinstance(await bench.gate.submit(ShellCommand(script=text), step="s1"), Ran)
    bench.write(".gitattributes", attributes)
    git(bench.root, "config", name, "touch marker; cat")
    assert isinstance(await bench.gate.submit(ShellCommand(script=text), step="s1"), Held)
    assert bench.read("marker") is None
    ruling = bench.gate.pending()[0].ruling
    assert ruling.rule == "commands.git-programs"
    assert name in ruling.reason


@pytest.mark.parametrize(
    "config",
    [
        "[diff]\n\texternal = x\n",
        "[DIFF] External=x",
        '[diff "p d.f"]\n  textconv = x',
        "[diff.pdf]\ntextconv",
        '[filter "lfs"]\n\tprocess = x\n',
        "[include]\npath = ../x\n",
        '[includeIf "gitdir:/"]\npath = ../x\n',
        '[core] bare = false\n[merge "m"] driver = x',
        "[gpg]\nprogram = x",
        '[gpg "ssh"]\nprogram = x',
        '[remote "origin"]\npromisor = true',
        "[core]\nfsmonitor = .git/watch",
        "[core]\nhooksPath = %(prefix)/x",
        "[x]\ny = a \\\n[core]\n[diff]\nz = 1",
        "# comment \\\n[diff]\nexternal = x",
        "\ufeff[diff]\nexternal = x",
        "[diff]\r\nexternal = x\r\n",
        "what is this",
        "[diff\nexternal = x",
        "\x0b[core]",
        "x = 1",
    ],
)
def test_what_names_programs_or_is_not_understood_is_asked(tmp_path: Path, config: str):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git" / "config").write_text(config)
    assert programs_named(tmp_path)
    assert judge(tmp_path, "git diff").rule == "commands.git-programs"
    assert judge(tmp_path, "cd src; git -C x diff").verdict == "ask"


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n",
        '[remote "origin"]\n\turl = ssh://x/y.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n; external = x\n',
        '[branch "a#b"]\n\tremote = origin # diff.external\n[user]\n\tname = "Ü \\"x\\""\n[core] fsmonitor = true\n',
        "[core]\n\thooksPath = .husky/_\n",
    ],
)
def test_ordinary_configuration_names_nothing(tmp_path: Path, config: str):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git" / "config").write_text(config)
    assert programs_named(tmp_path) == ()
    assert judge(tmp_path, "git diff").verdict == "allow"


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\\\n'), max_size=8),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\\\n"), max_size=8),
)
def test_a_program_is_found_behind_any_other_section(tmp_path_factory: pytest.TempPathFactory, name: str, value: str):
    folder = tmp_path_factory.mktemp("repo")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text(f'[x "{name}"]\ny = {value}\n[diff]\nexternal = z\n')
    assert programs_named(folder)


def test_hooks_that_readers_run_count_wherever_they_are(tmp_path: Path):
    root = repository(tmp_path / "ws")
    (root / ".git" / "hooks").mkdir(exist_ok=True)
    hook = root / ".git" / "hooks" / "post-index-change"
    hook.write_text("#!/bin/sh\n")
    assert programs_named(root) == ("the hook post-index-change",)
    hook.unlink()
    assert programs_named(root) == ()
    git(root, "config", "core.hooksPath", "my/hooks")
    assert programs_named(root) == ()
    (root / "my" / "hooks").mkdir(parents=True)
    (root / "my" / "hooks" / "post-index-change").write_text("#!/bin/sh\n")
    assert programs_named(root / "my") == ("core.hooksPath",)


def test_the_repository_counts_that_git_would_find(tmp_path: Path):
    root = repository(tmp_path / "ws")
    git(root, "worktree", "add", "-q", str(tmp_path / "tree"))
    git(root, "init", "-q", "--bare", "evil")
    git(root / "evil", "config", "diff.external", "x")
    assert judge(root, "git diff").verdict == "allow"
    assert judge(root, "git -C evil log").rule == "commands.git-programs"
    assert judge(root, "cd evil && git log").rule == "commands.git-programs"
    assert judge(root, "for x in 1 2; do cd evil; git log; done").verdict == "ask"
    assert judge(root, "env -C evil git log").verdict == "ask"
    assert judge(root / "evil", "git log").rule == "commands.git-programs"
    git(root, "config", "diff.external", "x")
    (root / "src").mkdir()
    assert judge(root / "src", "git diff").rule == "commands.git-programs"
    assert judge(tmp_path / "tree", "git diff").rule == "commands.git-programs"


def test_submodules_count(tmp_path: Path):
    other, root = repository(tmp_path / "other"), repository(tmp_path / "ws")
    git(root, "submodule", "add", "-q", str(other), "deep/er")
    assert judge(root, "git status").verdict == "allow"
    git(root / "deep" / "er", "config", "filter.evil.clean", "x")
    assert "filter.evil.clean" in judge(root, "git status").reason
    assert "filter.evil.clean" in judge(root / "deep" / "er", "git status").reason


def test_a_reason_names_three_and_counts_the_others(tmp_path: Path):
    root = repository(tmp_path / "ws")
    for name in "abcde":
        git(root, "config", f"diff.{name}\u202e.command", "x")
    reason = judge(root, "git diff").reason
    assert reason.endswith(" and 2 more")
    assert "\u202e" not in reason


def test_help_of_a_command_opens_a_viewer_and_is_asked(tmp_path: Path):
    assert judge(tmp_path, "git --help").verdict == "allow"
    assert judge(tmp_path, "git --help log").verdict == "ask"
    assert judge(tmp_path, "git log --help").verdict == "ask"
