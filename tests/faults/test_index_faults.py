import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hybridcode.config.paths import cache_dir, state_dir
from hybridcode.context.index import Index
from tests.support.contexts import answer_bytes, fresh_bytes
from tests.support.processes import Program
from tests.support.repos import git_repository, write_tree

QUERY = "settle the ledger of a Basket"
FILES = {
    f"shop/part{number}.py": f"class Basket{number}:\n    def settle(self, ledger):\n        return {number}\n" * 20
    for number in range(40)
}
PREPARE = """
    import os, resource, signal, sys
    from pathlib import Path
    from hybridcode.context.index import Index
    from hybridcode.domain.action import FileChange
    from tests.support.contexts import answer_bytes, ask, fresh_bytes
    root = Path(sys.argv[1])
    query = "settle the ledger of a Basket"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "tree", FILES)


def folder_of(root: Path) -> Path:
    return state_dir(root, str(cache_dir() / "index"))


def child(body: str, *arguments: str) -> "subprocess.Popen[str]":
    code = textwrap.dedent(PREPARE) + textwrap.dedent(body)
    here = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": here},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    return out


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO segment",
        "INSERT OR IGNORE INTO file",
        "INSERT INTO posting",
        "INSERT OR REPLACE INTO past",
        "COMMIT",
    ],
)
def test_a_kill_inside_a_transaction_costs_nothing_but_work(root: Path, statement: str) -> None:
    process = child(
        """
        index = Index.open(root)
        def die(statement):
            if statement.startswith(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
        index._store._connection.set_trace_callback(die)
        ask(index, root, query)
        """,
        str(root),
        statement,
    )
    process.communicate(timeout=60)
    assert process.returncode == -9
    index = Index.open(root)
    assert index.reason == ""
    assert answer_bytes(index, root, QUERY) == fresh_bytes(root, QUERY)
    index.close()


def test_a_file_that_was_never_finished_is_made_anew(root: Path) -> None:
    wanted = fresh_bytes(root, QUERY)
    Index.open(root).close()
    (path,) = folder_of(root).glob("index*.db")
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM meta")
    index = Index.open(root)
    assert index.reason == ""
    assert answer_bytes(index, root, QUERY) == wanted
    index.close()
    assert not path.exists()


def test_processes_that_begin_at_once_share_one_file(root: Path) -> None:
    wanted = fresh_bytes(root, QUERY)
    body = """
        sys.stdin.readline()
        for _ in range(3):
            index = Index.open(root)
            assert index.reason == "", index.reason
            sys.stdout.write(answer_bytes(index, root, query).hex() + "\\n")
            index.close()
    """
    running = [child(body, str(root)) for _ in range(4)]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [line for process in running for line in finished(process).split()]
    assert said == [wanted.hex()] * 12
    assert len(list(folder_of(root).glob("*.db"))) == 1


def test_a_corpus_survives_another_process_that_makes_the_index_anew(root: Path) -> None:
    wanted = fresh_bytes(root, QUERY)
    process = child(
        """
        from hybridcode.context.receipt import answer
        import msgspec
        index = Index.open(root)
        corpus = index.corpus(index.take(root))
        print("held", flush=True)
        sys.stdin.readline()
        found = answer(corpus, query=query, budget=600)
        print(msgspec.json.encode((found.receipt, found.text)).hex())
        print(answer_bytes(index, root, query).hex())
        """,
        str(root),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    (old,) = folder_of(root).glob("*.db")
    other = child(
        """
        index = Index.open(root)
        snapshot = index.take(root)
        for number in range(510):
            text = f"class Basket: ledger{number} = settle\\n".encode()
            index.corpus(snapshot.with_changes([FileChange("shop/new.py", None, text)]))
        """,
        str(root),
    )
    finished(other)
    assert not old.exists()
    out = process.communicate("go on\n", timeout=60)[0]
    assert out.split() == [wanted.hex()] * 2
    index = Index.open(root)
    assert answer_bytes(index, root, QUERY) == wanted
    index.close()


def test_processes_that_edit_and_index_at_once_all_say_what_a_fresh_index_says(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree", {"a.py": "def settle(ledger): ...\n", "b.py": "settle(1)\n"})
    body = """
        index = Index.open(root)
        snapshot = index.take(root)
        from hybridcode.context.receipt import answer
        for number in range(60):
            text = f"def basket{number % 20}():\\n    settle(ledger, {number % 7})\\n".encode()
            changed = snapshot.with_changes([FileChange(f"c{number % 5}.py", None, text)])
            said = answer(index.corpus(changed), query=query, budget=200)
            fresh = Index.in_memory()
            assert said == answer(fresh.corpus(changed), query=query, budget=200)
            fresh.close()
        assert index.reason == "", index.reason
    """
    for process in [child(body, str(root)) for _ in range(3)]:
        finished(process)


def test_an_index_deleted_while_it_is_used_goes_on(root: Path) -> None:
    wanted = fresh_bytes(root, QUERY)
    index = Index.open(root)
    assert answer_bytes(index, root, QUERY) == wanted
    shutil.rmtree(folder_of(root))
    later = Index.open(root)
    assert answer_bytes(later, root, QUERY) == wanted
    assert answer_bytes(index, root, QUERY) == wanted
    index.close()
    assert answer_bytes(later, root, QUERY) == wanted
    later.close()
    again = Index.open(root)
    assert again.reason == ""
    assert answer_bytes(again, root, QUERY) == wanted
    again.close()


@pytest.mark.parametrize("most_bytes", [0, 1_000, 30_000, 80_000, 150_000])
def test_a_file_that_cannot_grow_costs_the_index_and_not_the_answer(root: Path, most_bytes: int) -> None:
    body = """
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
        index = Index.open(root)
        print(answer_bytes(index, root, query).hex())
        print(bool(index.reason))
        print(answer_bytes(index, root, query).hex())
    """
    wanted = fresh_bytes(root, QUERY).hex()
    said = finished(child(body, str(root), str(most_bytes))).split()
    assert said == [wanted, "True", wanted]
    index = Index.open(root)
    assert index.reason == ""
    assert answer_bytes(index, root, QUERY).hex() == wanted
    index.close()


def children_of(pid: int) -> set[int]:
    stats: list[str] = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended in between
            stats.append(file.read_text())
    return {int(stat.split()[0]) for stat in stats if int(stat.rpartition(") ")[2].split()[1]) == pid}


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor has no workers")
@pytest.mark.parametrize("signal_name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_no_worker_outlives_a_program_that_is_stopped_while_it_indexes(tmp_path: Path, signal_name: str) -> None:
    texts = {f"{number:02}.py": f"def settle_{number}(ledger): ...\n" * 30_000 for number in range(12)}
    (tmp_path / "tree").mkdir()
    root = write_tree(tmp_path / "tree", texts)
    program = Program(tmp_path / "home")
    process = subprocess.Popen(
        [sys.executable, "-m", "hybridcode", "context", "--query", QUERY],
        cwd=root,
        env=program.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    workers = set[int]()
    deadline = time.monotonic() + 30
    while len(workers) < 2 and time.monotonic() < deadline and process.poll() is None:
        workers |= children_of(process.pid)
        time.sleep(0.05)
    assert len(workers) >= 2
    time.sleep(0.5)
    process.send_signal(signal.Signals[signal_name])
    assert process.wait(timeout=30) != 0
    deadline = time.monotonic() + 30
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = set(filter(is_running, workers))
    for worker in left:
        os.kill(worker, signal.SIGKILL)
    assert not left


def in_small_disk(program: Program, root: Path, script: str, *, size: str) -> "subprocess.CompletedProcess[str]":
    """The program with its cache on a disk of its own; skips where that is not possible."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    cache = Path(program.environment()["XDG_CACHE_HOME"])
    cache.mkdir(parents=True, exist_ok=True)
    ask = [sys.executable, "-m", "hybridcode", "context", "--query", QUERY, "--json"]
    return subprocess.run(
        ["unshare", "-Urm", "sh", "-c", f'mount -t tmpfs -o size={size} none "$0" && {script}', str(cache), *ask],
        cwd=root,
        env=program.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("size", ["4k", "96k", "300k"])
def test_a_full_disk_costs_the_index_and_not_the_answer(root: Path, tmp_path: Path, size: str) -> None:
    program = Program(tmp_path / "home")
    wanted = program.run("context", "--query", QUERY, "--json", cwd=root)
    done = in_small_disk(program, root, '"$@" && "$@"', size=size)
    assert done.returncode == 0, done.stderr
    assert done.stdout == wanted.out * 2
    assert "full" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_read_only_disk_costs_the_index_and_not_the_answer(root: Path, tmp_path: Path) -> None:
    program = Program(tmp_path / "home")
    wanted = program.run("context", "--query", QUERY, "--json", cwd=root)
    remount = 'mount -o remount,ro "$0"'
    for script in (f'{remount} && "$@"', f'"$@" > /dev/null && {remount} && "$@"'):
        done = in_small_disk(program, root, script, size="10m")
        assert done.returncode == 0, done.stderr
        assert done.stdout == wanted.out
        assert "the index cannot be" in done.stderr
        assert json.loads(done.stdout)["receipt"]["files"] == len(FILES)
