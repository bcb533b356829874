import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from hybridcode.domain.errors import JournalError, SessionBusy
from hybridcode.domain.events import NoticeGiven
from hybridcode.journal.store import Journal

APPEND = """
    import os, signal, sys
    from pathlib import Path
    from hybridcode.domain.events import NoticeGiven
    from hybridcode.journal.store import Journal
    journal = Journal.open(Path(sys.argv[1]))
    session = journal.session("s")
"""


def child(body: str, path: Path, *more: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(APPEND) + textwrap.dedent(body), str(path), *more]


def test_processes_append_to_one_chain_at_the_same_time(tmp_path: Path):
    path = tmp_path / "journal.db"
    body = """
        for number in range(25):
            session.append(NoticeGiven("info", f"{sys.argv[2]}-{number}"))
    """
    running = [subprocess.Popen(child(body, path, name)) for name in ("a", "b", "c")]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    with Journal.open(path) as journal:
        journal.verify()
        envelopes = journal.session("s").envelopes()
    texts = [envelope.event.text for envelope in envelopes if isinstance(envelope.event, NoticeGiven)]
    assert [envelope.seq for envelope in envelopes] == list(range(1, 76))
    assert [text for text in texts if text.startswith("b-")] == [f"b-{number}" for number in range(25)]


@pytest.mark.parametrize("statement", ["INSERT INTO event", "UPDATE session", "COMMIT"])
def test_a_kill_inside_a_transaction_leaves_the_chain_whole(tmp_path: Path, statement: str):
    path = tmp_path / "journal.db"
    body = """
        session.append(NoticeGiven("info", "first"))
        def die(statement):
            if statement.startswith(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
        journal._connection.set_trace_callback(die)
        session.append(NoticeGiven("info", "second"))
    """
    assert subprocess.run(child(body, path, statement), check=False).returncode == -9
    with Journal.open(path) as journal:
        journal.verify()
        assert [envelope.event for envelope in journal.session("s").envelopes()] == [NoticeGiven("info", "first")]
        assert journal.session("s").append(NoticeGiven("info", "third")).seq == 2


def test_what_append_returned_from_survives_a_kill(tmp_path: Path):
    path = tmp_path / "journal.db"
    body = """
        for number in range(10_000):
            print(session.append(NoticeGiven("info", str(number))).seq, flush=True)
    """
    process = subprocess.Popen(child(body, path), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen = [int(process.stdout.readline()) for _ in range(20)]
    process.kill()
    seen += [int(line) for line in process.stdout.read().split()]
    process.wait()
    with Journal.open(path) as journal:
        journal.verify()
        assert len(journal.session("s").envelopes()) >= seen[-1]


def test_a_claim_ends_with_its_process_and_only_one_of_many_gets_it(tmp_path: Path):
    path = tmp_path / "journal.db"
    body = """
        from hybridcode.domain.errors import SessionBusy
        won = 0
        while won < 60:
            try:
                journal.claim("s")
            except SessionBusy:
                continue
            mark = Path(sys.argv[1] + ".mark")
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            won += 1
            os.unlink(mark)
            journal.release("s")
        journal.claim("mine" + str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    running = [subprocess.Popen(child(body, path)) for _ in range(3)]
    assert [process.wait(60) for process in running] == [-9, -9, -9]
    with Journal.open(path) as journal:
        for process in running:
            journal.claim(f"mine{process.pid}")


def test_a_claim_names_the_process_that_has_it(tmp_path: Path):
    path = tmp_path / "journal.db"
    body = """
        journal.claim("s")
        print("claimed", flush=True)
        sys.stdin.read()
    """
    process = subprocess.Popen(child(body, path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    with Journal.open(path) as journal:
        with pytest.raises(SessionBusy, match=f"process {process.pid}"):
            journal.claim("s")
        process.kill()
        process.wait()
        journal.claim("s")
    process.communicate()


def in_tmpfs(body: str, folder: Path, *, size: str) -> subprocess.CompletedProcess[str]:
    """Run a child in its own small file system; skips where that is not possible."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    arguments = child(body, folder / "journal.db")
    script = f'mount -t tmpfs -o size={size} none "$1" && shift && exec "$@"'
    return subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script, "sh", str(folder), *arguments], capture_output=True, text=True
    )


def test_a_full_disk_is_told_and_nothing_half_is_left(tmp_path: Path):
    body = """
        from hybridcode.domain.errors import JournalError
        count = 0
        try:
            while True:
                session.put_blob(os.urandom(20_000))
                session.append(NoticeGiven("info", "x" * 2_000))
                count += 1
        except JournalError as error:
            print(error.message, "|", error.hint)
        journal.verify()
        print(len(session.envelopes()) == count)
    """
    result = in_tmpfs(body, tmp_path, size="512k")
    assert result.returncode == 0, result.stderr
    assert "the disk is full" in result.stdout
    assert result.stdout.endswith("True\n")


def test_a_read_only_disk_is_told(tmp_path: Path):
    body = """
        from hybridcode.domain.errors import JournalError
        import subprocess
        session.append(NoticeGiven("info", "x"))
        journal.close()
        subprocess.run(["mount", "-o", "remount,ro", str(Path(sys.argv[1]).parent)], check=True)
        for name in (sys.argv[1], sys.argv[1] + "-new"):
            try:
                Journal.open(Path(name)).session("s").append(NoticeGiven("info", "y"))
            except JournalError as error:
                print(error.message, "|", error.hint)
    """
    result = in_tmpfs(body, tmp_path, size="2m")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n") == 2, result.stdout
    assert "state_dir" in result.stdout


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path):
    (tmp_path / "state").write_text("")
    with pytest.raises(JournalError, match="cannot be created"):
        Journal.open(tmp_path / "state" / "journal.db")
