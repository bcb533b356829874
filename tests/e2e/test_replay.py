import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer, serving
from tests.support.processes import Program, with_one_server
from tests.support.repos import git, git_repository
from tests.support.role_server import by_role

FILES = {"shop.py": "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n"}
PRICED = "timeout_s = 20\nmax_retries = 0\ninput_usd_per_mtok = 3.0\noutput_usd_per_mtok = 15.0"


@dataclass(frozen=True)
class Done:
    """One task done in a repository; the tests leave all of it as it is."""

    program: Program
    repo: Path
    server: ChatServer

    def run(self, *arguments: str):
        return self.program.run(*arguments, cwd=self.repo)

    def journal(self, place: Path) -> Path:
        """A copy of the journal."""
        (found,) = self.program.home.rglob("journal.db")
        return Path(shutil.copy(found, place / "copy.db"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    place = tmp_path_factory.mktemp("replayed")
    repo = git_repository(place / "shop", FILES)
    with serving() as chat:
        chat.answer = by_role()
        it = Done(with_one_server(place / "home", chat.base_url, frontier=PRICED), repo, chat)
        ended = it.run("run", "set the rate to five", "--output-format", "json", "--yes")
        assert ended.code == 0, ended.err + ended.out
        yield it


def test_a_session_is_told_in_order_on_stdout(done: Done):
    told = done.run("replay")
    assert told.code == 0, told.err
    for words in ("set the rate to five", "+RATE = 5", "approved by --yes", "| RATE = 5", "judge: good"):
        assert words in told.out
    stream = done.run("replay", "--json")
    assert [json.loads(line)["seq"] for line in stream.out.splitlines()] == list(range(1, stream.out.count("\n") + 1))


def test_a_session_is_proven_after_the_repository_moved_on_and_elsewhere(done: Done, tmp_path: Path):
    (done.repo / "shop.py").write_text("moved on\n")
    git(done.repo, "commit", "-aqm", "later")
    before = git(done.repo, "status", "--porcelain", "--ignored")
    proof = done.run("replay", "--verify")
    assert proof.code == 0, proof.out + proof.err
    assert {line.split("  ")[0] for line in proof.out.splitlines()} == {"ok"}
    assert git(done.repo, "status", "--porcelain", "--ignored") == before
    elsewhere = done.program.run(
        "replay", "--verify", "--strict", "--json", "--journal", str(done.journal(tmp_path)), cwd=tmp_path
    )
    assert (elsewhere.code, elsewhere.json["ok"], elsewhere.json["counts"]["differs"]) == (0, True, 0)


def test_an_altered_record_is_exit_9_and_named(done: Done, tmp_path: Path):
    copy = done.journal(tmp_path)
    with sqlite3.connect(copy) as connection:
        connection.execute("UPDATE event SET event = replace(event, 'five', 'nine') WHERE event LIKE '%TaskGiven%'")
    proof = done.run("replay", "--verify", "--journal", str(copy))
    assert proof.code == 9
    assert "was altered" in proof.out
    assert done.run("replay", "--verify", "--json", "--journal", str(copy)).json["ok"] is False


def test_what_cannot_be_rebuilt_is_told_and_counts_when_strict(done: Done, tmp_path: Path):
    copy = done.journal(tmp_path)
    with sqlite3.connect(copy) as connection:
        tree = connection.execute(
            "SELECT json_extract(event, '$.source.tree') FROM event WHERE event LIKE '%OutlineMade%'"
        )
        (name,) = tree.fetchone()
        for table in ("blob", "blob_use"):
            connection.execute(f"DELETE FROM {table} WHERE sha256 = ?", (name,))
    proof = done.run("replay", "--verify", "--journal", str(copy))
    assert (proof.code, "cannot be rebuilt" in proof.out) == (0, True)
    assert done.run("replay", "--verify", "--strict", "--journal", str(copy)).code == 9


def test_costs_by_role_with_an_estimate_at_one_baseline(done: Done):
    told = done.run("cost")
    assert told.code == 0, told.err
    for words in ("frontier  plan", "local     draft", "local share of the output", "(estimate: the same tokens"):
        assert words in told.out
    data, sent = done.run("cost", "--json").json, done.run("egress", "--json").json
    assert data["estimate"]["usd"] > data["frontier"]["usd"] > 0
    assert (data["estimate"]["baseline"], data["estimate"]["source"]) == ("openai/loop", "prices in the settings")
    assert data["egress"] == {name: sent[name] for name in data["egress"]}
    assert done.run("cost", "--json", "--all", "--baseline", "nobody/nothing").json["estimate"] is None


def test_a_cap_ends_a_run_with_6_before_anything_is_sent(done: Done):
    asked = len(done.server.asked)
    ended = done.run("run", "again", "--yes", "--max-cost-usd", "0.001", "--output-format", "json")
    assert (ended.code, ended.json["exit_reason"]) == (6, "limit")
    assert "could cost up to" in ended.json["message"]
    assert len(done.server.asked) == asked


def test_an_export_is_one_file(done: Done, tmp_path: Path):
    first = done.run("sessions", "list", "--json").json[-1]["id"]
    made = done.run("sessions", "export", first, "-o", str(tmp_path / "report.html"))
    assert made.code == 0, made.err
    page = (tmp_path / "report.html").read_text()
    assert "<span class=add>+RATE = 5</span>" in page
    assert "prices in the settings" in page
