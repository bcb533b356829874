"""Reads Makefiles: targets with their recipes, `define` blocks and groups of variables.

Invariant: a recipe goes on over blank lines, comments and conditionals, until something else stands at the margin.
"""

import re

from hybridcode.repo.structured.blocks import Block, Kind, Style, text_of

STYLE = Style(comments=(b"#",))

_LINE = re.compile(rb"(?:[^\n\\]++|\\\r?\n|\\)*+(?:\n|\Z)")
_NAME = rb"(?:\$\([^)\n]{0,200}+\)|\$\{[^}\n]{0,200}+\}|[^\s:=#$]|\$\$?)++"
_TARGET = re.compile(rb"(%b(?:[ \t]++%b)*+)[ \t]*+&?::?(?![:=])" % (_NAME, _NAME))
_VARIABLE = re.compile(
    rb"(?:(?:export|override|private|unexport)[ \t]++)*+([^\s:=#?+!]++)[ \t]*+(?:=|::?:?=|\?=|\+=|!=)"
)
_DEFINE = re.compile(rb"[ \t]*+(?:override[ \t]++|export[ \t]++)*+define[ \t]++([^\s=:?+]++)")
_ENDEF = re.compile(rb"[ \t]*+endef(?=\s|\Z)")
_IF = re.compile(rb"[ ]*+(?:ifeq|ifneq|ifdef|ifndef)(?=[\s(])")
_ELSE = re.compile(rb"[ ]*+else(?=\s|\Z)")
_ENDIF = re.compile(rb"[ ]*+endif(?=\s|\Z)")
_NAMED_VARIABLES = 3


def blocks(data: bytes) -> list[Block]:
    """Targets, `define` blocks and groups of neighbouring variables, in order."""
    reader = _Reader()
    for line in _LINE.finditer(data):
        if line[0]:
            reader.take(line[0], line.start(), line.end())
    return reader.found


class _Reader:
    """What is open while a Makefile is read line by line (continued lines are one)."""

    def __init__(self) -> None:
        self.found: list[Block] = []
        self._block: Block | None = None
        self._ifs = 0
        self._variables: list[str] = []

    def take(self, line: bytes, start: int, end: int) -> None:
        """Take up the next line."""
        block = self._block
        if block is not None and block.name.startswith("define "):
            block.end = end
            if _ENDEF.match(line):
                self._block = None
        elif block is not None and not self._variables and self._continues(block, line, end):
            pass
        elif not line.strip():
            self._variables = []
        elif (name := _DEFINE.match(line)) is not None:
            self._open(f"define {text_of(name[1])}", "key", start, end)
        elif line[:1] == b"\t" or line.lstrip()[:1] == b"#":
            pass
        elif (variable := _VARIABLE.match(line)) is not None:
            self._assign(text_of(variable[1]), start, end)
        elif (target := _TARGET.match(line)) is not None:
            self._open(text_of(target[1]), "target", start, end)
        else:
            self._variables, self._block = [], None

    def _open(self, name: str, kind: Kind, start: int, end: int) -> None:
        self._block = Block(name, kind, start, depth=0, end=end)
        self._ifs = 0
        self._variables = []
        self.found.append(self._block)

    def _assign(self, name: str, start: int, end: int) -> None:
        block = self._block
        if block is None or not self._variables:
            self._open(name, "key", start, end)
            self._variables = [name]
            return
        self._variables.append(name)
        block.end = end
        shown = self._variables[:_NAMED_VARIABLES]
        block.name = ", ".join(shown) + (", …" if len(self._variables) > len(shown) else "")

    def _continues(self, block: Block, line: bytes, end: int) -> bool:
        """Whether a line belongs to the open target; blank lines and comments do if more of it follows."""
        if line[:1] == b"\t":
            block.end = end
        elif _IF.match(line):
            self._ifs += 1
        elif _ENDIF.match(line) and self._ifs:
            self._ifs -= 1
            block.end = end
        else:
            return not line.strip() or line[:1] == b"#" or (bool(_ELSE.match(line)) and self._ifs > 0)
        return True
