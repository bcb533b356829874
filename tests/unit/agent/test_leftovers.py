from pathlib import Path

from msgspec.structs import replace

from hybridcode.agent.leftovers import MOST, left_behind, taken_whole, told_mentions, told_whole
from hybridcode.domain.events import ModelAsked
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.models.scripted import ScriptedModel
from hybridcode.repo.occurrences import Line
from hybridcode.repo.snapshot import Snapshot, take
from hybridcode.session.models import Models
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, Scene, as_json, fence, planning, requests_of

OLD = b"class GoneError(ValueError):\n    pass\n\n\ndef total():\n    raise GoneError\n\n\ndef f():\n    pass\n"
NEW = 'def total():\n    """Raises GoneError."""\n    raise ValueError\n'


def test_what_still_names_a_definition_that_is_gone_is_found_code_first(tmp_path: Path):
    (tmp_path / "a.md").write_text("GoneError was new in 1.0\n")
    (tmp_path / "b.py").write_text("x = 1\nfrom shop import GoneError, f\nGoneErrors = 2\n")
    (tmp_path / "shop.py").write_text(NEW)
    tree = take(tmp_path)
    found = left_behind({"shop.py": OLD}, tree, shown=tree)
    assert found == [
        Line("b.py", 2, "from shop import GoneError, f"),
        Line("shop.py", 2, '"""Raises GoneError."""'),
        Line("a.md", 1, "GoneError was new in 1.0"),
    ]
    assert left_behind({"shop.py": NEW.encode(), "new.py": None}, tree, shown=tree) == []


def test_what_moved_to_another_changed_file_is_not_gone(tmp_path: Path):
    (tmp_path / "shop.py").write_text("from errors import GoneError\n\n\ndef total():\n    raise GoneError\n")
    (tmp_path / "errors.py").write_text("class GoneError(ValueError):\n    pass\n")
    tree = take(tmp_path)
    assert left_behind({"shop.py": OLD, "errors.py": None}, tree, shown=tree) == []
    assert left_behind({"shop.py": OLD, "errors.py": None}, tree, shown=tree.without({"errors.py"})) == []


SETTING = b"def read(options):\n    return options['old_rate'], options.get('slow')\n"


def test_a_name_that_the_task_takes_out_is_found_though_it_is_no_definition(tmp_path: Path):
    (tmp_path / "a.md").write_text("`old_rate` is now `new_rate`; slow\n")
    (tmp_path / "b.py").write_text("read({'old_rate': 1, 'slow': 2})\n")
    (tmp_path / "shop.py").write_bytes(SETTING.replace(b"old", b"new").replace(b", options.get('slow')", b""))
    tree = take(tmp_path)
    line = Line("b.py", 1, "read({'old_rate': 1, 'slow': 2})")
    both = [line, Line("a.md", 1, "`old_rate` is now `new_rate`; slow")]
    for task, found in {
        "Rename old_rate to new_rate.": both,
        "The option `slow` goes: remove it.": both,
        "Drop `Shop.absent` and other_name": [],
        "Set old_rate to 5. Remove what is slow.": [],
        "remove read, `read()`": [],
    }.items():
        assert left_behind({"shop.py": SETTING}, tree, shown=tree, task=task) == found, task
    assert left_behind({"b.py": b"x\n"}, tree, shown=tree, task="Rename old_rate to new_rate.") == []


def test_what_the_new_lines_hold_as_well_is_not_taken_out(tmp_path: Path):
    (tmp_path / "net.py").write_text("def fetch_url(url, timeout=1):\n    return url\n")
    (tmp_path / "shop.py").write_text("fetch_url(2)\n")
    tree, before = take(tmp_path), {"shop.py": b"fetch_url(2, timeout=3)\n"}
    task = "Remove `timeout` from the calls of `fetch_url`."
    assert [one.path for one in left_behind(before, tree, shown=tree, task=task)] == ["net.py"]


def test_many_lines_are_counted():
    found = [Line("a.py", number, "gone()") for number in range(1, MOST + 4)]
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
    assert (
        "# Still in the tree, though its definition is gone or the goal takes it out\nnotes.md:1: GoneError: see below"
        in told
    )
    asked = [one.event for one in it.session.state.envelopes if isinstance(one.event, ModelAsked)]
    assert "notes.md#L1" in asked[-1].files


async def test_names_of_a_changed_file_that_the_judge_may_not_see_are_not_gone(tmp_path: Path):
    files = {"secret/ward.py": "def beds():\n    return 1\n", "a.py": "from secret.ward import beds\n"}
    workspace = git_repository(tmp_path / "ward", files)
    step = Step("1", "return 2", touches=("secret/ward.py#beds",))
    frontier = ScriptedModel(replace(FRONTIER, is_remote=True), {"judge": ["good"]})
    local = ScriptedModel(LOCAL, {"plan": [as_json(Plan((step,)))], "draft": [fence("def beds():\n    return 2")]})
    settings = {"egress.deny_paths": ("secret/",), "routing.first": "local"}
    it = Scene(workspace, settings=settings, models=Models(frontier, local))
    assert (await it.run("let beds return 2")).code == ExitCode.DONE
    (asked,) = frontier.requests
    assert "Still in the tree" not in asked.messages[1].content


def test_a_file_that_is_gone_meanwhile_is_passed_over(tmp_path: Path):
    (tmp_path / "b.py").write_text("GoneError\n")
    (tmp_path / "c.py").write_text("GoneError\n")
    known = take(tmp_path)
    tree = Snapshot(known.root, known.files, known.git)
    (tmp_path / "b.py").unlink()
    assert left_behind({"shop.py": OLD}, tree, shown=tree) == [Line("c.py", 1, "GoneError")]


def test_names_of_which_nothing_is_left_are_told_on_one_line(tmp_path: Path):
    (tmp_path / "b.py").write_text("read({'slow_mode': 2})\n")
    (tmp_path / "shop.py").write_text("def read(options):\n    return options['new_rate']\n")
    tree = take(tmp_path)
    before = {"shop.py": SETTING.replace(b"'slow'", b"'slow_mode'")}
    assert taken_whole(before, tree, task="Rename old_rate to new_rate and remove slow_mode.") == ("old_rate",)
    assert taken_whole(before, tree, task="Set old_rate to five.") == ()
    assert taken_whole(before, tree, task="Remove other_rate.") == ()
    assert told_whole(("old_rate",)) == "No line of the tree holds `old_rate` any more."
    assert told_whole(("old_rate", "slow")) == "No line of the tree holds `old_rate` or `slow` any more."
    assert told_whole(()) == ""


async def test_the_judge_is_told_that_nothing_is_left(tmp_path: Path):
    workspace = git_repository(tmp_path / "shop", {"shop.py": OLD.decode()})
    step = Step("gone", "Remove GoneError; total raises ValueError.", touches=("shop.py#GoneError", "shop.py#total"))
    drafts = {"draft": ["```python\n```", "```python\ndef total():\n    raise ValueError\n```"]}
    it = Scene(workspace, {**planning(Plan((step,))), "judge": ["good"]}, drafts)
    assert (await it.run("remove `GoneError`")).code == ExitCode.DONE
    assert it.session is not None
    told = requests_of(it.session, "judge")[0][1].content
    assert told.endswith("\n\nNo line of the tree holds `GoneError` any more.")
