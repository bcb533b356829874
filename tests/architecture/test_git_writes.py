import ast
from pathlib import Path

from source import each_of, name_of, python_files

WRITING = frozenset({"tree", "commit", "move_branch", "check_out_name", "set_staged"})
"""What of GitWriter changes a repository; `blob` does with `writes`."""
DOOR = "hybridcode/gate/commits.py"
WORKTREE_WRITING = frozenset({"add", "check_out", "remove"})
"""What of GitWorktrees changes a repository."""
WORKTREE_DOOR = "hybridcode/gate/worktrees.py"


def writes_in(source: str) -> set[str]:
    """Calls of a GitWriter's writing methods, as far as the file speaks of one."""
    if "GitWriter" not in source:
        return set()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)} & WRITING
    blobs = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "blob"]
    return named | {"writes" for call in blobs for keyword in call.keywords if keyword.arg == "writes"}


@each_of(python_files("hybridcode"))
def test_only_the_door_writes_to_git(file: Path) -> None:
    if name_of(file) not in (DOOR, "hybridcode/repo/gitwriter.py"):
        assert not writes_in(file.read_text(encoding="utf-8")), f"only {DOOR} may do this"


def test_the_search_sees_it(repository_root: Path) -> None:
    assert writes_in((repository_root / DOOR).read_text(encoding="utf-8")) == {*WRITING, "writes"}


def worktree_writes_in(source: str) -> set[str]:
    """Calls of a GitWorktrees' writing methods, as far as the file speaks of one."""
    if "GitWorktrees" not in source:
        return set()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)} & WORKTREE_WRITING


@each_of(python_files("hybridcode"))
def test_only_its_door_makes_and_removes_worktrees(file: Path) -> None:
    if name_of(file) not in (WORKTREE_DOOR, "hybridcode/repo/gitworktrees.py"):
        assert not worktree_writes_in(file.read_text(encoding="utf-8")), f"only {WORKTREE_DOOR} may do this"


def test_the_search_sees_worktrees(repository_root: Path) -> None:
    assert worktree_writes_in((repository_root / WORKTREE_DOOR).read_text(encoding="utf-8")) == WORKTREE_WRITING
