import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hybridcode.config.paths import state_dir
from hybridcode.context.index import Index
from hybridcode.domain.action import FileChange
from tests.golden.polyglot_windows import QUESTIONS, Question, windows
from tests.support import polyglot
from tests.support.polyglot import git
from tests.support.processes import Program

HERE = Path(__file__).parent
SCRIPT = HERE / "polyglot_windows.py"
DIGESTS = HERE / "context_digests.json"
WORDS = QUESTIONS["words"]

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Asked:
    """The tree at `root`, asked in processes of their own with the index below `home`."""

    root: Path
    home: Path
    python: str = sys.executable

    def environment(self, **variables: str) -> dict[str, str]:
        return {**Program(self.home).environment(), "PYTHONPATH": str(HERE.parent.parent), **variables}

    def program(self, **variables: str) -> bytes:
        """What the program prints."""
        return self.said("--json", WORDS, **variables)

    def said(self, form: str, question: Question, **variables: str) -> bytes:
        """What the program prints in some form of some question."""
        return self._out("-m", "hybridcode", "context", form, "--repo", str(self.root), *question.options, **variables)

    def windows(self, **variables: str) -> bytes:
        """All windows and receipts."""
        return self._out(str(SCRIPT), str(self.root), **variables)

    def start(self) -> "subprocess.Popen[bytes]":
        """The program, left running."""
        command = [self.python, "-m", "hybridcode", "context", "--json", "--repo", str(self.root), *WORDS.options]
        return subprocess.Popen(
            command, cwd="/", env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @property
    def index(self) -> Path:
        """Folder of the tree's index."""
        return state_dir(self.root, str(Path(self.environment()["XDG_CACHE_HOME"]) / "hybridcode" / "index"))

    def _out(self, *arguments: str, **variables: str) -> bytes:
        command = [self.python, *arguments]
        done = subprocess.run(command, cwd="/", env=self.environment(**variables), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@dataclass(frozen=True)
class Expected:
    """A tree and what it gives with a fresh index."""

    asked: Asked
    words: bytes
    windows: bytes

    @property
    def root(self) -> Path:
        """Where the tree is."""
        return self.asked.root


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    folder = tmp_path_factory.mktemp("determinism")
    root = polyglot.write(folder / "shop")
    asked = Asked(root, folder / "home")
    all_windows = asked.windows(PYTHONHASHSEED="0")
    return Expected(asked, asked.program(PYTHONHASHSEED="0"), all_windows)


@pytest.fixture
def fresh(shop: Expected, tmp_path: Path) -> Asked:
    """The same tree with an empty cache."""
    return Asked(shop.root, tmp_path / "home")


@pytest.fixture
def own(shop: Expected, tmp_path: Path) -> Asked:
    """A copy of the tree that the test may change, with a copy of its index."""
    asked = Asked(polyglot.write(tmp_path / "elsewhere" / "of another name"), tmp_path / "home")
    shutil.copytree(shop.asked.index, asked.index)
    return asked


def fresh_words(root: Path, folder: Path) -> bytes:
    """What a fresh index says of the tree as it is now."""
    return Asked(root, folder).program()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Callable[[Asked], bytes]]:
    """A second opinion: the answer of an index that has seen nothing before."""
    number = iter(range(1_000))
    yield lambda asked: fresh_words(asked.root, tmp_path / f"fresh-{next(number)}")


def test_the_program_says_what_the_rooms_say(shop: Expected) -> None:
    said, made = json.loads(shop.words), json.loads(shop.windows)
    assert said["text"] == made["words"]
    assert said["receipt"] == json.loads(made["words, receipt"])
    assert len(made["words"].encode()) <= WORDS.budget * 4
    assert said["receipt"]["history"].startswith("30 commits up to ")
    assert said["receipt"]["files"] > 380


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"}, id="in-c"),
        pytest.param({"PYTHONHASHSEED": "random", "LC_ALL": "C.UTF-8"}, id="in-utf-8"),
    ],
)
def test_seeds_and_locales_do_not_matter(shop: Expected, fresh: Asked, variables: dict[str, str]) -> None:
    assert fresh.windows(**variables) == shop.windows
    assert fresh.program(**variables) == shop.words


def test_a_warm_index_answers_the_same_again_and_again(shop: Expected) -> None:
    assert [shop.asked.program() for _ in range(2)] == [shop.words] * 2
    assert shop.asked.windows() == shop.windows


def test_place_times_and_order_of_creation_do_not_matter(shop: Expected, tmp_path: Path) -> None:
    root = polyglot.write(tmp_path / "zz" / "größe", backwards=True)
    for number, file in enumerate(sorted(root.rglob("*"))):
        os.utime(file, (number * 977, 1_000_000_000 + number * 977), follow_symlinks=False)
    assert Asked(root, tmp_path / "home").windows() == shop.windows


def test_an_older_commit_indexed_first_leaves_no_trace(shop: Expected, own: Asked) -> None:
    shutil.rmtree(own.index)
    git(own.root, "stash", "-q", "--include-untracked")
    git(own.root, "checkout", "-q", "HEAD~12")
    own.program()
    git(own.root, "checkout", "-q", "main")
    git(own.root, "stash", "pop", "-q")
    assert own.windows() == shop.windows


def test_edit_query_undo(shop: Expected, own: Asked, elsewhere: Callable[[Asked], bytes]) -> None:
    assert own.program() == shop.words
    file = own.root / "shop/basket.py"
    before, facts = file.read_bytes(), file.stat()
    file.write_bytes(before.replace(b"basket", b"ledger"))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    changed = own.program()
    assert changed != shop.words
    assert changed == elsewhere(own)
    file.write_bytes(before)
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert own.windows() == shop.windows


def test_branches_back_and_forth(shop: Expected, own: Asked, elsewhere: Callable[[Asked], bytes]) -> None:
    git(own.root, "stash", "-q", "--include-untracked")
    on_main = own.program()
    git(own.root, "checkout", "-q", "-b", "other", "HEAD~7")
    (own.root / "shop/ledger.py").write_text("def settle_ledger(limit, basket):\n    return limit\n")
    git(own.root, "commit", "-q", "-a", "-m", "settle the ledger within its limit")
    on_other = elsewhere(own)
    assert on_other != on_main
    for branch, wanted in (("other", on_other), ("main", on_main), ("other", on_other), ("main", on_main)):
        git(own.root, "checkout", "-q", branch)
        assert own.program() == wanted
    git(own.root, "stash", "pop", "-q")
    assert own.windows() == shop.windows


def test_a_file_renamed_and_renamed_back(shop: Expected, own: Asked, elsewhere: Callable[[Asked], bytes]) -> None:
    assert own.program() == shop.words
    old, new = own.root / "shop/ledger.py", own.root / "shop/zz_renamed.txt"
    old.rename(new)
    renamed = own.program()
    assert renamed != shop.words
    assert renamed == elsewhere(own)
    new.rename(old)
    assert own.windows() == shop.windows


def test_processes_that_index_at_once(shop: Expected, fresh: Asked) -> None:
    running = [fresh.start() for _ in range(3)]
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert [out for out, _ in said] == [shop.words] * 3
    assert [complaint for _, complaint in said] == [b""] * 3
    assert fresh.windows() == shop.windows


def test_an_index_deleted_in_between(shop: Expected, own: Asked) -> None:
    assert own.program() == shop.words
    shutil.rmtree(own.index)
    assert own.windows() == shop.windows


@pytest.mark.parametrize("delay_s", [0.0, 0.3])
def test_indexing_killed_in_the_middle(shop: Expected, fresh: Asked, delay_s: float) -> None:
    process = fresh.start()
    deadline = time.monotonic() + 60
    while not list(fresh.home.rglob("index-*.db")) and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(delay_s)
    process.kill()
    process.communicate()
    assert fresh.windows() == shop.windows


@pytest.mark.slow
def test_an_index_worn_out_by_other_trees(shop: Expected, fresh: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", fresh.environment()["XDG_CACHE_HOME"])
    index = Index.open(fresh.root)
    snapshot = index.take(fresh.root)
    for number in range(504):
        text = f"def settle_{number}(ledger):\n    return {number} * ledger\n".encode()
        change = FileChange(path=f"shop/other_{number % 5}.py", before=None, after=text)
        index.corpus(snapshot.with_changes([change]))
    index.close()
    assert fresh.windows() == shop.windows


def test_the_order_of_asking_does_not_matter(shop: Expected) -> None:
    index = Index.open(shop.root)
    for order in (("s3", "s2", "s1"), ("s2", "s1", "s3")):
        found = windows(index.corpus(index.take(shop.root)), order=order)
        assert found == json.loads(shop.windows)
    index.close()


def test_the_digests_are_those_that_are_written_down(shop: Expected) -> None:
    wanted = json.loads(DIGESTS.read_text(encoding="utf-8"))
    made = json.loads(shop.windows)
    receipts = {name: json.loads(made[f"{name}, receipt"])["sha256"] for name in QUESTIONS}
    assert receipts == wanted, "python tests/golden/polyglot_windows.py --digests > tests/golden/context_digests.json"
    printed = {name: shop.asked.said("--hash", QUESTIONS[name]).decode().strip() for name in ("trace", "outline")}
    assert printed == {name: wanted[name] for name in printed}


PYTHONS = [python for python in os.environ.get("HYBRIDCODE_PYTHONS", "").split(os.pathsep) if python]


@pytest.mark.parametrize("python", PYTHONS or [pytest.param("", marks=pytest.mark.skip("HYBRIDCODE_PYTHONS is empty"))])
def test_other_pythons_give_the_same_bytes(shop: Expected, tmp_path: Path, python: str) -> None:
    asked = Asked(shop.root, tmp_path / "home", python)
    assert asked.windows() == shop.windows
    assert asked.program() == shop.words
    assert Asked(shop.root, asked.home).windows() == shop.windows
