from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.chat_server import Answer, ChatServer, serving
from tests.support.commits import known_author
from tests.support.processes import Program, with_one_server
from tests.support.repos import git_repository
from tests.support.role_server import by_role


@pytest.fixture
def answer() -> Answer:
    return by_role()


@pytest.fixture
def server(answer: Answer) -> Iterator[ChatServer]:
    with serving() as chat:
        chat.answer = answer
        yield chat


@pytest.fixture
def frontier() -> str | None:
    return None


@pytest.fixture
def program(tmp_path: Path, server: ChatServer, frontier: str | None) -> Program:
    return with_one_server(tmp_path / "home", server.base_url, frontier=frontier)


@pytest.fixture
def files() -> Mapping[str, str]:
    return {"shop.py": "RATE = 3\n", "check.py": "import shop\nassert shop.RATE == 5\n"}


@pytest.fixture
def repo(tmp_path: Path, files: Mapping[str, str]) -> Path:
    return known_author(git_repository(tmp_path / "shop", dict(files)))
