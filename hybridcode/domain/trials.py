"""What a calibration finds out, as events of its session: which cases can tell, and how each model did.

Invariant: as in domain/events.py; a trial is on record once its check has ended, and is never made again.
"""

from typing import Literal

import msgspec

from hybridcode.domain.plan import Writer
from hybridcode.domain.work import WorkKind


class CalibrationBegun(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After SessionOpened: the session holds a calibration and no task."""

    check: str
    """The command that a person named."""
    models: tuple[str, ...]


class CaseChecked(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After the checks that say whether a case can tell a good change from none; before its trials."""

    case: str
    key: str
    """Digest of the step and the trees before and after it."""
    proof: Literal["fails_before", "notices", "none"]
    """`fails_before`: its check fails before and passes after. `notices`: it passes on both, and fails without the
    files that are touched. `none`: `why` says what was found instead."""
    why: str = ""


class TrialEnded(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After the last draft of one model for one case, and its check."""

    case: str
    key: str
    """The case's, as in CaseChecked."""
    setup: str
    """Digest of what else an outcome depends on but the model: prompts, window, format, place of the check."""
    source: Literal["mined", "recorded"]
    kind: WorkKind
    language: str
    model: str
    writer: Writer
    sample: int
    """1, 2, ...: several of one case, each with a seed of its own."""
    tries: int
    passed_at: int
    """The try that passed its check; 0 if none did."""
    ends: tuple[str, ...]
    """How each try ended: `passed`, `not placed`, `does not parse`, `changes nothing`, `check failed`, `too large`."""
    window_digest: str
    input_tokens: int
    output_tokens: int
    seconds: float
    usd: float | None
    """None = unknown."""
