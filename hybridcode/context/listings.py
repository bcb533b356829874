"""Places that only list names: imports, `__all__`, a constant of names. Who changes them needs the names, not the code.

Invariant: a function of step, plan, tree and place; each definition takes one line.
"""

import re
from collections.abc import Iterator

from hybridcode.context.corpus import Corpus
from hybridcode.context.extents import import_lines
from hybridcode.context.named import exact_definitions
from hybridcode.context.query import read_query
from hybridcode.context.regions import IMPORTS
from hybridcode.context.render import lines_text, section
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.window import Target
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import Symbol, candidates, find, outline

SHARE = 8
"""The definitions get one in so many bytes of a window."""
_COMMENT = re.compile(r"(?:#|//)[^\n]*")
_ITEM = r"""(?:"[\w.\-/]*"|'[\w.\-/]*'|[A-Za-z_][\w.]*)"""
_OPEN, _CLOSE = r"(?:(?:\w*\[|(?:frozenset|set|tuple|list)?\(|\{)\s*+)+", r"(?:\s*+[\])}])+"
_LIST = re.compile(rf"[^=\n]*\+?=\s*+{_OPEN}(?:{_ITEM}\s*+,\s*+)*(?:{_ITEM}\s*+)?,?{_CLOSE}(?:\s*+as const)?\s*+;?\s*+")
"""Blanks are never given back: a long run of them would be tried in as many ways as it has parts."""


def lists_names(snapshot: Snapshot, target: Target, symbol: str | None) -> bool:
    """The lines of a target, asked for as `symbol`, are imports or a constant that is nothing but a list of names."""
    if target.start is None or target.end is None:
        return False
    data = snapshot.read(target.path)
    imports = import_lines(target.path, data)
    if symbol is None:
        return imports is not None and _is_of_imports(imports, target)
    found = candidates(target.path, data, symbol)
    if not found:
        return symbol == IMPORTS
    text = _COMMENT.sub("", lines_text(data, target.start, target.end)).strip()
    return all(one.kind == "constant" for one in found) and _LIST.fullmatch(text) is not None


def _is_of_imports(imports: tuple[int, int], target: Target) -> bool:
    return imports[0] <= (target.start or 0) and (target.end or 0) <= imports[1] and imports[0] < imports[1]


def definitions_to_list(corpus: Corpus, step: Step, plan: Plan | None, *, target: Target, room: int) -> str:
    """What may have to be imported or listed in `target`, one line for each definition that the step's goal names or
    the plan touches or reads, as far as it fits; empty without any."""
    lines: list[str] = []
    for path, symbol in dict.fromkeys((*_named(corpus, step), *_planned(corpus, plan or Plan((step,))))):
        if path == target.path and (target.start or 1) <= symbol.start <= (target.end or symbol.start):
            continue
        line = f"{path}: {symbol.signature}"
        if len(_listed([*lines, line]).encode()) <= room:
            lines.append(line)
    return _listed(lines) if lines else ""


def _listed(lines: list[str]) -> str:
    return section("Definitions", "\n".join(lines), path="")


def _named(corpus: Corpus, step: Step) -> Iterator[tuple[str, Symbol]]:
    near = {Region.parse(name).path for name in (*step.touches, *step.reads)}
    for one in exact_definitions(corpus, read_query(step.goal), near=near):
        yield one.path, one.symbol


def _planned(corpus: Corpus, plan: Plan) -> Iterator[tuple[str, Symbol]]:
    """What the steps touch and read that is there and has a name; of a file to be read, what stands at its top."""
    places = ((name, is_read) for step in plan.steps for is_read, names in _places(step) for name in names)
    for name, is_read in places:
        region = Region.parse(name)
        if region.path not in corpus.number or region.start is not None:
            continue
        data = corpus.snapshot.read(region.path)
        if region.symbol is not None:
            symbol = find(region.path, data, region.symbol)
            yield from ((region.path, symbol),) if symbol is not None else ()
        elif is_read:
            yield from ((region.path, one) for one in outline(region.path, data) if one.name == one.bare_name)


def _places(step: Step) -> tuple[tuple[bool, tuple[str, ...]], ...]:
    return (False, step.touches), (True, step.reads)
