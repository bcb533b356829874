"""Which value of a setting is tighter: what an untrusted repository may say, and what managed config leaves free.

Invariant: a setting without an entry here is never taken from an untrusted repository.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import cast

Tighter = Callable[[object, object], bool]
"""(proposed, current) -> True if `proposed` allows strictly less."""


def _ranked(words: Sequence[str]) -> Tighter:
    return lambda proposed, current: words.index(str(proposed)) > words.index(str(current))


def _smaller(proposed: object, current: object) -> bool:
    return cast(float, proposed) < cast(float, current)


def _limit(proposed: object, current: object) -> bool:
    """A lower limit, where 0 means none."""
    return (cast(float, proposed) or math.inf) < (cast(float, current) or math.inf)


def _switched_on(proposed: object, current: object) -> bool:
    return bool(proposed) and not current


TIGHTER: Mapping[str, Tighter] = MappingProxyType(
    {
        "approval.mode": _ranked(("bypass", "acceptEdits", "default", "dontAsk", "plan")),
        "approval.sandbox": _ranked(("off", "auto")),
        "approval.timeout_s": _limit,
        "verify.scratch": _ranked(("auto", "off")),
        "verify.detect": _ranked(("auto", "off")),
        "verify.reproduce": _switched_on,
        "egress.mode": _ranked(("allow", "ask", "offline")),
        "egress.redact": _switched_on,
        "git.commit": _ranked(("step", "session", "off")),
        "limits.max_cost_usd": _limit,
        "limits.max_steps": _limit,
        "limits.timeout_s": _limit,
        "limits.max_repairs": _smaller,
        "limits.max_reworks": _smaller,
        "context.plan_tokens": _smaller,
        "context.step_tokens": _smaller,
        "context.read_rounds": _smaller,
        "context.max_file_bytes": _smaller,
        "routing.local_tries": _smaller,
        "routing.samples": _smaller,
        "routing.frontier_hints": _smaller,
        "routing.frontier_tries": _smaller,
    }
)
"""Settings whose values are ordered by how much they allow."""

COLLECTED = frozenset({"approval.deny", "approval.ask", "egress.deny_paths"})
"""Lists of prohibitions: every layer adds to them and none can take away."""

DATA = frozenset({"verify.test_cmd", "verify.lint_cmd"})
"""Commands that a repository may propose: their origin says so, and nothing runs them before a person consents."""


def is_tighter(name: str, proposed: object, current: object) -> bool:
    """True if `name` allows strictly less with `proposed` than with `current`; False if it has no such order."""
    compare = TIGHTER.get(name)
    return compare is not None and compare(proposed, current)
