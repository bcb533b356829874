"""What a person should know of a change before deciding: signs of a bad draft.

Invariant: warnings never change or refuse anything; they are short sentences that start with the path.
"""

import re
from collections.abc import Iterator, Sequence, Set

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.secrets import kinds_of_secrets
from hybridcode.patch.elide import is_plain_mark
from hybridcode.patch.exported import misfits
from hybridcode.patch.filetext import FileText
from hybridcode.patch.left_out import missed
from hybridcode.patch.linediff import changes as line_changes
from hybridcode.patch.names import is_badly_indented, is_python, undefined, unused
from hybridcode.repo.symbols import error_count

_CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7})(?: |\Z)")
_TYPOGRAPHIC = "“”‘’\u00a0"
_HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b\x0e-\x1f\x7f]")
_BOM = b"\xef\xbb\xbf"
_IMPORT = "Define or import it; the step may change the imports."
_NO_IMPORT = (
    "The step may not change the imports of the file: use what is defined there, or import it inside the function."
)
_TAKE_OUT = "Take it out of the imports, or use it."
_LIST = "Let __all__ list each name once, and none that the file does not define or import."
_MANY_DELETED = 30
"""Lines; fewer are never called many."""


def warnings(changes: Sequence[FileChange]) -> tuple[str, ...]:
    """Warnings about `changes`, in order of path, each as `path: sentence`."""
    ordered = sorted(changes, key=lambda change: change.path)
    return tuple(f"{change.path}: {text}" for change in ordered for text in _of(change))


def unparsable(changes: Sequence[FileChange]) -> tuple[Refusal, ...]:
    """Files that parse worse than before, as reasons to write them again."""
    ordered = sorted(changes, key=lambda change: change.path)
    return tuple(
        Refusal(reason=text, path=change.path, advice="Write the lines again, complete, so that the file parses.")
        for change in ordered
        if change.after is not None
        for text in _syntax(change.path, change.before or b"", change.after)
    )


def undefined_names(changes: Sequence[FileChange], *, may_import: Set[str]) -> tuple[Refusal, ...]:
    """Files that use names which are not defined in them, as reasons to write them again; of files in `may_import` the
    imports may be changed."""
    ordered = sorted(changes, key=lambda change: change.path)
    found = ((change.path, undefined(change.path, change.before, change.after)) for change in ordered)
    return tuple(
        Refusal(
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not defined in this file",
            path=path,
            advice=_IMPORT if path in may_import else _NO_IMPORT,
        )
        for path, names in found
        if names
    )


def left_unused(changes: Sequence[FileChange], *, may_import: Set[str]) -> tuple[Refusal, ...]:
    """Files whose imports may be changed and are left unused, as reasons to write them again."""
    ordered = sorted(changes, key=lambda change: change.path)
    return tuple(
        Refusal(f"the import of {', '.join(names)} is not used any more", path=change.path, advice=_TAKE_OUT)
        for change in ordered
        if change.path in may_import and (names := unused(change.path, change.before, change.after))
    )


def listed_wrong(changes: Sequence[FileChange]) -> tuple[Refusal, ...]:
    """Files whose `__all__` names what is not there, or something twice, as reasons to write them again."""
    ordered = sorted(changes, key=lambda change: change.path)
    return tuple(
        Refusal("; ".join(found), path=change.path, advice=_LIST)
        for change in ordered
        if (found := misfits(change.path, change.before, change.after))
    )


def _of(change: FileChange) -> Iterator[str]:
    if change.after is None:
        return
    before = change.before or b""
    if before.strip() and not change.after.strip():
        yield "the file is emptied"
        return
    yield from _syntax(change.path, before, change.after)
    yield from _names(change)
    yield from _encoding(before, change.after)
    old, new = FileText.of(before), FileText.of(change.after)
    changed = line_changes(old.lines, new.lines)
    added = [line for c in changed for line in new.lines[c.b0 : c.b1]]
    deleted = [line for c in changed for line in old.lines[c.a0 : c.a1]]
    yield from _lines(old, added)
    yield from _indents(old, new)
    yield from _proportion(old, added=len(added), deleted=len(deleted))
    for name, new_name in missed(change.path, before, change.after).renamed:
        yield f"{name} is gone and {new_name} came, as in a rename"


def _syntax(path: str, before: bytes, after: bytes) -> Iterator[str]:
    had, has = error_count(path, before) or 0, error_count(path, after) or 0
    if has > had:
        more = has - had
        yield f"{more} new syntax error{'s' if more > 1 else ''}"
    elif is_python(path) and is_badly_indented(after) and not is_badly_indented(before):
        yield "1 new syntax error"


def _names(change: FileChange) -> Iterator[str]:
    for name in undefined(change.path, change.before, change.after):
        yield f"{name} is not defined in this file"
    for name in unused(change.path, change.before, change.after):
        yield f"the import of {name} is not used any more"
    yield from misfits(change.path, change.before, change.after)


def _encoding(before: bytes, after: bytes) -> Iterator[str]:
    if _is_utf8(before) and not _is_utf8(after):
        yield "the file is no longer UTF-8"
    if before and before.startswith(_BOM) != after.startswith(_BOM):
        yield "a byte order mark is added" if after.startswith(_BOM) else "the byte order mark is lost"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _lines(old: FileText, added: Sequence[str]) -> Iterator[str]:
    if any(_CONFLICT.match(line) for line in added):
        yield "conflict markers are added"
    if (mark := next((line for line in added if is_plain_mark(line)), None)) is not None:
        yield f"a line says that something was left out: {mark.strip()}"
    known = {character for line in old.lines for character in line if character in _TYPOGRAPHIC}
    if any(character in _TYPOGRAPHIC and character not in known for line in added for character in line):
        yield "typographic quotes or blanks are added"
    if any(_HIDDEN.search(line) for line in added):
        yield "hidden or control characters are added"
    if kinds := kinds_of_secrets("\n".join(added)):
        for kind in sorted(kinds - kinds_of_secrets("\n".join(old.lines))):
            yield f"what looks like a secret is added ({kind})"


def _indents(old: FileText, new: FileText) -> Iterator[str]:
    """Tabs and blanks side by side where there was only one of them."""
    if min(new.indents) > 0 and min(old.indents) == 0 and max(old.indents) > 0:
        yield "tabs and blanks are mixed in the indentation"


def _proportion(old: FileText, *, added: int, deleted: int) -> Iterator[str]:
    lost = deleted - added
    if deleted >= _MANY_DELETED and lost * 2 > len(old.lines):
        yield f"{deleted} of {len(old.lines)} lines are deleted and {added} added"
