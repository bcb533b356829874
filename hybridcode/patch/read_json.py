"""Edits as JSON: a path with old and new text, alone or in a list.

Invariant: only documents of exactly this shape are read as edits; any other JSON is somebody's file.
"""

from typing import Any, cast

import msgspec

from hybridcode.patch.answer import Edits
from hybridcode.patch.read_blocks import two_sided

_PATH_KEYS = ("path", "file", "file_path", "filename", "filepath")
_OLD_KEYS = ("old", "old_string", "old_str", "old_text", "search")
_NEW_KEYS = ("new", "new_string", "new_str", "new_text", "replace")
_LIST_KEYS = ("edits", "changes", "replacements")


def read_json(text: str) -> tuple[Edits, ...]:
    """The edits of a JSON document; () if it is not one of ours."""
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return ()
    try:
        document: Any = msgspec.json.decode(stripped.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return ()
    items, outer_path = _items(document)
    found = [_edit(item, outer_path) for item in items]
    return tuple(edit for edit in found if edit is not None) if found and None not in found else ()


def _items(document: Any) -> tuple[list[Any], str | None]:
    """The single edits of a document, and a path given for all of them."""
    if isinstance(document, list):
        return cast(list[Any], document), None
    if isinstance(document, dict):
        fields = cast(dict[str, Any], document)
        for key in _LIST_KEYS:
            if isinstance(fields.get(key), list):
                return cast(list[Any], fields[key]), _text(fields, _PATH_KEYS)
        return [fields], None
    return [], None


def _edit(item: Any, outer_path: str | None) -> Edits | None:
    if not isinstance(item, dict):
        return None
    fields = cast(dict[str, Any], item)
    old, new = _text(fields, _OLD_KEYS), _text(fields, _NEW_KEYS)
    if old is None or new is None:
        return None
    path = _text(fields, _PATH_KEYS) or outer_path
    block = two_sided(_lines(old), _lines(new))
    return Edits(names=(path,) if path else (), dialect="json", readings=((block,),))


def _text(fields: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    found = [fields[key] for key in keys if key in fields]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines
