import asyncio
import fcntl
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gate_bench import Bench, open_bench

from hybridcode.domain.action import Failed, FileChange, Ran, ShellCommand
from hybridcode.gate import scratch_contents
from hybridcode.gate.sandbox import Sandbox, probe
from hybridcode.gate.sandbox_kernel import landlock_version
from hybridcode.gate.scratch import Scratch, clear_leftovers
from hybridcode.gate.scratch_contents import CannotCopy, contents_of
from tests.support.repos import git, git_repository, write_tree

FILES = {"shop.py": "RATE = 3\n", "pkg/deep/a.py": "A = 1\n", ".gitignore": "node_modules/\n*.log\n.env\nbuild/\n"}


@pytest.fixture(params=["bwrap", "landlock"])
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A gate whose commands run in each kind of sandbox that this machine has."""
    box = probe()
    if request.param == "landlock":
        box = Sandbox("landlock", abi=landlock_version()) if sys.platform == "linux" and landlock_version() else box
    if box.kind != request.param:
        pytest.skip(f"this machine has no {request.param}")
    git_repository(tmp_path / "ws", FILES)
    bench = open_bench(tmp_path)
    bench.gate.effects.sandbox = box
    bench.gate.effects.scratch = Scratch(bench.root, box, bench.watcher)
    yield bench
    bench.gate.effects.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "ws", FILES)


def scratch_of(root: Path, *, kind: str = "bwrap", base: Path | None = None) -> Scratch:
    sandbox = Sandbox("bwrap") if kind == "bwrap" else Sandbox("landlock")
    return Scratch(root, sandbox, Quiet(), base=base or root.parent / "base")


class Quiet:
    def text(self, *, step: str | None, call_id: str, text: str, reasoning: bool) -> None:
        pass

    def output(self, *, proposal: str, text: str) -> None:
        pass

    def progress(self, *, what: str, fraction: float | None) -> None:
        pass


def seen_in(folder: Path) -> dict[str, str]:
    """Files and links below a folder, without git's."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.split("/")[0] == ".git":
            continue
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text()
    return found


async def check_in_copy(bench: Bench, program: str, *changes: FileChange, timeout_s: float = 20.0) -> Ran | Failed:
    scratch = bench.gate.effects.scratch
    assert scratch is not None
    draft = FileChange("check.py", None, program.encode(), 0o644)
    await scratch.prepare([draft, *changes], tree="t")
    command = ShellCommand(argv=("python3", "check.py"), purpose="check", tree="t", timeout_s=timeout_s)
    return await bench.gate.effects.run(command)


async def test_a_copy_is_the_tree_with_the_draft_laid_over_it(root: Path):
    (root / "new.py").write_text("untracked\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "link.py").symlink_to("pkg/deep/a.py")
    (root / "away").symlink_to("/usr/share")
    (root / "pkg" / "deep" / "gone.py").write_text("x")
    git(root, "add", "pkg")
    (root / "pkg" / "deep" / "gone.py").unlink()
    scratch = scratch_of(root)
    changes = (FileChange("shop.py", b"RATE = 3\n", b"RATE = 5\n"), FileChange("a/b/c.py", None, b"C = 1\n", 0o755))
    await scratch.prepare(changes, tree="t")
    assert seen_in(scratch.source) == {
        ".gitignore": FILES[".gitignore"],
        "a/b/c.py": "C = 1\n",
        "away": "-> /usr/share",
        "link.py": "-> pkg/deep/a.py",
        "new.py": "untracked\n",
        "pkg/deep/a.py": "A = 1\n",
        "run.sh": "#!/bin/sh\n",
        "shop.py": "RATE = 5\n",
    }
    assert stat.S_IMODE((scratch.source / "run.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((scratch.source / "a/b/c.py").stat().st_mode) == 0o755
    assert stat.S_IMODE(scratch.source.stat().st_mode) == 0o700
    assert (root / "shop.py").read_text() == "RATE = 3\n"
    await scratch.prepare([FileChange("pkg/deep/a.py", b"A = 1\n", None)], tree="u")
    assert sorted(seen_in(scratch.source)) == [".gitignore", "away", "link.py", "new.py", "run.sh", "shop.py"]
    scratch.close()
    assert list(scratch.base.iterdir()) == []


async def test_what_the_tree_became_meanwhile_is_in_the_next_copy(root: Path):
    scratch = scratch_of(root)
    await scratch.prepare([], tree="t")
    (root / "shop.py").write_text("RATE = 9\n")
    (root / "pkg" / "deep" / "a.py").unlink()
    (root / "pkg" / "b.py").write_text("B\n")
    await scratch.prepare([], tree="u")
    assert seen_in(scratch.source) == {
        ".gitignore": FILES[".gitignore"],
        "pkg/b.py": "B\n",
        "shop.py": "RATE = 9\n",
    }
    scratch.close()


async def test_no_two_contents_of_a_file_share_second_and_size(root: Path):
    scratch = scratch_of(root)
    stamps = set[tuple[int, int]]()
    for rate in (b"4", b"5", b"6", b"7"):
        await scratch.prepare([FileChange("shop.py", b"RATE = 3\n", b"RATE = " + rate + b"\n")], tree="t")
        facts = (scratch.source / "shop.py").stat()
        stamps.add((int(facts.st_mtime), facts.st_size))
    await scratch.prepare([], tree="t")
    facts = (scratch.source / "shop.py").stat()
    assert len(stamps | {(int(facts.st_mtime), facts.st_size)}) == 5
    scratch.close()


async def test_what_git_ignores_is_copied_where_it_is_small_and_shown_where_it_is_not(
    root: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scratch_contents, "_FOLDER_FILES", 2)
    write_tree(
        root,
        {
            "node_modules/left/index.js": "1",
            "notes.log": "n",
            ".env": "SECRET=1",
            "build/out.txt": "o",
            "pkg/build/a": "1",
            "pkg/build/b": "2",
            "pkg/build/c": "3",
            "__pycache__/x.pyc": "c",
        },
    )
    (root / ".gitignore").write_text(FILES[".gitignore"] + "__pycache__\n")
    found = contents_of(root)
    assert sorted(found.shown) == [".env", "node_modules", "pkg/build"]
    assert found.ignored == {"notes.log", "build/out.txt"}
    assert not any("__pycache__" in path for path in found.copied)


async def test_submodules_and_other_repositories_are_shown(root: Path, tmp_path: Path):
    inner = git_repository(tmp_path / "inner", {"i.txt": "i\n"})
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    git_repository(root / "other", {"o.txt": "o\n"})
    found = contents_of(root)
    assert sorted(found.shown) == ["other", "sub"]
    assert ".gitmodules" in found.copied


async def test_files_outside_a_sparse_checkout_are_not_missed(root: Path):
    git(root, "sparse-checkout", "set", "--no-cone", "/*", "!/pkg/")
    assert sorted(contents_of(root).copied) == [".gitignore", "shop.py"]


async def test_a_folder_outside_git_is_copied_too(tmp_path: Path):
    root = write_tree(tmp_path / "plain", {"a.py": "A\n", "node_modules/x.js": "x"})
    found = contents_of(root)
    assert (sorted(found.copied), sorted(found.shown)) == (["a.py"], ["node_modules"])


async def test_a_subfolder_of_a_repository_is_copied_by_itself(root: Path):
    assert sorted(contents_of(root / "pkg").copied) == ["deep/a.py"]


async def test_without_mounts_a_part_of_a_repository_is_not_copied(root: Path):
    with pytest.raises(CannotCopy, match="part of a repository"):
        await scratch_of(root / "pkg", kind="landlock").prepare([], tree="t")


async def test_a_large_tree_is_not_copied(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scratch_contents, "MOST_FILES", 2)
    with pytest.raises(CannotCopy, match="3 files, more than 2"):
        await scratch_of(root).prepare([], tree="t")


async def test_a_copy_never_lies_in_the_workspace(root: Path):
    with pytest.raises(CannotCopy, match="inside the workspace"):
        await scratch_of(root, base=root / ".cache" / "scratch").prepare([], tree="t")
    assert not (root / ".cache").exists()


async def test_a_draft_in_a_folder_that_is_only_shown_cannot_be_tried(root: Path):
    write_tree(root, {"node_modules/left/index.js": "1"})
    scratch = scratch_of(root)
    with pytest.raises(CannotCopy, match="lies in node_modules"):
        await scratch.prepare([FileChange("node_modules/left/index.js", b"1", b"2")], tree="t")
    scratch.close()


async def test_without_mounts_links_stand_for_what_is_shown_and_lead_where_they_led(root: Path, tmp_path: Path):
    write_tree(root, {"node_modules/left/index.js": "1"})
    (root / "up").symlink_to("../elsewhere")
    (root / "inside").symlink_to(root / "shop.py")
    scratch = scratch_of(root, kind="landlock")
    await scratch.prepare([], tree="t")
    assert (scratch.source / "node_modules").readlink() == root / "node_modules"
    assert (scratch.source / "up").readlink() == tmp_path / "elsewhere"
    assert (scratch.source / "inside").readlink() == scratch.source / "shop.py"
    assert (scratch.source / ".git").readlink() == root / ".git"
    assert "shop.py" in git(scratch.source, "ls-files")
    scratch.close()
    assert (root / "node_modules/left/index.js").read_text() == "1"


@pytest.mark.parametrize("spoil", ["link to outside", "file for folder", "locked folder", "changed", "removed"])
async def test_whatever_a_check_left_is_put_right_and_nothing_outside_is_touched(
    root: Path, tmp_path: Path, spoil: str
):
    outside = tmp_path / "outside"
    write_tree(outside, {"deep/a.py": "theirs\n", "shop.py": "theirs\n"})
    scratch = scratch_of(root)
    await scratch.prepare([], tree="t")
    before = seen_in(scratch.source)
    folder = scratch.source / "pkg"
    leave: dict[str, Callable[[], object]] = {
        "link to outside": lambda: (folder.rename(folder.with_name("p2")), folder.symlink_to(outside)),
        "file for folder": lambda: (folder.rename(folder.with_name("p2")), folder.write_text("x")),
        "locked folder": lambda: (folder.chmod(0), write_tree(scratch.source, {"junk/x": "x"}).chmod(0o500)),
        "changed": lambda: (folder / "deep" / "a.py").write_text("B = 2\n"),
        "removed": lambda: (folder / "deep" / "a.py").unlink(),
    }
    leave[spoil]()
    scratch.source.chmod(0o700)
    assert await scratch.settle() == (() if spoil == "locked folder" else ("pkg/deep/a.py",))
    await scratch.prepare([], tree="u")
    assert seen_in(scratch.source) == before
    assert seen_in(outside) == {"deep/a.py": "theirs\n", "shop.py": "theirs\n"}
    scratch.close()
    assert seen_in(outside) == {"deep/a.py": "theirs\n", "shop.py": "theirs\n"}
    assert list(scratch.base.iterdir()) == []


async def test_copies_of_killed_sessions_are_removed_and_those_of_running_ones_stay(root: Path):
    base = root.parent / "base"
    write_tree(base, {"1-dead/shop.py": "x", "1-dead.lock": "", "2-alive/shop.py": "y", "2-alive.lock": ""})
    (base / "1-dead" / "shop.py").chmod(0)
    with (base / "2-alive.lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        clear_leftovers(base)
    assert sorted(path.name for path in base.iterdir()) == ["2-alive", "2-alive.lock"]


async def test_a_command_for_a_copy_that_is_gone_does_not_run(bench: Bench):
    assert isinstance(await bench.gate.effects.run(ShellCommand(argv=("true",), tree="x")), Failed)


async def test_a_check_sees_its_own_paths_packages_and_git(bench: Bench):
    bench.write("node_modules/left/index.js", "1")
    effects = bench.gate.effects
    assert effects.scratch is not None
    await effects.scratch.prepare([], tree="t")
    where = str(bench.root if effects.sandbox.can_mount else effects.scratch.source)
    program = (
        "import os, subprocess\n"
        f"assert os.getcwd() == {where!r}, os.getcwd()\n"
        "assert open('node_modules/left/index.js').read() == '1'\n"
        "listed = subprocess.run(['git', 'ls-files'], capture_output=True, text=True)\n"
        "assert 'shop.py' in listed.stdout, listed\n"
        "assert open('shop.py').read() == 'RATE = 5\\n'\n"
        "open('scribble.txt', 'w').write('x')\n"
    )
    ran = await check_in_copy(bench, program, FileChange("shop.py", b"RATE = 3\n", b"RATE = 5\n"))
    assert isinstance(ran, Ran)
    assert (ran.exit_code, ran.sandbox) == (0, effects.sandbox.kind), ran.tail
    assert bench.read("scribble.txt") is None
    assert (bench.read("shop.py"), bench.read("check.py")) == ("RATE = 3\n", None)


async def test_a_hostile_check_changes_nothing_outside_the_copy(bench: Bench, tmp_path: Path):
    bench.write("node_modules/left/index.js", "1")
    index = (bench.root / ".git" / "index").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = (
            "import os, socket\n"
            f"targets = {[str(bench.root / 'hurt'), str(bench.root / '.git/hurt'), str(bench.root / '.git/index')]!r}\n"
            f"targets += [{str(tmp_path / 'hurt')!r}, {str(Path.home() / 'hurt-by-a-check')!r}]\n"
            f"targets += [{str(bench.root / 'node_modules/left/index.js')!r}, '../hurt', 'node_modules/hurt']\n"
            "for target in targets:\n"
            "    try:\n"
            "        open(target, 'w').write('hurt')\n"
            "    except OSError as error:\n"
            "        print(target, error)\n"
            "try:\n"
            f"    socket.create_connection(('127.0.0.1', {port}), 2)\n"
            "    print('connected')\n"
            "except OSError as error:\n"
            "    print('no network', error)\n"
        )
        ran = await check_in_copy(bench, program)
    assert isinstance(ran, Ran)
    assert ran.exit_code == 0, ran.tail
    assert "no network" in ran.tail
    hurt = [*bench.root.rglob("hurt"), tmp_path / "hurt", tmp_path.parent / "hurt", Path.home() / "hurt-by-a-check"]
    assert not [path for path in hurt if path.exists()]
    assert (bench.root / ".git" / "index").read_bytes() == index
    assert bench.read("node_modules/left/index.js") == "1"


async def test_a_check_never_sees_the_files_that_the_draft_stands_in_for(bench: Bench):
    program = (
        f"try:\n    print(open({str(bench.root / 'shop.py')!r}).read())\nexcept OSError as error:\n    print(error)\n"
    )
    ran = await check_in_copy(bench, program, FileChange("shop.py", b"RATE = 3\n", b"RATE = 5\n"))
    assert isinstance(ran, Ran)
    assert "RATE = 3" not in ran.tail
    assert "RATE = 5" in ran.tail or "denied" in ran.tail


async def test_a_check_in_a_copy_ends_when_its_time_is_up(bench: Bench):
    ran = await check_in_copy(bench, "import time\nprint('here', flush=True)\ntime.sleep(60)\n", timeout_s=1.0)
    assert isinstance(ran, Ran)
    assert ran.timed_out
    assert any("here" in piece for piece in bench.watcher.outputs)


async def test_a_cancelled_check_leaves_no_process(bench: Bench):
    running = asyncio.ensure_future(check_in_copy(bench, "import time\nprint('up', flush=True)\ntime.sleep(61.25)\n"))
    await until(lambda: bool(bench.watcher.outputs))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not list(processes_in(bench.root)))


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for at most ten seconds."""
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def processes_in(root: Path) -> Iterator[str]:
    """Command lines of processes that name a check and this workspace."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes()
        except OSError:
            continue
        if b"check.py" in line and bytes(root) in line:
            yield line.decode("utf-8", "replace")
