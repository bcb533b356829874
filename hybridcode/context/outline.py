"""The planner's first look at a tree: its files, what they define, and the passages nearest to the task.

Invariant: the same tree, task and budget give the same bytes, never above the budget; what is left out is counted.
"""

from collections import Counter
from collections.abc import Sequence

from hybridcode.context.excerpts import Passage, Taken, ranked_passages
from hybridcode.context.guides import guides_for
from hybridcode.context.rank import Ranking, rank
from hybridcode.context.render import BYTES_PER_TOKEN, hidden_characters, section, tokens
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import ContextError
from hybridcode.domain.window import ContextWindow, Excerpt
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import Symbol

_GUIDE_SHARE = 8
_TREE_SHARE = 4
_DEFINITIONS_SHARE = 3
_LEAST_TOKENS = 32
_SHOWN_KINDS = frozenset({"function", "method", "class", "interface", "enum", "type", "module", "macro"})


def outline(snapshot: Snapshot, *, task: str, budget: int) -> ContextWindow:
    """A window for the planner; `budget` in tokens of four bytes.

    Raises: ContextError if the tree has no files or the budget is too small for anything.
    """
    if not snapshot.files:
        raise ContextError(
            f"{snapshot.root} holds no files that can be shown", "Check the folder and its ignore rules."
        )
    if budget < _LEAST_TOKENS:
        raise ContextError(
            f"a window of {budget} tokens is too small", f"Give context.plan_tokens at least {_LEAST_TOKENS}."
        )
    room = budget * BYTES_PER_TOKEN
    ranking = rank(snapshot, task)
    notes = [f"{len(snapshot.skipped)} files are left out, as {snapshot.skipped[0]}"] if snapshot.skipped else []
    guides = _guides(snapshot, room // _GUIDE_SHARE, notes)
    room -= sum(passage.size for passage in guides)
    tree = _tree(tuple(snapshot.files), room // _TREE_SHARE, notes)
    room -= len(tree.encode())
    definitions = _definitions(ranking, room // _DEFINITIONS_SHARE, notes)
    room -= len(definitions.encode())
    passages = ranked_passages(snapshot, ranking, room=room, taken=_taken(guides))
    for passage in passages:
        notes.extend(hidden_characters(passage.excerpt.path, passage.section))
    text = _joined(guides) + tree + definitions + _joined(passages)
    return ContextWindow(
        step="",
        text=text,
        digest=sha256_hex(text.encode()),
        excerpts=tuple(passage.excerpt for passage in (*guides, *passages)),
        target=None,
        budget=budget,
        used=tokens(text),
        notes=tuple(dict.fromkeys(notes)),
    )


def _guides(snapshot: Snapshot, room: int, notes: list[str]) -> list[Passage]:
    """The guidance at the top of the tree."""
    found: list[Passage] = []
    for guide in guides_for(snapshot, ("any",), max_bytes=room):
        text = section(f"Guidance: {guide.path}", guide.text, path=guide.path)
        passage = Passage(excerpt=Excerpt(path=guide.path, start=1, end=guide.end, reason="guide"), section=text)
        found.append(passage)
        if guide.end < guide.total:
            notes.append(f"{guide.path} is cut after line {guide.end} of {guide.total}")
    return found


def _tree(paths: Sequence[str], room: int, notes: list[str]) -> str:
    """All paths if they fit; else folders with their numbers of files, as deep as fits."""
    listed = section(f"Files: {len(paths)}", "\n".join(paths), path="")
    if len(listed.encode()) <= room:
        return listed
    notes.append("the list of files is shortened to folders")
    shown = ""
    for depth in range(max(path.count("/") for path in paths) + 1):
        text = section(f"Files: {len(paths)}, by folder", "\n".join(_folders(paths, depth)), path="")
        if len(text.encode()) > room:
            break
        shown = text
    return shown


def _folders(paths: Sequence[str], depth: int) -> list[str]:
    """Paths up to `depth` folders deep; what lies below is counted."""
    counts: Counter[str] = Counter()
    for path in paths:
        parts = path.split("/")
        counts[path if len(parts) <= depth else "/".join([*parts[:depth], ""]) or "./"] += 1
    return [f"{name} ({count} files)" if name.endswith("/") else name for name, count in sorted(counts.items())]


def _definitions(ranking: Ranking, room: int, notes: list[str]) -> str:
    """Signatures of the best files, in order of path."""
    blocks: dict[str, str] = {}
    size = len(section("Definitions", "", path="").encode())
    left_out = 0
    for file in ranking.files:
        symbols = ranking.records[file.path].symbols
        lines = [_signature(symbol) for symbol in symbols if symbol.kind in _SHOWN_KINDS]
        block = "\n".join((f"{file.path}:", *lines)) + "\n"
        if not lines:
            continue
        if size + len(block.encode()) > room:
            left_out += 1
            continue
        size += len(block.encode())
        blocks[file.path] = block
    if left_out:
        notes.append(f"definitions of {left_out} more files are left out")
    return section("Definitions", "".join(blocks[path] for path in sorted(blocks)), path="") if blocks else ""


def _signature(symbol: Symbol) -> str:
    depth = symbol.name.count(".") + 1
    return f"{'  ' * depth}{symbol.start}: {symbol.signature}"


def _taken(passages: Sequence[Passage]) -> Taken:
    taken = Taken(ranges={})
    for passage in passages:
        taken.add(passage.excerpt.path, passage.excerpt.start, passage.excerpt.end)
    return taken


def _joined(passages: Sequence[Passage]) -> str:
    return "".join(passage.section for passage in passages)
