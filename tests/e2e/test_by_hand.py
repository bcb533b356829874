import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from benchmarks.by_hand import Amount, Row, Side, main, table
from tests.support.chat_server import Answer, ChatServer, Exchange, say, serving
from tests.support.repos import git_repository

FILES = {
    "shop.py": "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n",
    "check.py": "import shop\nassert shop.RATE > 3\n",
}
PLAN = {"steps": [{"id": "rate", "goal": "Set RATE to 5.", "touches": ["shop.py#RATE"]}], "check": "python3 check.py"}


def frontier(exchange: Exchange) -> None:
    is_plan = exchange.body["messages"][0]["content"].startswith("You plan")
    say(json.dumps(PLAN) if is_plan else "good Done.", usage=(400, 20))(exchange)


def draft(text: str) -> Answer:
    return say(f"```python\n{text}\n```", usage=(400, 20))


@pytest.fixture
def servers() -> Iterator[tuple[ChatServer, ChatServer]]:
    with serving() as deciding, serving() as writing:
        deciding.answer, writing.answer = frontier, draft("RATE = 5")
        yield deciding, writing


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "cases" / "rate"
    git_repository(folder / "repo", FILES)
    (folder / "task.txt").write_text("Set the rate to five.\n")
    (folder / "check.txt").write_text(f"{shlex.quote(sys.executable)} check.py\n")
    (folder / "hidden.sh").write_text('grep -q "RATE = 5" shop.py && echo five && exit 0\necho "not five"; exit 1\n')
    return folder


def row_of(capsys: pytest.CaptureFixture[str]) -> Row:
    (line,) = capsys.readouterr().out.splitlines()
    return msgspec.json.decode(line, type=Row)


def sizes(server: ChatServer) -> int:
    return sum(len(message["content"].encode()) for asked in server.asked for message in asked["messages"])


def test_a_row_has_what_each_role_was_asked(
    case: Path, servers: tuple[ChatServer, ChatServer], capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    deciding, writing = servers
    urls = ("--frontier", deciding.base_url, "--local", writing.base_url)
    main([str(case), *urls, "--keep", str(tmp_path / "kept"), "--", "--plan-first"])
    row = row_of(capsys)
    assert (row.case, row.exit_code, row.hidden, row.hidden_says, row.ended) == ("rate", 0, 0, "five", "solved")
    assert (row.planned_by, set(row.frontier.roles), set(row.local.roles)) == ("frontier", {"plan"}, {"draft"})
    assert row.frontier.all == Amount(1, sizes(deciding) // 4, len(json.dumps(PLAN)) // 4)
    assert row.local.roles["draft"].input_tokens == sizes(writing) // 4
    assert (tmp_path / "kept" / "tree" / "shop.py").read_text().startswith("RATE = 5")
    assert (case / "repo" / "shop.py").read_text() == FILES["shop.py"]


def test_endpoints_are_started_and_a_wrong_result_is_told(
    case: Path, servers: tuple[ChatServer, ChatServer], capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    deciding, writing = servers
    writing.answer = draft("RATE = 4")
    relay = tmp_path / "relay"
    relay.write_text(
        f'#!/bin/sh\ncase "$1 $2" in\n"serve "*/frontier) echo {deciding.base_url};;\n'
        f'"serve "*/local) echo {writing.base_url};;\nesac\nexec sleep 90\n'
    )
    relay.chmod(0o755)
    main([str(case), "--relay", str(relay), "--requests", str(tmp_path / "asked"), "--", "--plan-first"])
    row = row_of(capsys)
    assert (row.exit_code, row.hidden, row.hidden_says) == (0, 1, "not five")
    assert row.ended == "done, but hidden tests fail"


def test_rows_become_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    little, much = Amount(1, 640, 1), Amount(4, 7_172, 243)
    rows = [
        Row("sizes", 0, 0, "", 9.0, Side(little, {"judge": little}), Side(much, {"plan": little, "draft": much})),
        Row("zones", 3, 1, "", 9.0, Side(much, {"plan": much}), Side(much, {"plan": little, "draft": much})),
    ]
    (tmp_path / "rows").write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    main(["--table", str(tmp_path / "rows")])
    assert capsys.readouterr().out.splitlines() == [
        "| task | planned by | frontier in / out | local in / out | ended |",
        "|---|---|---|---|---|",
        "| sizes | local | 640 / 1 | 7,172 / 243 | solved |",
        "| zones | local, then frontier | 7,172 / 243 | 7,172 / 243 | exit 3 |",
        "| all |  | 7,812 / 244 | 14,344 / 486 | hidden tests pass in 1 of 2 |",
    ]
    assert table(rows[:1]).endswith("1 of 1 |")


@pytest.mark.parametrize("words", [[], ["case"], ["case", "--frontier", "http://127.0.0.1:1/v1"]])
def test_what_is_missing_is_said(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(words)
    assert "--" in capsys.readouterr().err
