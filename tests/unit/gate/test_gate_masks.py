import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from boxes import Boxed

from hybridcode.gate.sandbox_masks import clear_leftovers, held, missing

HOLD = """
import sys, time
from pathlib import Path
from hybridcode.gate.sandbox_masks import held
root = Path(sys.argv[1])
with held(root, writes_git=False):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


def names(root: Path) -> set[str]:
    return {entry.name for entry in root.iterdir()}


def test_missing_names_are_held_and_given_back(root: Path):
    (root / ".github").mkdir()
    with held(root, writes_git=False):
        assert {".git", ".husky", ".vscode"} <= names(root)
    assert names(root) == {".github"}


def test_what_somebody_put_there_meanwhile_stays(root: Path):
    with held(root, writes_git=False):
        (root / ".vscode" / "settings.json").write_text("{}")
    assert names(root) == {".vscode"}


def test_the_last_of_several_gives_back(root: Path):
    with held(root, writes_git=False):
        with held(root, writes_git=False):
            pass
        assert ".husky" in names(root)
    assert names(root) == set()


def test_what_a_killed_process_left_is_taken_away(root: Path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(root)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with held(root, writes_git=False):
        pass
    assert ".husky" in names(root)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert ".husky" in names(root)
    with held(root, writes_git=True):
        assert names(root) == {".hybridcode"}
    assert names(root) == set()


def test_the_next_session_tidies_up_too(root: Path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(root)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    clear_leftovers(root)
    assert ".husky" in names(root)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    clear_leftovers(root)
    assert names(root) == set()


def test_without_a_place_for_the_record_nothing_is_made(root: Path, monkeypatch: pytest.MonkeyPatch):
    (root.parent / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(root.parent / "file"))
    with held(root, writes_git=False):
        assert names(root) == set()


def test_commands_at_the_same_time_protect_each_other(mounted: Boxed):
    async def both() -> None:
        slow = asyncio.create_task(mounted.run_async("sleep 1; touch .husky/x .vscode/x; mkdir .github/x"))
        await asyncio.sleep(0.3)
        await mounted.run_async("true")
        await slow

    asyncio.run(both())
    assert mounted.tree() == {"src"}


def test_a_killed_session_leaves_no_command_and_the_next_one_tidies_up(mounted: Boxed):
    program = (
        "import asyncio, sys; sys.path[:0] = sys.argv[1:3]; from pathlib import Path; from boxes import Boxed, box_of; "
        "asyncio.run(Boxed(Path(sys.argv[3]), Path.home(), box_of('bwrap')).run_async("
        "'touch src/began; sleep 1; touch src/late'))"
    )
    here = Path(__file__).resolve()
    session = subprocess.Popen(
        [sys.executable, "-c", program, str(here.parent), str(here.parents[3]), str(mounted.root)]
    )
    while not (mounted.root / "src" / "began").exists():
        time.sleep(0.02)
    session.send_signal(signal.SIGKILL)
    session.wait()
    assert os.path.lexists(mounted.root / ".husky")
    mounted.run("sleep 1")
    assert mounted.tree() == {"src", "src/began"}


def test_only_git_itself_needs_less_held(root: Path):
    (root / ".git").mkdir()
    assert missing(root, writes_git=True) == [root / ".hybridcode", root / ".git" / "hooks"]
    assert missing(root, writes_git=False)[0] == root / ".hybridcode"
