"""Windows and outlines of a recorded session, made again.

Invariant: what is compared was made by the same functions that made it then, from recorded bytes alone; no model is
asked.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from hybridcode.agent.keeping import maker
from hybridcode.agent.shifting import standing
from hybridcode.context.assemble import assemble, tiny_window
from hybridcode.context.outline import outline
from hybridcode.context.places import places
from hybridcode.context.targets import target_of
from hybridcode.domain.canonical import digest_of, sha256_hex
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import OutlineMade, WindowAssembled
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.secrets import MARK
from hybridcode.domain.window import ContextWindow, Target, WindowSource
from hybridcode.session.checked import Checked, Kind, agrees
from hybridcode.session.recorded import Missing, Recorded

_NOT_KEPT = "it was recorded by a version that did not keep what windows are made from"


@dataclass(frozen=True)
class Rebuilt:
    """A line about a window, and what its answer is about."""

    checked: Checked
    target: Target | None = None
    window: ContextWindow | None = None
    """With the text on record, whose secrets were taken out."""


def check_window(seq: int, event: WindowAssembled, plan: Plan | None, recorded: Recorded) -> Rebuilt:
    """Assemble a step's window once more."""
    what = f"window of step {event.step}, try {event.attempt}, {event.used:,} tok of {event.budget:,}"
    source = event.source
    if isinstance(source, msgspec.UnsetType):
        return Rebuilt(_not_rebuilt(seq, "window", what, _NOT_KEPT, event.digest))
    step = next((one for one in plan.steps if one.id == event.step), None) if plan is not None else None
    if plan is None or step is None:
        return Rebuilt(Checked(seq, "window", "differs", what, "there is no such step on record", event.digest))
    if digest_of(plan) != source.subject:
        why = "the plan on record is not the one it was made for: a secret was taken out of it"
        return Rebuilt(_not_rebuilt(seq, "window", what, why, event.digest))

    step = standing(step, source.touches)

    def make() -> ContextWindow:
        region = Region.parse(source.region)
        if source.is_tiny:
            return tiny_window(step, recorded.snapshot(source), region=region, format=source.format)
        return assemble(
            step,
            recorded.corpus(source),
            region=region,
            budget=event.budget,
            format=source.format,
            plan=plan,
            is_gone=source.is_gone,
        )

    rebuilt = _compared(seq, "window", what, event.digest, source, recorded, make)
    return rebuilt if rebuilt.target is not None else Rebuilt(rebuilt.checked, _target(step, source, recorded))


def _target(step: Step, source: WindowSource, recorded: Recorded) -> Target | None:
    """What the answer is about, which only the file itself has to tell."""
    try:
        return target_of(step, recorded.snapshot(source), region=Region.parse(source.region), format=source.format)
    except HybridcodeError:
        return None


def check_outline(seq: int, event: OutlineMade, task: str, recorded: Recorded) -> Checked:
    """Make the planner's first look at the tree once more."""
    what = f"outline for the plan, {event.used:,} tok of {event.budget:,}"
    if digest_of(task) != event.source.subject:
        return _not_rebuilt(seq, "outline", what, "a secret was taken out of the task on record", event.digest)

    def make() -> ContextWindow:
        corpus = recorded.corpus(event.source)
        if event.places:
            return places(corpus, task=task, regions=event.places, budget=event.budget)
        return outline(corpus, task=task, budget=event.budget, check=event.check).window

    return _compared(seq, "outline", what, event.digest, event.source, recorded, make).checked


def _compared(
    seq: int,
    kind: Kind,
    what: str,
    digest: str,
    source: WindowSource,
    recorded: Recorded,
    make: Callable[[], ContextWindow],
) -> Rebuilt:
    try:
        text = recorded.text(digest)
        window = make()
    except Missing as missing:
        return Rebuilt(_not_rebuilt(seq, kind, what, missing.message, digest))
    except HybridcodeError as error:
        return Rebuilt(Checked(seq, kind, "differs", what, f"it cannot be made: {error.message}", digest))
    rebuilt = sha256_hex(window.text.encode())
    marks = len(MARK.findall(text))
    if agrees(text, window.text):
        note = f"{marks} secrets were taken out before it was sent" if rebuilt != digest else ""
        line = Checked(seq, kind, "ok", what, note, digest, digest)
        return Rebuilt(line, window.target, msgspec.structs.replace(window, text=text))
    if _maker(source, recorded) != source.maker:
        why = "it was made by another version of the program or of a grammar, which chooses other lines"
        return Rebuilt(_not_rebuilt(seq, kind, what, why, digest), window.target)
    return Rebuilt(Checked(seq, kind, "differs", what, _place(text, window.text), digest, rebuilt), window.target)


def _maker(source: WindowSource, recorded: Recorded) -> str:
    return maker({}) if source.is_tiny else maker(recorded.corpus(source).grammars)


def _not_rebuilt(seq: int, kind: Kind, what: str, why: str, digest: str) -> Checked:
    return Checked(seq, kind, "not_rebuilt", what, why, digest)


def _place(recorded: str, rebuilt: str) -> str:
    """The first line that is different."""
    old, new = recorded.splitlines(), rebuilt.splitlines()
    line = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return f"line {line + 1} is different ({len(old):,} lines on record, {len(new):,} rebuilt)"
