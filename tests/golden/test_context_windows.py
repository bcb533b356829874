import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GOLDEN = HERE / "context_windows.json"


def windows_of(folder: Path, *arguments: str, cwd: Path, **variables: str) -> bytes:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent.parent), **variables}
    done = subprocess.run(
        [sys.executable, str(HERE / "context_tree.py"), str(folder), *arguments],
        cwd=cwd,
        env=environment,
        check=True,
        capture_output=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("name", "arguments", "variables"),
    [
        ("seed-0", (), {"PYTHONHASHSEED": "0"}),
        ("seed-1-c-locale", (), {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"}),
        ("random-reversed", ("--reversed",), {"PYTHONHASHSEED": "random"}),
    ],
)
def test_windows_are_the_same_bytes_everywhere(
    tmp_path: Path, name: str, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    folder = tmp_path / name / "tree"
    folder.mkdir(parents=True)
    assert windows_of(folder, *arguments, cwd=tmp_path, **variables).decode() == GOLDEN.read_text(encoding="utf-8")


def test_windows_do_not_depend_on_git_or_times(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    windows_of(tmp_path, cwd=tmp_path)
    for file in tmp_path.rglob("*.py"):
        os.utime(file, (1, 1))
    assert windows_of(tmp_path, cwd=tmp_path).decode() == GOLDEN.read_text(encoding="utf-8")


def test_drafts_of_one_step_share_everything_before_their_regions() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    own = "## Changed in this step too: "
    assert golden["total"].partition(own)[0] == golden["limit"].partition(own)[0] != golden["total"]
    assert golden["total"].endswith("discount) if discount else whole\n```\n")
    assert golden["limit"].endswith("```python\nLIMIT = 100\n```\n")
