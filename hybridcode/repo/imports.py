"""From an import as written to the modules it names.

Invariant: text in, text out; lists are `{a, b as c}` behind a common path in all languages, so one function serves all.
"""

import re
from collections.abc import Iterator

_LONGEST = 1000
_DEEPEST = 16
_SIMPLE = re.compile(r"[.\w]{1,100}(?<![._])")
_QUOTES = "\"'`<>"
_FILE = re.compile(rf"^[{_QUOTES}]|[/$]")
_KEYWORDS = re.compile(r"\s*(?:(?:use|import)\s+)?(?:(?:function|const|static)\s+)?")
_RENAMED = re.compile(r"(?:\s+as\s|\s*=>).*$", re.DOTALL)
_EVERYTHING = re.compile(r"(?:(?:::|\.|\\)(?:\*|_|self)|(?:::|\\))$")


def modules(text: str) -> tuple[str, ...]:
    """`a::b`, `a::c::d` of `a::{b as x, c::{d}}`: renaming and an ending that means everything are taken off.

    A path of a file stays as written, without its quotes. A text that is too long to be an import names nothing.
    """
    if _SIMPLE.fullmatch(text):
        return (text,)
    if len(text) > _LONGEST:
        return ()
    if _FILE.search(text):
        return (text.strip(_QUOTES),)
    text = _KEYWORDS.sub("", text, count=1).rstrip("; \t\r\n")
    paths = _spread(text) if "{" in text or "," in text else (text,)
    return tuple(module for path in paths if (module := _plain(path)))


def _plain(path: str) -> str:
    return _EVERYTHING.sub("", "".join(_RENAMED.sub("", path).split()))


def _spread(text: str) -> Iterator[str]:
    """Each path of nested braces with what stands in front of them; those too deep are left out."""
    prefixes = [""]
    path = ""
    for part in re.split(r"([{},])", text):
        match part:
            case "{":
                if len(prefixes) > _DEEPEST:
                    return
                prefixes.append(prefixes[-1] + path.strip())
            case "," | "}":
                if path.strip():
                    yield prefixes[-1] + path.strip()
                if part == "}" and len(prefixes) > 1:
                    prefixes.pop()
            case _:
                path = part
                continue
        path = ""
    if path.strip():
        yield prefixes[-1] + path.strip()
