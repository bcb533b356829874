"""One call from an answer's text to changed bytes, as the loop does it.

Invariant: no logic of its own; refusals come back as values.
"""

from collections.abc import Mapping

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Finish, Target
from hybridcode.patch.place import place
from hybridcode.patch.read import read_answer

Outcome = dict[str, bytes | None] | Refusal


def patch(text: str, shown: Mapping[str, bytes], *, target: Target | None = None, finish: Finish = "stop") -> Outcome:
    """New bytes by path (None = deleted), or the first refusal."""
    answer = read_answer(text, finish=finish, target=target)
    if isinstance(answer, Refusal):
        return answer
    changes: dict[str, bytes | None] = {}
    for item in place(answer, shown):
        if isinstance(item, Refusal):
            return item
        assert isinstance(item, FileChange)
        assert item.before == shown.get(item.path)
        changes[item.path] = item.after
    return changes


def refusal(outcome: Outcome) -> Refusal:
    """The refusal that was expected."""
    assert isinstance(outcome, Refusal), f"not refused: {outcome!r}"
    return outcome
