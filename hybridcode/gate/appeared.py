"""Protected names that a command brought into being where the sandbox could not forbid it, told at once.

Invariant: only looks; what was there before, and empty folders, are never told.
"""

from pathlib import Path

from hybridcode.domain.events import NoticeGiven
from hybridcode.gate.paths import folded
from hybridcode.gate.protected import OWN_NAMES, is_protected
from hybridcode.gate.sandbox_places import guarded

_NAMED = 5
_HINT = "Look at it before a shell, an editor, git or another agent reads it."


def protected_names(workspace: Path) -> frozenset[Path]:
    """What is there now of what runs by itself, or tells other programs what to run."""
    return frozenset(guarded(workspace)[0])


def notice(workspace: Path, before: frozenset[Path]) -> NoticeGiven | None:
    """A warning that names what is new since `before`; None where nothing is."""
    new = [path for path in sorted(protected_names(workspace) - before) if _holds_something(path)]
    named = [(path, _what(path.relative_to(workspace))) for path in new]
    told = [f"{path.relative_to(workspace)} ({what})" for path, what in named if what]
    if not told:
        return None
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return NoticeGiven("warning", f"the command made what runs by itself: {', '.join(told[:_NAMED])}{more}", _HINT)


def _what(path: Path) -> str:
    parts = folded(str(path))
    own = OWN_NAMES.intersection(parts)
    return "a repository or settings of ours" if own else is_protected(parts)


def _holds_something(path: Path) -> bool:
    try:
        return path.is_symlink() or not path.is_dir() or any(path.iterdir())
    except OSError:
        return True
