"""Reads HTML and templates that hold HTML: elements that are closed, with their ids.

Invariant: tags inside comments, scripts and attribute values never count; a tag without a partner hurts nobody else.
(The tree-sitter grammar is not used: some unclosed tags and comments cost it quadratic time, minutes for 200 kB.)
"""

import re
from collections import Counter

from hybridcode.repo.structured.blocks import MAX_DEPTH, Block, Style, settle, text_of

STYLE = Style(separator=None, comments=(b"<!--",), fewest=3)

_TAG = re.compile(
    rb"<(?:(?P<skip>!--.*?(?:-->|\Z)|[!?%][^>]*+>?)"
    rb"|/(?P<end>[A-Za-z][\w:.-]*+)[^<>]*+>"
    rb"|(?P<name>[A-Za-z][\w:.-]*+)(?P<attributes>(?:[^<>\"']++|\"[^\"]{0,9999}+\"|'[^']{0,9999}+'){0,999}+)>)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(rb"(?<![\w:.-])(id|class)\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_RAW = {
    name: re.compile(rb"</%b(?=[\s>/])" % name, re.IGNORECASE) for name in (b"script", b"style", b"textarea", b"title")
}
_TEMPLATE_TYPE = re.compile(rb"(?<![\w-])type\s*+=\s*+[\"']?[^\s\"']*(?:template|html)", re.IGNORECASE)
"""A script of such a type holds HTML."""
_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
_CLOSED_BY_NEXT = frozenset(b"dd dt li option p td th tr".split())
_TRANSPARENT = frozenset((b"html",))
_DEEPEST = 3 * MAX_DEPTH
"""Elements with an id are listed down to so many others around them."""


class _Open:
    """An element whose end tag is still to come; `block` is None if nobody would ask for it."""

    __slots__ = ("block", "inside", "name", "place")

    def __init__(self, name: bytes, block: Block | None, *, inside: int, place: int) -> None:
        self.name = name
        self.block = block
        self.inside = inside
        self.place = place


def blocks(data: bytes) -> list[Block]:
    """Elements of more than one line near the top, and below that those with an id, scripts and styles."""
    return _Reader(data).read()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._found: list[Block] = []
        self._open: list[_Open] = []
        self._names: Counter[bytes] = Counter()

    def read(self) -> list[Block]:
        at = 0
        while tag := _TAG.search(self._data, at):
            at = tag.end()
            if tag["end"]:
                self._end(tag["end"].lower(), at)
            elif tag["name"] and (name := tag["name"].lower()) not in _VOID and not tag["attributes"].endswith(b"/"):
                self._start(name, tag)
                close = _RAW.get(name)
                if close is not None and not _TEMPLATE_TYPE.search(tag["attributes"]):
                    end = close.search(self._data, at)
                    at = end.start() if end else len(self._data)
        while self._open:
            self._leave(len(self._data))
        return self._found

    def _start(self, name: bytes, tag: re.Match[bytes]) -> None:
        if name in _CLOSED_BY_NEXT and self._open and self._open[-1].name == name:
            self._leave(tag.start())
        depth = self._open[-1].inside if self._open else 0
        identity = {key.lower(): a or b or c for key, a, b, c in _ATTRIBUTE.findall(tag["attributes"])}
        is_named = b"id" in identity or name in _RAW
        is_wanted = name not in _TRANSPARENT and depth < (_DEEPEST if is_named else MAX_DEPTH)
        block = Block(_label(name, identity), "element", tag.start(), depth) if is_wanted else None
        self._open.append(_Open(name, block, inside=depth + is_wanted, place=len(self._found)))
        self._names[name] += 1
        if block is not None:
            self._found.append(block)

    def _end(self, name: bytes, at: int) -> None:
        if not self._names[name]:
            return
        while self._open[-1].name != name:
            self._leave(at - len(name) - 3)
        self._leave(at)

    def _leave(self, end: int) -> None:
        element = self._open.pop()
        self._names[element.name] -= 1
        if element.block is None:
            return
        element.block.end = max(end, element.block.start + 1)
        settle(self._found, element.place, self._data)


def _label(name: bytes, identity: dict[bytes, bytes]) -> str:
    """`div#main`, else `div.hero` with its first class, else `div`."""
    if own := identity.get(b"id", b"").strip():
        return f"{text_of(name)}#{text_of(own)}"
    classes = identity.get(b"class", b"").split()
    return f"{text_of(name)}.{text_of(classes[0])}" if classes else text_of(name)
