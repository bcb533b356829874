"""The names that answers give to files, and the files they mean.

Invariant: a name means a shown file only if no other shown file could be meant.
"""

import re
from collections.abc import Collection, Iterable

_DECORATION = re.compile(r"^#+\s*")
_PATHLIKE = re.compile(r"[^\s<>|?*`]*[./][^\s<>|?*`]*|[A-Z]\w*file")
_ENDING = re.compile(r"\w\.\w{1,8}\Z")
"""A name with blanks is told from a command or a sentence by its ending."""
_LONGEST = 240
NO_FILE = "/dev/null"


def clean_name(text: str) -> str:
    """A file name without what models put around it: headings, bold, quotes, a colon, a time stamp."""
    name = _DECORATION.sub("", text.split("\t")[0].strip()).strip().strip("*").strip().rstrip(":")
    return name.strip("*").strip("`'\" ").rstrip(":")


def looks_like_name(name: str) -> bool:
    """`name` could be a path: one word with a dot or a slash, or blanks only between slashes."""
    if len(name) > _LONGEST or name.startswith(("<<<", "```", "---", "+++", "@@")):
        return False
    if not any(character.isalnum() for character in name):
        return False
    if _PATHLIKE.fullmatch(name.lstrip("/")):
        return True
    return "/" in name and "  " not in name and _ENDING.search(name) is not None


def same_file(name: str, path: str) -> bool:
    """`name` means `path` but for a wrong or missing prefix."""
    ours, theirs = _parts(name), _parts(path)
    if not ours or not theirs:
        return False
    short, long = sorted((ours, theirs), key=len)
    return long[-len(short) :] == short


def find_path(names: Iterable[str], shown: Collection[str]) -> str | None:
    """The one shown file that `names` mean; None if they mean none or several."""
    found = {path for name in names if name and name != NO_FILE and (path := _find_one(name, shown)) is not None}
    return found.pop() if len(found) == 1 else None


def is_safe(path: str) -> bool:
    """Relative, and it stays inside: fit for a new file."""
    parts = path.split("/")
    return bool(path) and not path.startswith(("/", "~")) and "\\" not in path and not {"", ".", ".."} & set(parts)


def _find_one(name: str, shown: Collection[str]) -> str | None:
    plain = name.replace("\\", "/")
    while plain.startswith("./"):
        plain = plain[2:]
    for candidate in (plain, plain.removeprefix("a/"), plain.removeprefix("b/")):
        if candidate in shown:
            return candidate
    meant = [path for path in shown if same_file(plain, path)]
    return meant[0] if len(meant) == 1 else None


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
