"""What a draft is to rewrite, and how that stands last in its window.

Invariant: a pure function of step, tree, region and format.
"""

from hybridcode.context.regions import resolve
from hybridcode.context.render import hidden_characters, shown_otherwise, target_section
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.window import EditFormat, Excerpt, Target
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot


def target_of(step: Step, snapshot: Snapshot, *, region: Region, format: EditFormat) -> Target:
    """What an answer to a window of these would be about.

    Raises: ContextError if the region cannot be resolved, RepoError if its file cannot be read.
    """
    return shown_target(step, snapshot, region, format)[0]


def shown_target(step: Step, snapshot: Snapshot, region: Region, wanted: EditFormat) -> tuple[Target, str]:
    """The target of a draft and how it is shown. A step that creates its file has nothing to show."""
    if step.kind == "create" and region.path not in snapshot.files:
        target = Target(path=region.path, format="whole")
        return target, target_section(target, None)
    target = resolve(snapshot, region, format=wanted)
    data = snapshot.read(target.path)
    shown = b"".join(split_lines(data)[(target.start or 1) - 1 : target.end])
    try:
        shown.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContextError(f"{region} is not UTF-8", "Convert the file first, or name lines that are.") from error
    return target, target_section(target, data)


def touched_targets(step: Step, snapshot: Snapshot, region: Region, wanted: EditFormat) -> list[tuple[Target, str]]:
    """All regions of the step that can be shown, in the plan's order, without repetitions."""
    found: dict[Target, str] = {}
    for other in dict.fromkeys((*step.regions, region)):
        try:
            target, text = shown_target(step, snapshot, other, wanted)
        except ContextError:
            if other == region:
                raise
            continue
        found.setdefault(target, text)
    return list(found.items())


def target_excerpt(snapshot: Snapshot, target: Target) -> tuple[Excerpt, ...]:
    """The lines that are to be rewritten; () for a new file."""
    if target.path not in snapshot.files:
        return ()
    end = target.end or len(split_lines(snapshot.read(target.path)))
    return (Excerpt(path=target.path, start=target.start or 1, end=end, reason="target"),)


def target_notes(snapshot: Snapshot, target: Target, text: str) -> list[str]:
    """What of the target's `text` a reader cannot see."""
    notes = list(hidden_characters(target.path, text))
    if target.path in snapshot.files:
        notes += shown_otherwise(target.path, snapshot.read(target.path))
    return notes
