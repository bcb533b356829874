"""Cases: steps of the past with the tree before them, the tree after them and the check that tells them apart.

Invariant: a case is a value; its key changes with everything that a trial of it depends on but the model.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from hybridcode.domain.canonical import digest_of
from hybridcode.domain.plan import Step
from hybridcode.session.calibration.past import Past

Source = Literal["mined", "recorded"]


@dataclass(frozen=True)
class Case:
    """One step to be tried."""

    id: str
    """`commit 0123456789ab` or `session ID step X`."""
    source: Source
    title: str
    """For people, on one line: foreign text, to be escaped where it is shown."""
    step: Step
    """What is asked for; its check is the one that runs."""
    base: Past
    after: Past
    lines: int
    """Lines that the solution of then changed."""

    @property
    def key(self) -> str:
        """SHA-256 over step and both trees."""
        return digest_of([msgspec.to_builtins(self.step), _facts(self.base), _facts(self.after)])


class LeftOut(msgspec.Struct, frozen=True):
    """What could have been a case, and why it is none."""

    id: str
    title: str
    why: str


def _facts(past: Past) -> list[object]:
    return [past.commit, *(digest_of(change) for change in past.over)]
