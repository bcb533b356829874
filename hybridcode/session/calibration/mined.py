"""Cases out of git history: each commit that one step could have made.

Invariant: deterministic and bounded; every commit that was looked at is a case or is left out with a reason. What a
commit message says is the goal's text and nothing else: no word of it chooses a file, a command or a model.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybridcode.agent.kinds import is_config, is_test, runs_tests
from hybridcode.domain.action import FileChange
from hybridcode.domain.plan import Region, Step
from hybridcode.gate.protected import OWN_NAMES, is_protected
from hybridcode.patch.check import unparsable
from hybridcode.repo.commits import ChangedFile, PastCommit
from hybridcode.repo.objects import read_objects
from hybridcode.session.calibration.cases import Case, LeftOut
from hybridcode.session.calibration.past import Past
from hybridcode.session.calibration.regions import changed_lines, is_same_code, regions_of
from hybridcode.session.calibration.runners import narrowed

MOST_FILES, MOST_REGIONS, MOST_LINES = 4, 6, 150
"""What one step may touch; a commit that does more was several steps."""
MOST_FILE_BYTES = 200_000
GOAL_CHARS = 600
_TRAILER = re.compile(
    r"^[A-Z][A-Za-z-]*-(?:by|to|id|Id|Link|Url|with|for)\s*:.*$|^(?:Fixes|Closes|Refs?|Link|Bug)\s*:.*$"
)
_PROSE = re.compile(
    r"\.(?:md|mdx|rst|txt|adoc)$|(?:^|/)(?:CHANGELOG|CHANGES|HISTORY|NEWS|AUTHORS|CONTRIBUTORS)[^/]*$", re.IGNORECASE
)
"""Goes along with many a change, and no check can tell whether it is any good."""


class _No(Exception):
    """Why a commit is no case."""


@dataclass(frozen=True)
class _Contents:
    before: bytes | None
    after: bytes | None


def mined_cases(root: Path, commits: Iterable[PastCommit], *, check: str) -> tuple[list[Case], list[LeftOut]]:
    """A case for each commit that is one, newest first; `check` is the command that a person named."""
    cases: list[Case] = []
    left_out: list[LeftOut] = []
    for commit in commits:
        name, title = f"commit {commit.id[:12]}", one_line(commit.message, 72)
        try:
            cases.append(_case(root, commit, name=name, title=title, check=check))
        except _No as why:
            left_out.append(LeftOut(name, title, str(why)))
    return cases, left_out


def one_line(text: str, most: int) -> str:
    """The first line of a text, bounded, with blanks for what is not printed."""
    first = "".join(char if char.isprintable() else " " for char in text.strip().partition("\n")[0]).strip()
    return first if len(first) <= most else f"{first[: most - 3]}..."


def goal_of(message: str, regions: Sequence[Region]) -> str:
    """What a commit says it does, without trailers and control characters, and where."""
    kept = [line.rstrip() for line in message.split("\n") if not _TRAILER.match(line)]
    text = "".join(char if char == "\n" or char.isprintable() else " " for char in "\n".join(kept)).strip()
    text = text if len(text) <= GOAL_CHARS else f"{text[:GOAL_CHARS].rstrip()} [...]"
    return f"{text}\n\nTo be changed: {', '.join(map(str, regions))}"


def _case(root: Path, commit: PastCommit, *, name: str, title: str, check: str) -> Case:
    sources, tests = _sorted(commit)
    contents = _read(root, (*sources, *tests))
    subject = sources or tests
    lines = _measured(subject, contents)
    regions = _regions(subject, contents)
    step = Step(
        id=f"commit-{commit.id[:12]}",
        goal=goal_of(commit.message, regions),
        kind="create" if any(file.status == "added" for file in subject) else "edit",
        touches=tuple(map(str, regions)),
        check=narrowed(check, [file.path for file in tests if file.after and runs_tests(file.path)]),
    )
    laid = tests if sources else []
    over = tuple(_change(file, contents[file.path]) for file in laid)
    return Case(name, "mined", title, step, Past(commit.parent, over), Past(commit.id), lines)


def _sorted(commit: PastCommit) -> tuple[list[ChangedFile], list[ChangedFile]]:
    """What the step is about, and the tests that prove it."""
    if not commit.parent:
        raise _No("it has no parent here")
    if not commit.message:
        raise _No("it says nothing")
    if commit.reaches_outside:
        raise _No("it also changes files outside this folder, or with names that are not UTF-8")
    if odd := [file.path for file in commit.files if file.status == "other"]:
        raise _No(f"{odd[0]} is, or was, no ordinary file")
    if hidden := [file.path for file in commit.files if _is_out_of_bounds(file.path)]:
        raise _No(f"no model may see or write {hidden[0]}")
    tests = [file for file in commit.files if is_test(file.path)]
    sources = [file for file in commit.files if not is_test(file.path) and not _PROSE.search(file.path)]
    if not sources and not tests:
        raise _No("it changes only docs")
    if all(is_config(file.path) for file in sources) and not tests:
        raise _No("it changes only configuration, and no test that could tell")
    for file in sources or tests:
        if file.status == "deleted":
            raise _No(f"it deletes or moves {file.path}")
    if len(sources or tests) > MOST_FILES:
        raise _No(f"it changes {len(sources or tests)} files, more than {MOST_FILES}")
    return sources, tests


def _is_out_of_bounds(path: str) -> bool:
    parts = tuple(path.casefold().split("/"))
    return is_protected(parts) == "credentials" or not OWN_NAMES.isdisjoint(parts)


def _read(root: Path, files: Sequence[ChangedFile]) -> Mapping[str, _Contents]:
    blobs = read_objects(root, {name for file in files for name in (file.before, file.after) if name})
    found: dict[str, _Contents] = {}
    for file in files:
        if any(name and name not in blobs for name in (file.before, file.after)):
            raise _No(f"git does not have {file.path}")
        before, after = blobs.get(file.before), blobs.get(file.after)
        found[file.path] = _Contents(before, after)
        if any(data is not None and (b"\0" in data or len(data) > MOST_FILE_BYTES) for data in (before, after)):
            raise _No(f"{file.path} is binary or large")
    return found


def _measured(files: Sequence[ChangedFile], contents: Mapping[str, _Contents]) -> int:
    """Lines that were changed; not too many, some of them code, and with no new syntax error."""
    both = [(file.path, contents[file.path].before or b"", contents[file.path].after or b"") for file in files]
    lines = sum(changed_lines(before, after) for _, before, after in both)
    if lines > MOST_LINES:
        raise _No(f"it changes {lines} lines, more than {MOST_LINES}")
    if all(is_same_code(*each) for each in both):
        raise _No("only comments, blanks or nothing differ")
    if refused := unparsable([_change(file, contents[file.path]) for file in files]):
        raise _No(f"what it made does not parse: {refused[0].reason}")
    return lines


def _regions(files: Sequence[ChangedFile], contents: Mapping[str, _Contents]) -> tuple[Region, ...]:
    regions: list[Region] = []
    for file in files:
        data = contents[file.path]
        if data.before is None:
            regions.append(Region(file.path))
        else:
            regions += regions_of(file.path, data.before, data.after or b"")
    if len(regions) > MOST_REGIONS:
        raise _No(f"it changes {len(regions)} places, more than {MOST_REGIONS}")
    return tuple(regions)


def _change(file: ChangedFile, data: _Contents) -> FileChange:
    return FileChange(file.path, before=data.before, after=data.after, mode=file.permissions)
