"""Steps that a plan says to the letter: definitions that it names go, and nothing else. No model is asked for them.

Invariant: a pure function of the step and the files that it names; a goal that says anything more, and a deletion that
leaves a file with new syntax errors, is left to whoever writes.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from tree_sitter import Node

from hybridcode.agent.drafter import Drafted
from hybridcode.agent.ladder import Rung
from hybridcode.agent.placing import Asked, Placed, difference, place_draft
from hybridcode.agent.run import Run
from hybridcode.context.regions import resolve
from hybridcode.domain.action import FileChange
from hybridcode.domain.errors import ContextError
from hybridcode.domain.events import DraftRuled
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.window import Target
from hybridcode.patch.check import unparsable
from hybridcode.patch.mechanical import LANGUAGES
from hybridcode.patch.names import is_python, parsed
from hybridcode.repo.grammars import language_of, parse
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import outline

RULED = "no model was asked: the step names what goes, and nothing else"
"""Note of a proposal that was made so."""
_NOTHING = "```\n```"
"""What a writer would answer for each place."""
_GOAL = re.compile(r"\s*(?:please\s+)?(?:delete|remove|drop)\s+([^;:!?\n]+?)\s*\.?\s*", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+")
_NAME = re.compile(
    r"(?:the\s+)?(?:(?:function|method|class|constant|property|interface|enum|type)\s+)?[`'\"]?([^\s`'\"]+?)(?:\(\))?[`'\"]?",
    re.IGNORECASE,
)


async def by_rule(run: Run, step: Step, rung: Rung) -> Drafted | None:
    """The draft of a step that needs no writer, on record with the files that it was made from.

    Raises:
        RepoError: a file cannot be read.
    """
    if not _is_plain(step):
        return None
    tree = await run.snapshot()
    changes = ruled(step, tree)
    if not changes:
        return None
    source = await run.keeper.bare_source(tree, run.plan, paths={region.path for region in step.regions})
    run.journal.append(DraftRuled(step.id, rung.attempt, source))
    return Drafted(changes, "plan", "", notes=(RULED,))


def ruled(step: Step, tree: Snapshot) -> tuple[FileChange, ...]:
    """What a step changes that does nothing but take away definitions that it names; () where that is not plain.

    Raises:
        RepoError: a file cannot be read.
    """
    if not _is_plain(step):
        return ()
    now = tree
    for region in step.regions:
        target = _alone(now, region)
        if target is None:
            return ()
        asked = Asked(step, region, now, target, has_others=len(step.regions) > 1)
        placed = place_draft(_NOTHING, asked, finish="stop")
        if not isinstance(placed, Placed) or placed.stays:
            return ()
        now = now.with_changes(placed.changes)
    changes = difference(tree, now)
    return () if unparsable(changes) or any(map(_is_torn, changes)) else changes


def _is_torn(change: FileChange) -> bool:
    """Python does not read the file any more: nothing is left in a block."""
    return is_python(change.path) and parsed(change.before or b"") is not None and parsed(change.after or b"") is None


def _is_plain(step: Step) -> bool:
    """An edit whose goal is one sentence that names each place of the step once as what is deleted, and no other."""
    goal = _GOAL.fullmatch(step.goal)
    if step.kind != "edit" or goal is None or not step.touches:
        return False
    found = [_NAME.fullmatch(part) for part in _BETWEEN.split(goal[1])]
    named = [_meant(match[1] if match else "", step.regions) for match in found]
    return None not in named and sorted(filter(None, named), key=str) == sorted(step.regions, key=str)


def _meant(name: str, regions: Sequence[Region]) -> Region | None:
    """The one place that a name can mean."""
    plain = name.replace("::", ".")
    fitting = [one for one in regions if one.symbol is not None and plain in _names(one, one.symbol)]
    return fitting[0] if len(fitting) == 1 else None


def _names(region: Region, symbol: str) -> tuple[str, ...]:
    dotted = symbol.replace("::", ".")
    return dotted, dotted.rpartition(".")[2], f"{region.path}#{dotted}"


def _alone(tree: Snapshot, region: Region) -> Target | None:
    """The lines of a definition, where all of that name and no other one begins there."""
    entry = tree.files.get(region.path)
    if entry is None or entry.kind != "text" or language_of(region.path) not in LANGUAGES:
        return None
    try:
        target = resolve(tree, region)
    except ContextError:
        return None
    start, end = target.start or 0, target.end or 0
    symbols = outline(region.path, tree.read(region.path))
    inside = [symbol for symbol in symbols if start <= symbol.start <= end]
    name = inside[0].name if inside else ""
    is_all = all(symbol.name != name or (start <= symbol.start and symbol.end <= end) for symbol in symbols)
    is_alone = all(symbol.name == name or symbol.name.startswith(f"{name}.") for symbol in inside)
    return (
        target if name and is_all and is_alone and _is_all_there(region.path, tree.read(region.path), target) else None
    )


def _is_all_there(path: str, data: bytes, target: Target) -> bool:
    """No other statement has a part of the lines, and none of theirs gives a second name its value."""
    first, last = (target.start or 1) - 1, (target.end or 1) - 1
    tree = parse(language_of(path) or "", data)
    inside = [tree.root_node] if tree is not None else []
    while len(inside) == 1 and not first <= _rows(inside[0]).start <= _rows(inside[0]).stop - 1 <= last:
        inside = [one for one in inside[0].named_children if _has(one, first, last)]
    rows = [_rows(one) for one in inside]
    is_inside = bool(rows) and all(first <= one.start and one.stop - 1 <= last for one in rows)
    return is_inside and not any(map(_sets_more, inside)) and all(a.stop <= b.start for a, b in pairwise(rows))


def _rows(node: Node) -> range:
    """The lines of a node, 0-based; a line of which it takes no more than the end of the one before is none of them."""
    start, (end, column) = node.start_point[0], node.end_point
    return range(start, end if column == 0 and end > start else end + 1)


def _has(node: Node, first: int, last: int) -> bool:
    rows = _rows(node)
    return "comment" not in node.type and rows.start <= last and first < rows.stop


def _sets_more(node: Node) -> bool:
    """`a = b = 1`."""
    found = node.named_child(0) if node.type == "expression_statement" else None
    return found is not None and any(one.type == found.type for one in found.named_children)
