import hashlib
import io
import re
import signal
import time
from collections.abc import Generator
from pathlib import Path

import pexpect
import pytest

from tests.support.file_server import FileServer, serving_file, wait_until_asked
from tests.support.gguf_files import QWEN, gguf
from tests.support.processes import Program

MODEL = gguf({**QWEN, "general.file_type": 15}, tensors={"a": ((64, 3000), 0, 0)}, data=bytes(range(256)) * 3000)
DIGEST = hashlib.sha256(MODEL).hexdigest()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def server() -> Generator[FileServer]:
    with serving_file(MODEL) as file:
        yield file


@pytest.fixture
def coder(tmp_path: Path) -> Path:
    path = tmp_path / "coder.gguf"
    path.write_bytes(MODEL)
    return path


def models_folder(program: Program) -> Path:
    return program.home / "data" / "hybridcode" / "models"


def wait_for_bytes(path: Path, size: int) -> None:
    deadline = time.monotonic() + 20
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_list_is_data_and_its_advice_is_not(program: Program, tmp_path: Path, coder: Path) -> None:
    program.run("models", "add", str(coder), cwd=tmp_path)
    program.run("config", "set", "models.local.name=coder", cwd=tmp_path)
    done = program.run("models", "list", cwd=tmp_path)
    assert done.code == 0
    assert f"* coder  {len(MODEL) / 1024:.1f} KiB  qwen2 Q4_K_M  {coder}" in done.out
    assert "for 24 GB:" in done.out
    assert "UNPINNED: no SHA-256 is known beforehand" in done.out
    assert "nothing is downloaded without a yes" in done.err
    document = program.run("models", "list", "--json", cwd=tmp_path).json
    assert document["here"] == [
        {
            "name": "coder",
            "kind": "added",
            "path": str(coder),
            "bytes": len(MODEL),
            "architecture": "qwen2",
            "quantisation": "Q4_K_M",
            "problem": None,
            "configured": True,
        }
    ]
    offers = {offer["id"]: offer for offer in document["available"]}
    assert offers["qwen3.5-4b"]["pinned"]
    assert offers["devstral-small-2-24b"]["sha256"] is None
    assert all(isinstance(offer["fits_free_memory"], bool | None) for offer in offers.values())


def test_an_added_model_is_forgotten_and_never_deleted(program: Program, tmp_path: Path, coder: Path) -> None:
    added = program.run("models", "add", str(coder), "--name", "mine", "--json", cwd=tmp_path)
    assert added.json["path"] == str(coder)
    removed = program.run("models", "rm", "mine", "--json", cwd=tmp_path)
    assert removed.json == {"name": "mine", "path": str(coder), "deleted": False}
    assert coder.read_bytes() == MODEL
    assert program.run("models", "rm", "mine", cwd=tmp_path).code == 2


def test_a_pulled_model_is_deleted_after_a_yes_only(program: Program, tmp_path: Path) -> None:
    path = models_folder(program) / "coder.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(MODEL)
    done = program.run("models", "rm", "coder", cwd=tmp_path)
    assert (done.code, path.exists()) == (2, True)
    assert str(path) in done.err
    assert "KiB" in done.err
    assert program.run("models", "rm", "coder", "--yes", cwd=tmp_path).code == 0
    assert list(path.parent.iterdir()) == []


def test_a_file_is_told_by_path_and_by_name(program: Program, tmp_path: Path, coder: Path) -> None:
    program.run("models", "add", str(coder), "--name", "mine", cwd=tmp_path)
    by_name = program.run("models", "inspect", "mine", "--json", cwd=tmp_path)
    by_path = program.run("models", "inspect", "coder.gguf", "--json", cwd=tmp_path)
    assert by_name.json == by_path.json
    assert (by_name.json["architecture"], by_name.json["quantisation"]) == ("qwen2", "Q4_K_M")
    told = program.run("models", "inspect", "mine", cwd=tmp_path)
    assert "trained for:    4,096 tokens" in told.out
    assert "4,096 tokens:  KV f16" in told.out
    assert program.run("models", "inspect", "minr", cwd=tmp_path).code == 2
    assert program.run("models", "inspect", "./gone.gguf", cwd=tmp_path).code == 7


def test_a_pull_shows_first_and_tells_the_digest_after(program: Program, tmp_path: Path, server: FileServer) -> None:
    done = program.run("models", "pull", server.url(), "--yes", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.out == ""
    for words in (
        "127.0.0.1/models/model.gguf",
        "unpinned",
        "see its page",
        "free:",
        DIGEST,
        "models.local.name=model",
    ):
        assert words in done.err
    assert (models_folder(program) / "model.gguf").read_bytes() == MODEL
    again = program.run("models", "pull", server.url(), "--yes", cwd=tmp_path)
    assert again.code == 2
    assert "already" in again.err
    assert len(server.asked) == 1


def test_a_pull_prints_one_document(program: Program, tmp_path: Path, server: FileServer) -> None:
    command = ("models", "pull", server.url(), "-y", "--name", "mine", "--sha256", DIGEST.upper(), "--json")
    assert program.run(*command, cwd=tmp_path).json == {
        "name": "mine",
        "path": str(models_folder(program) / "mine.gguf"),
        "bytes": len(MODEL),
        "sha256": DIGEST,
        "is_pinned": True,
        "resumed_at": 0,
    }


def test_without_anybody_to_ask_nothing_is_downloaded(program: Program, tmp_path: Path, server: FileServer) -> None:
    done = program.run("models", "pull", server.url(), cwd=tmp_path)
    assert done.code == 2
    assert "--yes" in done.err
    assert not server.asked
    assert not models_folder(program).exists()


def test_offline_forbids_it(program: Program, tmp_path: Path, server: FileServer) -> None:
    assert program.run("models", "pull", server.url(), "--yes", "--offline", cwd=tmp_path).code == 5
    program.run("config", "set", "egress.mode=offline", cwd=tmp_path)
    assert program.run("models", "pull", server.url(), "--yes", cwd=tmp_path).code == 5
    assert program.run("models", "pull", "qwen3.5-4b", "--yes", cwd=tmp_path).code == 5
    assert not server.asked


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("qwen9",), "one of: qwen3.6-27b"),
        (("http://example.invalid/m.gguf",), "https URL"),
        (("https://me:hunter2@example.invalid/m.gguf",), "HF_TOKEN"),
        (("https://example.invalid/big-00001-of-00003.gguf",), "split"),
        (("https://example.invalid/",), "name"),
        (("https://example.invalid/m.gguf", "--sha256", "12"), "64 hexadecimal"),
        (("qwen3.5-4b", "--sha256", "0" * 64), "pinned"),
    ],
)
def test_what_cannot_be_pulled_is_refused_before_any_question(
    program: Program, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = program.run("models", "pull", *arguments, "--yes", cwd=tmp_path)
    assert done.code == 2
    assert words in done.err
    assert "hunter2" not in done.err


def test_a_wrong_digest_ends_with_9_and_leaves_nothing(program: Program, tmp_path: Path, server: FileServer) -> None:
    done = program.run("models", "pull", server.url(), "--yes", "--sha256", "0" * 64, cwd=tmp_path)
    assert done.code == 9
    assert list(models_folder(program).iterdir()) == []


def test_a_token_is_neither_sent_elsewhere_nor_printed(program: Program, tmp_path: Path, server: FileServer) -> None:
    program.env["HF_TOKEN"] = "hf_secret"
    done = program.run("models", "pull", server.url(), "--yes", cwd=tmp_path)
    assert done.code == 0
    assert "hf_secret" not in done.out + done.err + str(server.asked)
    asked = program.run("models", "pull", "qwen3.5-4b", cwd=tmp_path)
    assert "is sent to huggingface.co" in asked.err
    assert "hf_secret" not in asked.err


def test_a_link_to_the_page_of_a_file_means_the_file(program: Program, tmp_path: Path) -> None:
    done = program.run("models", "pull", "https://huggingface.co/o/r-GGUF/blob/main/m.gguf", cwd=tmp_path)
    assert done.code == 2
    assert "huggingface.co/o/r-GGUF/resolve/main/m.gguf" in done.err


def test_interrupted_it_keeps_what_it_has_and_says_how_to_go_on(
    program: Program, tmp_path: Path, server: FileServer
) -> None:
    server.pause_s = 0.05
    running = program.start("models", "pull", server.url(), "--yes", "--name", "mine", cwd=tmp_path)
    part = models_folder(program) / "mine.gguf.part"
    wait_for_bytes(part, 20_000)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130, err
    assert f"to go on: hybridcode models pull {server.url()} --name mine" in err
    assert "unfinished" in program.run("models", "list", cwd=tmp_path).out
    server.pause_s = 0
    done = program.run("models", "pull", server.url(), "--yes", "--name", "mine", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "of it are here" in done.err
    assert server.ranges[1].startswith("bytes=")
    assert (models_folder(program) / "mine.gguf").read_bytes() == MODEL


def test_an_unfinished_download_can_be_dropped(program: Program, tmp_path: Path, server: FileServer) -> None:
    server.cuts = [30_000]
    server.statuses = []
    running = program.start("models", "pull", server.url(), "--yes", cwd=tmp_path)
    wait_until_asked(server)
    wait_for_bytes(models_folder(program) / "model.gguf.part", 20_000)
    running.kill()
    running.communicate()
    assert program.run("models", "rm", "model", "--yes", cwd=tmp_path).code == 0
    assert {path.name for path in models_folder(program).iterdir()} <= {".model.lock"}


def on_a_terminal(program: Program, *arguments: str, answer: str, cwd: Path) -> tuple[int, str]:
    """Run with a terminal, answer the one question, and return the exit code and all that was shown."""
    command, *rest = program.command(*arguments)
    environment = {**program.environment(), "TERM": "xterm"}
    screen: pexpect.spawn[str] = pexpect.spawn(
        command, rest, cwd=str(cwd), env=environment, encoding="utf-8", timeout=30, dimensions=(24, 120)
    )
    shown = io.StringIO()
    screen.logfile_read = shown
    screen.expect(r"\[y/N\]")
    screen.sendline(answer)
    screen.expect(pexpect.EOF)
    screen.close()
    return screen.exitstatus or 0, shown.getvalue()


def test_a_person_is_asked_and_sees_it_grow(program: Program, tmp_path: Path, server: FileServer) -> None:
    code, shown = on_a_terminal(program, "models", "pull", server.url(), answer="n", cwd=tmp_path)
    assert (code, server.asked) == (0, [])
    assert "nothing was downloaded" in shown
    server.pause_s = 0.005
    code, shown = on_a_terminal(program, "models", "pull", server.url(), answer="y", cwd=tmp_path)
    assert code == 0
    assert re.search(r"\[#+-+\] .* KiB of 7\d\d\.\d KiB \(\d+%\)  \S+ [KM]iB/s  \d+ s left", shown)
    assert "model is here" in shown
    code, shown = on_a_terminal(program, "models", "rm", "model", answer="n", cwd=tmp_path)
    assert (models_folder(program) / "model.gguf").exists()
    code, shown = on_a_terminal(program, "models", "rm", "model", answer="y", cwd=tmp_path)
    assert list(models_folder(program).iterdir()) == []


def test_the_doctor_and_a_run_know_models_by_name(program: Program, tmp_path: Path, coder: Path) -> None:
    program.run("models", "add", str(coder), cwd=tmp_path)
    program.run("config", "set", "models.local.name=coder", cwd=tmp_path)
    findings = {item["what"]: item for item in program.run("doctor", "--json", cwd=tmp_path).json}
    assert findings["local model"]["ok"]
    assert str(coder) in findings["local model"]["detail"]
    program.run("models", "rm", "coder", cwd=tmp_path)
    findings = {item["what"]: item for item in program.run("doctor", "--json", cwd=tmp_path).json}
    assert not findings["local model"]["ok"]
    done = program.run("run", "say hello", cwd=tmp_path)
    assert done.code == 2
    assert "no model coder on this machine" in done.err
    done = program.run("run", "say hello", "--local-model", "qwen3.5-9b", cwd=tmp_path)
    assert done.code == 2
    assert "hybridcode models pull qwen3.5-9b" in done.err
