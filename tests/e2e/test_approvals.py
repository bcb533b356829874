import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer
from tests.support.processes import Program
from tests.support.role_server import by_role

FILES = {"shop.py": "RATE = 3\n", "notes.txt": "as it was\n"}
COMMAND = {"steps": [{"id": "note", "kind": "command", "goal": "Note it.", "command": "echo noted >> notes.txt"}]}


@pytest.fixture
def files() -> Mapping[str, str]:
    return FILES


def held(program: Program, repo: Path) -> str:
    done = program.run("run", "do it", "--output-format", "json", cwd=repo)
    assert done.code == 4, done.err + done.out
    return done.json["pending_approvals"][0]["id"]


def approvals(program: Program, repo: Path, *more: str):
    return program.run("approvals", *more, cwd=repo)


def test_what_was_shown_is_approved_by_its_digest_and_by_no_other(program: Program, repo: Path):
    name = held(program, repo)
    shown = approvals(program, repo, "show", name[:6], "--json").json
    assert (shown["id"], shown["state"], shown["is_running"]) == (name, "pending", False)
    (file,) = shown["files"]
    assert "+RATE = 5" in file["diff"]
    assert len(file["before_sha256"]) == len(file["after_sha256"]) == 64
    text = approvals(program, repo, "show", name).err
    assert "ask by rule files.inside (built-in)" in text
    assert shown["digest"] in text
    other = approvals(program, repo, "approve", name, "--digest", "0" * 64)
    assert (other.code, "is not what you looked at" in other.err) == (9, True)
    good = approvals(program, repo, "approve", name, "--digest", shown["digest"], "--json")
    assert (good.code, good.json["state"], good.json["changed"]) == (0, "approved", True)
    twice = approvals(program, repo, "approve", name)
    assert (twice.code, "nothing changed" in twice.err) == (8, True)
    listed = approvals(program, repo, "list", "--all")
    assert "approved, not carried out yet" in listed.out
    done = program.run("sessions", "resume", "--output-format", "json", cwd=repo)
    assert (done.code, done.json["files"]) == (0, ["shop.py"])
    assert approvals(program, repo, "list", "--state", "done", "--json").json[0]["id"] == name
    near = approvals(program, repo, "show", name[:-1] + "zz")
    assert (near.code, f"Did you mean {name}" in near.err) == (2, True)


def test_files_that_changed_under_a_pending_approval_end_it_with_8(program: Program, repo: Path):
    name = held(program, repo)
    (repo / "shop.py").write_text("RATE = 4\n")
    refused = approvals(program, repo, "approve", name)
    assert (refused.code, "shop.py changed on disk" in refused.err) == (8, True)
    assert "superseded: shop.py changed on disk" in approvals(program, repo, "show", name).err
    anew = program.run("sessions", "resume", "--output-format", "json", cwd=repo)
    assert anew.code == 4
    assert anew.json["pending_approvals"][0]["id"] != name
    (repo / "shop.py").write_text("RATE = 2\n")
    stale = program.run("sessions", "resume", "--output-format", "json", cwd=repo)
    assert (stale.code, "shop.py changed" in stale.json["message"]) == (8, True)
    assert program.run("sessions", "resume", "--output-format", "json", "--yes", cwd=repo).code == 0
    assert (repo / "shop.py").read_text() == "RATE = 5\n"


def test_an_expired_proposal_is_refused_and_asked_anew(program: Program, repo: Path):
    name = held(program, repo)
    (repo.parent / "home" / "config" / "hybridcode" / "config.toml").open("a").write("[approval]\nexpires_s = 0.001\n")
    refused = approvals(program, repo, "approve", name)
    assert (refused.code, "approval.expires_s" in refused.err, "resume" in refused.err) == (8, True, True)
    assert approvals(program, repo, "list", "--state", "expired", "--json").json[0]["id"] == name


def test_a_reason_reaches_the_next_draft_as_a_persons_words(program: Program, repo: Path, server: ChatServer):
    name = held(program, repo)
    reason = "use Decimal, not float\u202e"
    assert approvals(program, repo, "reject", name, "--reason", reason).code == 0
    program.run("sessions", "resume", cwd=repo)
    seen = [message["content"] for body in server.asked for message in body["messages"]]
    assert any(
        "# A person declined your last answer and said\n> use Decimal, not float⟨U+202E⟩" in text for text in seen
    )


def test_a_command_is_undone_and_what_undo_cannot_do_is_said_before(program: Program, repo: Path, server: ChatServer):
    server.answer = by_role(plan=COMMAND)
    (repo / ".gitignore").write_text("built/\n")
    (repo / "built").mkdir()
    (repo / "built" / "x").write_text("x")
    name = held(program, repo)
    shown = approvals(program, repo, "show", name)
    assert "undo does not cover what is ignored or hidden: built/" in shown.err
    assert approvals(program, repo, "approve", name).code == 0
    done = program.run("sessions", "resume", "--output-format", "json", cwd=repo)
    assert (repo / "notes.txt").read_text() == "as it was\nnoted\n", done.err
    undone = program.run("undo", "--json", cwd=repo)
    assert (undone.code, undone.json["restored"], undone.json["kept"]) == (0, ["notes.txt"], [])
    assert (repo / "notes.txt").read_text() == "as it was\n"
    session = undone.json["session"]
    refused = program.run("undo", f"{session}:(undo)", cwd=repo)
    assert (refused.code, "An undo is not undone" in refused.err) == (2, True)
    assert program.run("undo", f"{session}:nothere", cwd=repo).code == 2


def test_audit_verify_finds_rows_blobs_and_tails_that_were_changed(program: Program, repo: Path):
    name = held(program, repo)
    (path,) = (program.home / "state").rglob("journal.db")
    whole = path.read_bytes()
    for statement, words in (
        (f"UPDATE approval SET state = 'approved' WHERE id = '{name}'", f"Approval {name}"),
        ("UPDATE blob SET data = x'00', is_zlib = 0 WHERE rowid = 1", "damaged"),
        ("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)", "are missing"),
        ("UPDATE event SET event = replace(event, 'RATE', 'RATF') WHERE type = 'PlanMade'", "altered"),
    ):
        path.write_bytes(whole)
        with sqlite3.connect(path) as database:
            database.execute(statement)
        database.close()
        found = program.run("audit", "verify", cwd=repo)
        assert (found.code, words in found.err) == (9, True), found.err
    path.write_bytes(whole)
    assert program.run("audit", "verify", cwd=repo).code == 0
