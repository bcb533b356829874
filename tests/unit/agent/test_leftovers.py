from pathlib import Path

from hybridcode.agent.leftovers import MOST, Mention, left_behind, told_mentions
from hybridcode.domain.events import ModelAsked
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.repo.snapshot import take
from tests.support.repos import git_repository
from tests.support.sessions import Scene, planning, requests_of

OLD = b"class GoneError(ValueError):\n    pass\n\n\ndef total():\n    raise GoneError\n\n\ndef f():\n    pass\n"
NEW = 'def total():\n    """Raises GoneError."""\n    raise ValueError\n'


def test_what_still_names_a_definition_that_is_gone_is_found_code_first(tmp_path: Path):
    (tmp_path / "a.md").write_text("GoneError was new in 1.0\n")
    (tmp_path / "b.py").write_text("x = 1\nfrom shop import GoneError, f\nGoneErrors = 2\n")
    (tmp_path / "shop.py").write_text(NEW)
    found = left_behind({"shop.py": OLD}, take(tmp_path))
    assert found == [
        Mention("b.py", 2, "from shop import GoneError, f"),
        Mention("shop.py", 2, '"""Raises GoneError."""'),
        Mention("a.md", 1, "GoneError was new in 1.0"),
    ]
    assert left_behind({"shop.py": NEW.encode(), "new.py": None}, take(tmp_path)) == []


def test_what_moved_to_another_changed_file_is_not_gone(tmp_path: Path):
    (tmp_path / "shop.py").write_text("from errors import GoneError\n\n\ndef total():\n    raise GoneError\n")
    (tmp_path / "errors.py").write_text("class GoneError(ValueError):\n    pass\n")
    assert left_behind({"shop.py": OLD, "errors.py": None}, take(tmp_path)) == []


def test_many_lines_are_counted():
    found = [Mention("a.py", number, "gone()") for number in range(1, MOST + 4)]
    assert told_mentions(found).splitlines()[-2:] == [f"a.py:{MOST}: gone()", "(3 more lines)"]
    assert told_mentions([]) == ""


async def test_the_judge_is_told_what_still_names_it(tmp_path: Path):
    workspace = git_repository(tmp_path / "shop", {"shop.py": OLD.decode(), "notes.md": "GoneError: see below\n"})
    places = ("shop.py#GoneError", "shop.py#total")
    step = Step("gone", "Remove GoneError; total raises ValueError.", touches=places)
    drafts = {"draft": ["```python\n```", "```python\ndef total():\n    raise ValueError\n```"]}
    it = Scene(workspace, {**planning(Plan((step,))), "judge": ["good"]}, drafts)
    assert (await it.run("remove GoneError")).code == ExitCode.DONE
    assert it.session is not None
    told = requests_of(it.session, "judge")[0][1].content
    assert "# Still in the tree, though its definition is gone\nnotes.md:1: GoneError: see below" in told
    asked = [one.event for one in it.session.state.envelopes if isinstance(one.event, ModelAsked)]
    assert "notes.md#L1" in asked[-1].files
