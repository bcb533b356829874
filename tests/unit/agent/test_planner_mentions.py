from pathlib import Path

from hybridcode.agent.baseline import check_line
from hybridcode.domain.events import ModelAsked, NoticeGiven, OutlineMade
from hybridcode.domain.planned import BaselineTaken
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.session.session import Session
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, Scene
from tests.support.waiting import happened


async def asked(workspace: Path, text: str, **settings: object) -> tuple[Session, str]:
    """The session of one task, closed, and what its planner was asked."""
    frontier = ScriptedModel(FRONTIER, {"plan": ['{"answer": "ok"}']})
    session = Scene(workspace, models=Models(frontier, None), settings=settings).open()
    await session.run(text)
    await session.close()
    return session, frontier.requests[0].messages[-1].content


async def test_a_mentioned_file_is_sent_whole_and_named_in_the_receipt(tmp_path: Path):
    files = {f"shop/cart{n}.py": f"def total{n}(cart):\n    return sum(cart)\n" * 60 for n in range(30)}
    workspace = git_repository(tmp_path / "ws", files | {"far/away.py": "RATE = 7\n"})
    session, sent = await asked(workspace, "total the cart, see @far/away.py", context__plan_tokens=4_000)
    assert "RATE = 7" in sent
    (receipt,) = happened(session, ModelAsked)
    assert "far/away.py#L1-1" in receipt.files
    assert sent.endswith("# Task\ntotal the cart, see @far/away.py")
    assert not [notice for notice in happened(session, NoticeGiven) if "mention" in notice.text]


async def test_the_test_that_the_check_names_is_shown_and_on_record(tmp_path: Path):
    tests = {f"tests/test_cart{n}.py": f"def test_total{n}():\n    assert total{n}([{n}]) == {n}\n" for n in range(9)}
    workspace = git_repository(tmp_path / "ws", tests | {"shop/cart.py": "RATE = 7\n"})
    check = "python3 -m pytest tests/test_cart7.py::test_total7"
    session, sent = await asked(workspace, "be exact", verify__test_cmd=check)
    assert "## The check: tests/test_cart7.py\nlines 1-2:\n```python\ndef test_total7():\n" in sent
    (made,) = happened(session, OutlineMade)
    assert made.check.startswith(check)


def test_failing_tests_stand_behind_the_command_that_named_none():
    failing = tuple(f"tests/test_cart.py::test_{n}[a b]" for n in range(9))
    now = BaselineTaken("pytest", "t", passed=False, exit_code=1, seconds=1.0, told="", failing=failing)
    assert check_line("pytest", now) == " ".join(("pytest", *(f"'{name}'" for name in failing[:4])))
    assert check_line("pytest", None) == "pytest"


async def test_a_task_that_names_what_it_is_about_is_shown_less(tmp_path: Path):
    files = {f"shop/cart{n}.py": f"def total{n}(cart):\n    return sum(cart)\n" for n in range(30)}
    workspace = git_repository(tmp_path / "ws", files)
    for text, budget in (("make total7() exact", 1_000), ("shop/cart7.py is slow", 2_000), ("be exact", 4_000)):
        session, _ = await asked(workspace, text)
        (made,) = happened(session, OutlineMade)
        assert made.budget == budget


async def test_what_is_no_file_and_what_may_not_be_shown_is_said(tmp_path: Path):
    workspace = git_repository(tmp_path / "ws", {"a.py": "X = 1\n", "conf/.env": "TOKEN_OF_US=abcdef\n"})
    session, sent = await asked(workspace, "see @a.py, @gone.py and @conf/.env for a @property")
    told = [notice.text for notice in happened(session, NoticeGiven) if "mention" in notice.text]
    assert told == [
        "the task mentions what is no file here: gone.py",
        "not shown to the planner, though mentioned: conf/.env",
    ]
    assert "TOKEN_OF_US" not in sent and "X = 1" in sent
