"""Imports that a draft forgot: added where it is plain which one is meant, else a reason to draft again.

Invariant: an import that is added is on record before anybody is asked, and the person sees it as a line of the change
with the reason; what another step of the plan is still to bring is nobody's fault.
"""

import asyncio
import re
from collections.abc import Sequence

from msgspec.structs import replace

from hybridcode.agent.import_search import Plain, import_for
from hybridcode.agent.run import Run
from hybridcode.context.regions import IMPORTS
from hybridcode.domain.action import FileChange
from hybridcode.domain.events import ImportAdded
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.check import left_unused, undefined_names
from hybridcode.patch.imports import with_import
from hybridcode.patch.names import is_python, undefined
from hybridcode.repo.snapshot import Snapshot


async def with_imports(
    run: Run, step: Step, *, attempt: int, changes: tuple[FileChange, ...], tree: Snapshot
) -> tuple[tuple[FileChange, ...], tuple[str, ...]]:
    """The changes with the imports that they lack, as far as these are plain; and what a person is told of them.

    `tree` is what the writer may see, with the changes.
    """
    found: list[FileChange] = []
    notes: list[str] = []
    for change in changes:
        names = undefined(change.path, change.before, change.after) if is_python(change.path) else ()
        after, added = change.after or b"", dict[str, Plain]()
        for name in names if not _comes_later(run, step, change.path, names) else ():
            plain = await asyncio.to_thread(import_for, name, change.path, after, tree)
            if plain is not None and (more := with_import(after, plain.line)) != after:
                after, added[name] = more, plain
                run.journal.append(ImportAdded(step.id, attempt, change.path, plain.line, plain.why))
        notes += (_note(change.path, after, name, plain) for name, plain in added.items())
        found.append(replace(change, after=after) if names else change)
    return tuple(found), tuple(notes)


def _note(path: str, data: bytes, name: str, plain: Plain) -> str:
    """What a person is told beside the line that imports a name."""
    lines = enumerate(data.decode("utf-8", "replace").splitlines(), 1)
    has_name = re.compile(rf"(?:import|from)\s.*\b{re.escape(name)}\b")
    at = next((number for number, line in lines if has_name.match(line.removeprefix("\ufeff"))), 1)
    return f"{path}:{at}: `{plain.line}` was added for {name}, {plain.why}"


def loose_ends(run: Run, step: Step, changes: Sequence[FileChange]) -> tuple[Refusal, ...]:
    """Names that changes leave undefined and, where the step may change imports, imports that they leave unused."""
    names = {change.path: undefined(change.path, change.before, change.after) for change in changes}
    later = {path for path in names if _comes_later(run, step, path, names[path])}
    return tuple(one for one in loose_ends_of(step, changes) if one.path not in later)


def loose_ends_of(step: Step, changes: Sequence[FileChange]) -> tuple[Refusal, ...]:
    """As `loose_ends`, whatever other steps are still to do."""
    may_import = {region.path for region in step.regions if _holds_imports(region)}
    return (*undefined_names(changes, may_import=may_import), *left_unused(changes, may_import=may_import))


def _holds_imports(region: Region) -> bool:
    return region.symbol == IMPORTS or (region.symbol is None and region.start is None)


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
