from pathlib import Path

import pytest

from hybridcode.context.guides import guides_for
from hybridcode.context.index import Index
from hybridcode.context.outline import outline
from hybridcode.repo.snapshot import take
from tests.support.repos import write_tree

TREE = {
    "AGENTS.md": "Rules of the whole tree.\n",
    "app.py": "def start():\n    return 1\n",
    "web/AGENTS.md": "Rules of the web part.\n",
    "web/page.py": "def render_page():\n    return 2\n",
    "web/api/CLAUDE.md": "Rules of the interface.\n",
    "web/api/routes.py": "def route_request():\n    return 3\n",
    "lib/CLAUDE.md": "For another program.\n",
    "lib/AGENTS.md": "Rules of the library.\n",
    "lib/text.py": "def fold_text():\n    return 4\n",
    "tools/run.py": "def run_tools():\n    return 5\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree", TREE)


@pytest.mark.parametrize(
    ("path", "guide"),
    [
        ("app.py", "AGENTS.md"),
        ("web/page.py", "web/AGENTS.md"),
        ("web/api/routes.py", "web/api/CLAUDE.md"),
        ("lib/text.py", "lib/AGENTS.md"),
        ("tools/run.py", "AGENTS.md"),
        ("web/api/new/file.py", "web/api/CLAUDE.md"),
        ("nowhere/new.py", "AGENTS.md"),
    ],
)
def test_the_nearest_folder_wins_and_in_it_agents_before_claude(root: Path, path: str, guide: str):
    assert [found.path for found in guides_for(take(root), [path], max_bytes=1_000)] == [guide]


@pytest.mark.parametrize(
    ("task", "guides"),
    [
        ("make it faster", ["AGENTS.md"]),
        ("change web/page.py", ["AGENTS.md", "web/AGENTS.md"]),
        ("rename route_request", ["AGENTS.md", "web/api/CLAUDE.md"]),
        ("see @lib/text.py and @web/page.py", ["AGENTS.md", "lib/AGENTS.md", "web/AGENTS.md"]),
    ],
)
def test_a_planner_sees_the_guides_of_what_the_task_names(root: Path, task: str, guides: list[str]):
    index = Index.in_memory()
    window = outline(index.corpus(take(root)), task=task, budget=2_000).window
    assert [excerpt.path for excerpt in window.excerpts if excerpt.reason == "guide"] == guides


def test_a_long_guide_of_the_whole_tree_leaves_room_for_the_nearest(root: Path):
    write_tree(root, {"AGENTS.md": "One more rule of the whole tree.\n" * 400})
    window = outline(Index.in_memory().corpus(take(root)), task="change web/page.py", budget=1_000).window
    assert "Rules of the web part." in window.text
    assert any(note.startswith("AGENTS.md is cut after line") for note in window.notes)
