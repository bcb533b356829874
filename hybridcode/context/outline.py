"""The planner's first look at a tree: its files, what they define, what the task mentions, the passages nearest to it.

Invariant: the same tree, task and budget give the same bytes, never above the budget; what is left out is counted. A
file that the task mentions as `@path` is in it, whole or with its head; guides come before that.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hybridcode.context.corpus import Corpus
from hybridcode.context.guides import Guide, guides_for
from hybridcode.context.mentioned import mentioned_files
from hybridcode.context.named import named_files
from hybridcode.context.packing import FINDING, Packed, pack
from hybridcode.context.passages import Taken, rendered
from hybridcode.context.rank import Ranking, rank
from hybridcode.context.render import BYTES_PER_TOKEN, hidden_characters, section, tokens
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import ContextError
from hybridcode.domain.mentions import mentions
from hybridcode.domain.window import ContextWindow
from hybridcode.repo.symbols import Symbol

_GUIDE_SHARE = 8
_TREE_SHARE = 5
_DEFINITIONS_SHARE = 4
LEAST_TOKENS = 32
"""A window below this holds nothing worth reading."""
_SHOWN_KINDS = frozenset({"function", "method", "class", "interface", "enum", "type", "module", "macro"})


@dataclass(frozen=True)
class Outlined:
    """A planner's window and where it came from."""

    window: ContextWindow
    ranking: Ranking
    packed: Packed


def outline(corpus: Corpus, *, task: str, budget: int) -> Outlined:
    """A window for the planner; `budget` in tokens of four bytes.

    Raises: ContextError if the tree has no files or the budget is too small for anything.
    """
    snapshot = corpus.snapshot
    check_room(corpus, budget)
    room = budget * BYTES_PER_TOKEN
    ranking = rank(corpus, task)
    notes = notes_on(corpus)
    guides = _guides(corpus, task, room // _GUIDE_SHARE)
    notes += [guide.note for guide in guides if guide.note]
    text = "".join(guide.section for guide in guides)
    taken = Taken()
    for guide in guides:
        taken.add(guide.path, 1, guide.end)
    mentioned = mentioned_files(corpus, task, room=room - len(text.encode()), taken=taken)
    notes += mentioned.notes
    room -= len(mentioned.text.encode())
    text += _tree(
        [path for path in snapshot.files if path.isprintable()], (room - len(text.encode())) // _TREE_SHARE, notes
    )
    text += _definitions(ranking, (room - len(text.encode())) // _DEFINITIONS_SHARE, notes)
    packed = pack(ranking, room=room - len(text.encode()), taken=taken, style=FINDING)
    text += mentioned.text + rendered(packed.passages)
    passages = (*mentioned.passages, *packed.passages)
    shown = (*(guide.excerpt for guide in guides), *(passage.excerpt for passage in passages))
    notes.extend(corpus.oddities(excerpt.path for excerpt in shown))
    notes.extend(note for passage in passages for note in hidden_characters(passage.excerpt.path, passage.text))
    window = ContextWindow(
        step="",
        text=text,
        digest=sha256_hex(text.encode()),
        excerpts=shown,
        target=None,
        budget=budget,
        used=tokens(text),
        notes=tuple(dict.fromkeys(notes)),
    )
    return Outlined(window, ranking, packed)


def _guides(corpus: Corpus, task: str, room: int) -> tuple[Guide, ...]:
    """The guides nearest to the files that the task names, and, in what they leave, the one for the whole tree."""
    snapshot = corpus.snapshot
    mentioned = (mention.path for mention in mentions(task, snapshot.files) if mention.path is not None)
    near = guides_for(snapshot, (*mentioned, *named_files(corpus, task)), max_bytes=room)
    known = {guide.path for guide in near}
    left = room - sum(len(guide.text.encode()) for guide in near)
    whole = (guide for guide in guides_for(snapshot, ("any",), max_bytes=left) if guide.path not in known)
    return tuple(sorted((*near, *whole), key=lambda guide: guide.path))


def check_room(corpus: Corpus, budget: int) -> None:
    """Raise ContextError for a tree without files and a budget that is too small for anything."""
    if not corpus.snapshot.files:
        raise ContextError(
            f"{corpus.snapshot.root} holds no files that can be shown", "Check the folder and its ignore rules."
        )
    if budget < LEAST_TOKENS:
        raise ContextError(f"a window of {budget} tokens is too small", f"Give it at least {LEAST_TOKENS}.")


def notes_on(corpus: Corpus) -> list[str]:
    """What a person should know of a tree: files that are left out."""
    notes: list[str] = []
    if corpus.left_out:
        notes.append(f"{len(corpus.left_out)} files are left out, as {corpus.left_out[0]}")
    return notes


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
        symbols = ranking.corpus.record(file.file).symbols
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
