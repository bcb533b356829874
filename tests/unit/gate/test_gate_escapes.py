"""Ways out of a sandbox that a hostile repository or command may try; all of them harmless here."""

import subprocess
from pathlib import Path

import pytest
from boxes import Boxed

from hybridcode.config.paths import state_dir, user_config_dir
from hybridcode.domain.action import ShellCommand
from hybridcode.gate import starting
from hybridcode.gate.sandbox_git import common_folder
from hybridcode.gate.sandbox_places import guarded
from hybridcode.gate.sandbox_request import PACKAGE

GIT = "git -c user.name=a -c user.email=a@example.org"
REPLACE_GIT = "mv .git .git2; mkdir -p .git/hooks; cp -r .git2/* .git/; echo x > .git/hooks/pre-commit\n"


def git(root: Path, line: str) -> None:
    subprocess.run([*GIT.split(), *line.split()], cwd=root, check=True)


def committed(root: Path, *, commits: int = 1) -> None:
    git(root, "init -q -b main")
    for _ in range(commits):
        git(root, "commit -q --allow-empty -m some")


@pytest.mark.parametrize("name", ["!{:05}.iml", "!{:05}.txt"])
def test_no_number_of_decoys_leaves_the_repository_writable(boxed: Boxed, name: str):
    committed(boxed.root)
    for number in range(20_001 if name.endswith("txt") else 300):
        (boxed.root / name.format(number)).touch()
    assert boxed.run("touch .git/hooks/made").exit_code != 0
    assert not (boxed.root / ".git" / "hooks" / "made").exists()


def test_what_lies_less_deep_is_guarded_first(tmp_path: Path):
    (tmp_path / "z" / ".git").mkdir(parents=True)
    for number in range(250):
        (tmp_path / "a" / "b" / f"{number}.d").mkdir(parents=True)
        (tmp_path / "a" / "b" / f"{number}.d" / "x.iml").touch()
    found, is_all = guarded(tmp_path)
    assert tmp_path / "z" / ".git" in found
    assert not is_all


def test_a_command_that_may_write_the_repository_cannot_put_another_one_in_its_place(mounted: Boxed):
    committed(mounted.root, commits=2)
    (mounted.root / "a.sh").write_text(REPLACE_GIT)
    assert "cannot move" in mounted.says("git rebase -x 'sh a.sh' HEAD~1")
    assert not (mounted.root / ".git" / "hooks" / "pre-commit").exists()


def test_git_is_not_sent_elsewhere_for_its_configuration(boxed: Boxed):
    committed(boxed.root, commits=2)
    (boxed.root / "a.sh").write_text("echo ../elsewhere > .git/commondir; cat .git/commondir\n")
    (boxed.home / ".gitconfig").write_text("[user]\n name = A\n email = a@example.org\n")
    assert "../elsewhere" in boxed.says("git rebase -x 'sh a.sh' HEAD~1")
    assert not (boxed.root / ".git" / "commondir").exists()


def test_the_folder_above_the_hooks_cannot_be_swapped(boxed: Boxed):
    committed(boxed.root)
    (boxed.root / "tools" / "hooks").mkdir(parents=True)
    (boxed.root / "tools" / "hooks" / "kept").touch()
    git(boxed.root, "config core.hooksPath tools/hooks")
    assert boxed.run("mv tools t2 && mkdir -p tools/hooks && touch tools/hooks/pre-commit").exit_code != 0
    assert {"tools", "tools/hooks", "tools/hooks/kept"} <= boxed.tree()


def test_a_link_left_among_temporary_folders_leads_nobody_to_what_it_names(locked: Boxed):
    precious = locked.home / "precious"
    precious.mkdir()
    (precious / "thesis").write_text("years")
    inner = "mkdir -p $XDG_CACHE_HOME/tmp-999999998/deep"
    links = " && ".join(f"ln -s {precious} $XDG_CACHE_HOME/{at}" for at in ("tmp-999999999", "tmp-999999998/deep/x"))
    assert locked.run(f"{inner} && {links}").exit_code == 0
    assert locked.says("ls $XDG_CACHE_HOME | grep 9999; true") == ""
    assert (precious / "thesis").read_text() == "years"


def test_the_journal_and_credentials_are_hidden_wherever_variables_put_them(
    boxed: Boxed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for variable, folder in (("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "conf"), ("XDG_DATA_HOME", "data")):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    places = [state_dir(boxed.root), user_config_dir(), tmp_path / "conf" / "gh", tmp_path / "data" / "keyrings"]
    for place in places:
        place.mkdir(parents=True)
        (place / "file").write_text("SECRET")
    said = boxed.says("; ".join(f"cat {place}/file" for place in places))
    assert said.count("file:") == len(places)
    assert "SECRET" not in said


async def test_the_journal_is_hidden_wherever_settings_put_it(boxed: Boxed, tmp_path: Path):
    journal = tmp_path / "elsewhere"
    journal.mkdir()
    (journal / "journal.db").write_text("SECRET")
    ended = await starting.run(
        ShellCommand(script=f"cat {journal}/journal.db"),
        workspace=boxed.root,
        box=boxed.box,
        is_reader=False,
        show=boxed.shown.append,
        hidden=[journal],
    )
    assert ended.exit_code != 0
    assert b"SECRET" not in ended.output


def test_commands_run_where_we_are_installed_beside_our_own_data(boxed: Boxed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(PACKAGE))
    assert boxed.says("echo it runs") == "it runs"


def test_tools_meet_no_folders_in_place_of_files(mounted: Boxed):
    (mounted.root / "notes.md").write_text("a note\n")
    assert mounted.run("for f in * .*; do test -f $f || test -d $f/.; done; cat *.md").output == b"a note\n"
    assert mounted.says("ls; ls -d .envrc .gitmodules .bashrc 2>/dev/null") == "notes.md\nsrc"


@pytest.mark.parametrize("layout", ["deep", "no-repository"])
def test_a_foreign_git_file_makes_no_other_folder_writable(
    tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch
):
    root = tmp_path / "worktrees" / "ws"
    own = root / "sub" if layout == "deep" else root
    own.mkdir(parents=True)
    monkeypatch.chdir(root)
    (root / ".git").write_text(f"gitdir: {own}\n")
    (own / "gitdir").write_text(str(root / ".git"))
    (own / "commondir").write_text("../../.." if layout == "deep" else "../..")
    assert common_folder(root) is None


def test_a_worktree_is_found_by_relative_paths_too(tmp_path: Path):
    main, side = tmp_path / "main", tmp_path / "side"
    main.mkdir()
    committed(main)
    git(main, f"worktree add -q {side}")
    own = main / ".git" / "worktrees" / "side"
    (own / "gitdir").write_text("../../../../side/.git\n")
    assert common_folder(side) == main / ".git"
