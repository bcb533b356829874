"""Imports that a draft forgot: added where it is plain which one is meant, else a reason to draft again.

Invariant: an import that is added is on record before anybody is asked, and the person sees it as a line of the change
with the reason; what another step of the plan is still to bring is nobody's fault.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from msgspec.structs import replace

from hybridcode.agent.import_search import Circle, Plain, import_for
from hybridcode.agent.importable import is_importable
from hybridcode.agent.run import Run
from hybridcode.context.regions import IMPORTS
from hybridcode.domain.action import FileChange
from hybridcode.domain.drafted import LinesPlaced
from hybridcode.domain.events import ImportAdded
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.check import left_unused, listed_wrong, undefined_names
from hybridcode.patch.exported import FOR_NOTHING
from hybridcode.patch.filetext import FileText
from hybridcode.patch.imports import place_import
from hybridcode.patch.names import is_python, undefined
from hybridcode.repo.snapshot import Snapshot

LISTED = "__all__"
"""The place of a step that lists what a file hands on."""


@dataclass
class Imported:
    """Changes with the imports that they lack, as far as these are plain."""

    changes: list[FileChange] = field(default_factory=list[FileChange])
    notes: list[str] = field(default_factory=list[str])
    """What a person is told of them."""
    circles: dict[str, list[Circle]] = field(default_factory=dict[str, list[Circle]])
    """Path -> names that are plain and not imported by rule: whoever writes the file has to know where, and as that may
    be the frontier the next time, files that it may not see are not named."""
    importable: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Path -> names that an import can bring, though none is plain."""


async def with_imports(
    run: Run, step: Step, *, attempt: int, changes: tuple[FileChange, ...], tree: Snapshot
) -> Imported:
    """Add the imports that changes lack; `tree` is what the writer may see, with the changes."""
    result = Imported()
    for change in changes:
        names = undefined(change.path, change.before, change.after) if is_python(change.path) else ()
        after, added = change.after or b"", dict[str, Plain]()
        for name in names if not _comes_later(run, step, change.path, names) else ():
            found = await asyncio.to_thread(import_for, name, change.path, after, tree)
            if isinstance(found, Circle):
                open_to_all = run.shown_to("frontier", tree).files
                told = found if found.file in open_to_all else found._replace(file="")
                result.circles.setdefault(change.path, []).append(told)
                result.notes.append(
                    f"{change.path}: {name} is not imported by rule: {found.file} leads back to this file"
                )
            elif found is not None and (edit := place_import(after, found.line)) is not None:
                after, added[name] = FileText.of(after).bytes_with([edit]), found
                place = LinesPlaced(edit.start, edit.end, edit.lines)
                run.journal.append(ImportAdded(step.id, attempt, change.path, found.line, found.why, place))
            elif await asyncio.to_thread(is_importable, name, change.path, change.before or b"", after, tree):
                result.importable.setdefault(change.path, set()).add(name)
        result.notes += (_note(change.path, after, name, plain) for name, plain in added.items())
        result.changes.append(replace(change, after=after) if added else change)
        tree = tree.with_changes(result.changes[-1:]) if added else tree
    return result


def _note(path: str, data: bytes, name: str, plain: Plain) -> str:
    """What a person is told beside the line that imports a name."""
    lines = enumerate(data.decode("utf-8", "replace").splitlines(), 1)
    has_name = re.compile(rf"(?:import|from)\s.*\b{re.escape(name)}\b")
    at = next((number for number, line in lines if has_name.match(line.removeprefix("\ufeff"))), 1)
    return f"{path}:{at}: `{plain.line}` was added for {name}, {plain.why}"


def loose_ends(
    run: Run, step: Step, changes: Sequence[FileChange], circles: Mapping[str, Sequence[Circle]]
) -> tuple[Refusal, ...]:
    """Names that changes leave undefined and, where the step may change these, imports that they leave unused and
    entries of `__all__` that are wrong."""
    names = {change.path: undefined(change.path, change.before, change.after) for change in changes}
    later = {path for path in names if _comes_later(run, step, path, names[path])}
    found = [one for one in _names_of(step, changes) if one.path not in later]
    found += (one for one in _lists_of(step, changes) if not _is_still_touched(run, step, one.path))
    return tuple(_told_of_circles(one, circles.get(one.path or "", ()), names) for one in found)


def _told_of_circles(refusal: Refusal, circles: Sequence[Circle], names: Mapping[str, Sequence[str]]) -> Refusal:
    """The reason to write a file again, with where names come from that cannot be imported at its top."""
    words = [
        f"An import of {one.name} at the top leads {f'from {one.file} ' if one.file else ''}back to this file: "
        "import it inside the function."
        for one in circles
        if one.name in names[refusal.path or ""] and refusal.reason.endswith("not defined in this file")
    ]
    return replace(refusal, advice=" ".join((refusal.advice, *words)))


def loose_ends_of(step: Step, changes: Sequence[FileChange]) -> tuple[Refusal, ...]:
    """As `loose_ends`, whatever other steps are still to do."""
    return (*_names_of(step, changes), *_lists_of(step, changes))


def _names_of(step: Step, changes: Sequence[FileChange]) -> tuple[Refusal, ...]:
    may_import = {region.path for region in step.regions if _holds_imports(region)}
    return (*undefined_names(changes, may_import=may_import), *left_unused(changes, may_import=may_import))


def _lists_of(step: Step, changes: Sequence[FileChange]) -> tuple[Refusal, ...]:
    may_list = {region.path for region in step.regions if region.symbol in (None, LISTED)}
    return listed_wrong([change for change in changes if change.path in may_list])


def places_of(
    step: Step, ends: Sequence[Refusal], changes: Sequence[FileChange], importable: Mapping[str, Set[str]]
) -> frozenset[Region]:
    """The places of a step where loose ends are tied up: its imports and its list of names, where nothing else is wrong
    in a file; of any other file none."""
    found: set[Region] = set()
    for change in changes:
        own = [one for one in ends if one.path == change.path]
        symbols = {symbol for one in own for symbol in _symbols_of(one, change, importable.get(change.path, set()))}
        named = {region for region in step.regions if region.path == change.path and region.symbol in symbols}
        if symbols == {region.symbol for region in named}:
            found |= named
    return frozenset(found)


def _symbols_of(end: Refusal, change: FileChange, importable: Set[str]) -> tuple[str, ...]:
    """The place that a loose end is about: none for what goes along with others, "" where it may be about each."""
    path = change.path
    if end in left_unused([change], may_import={path}):
        return ()
    if end in listed_wrong([change]):
        return (LISTED,) if FOR_NOTHING not in end.reason else ("",)
    is_undefined = end in undefined_names([change], may_import={path})
    can_be_imported = importable >= set(undefined(path, change.before, change.after))
    return (IMPORTS,) if is_undefined and can_be_imported else ("",)


def _holds_imports(region: Region) -> bool:
    return region.symbol == IMPORTS or (region.symbol is None and region.start is None)


def _is_still_touched(run: Run, step: Step, path: str | None) -> bool:
    """Another step that is not done yet changes the file."""
    others = (other for other in (run.plan.steps if run.plan is not None else ()) if other.id != step.id)
    return any(region.path == path for other in others if not run.is_done(other.id) for region in other.regions)


def _comes_later(run: Run, step: Step, path: str, names: Sequence[str]) -> bool:
    """Another step, which is not done yet, changes the file's imports or is about one of the names."""
    for other in run.plan.steps if run.plan is not None else ():
        if other.id == step.id or run.is_done(other.id):
            continue
        about = f"{other.goal} {' '.join(other.touches)}"
        if any(region.path == path and _holds_imports(region) for region in other.regions):
            return True
        if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", about) for name in names):
            return True
    return False
