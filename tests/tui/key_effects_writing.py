"""What the keys of writing do while a task runs.

Invariant: as in key_effects.
"""

from key_effects import Case
from scenes import drafting

EFFECTS: dict[str, Case] = {
    "composer.steer": Case(drafting, tuple("shorter"), lambda drive: tuple(drive.talk.notes), ("shorter",)),
}
