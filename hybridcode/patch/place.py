"""An Answer onto the bytes that were shown: changes of files, all of them or none.

Invariant: every changed file holds exactly the lines the answer means and everything else byte for byte; one refused
edit refuses the whole answer.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from msgspec.structs import replace as replace_struct

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.answer import (
    Answer,
    Block,
    Edit,
    Edits,
    FileCreation,
    FileDeletion,
    RegionRewrite,
    Rewrite,
    WholeFile,
)
from hybridcode.patch.decorators import laid_bare
from hybridcode.patch.deletion import tidied
from hybridcode.patch.filetext import FileText, LineEdit
from hybridcode.patch.left_out import is_named_for_removal, missed
from hybridcode.patch.linediff import equal_pairs
from hybridcode.patch.paths import find_path, is_safe
from hybridcode.patch.place_blocks import place_blocks
from hybridcode.patch.place_rewrite import chosen_text, place_region, place_whole
from hybridcode.patch.read_fence import holds_fences
from hybridcode.patch.refusing import Refused
from hybridcode.patch.terms import Terms

_DEFAULT_MODE = 0o644
_MAX_TRIED_FILES = 50
_LIKENESS = 0.3
"""Share of equal lines from which a nameless whole file may be meant for a shown one."""
_TEXTS_WITH_FENCES = (".md", ".mdx", ".markdown", ".rst")
_ONE_FENCE = "Answer with one file at a time, in a fence of four backticks."
_MOST_NAMED = 5
"""Definitions that a refusal names."""
_BY_A_BLOCK = "To delete a definition on purpose, answer with a SEARCH/REPLACE block of its lines."
_ONCE_MORE = (
    "Write them out again; only if they are what the step says is to go, leave them out once more, and no others."
)
_ALL_OF_IT = "Write them out again; only what the step names for removal may be missing."
_DECORATORS = "Write them out again; only decorators that the step names for removal may be missing."
_NAME_THE_FILE = "Write the file's path above the edit, exactly as it was shown."


def place(
    answer: Answer,
    shown: Mapping[str, bytes],
    *,
    modes: Mapping[str, int] | None = None,
    goal: str | None = None,
    is_itself: bool = False,
    may_go: Collection[str] = (),
) -> tuple[FileChange, ...] | tuple[Refusal, ...]:
    """The changes of an answer, or why there are none; never empty.

    `shown` holds the bytes as shown to the model; `modes` the permission bits of those files (0o644 where absent).
    With a `goal`, lines that were rewritten must define what they defined before, but for what it names for removal; a
    region whose goal says that it goes may be answered with nothing. `is_itself`: the goal is of nothing but the
    target, a definition. `may_go`: definitions that were left out before, which was said, and that no other file names.
    """
    terms = Terms(goal, is_itself=is_itself, may_go=frozenset(may_go))
    placing = _Placing(shown=shown, modes=modes or {}, answer=answer, terms=terms)
    changes: list[FileChange] = []
    refusals: list[Refusal] = []
    for edit in _joined(answer.edits, shown):
        try:
            changes.extend(placing.changes_of(edit))
        except Refused as refused:
            refusals.append(refused.refusal(path=_path_of(edit, shown)))
    if refusals:
        return tuple(refusals)
    if twice := _named_twice(changes):
        return (Refusal(reason="the file is changed twice", path=twice, advice="Write one edit for each file."),)
    return tuple(sorted(changes, key=lambda change: change.path))


def settle(
    answer: Answer, shown: Mapping[str, bytes], *, modes: Mapping[str, int] | None = None
) -> tuple[tuple[FileChange, ...], tuple[Refusal, ...]]:
    """Like `place`, but what already stands in its file is passed over: changes, and why not.

    The refusals are of edits that are there already; or they are all there is to know, and there are no changes.
    """
    already: list[Refusal] = []
    missing: list[Edit] = []
    for edit in _joined(answer.edits, shown):
        found = place(replace(answer, edits=(edit,)), shown, modes=modes)
        refusals = [refusal for refusal in found if isinstance(refusal, Refusal)]
        if refusals and all(refusal.is_already for refusal in refusals) and _stands_whole(answer, edit, shown):
            already += refusals
        else:
            missing.append(edit)
    if not missing:
        return (), tuple(already)
    changes: list[FileChange] = []
    for found in place(replace(answer, edits=tuple(missing)), shown, modes=modes):
        if isinstance(found, Refusal):
            already.append(replace_struct(found, is_already=False))
        else:
            changes.append(found)
    return tuple(changes), tuple(already)


def _stands_whole(answer: Answer, edit: Edit, shown: Mapping[str, bytes]) -> bool:
    """Each block of the edit stands in the file, and not just the first one that was looked at."""
    if not isinstance(edit, Edits) or len(edit.readings) < 2:
        return True
    singles = (replace(edit, readings=(readings,)) for readings in edit.readings)
    found = [place(replace(answer, edits=(single,)), shown) for single in singles]
    return all(isinstance(one[0], Refusal) and one[0].is_already for one in found)


class _Placing:
    """The files an answer is placed on."""

    def __init__(self, *, shown: Mapping[str, bytes], modes: Mapping[str, int], answer: Answer, terms: Terms) -> None:
        self._shown = shown
        self._modes = modes
        self._target = answer.target
        self._terms = terms

    def changes_of(self, edit: Edit) -> list[FileChange]:
        """The changes one edit makes: one, or two for a rename. Raises: Refused."""
        match edit:
            case Edits():
                return self._edits(edit)
            case WholeFile():
                return [self._complete(self._whole(file), "file") for file in self._separate(edit)]
            case RegionRewrite():
                path = self._existing((edit.path,))
                change = self._changed(path, place_region(FileText.of(self._shown[path]), edit, terms=self._terms))
                return [change if edit.text.is_empty else self._complete(change, "region")]
            case FileCreation():
                return [self._created(edit.path, edit.lines)]
            case FileDeletion():
                path = self._existing((edit.path,))
                return [FileChange(path, self._shown[path], None, self._mode(path))]
            case _:
                assert_never(edit)

    def _edits(self, edit: Edits) -> list[FileChange]:
        path = find_path(edit.names, self._shown)
        if path is None and not edit.names:
            path = self._only_fitting(edit)
        if path is None:
            blocks = [block for readings in edit.readings for block in readings]
            if len(blocks) == 1 and not any(line.strip() for line in blocks[0].old) and len(edit.names) == 1:
                return [self._created(edit.names[0], blocks[0].new)]
            path = self._existing(edit.names)
        change = self._changed(path, self._placed(path, edit)) if edit.readings else None
        if edit.new_path is None:
            return [change] if change else []
        after = (change.after if change else None) or self._shown[path]
        return [FileChange(path, self._shown[path], None, self._mode(path)), self._moved(path, edit.new_path, after)]

    def _placed(self, path: str, edit: Edits) -> list[LineEdit]:
        target = self._target
        region = None
        if target is not None and target.path == path and target.start is not None and target.end is not None:
            region = (target.start - 1, target.end)
        file = FileText.of(self._shown[path])
        edits = place_blocks(file, edit, region=region)
        if edit.dialect not in ("blocks", "json"):
            return edits
        return tidied(path, file, edits, (block for readings in edit.readings for block in readings))

    def _separate(self, edit: WholeFile) -> list[WholeFile]:
        """The files of an answer with several named fences: one file if its own text holds fences. Raises: Refused."""
        if not edit.more:
            return [edit]
        path = find_path([edit.path] if edit.path else [], self._shown)
        if path is not None and holds_fences(FileText.of(self._shown[path]).lines):
            return [replace(edit, more=())]
        if (edit.path or "").lower().endswith(_TEXTS_WITH_FENCES):
            raise Refused("it is not plain where the file's text ends", advice=_ONE_FENCE)
        return [replace(edit, text=replace(edit.text, span=(), closings=()), more=()), *edit.more]

    def _whole(self, edit: WholeFile) -> FileChange:
        path = find_path([edit.path] if edit.path else [], self._shown)
        if path is None and edit.path is None:
            path = self._only_fitting(edit)
        if path is not None:
            return self._changed(path, place_whole(FileText.of(self._shown[path]), edit))
        assert edit.path is not None
        return self._created(edit.path, _new_text(edit.text))

    def _only_fitting(self, edit: Edits | WholeFile) -> str:
        """The one shown file that an edit without a name fits. Raises: Refused."""
        if len(self._shown) > _MAX_TRIED_FILES:
            raise Refused("the edit names no file", advice=_NAME_THE_FILE)
        fitting: list[str] = []
        last: Refused | None = None
        for path in sorted(self._shown):
            try:
                self._try(path, edit)
            except Refused as refused:
                last = refused
            else:
                fitting.append(path)
        if len(fitting) == 1:
            return fitting[0]
        if not fitting and last is not None and len(self._shown) == 1:
            last.path = next(iter(self._shown))
            raise last
        count = len(fitting) or "no"
        raise Refused(f"the edit names no file, and it fits {count} of those shown", advice=_NAME_THE_FILE)

    def _try(self, path: str, edit: Edits | WholeFile) -> None:
        file = FileText.of(self._shown[path])
        if isinstance(edit, Edits):
            place_blocks(file, edit)
            return
        place_whole(file, edit)
        new = chosen_text(edit.text, file.lines)
        equal = sum(1 for _ in equal_pairs(file.lines, new))
        if 2 * equal < _LIKENESS * (len(new) + len(file.lines)):
            raise Refused("the text is not like the file")

    def _existing(self, names: Iterable[str]) -> str:
        """The shown file that is meant. Raises: Refused."""
        path = find_path(names, self._shown)
        if path is None:
            name = next(iter(names), None)
            raise Refused("no such file was shown", advice=_NAME_THE_FILE, path=name)
        return path

    def _changed(self, path: str, edits: Sequence[LineEdit]) -> FileChange:
        before = self._shown[path]
        after = FileText.of(before).bytes_with(edits)
        if after == before:
            raise Refused(
                "the file is already so", advice="If nothing needs to change, the step is done.", is_already=True
            )
        return FileChange(path, before, after, self._mode(path))

    def _complete(self, change: FileChange, what: str) -> FileChange:
        """A rewrite that leaves out no definition. Raises: Refused."""
        goal, path = self._terms.goal, change.path
        if goal is None or change.before is None or change.after is None:
            return change
        found = missed(path, change.before, change.after)
        lost = [name for name in found.left_out if not is_named_for_removal(name, goal)]
        if all(self._terms.lets_go(path, change.before, change.after, name) for name in lost):
            _require_decorators(change, goal, found.renamed)
            return change
        named = ", ".join(lost[:_MOST_NAMED]) + (f" and {more} more" if (more := len(lost) - _MOST_NAMED) > 0 else "")
        raise Refused(
            f"the answer leaves out {named}; return the whole {what}",
            advice=self._on_purpose(change, lost),
            left_out=tuple(lost),
        )

    def _on_purpose(self, change: FileChange, lost: Sequence[str]) -> str:
        """How to take a definition away that the goal does not name, in the form that was asked for."""
        if self._target is None or self._target.format == "blocks":
            return _BY_A_BLOCK
        before = change.before or b""
        return _ONCE_MORE if all(self._terms.describes(change.path, before, name) for name in lost) else _ALL_OF_IT

    def _created(self, path: str, lines: Sequence[str]) -> FileChange:
        if path in self._shown:
            raise Refused("the file to create is already there", advice="Change its lines instead.", path=path)
        if not is_safe(path):
            raise Refused("the new file's path is not a plain one inside the tree", advice=_NAME_THE_FILE, path=path)
        target = self._target.path if self._target else None
        namesake = next((other for other in sorted(self._shown) if _basename(other) == _basename(path)), None)
        if path != target and namesake is not None:
            raise Refused(f"the path is not known, but {namesake} has the same name", advice=_NAME_THE_FILE, path=path)
        after = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        return FileChange(path, None, after, _DEFAULT_MODE)

    def _moved(self, path: str, new_path: str, after: bytes) -> FileChange:
        if new_path in self._shown:
            raise Refused("the file's new name is taken", advice="Choose another name.", path=new_path)
        if not is_safe(new_path):
            raise Refused("the file's new name is not a plain path inside the tree", path=new_path)
        return FileChange(new_path, None, after, self._mode(path))

    def _mode(self, path: str) -> int:
        return self._modes.get(path, _DEFAULT_MODE)


def _require_decorators(change: FileChange, goal: str, renamed: Sequence[tuple[str, str]]) -> None:
    """Raises: Refused where a definition came back without a decorator that the goal does not name for removal."""
    found = laid_bare(change.path, change.before or b"", change.after or b"", renamed)
    bare = list(dict.fromkeys(str(one) for one in found if not one.is_to_go(goal)))
    if bare:
        more = f" and {len(bare) - _MOST_NAMED} more" if len(bare) > _MOST_NAMED else ""
        raise Refused(f"the answer leaves out {', '.join(bare[:_MOST_NAMED])}{more}", advice=_DECORATORS)


def _new_text(text: Rewrite) -> tuple[str, ...]:
    """The lines of a new file. Raises: Refused."""
    if len(text.candidates) != 1 or not text.is_fenced:
        raise Refused("it is not plain which text is the new file", advice="Answer with one fence and nothing else.")
    return text.candidates[0]


def _joined(edits: Iterable[Edit], shown: Mapping[str, bytes]) -> list[Edit]:
    """Blocks for the same file, which an answer may give apart, stand together."""
    joined: list[Edit] = []
    seen: dict[object, int] = {}
    readings: dict[int, list[tuple[Block, ...]]] = {}
    for edit in edits:
        if not isinstance(edit, Edits):
            joined.append(edit)
            continue
        key = (find_path(edit.names, shown) or edit.names, edit.dialect)
        if key in seen:
            readings[seen[key]] += edit.readings
        else:
            seen[key] = len(joined)
            readings[seen[key]] = list(edit.readings)
            joined.append(edit)
    for number, all_of_it in readings.items():
        first = joined[number]
        assert isinstance(first, Edits)
        joined[number] = replace(first, readings=tuple(all_of_it))
    return joined


def _named_twice(changes: Sequence[FileChange]) -> str | None:
    paths = [change.path for change in changes]
    return next((path for number, path in enumerate(paths) if path in paths[:number]), None)


def _path_of(edit: Edit, shown: Mapping[str, bytes]) -> str | None:
    """The shown file an edit means, else the name it gives."""
    names = edit.names if isinstance(edit, Edits) else (edit.path,) if edit.path else ()
    return find_path(names, shown) or next(iter(names), None)


def _basename(path: str) -> str:
    return path.rpartition("/")[2]
