import hashlib
import random
import time
from pathlib import Path

from tests.support.file_server import serving_file
from tests.support.gguf_files import QWEN, gguf
from tests.support.processes import Program

MODEL = gguf(QWEN, tensors={"a": ((1024, 256), 0, 0)}, data=random.Random(1).randbytes(2**20))
DIGEST = hashlib.sha256(MODEL).hexdigest()


def test_a_download_survives_kill_9_at_any_point(tmp_path: Path) -> None:
    program = Program(tmp_path)
    folder = tmp_path / "data" / "hybridcode" / "models"
    part, target = folder / "model.gguf.part", folder / "model.gguf"
    with serving_file(MODEL) as server:
        server.pause_s = 0.005
        command = ("models", "pull", server.url(), "--yes", "--sha256", DIGEST)
        for stop_at in (1, 150_000, 500_000, 800_000):
            running = program.start(*command, cwd=tmp_path)
            deadline = time.monotonic() + 30
            while not part.exists() or part.stat().st_size < stop_at:
                assert time.monotonic() < deadline
                assert running.poll() is None, running.communicate()
                time.sleep(0.002)
            running.kill()
            running.communicate()
            assert not target.exists()
            kept = part.stat().st_size
            assert part.read_bytes() == MODEL[:kept]
        server.pause_s = 0
        done = program.run(*command, cwd=tmp_path)
    assert done.code == 0, done.err
    assert target.read_bytes() == MODEL
    assert [text for text in server.ranges if text], "what was there was not used"
    assert {path.name for path in folder.iterdir()} == {"model.gguf"}


def test_two_processes_that_pull_one_name(tmp_path: Path) -> None:
    program = Program(tmp_path)
    with serving_file(MODEL) as server:
        server.pause_s = 0.01
        first = program.start("models", "pull", server.url(), "--yes", cwd=tmp_path)
        part = tmp_path / "data" / "hybridcode" / "models" / "model.gguf.part"
        deadline = time.monotonic() + 30
        while not part.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        second = program.run("models", "pull", server.url(), "--yes", cwd=tmp_path)
        removal = program.run("models", "rm", "model", "--yes", cwd=tmp_path)
        server.pause_s = 0
        first.communicate(timeout=60)
    assert (first.returncode, second.code, removal.code) == (0, 2, 2)
    assert "Another process is working on the model model" in second.err
    assert "to go on" not in second.err


def test_a_disk_that_takes_no_more_keeps_what_it_has(tmp_path: Path) -> None:
    program = Program(tmp_path)
    with serving_file(MODEL) as server:
        pull = " ".join(program.command("models", "pull", server.url(), "--yes"))
        limited = ["bash", "-c", f"ulimit -f 200; trap '' XFSZ; exec {pull}"]
        done = program.run_command(limited, cwd=tmp_path)
        assert done.code == 2, done.err
        assert "cannot be written" in done.err
        assert "to go on" in done.err
        assert program.run("models", "pull", server.url(), "--yes", cwd=tmp_path).code == 0
    assert (tmp_path / "data" / "hybridcode" / "models" / "model.gguf").read_bytes() == MODEL
