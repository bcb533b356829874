"""The planner's first look at a tree: what the task names and mentions, its files, what they define, the passages
nearest to it.

Invariant: the same tree, task and budget give the same bytes, never above the budget; what is left out is counted. A
file that the task mentions as `@path` is in it, whole or with its head, and so are the tests that the check names;
guides come before that. Where the task is clear, neither files nor definitions are listed that it does not name.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from hybridcode.context.check import check_parts, checked_tests
from hybridcode.context.corpus import Corpus
from hybridcode.context.exact import HEAD_BYTES, named_lines, named_parts, whole_lines
from hybridcode.context.guides import Guide, guides_for
from hybridcode.context.margins import Margin
from hybridcode.context.mentioned import mentioned_files
from hybridcode.context.named import named_files
from hybridcode.context.packing import FINDING, Style, pack
from hybridcode.context.passages import Passage, Reader, Taken, joined, rendered
from hybridcode.context.rank import Ranking
from hybridcode.context.render import BYTES_PER_TOKEN, hidden_characters, section, tokens
from hybridcode.context.task import TaskRead, read_task
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import ContextError
from hybridcode.domain.mentions import mentions
from hybridcode.domain.window import ContextWindow, Cut
from hybridcode.repo.classify import reads_as_prose
from hybridcode.repo.symbols import Symbol

_GUIDE_SHARE = 8
_CLEAR_GUIDE_SHARE = 4
"""Of a window for a clear task, which is half as large."""
_CHECK_SHARE = 5
"""Of what guides and mentioned files leave, for the tests that the check names."""
_TREE_SHARE = 8
_DEFINITIONS_SHARE = 6
_NAMED_PERCENT = 60
"""Of what guides and mentioned files leave, for what the task names."""
_PLAIN_PERCENT = 50
"""Of what the lists leave, for what its plain words may mean."""
_CLEAR = Style(share=60, tastes=False, least=5, tests=30, prose=25, is_numbered=True)
"""Beside what a clear task names, only what fits about as well."""
_LOOKING = replace(FINDING, tests=30, prose=25, is_numbered=True)
LEAST_TOKENS = 32
"""A window below this holds nothing worth reading."""
_SHOWN_KINDS = frozenset({"function", "method", "class", "interface", "enum", "type", "module", "macro"})


@dataclass(frozen=True)
class Outlined:
    """A planner's window and where it came from."""

    window: ContextWindow
    task: TaskRead
    passages: tuple[Passage, ...]
    """Those of named definitions first, then by rank."""
    cut: tuple[Cut, ...]


def outline(corpus: Corpus, *, task: str, budget: int, check: str = "") -> Outlined:
    """A window for the planner; `budget` in tokens of four bytes, `check` the command that is to prove the task.

    Raises: ContextError if the tree has no files or the budget is too small for anything.
    """
    check_room(corpus, budget)
    room = budget * BYTES_PER_TOKEN
    read = read_task(corpus, task)
    notes = notes_on(corpus)
    is_clear = read.clarity == "clear"
    guides = guides_of(corpus, read, room // (_CLEAR_GUIDE_SHARE if is_clear else _GUIDE_SHARE))
    notes += [guide.note for guide in guides if guide.note]
    text = "".join(guide.section for guide in guides)
    taken = Taken()
    for guide in guides:
        taken.add(guide.path, 1, guide.end)
    mentioned = mentioned_files(corpus, task, room=room - len(text.encode()), taken=taken)
    room -= len(text.encode()) + len(mentioned.text.encode())
    named_tests = checked_tests(corpus, check)
    tests = check_parts(corpus, named_tests, room=room // _CHECK_SHARE, taken=taken)
    room -= tests.used
    modules = [path for path in read.written if not any(one.path == path for one in read.exact)]
    named = named_parts(corpus, read.exact, modules=modules, room=room * _NAMED_PERCENT // 100, taken=taken)
    notes += [*mentioned.notes, *tests.notes, *named.notes]
    room -= named.used
    marked = {one.path for one in named_tests}
    listed = "" if is_clear else _lists(read.ranking, room, notes, marked=marked)
    prose = sum(one.size for one in named.passages if reads_as_prose(one.excerpt.path))
    packed = _likely_parts(corpus, read, room=room - len(listed.encode()), taken=taken, prose=prose)
    notes += packed.notes
    passages = in_one(Reader(corpus.snapshot), named.passages, packed.passages)
    text += named.text + listed + mentioned.text + tests.text + rendered(passages)
    excerpted = (*mentioned.passages, *tests.passages, *passages)
    shown = (*(guide.excerpt for guide in guides), *(passage.excerpt for passage in excerpted))
    notes.extend(corpus.oddities(excerpt.path for excerpt in shown))
    notes.extend(note for one in excerpted for note in hidden_characters(one.excerpt.path, one.text))
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
    return Outlined(window, read, passages, packed.cut)


@dataclass(frozen=True)
class _Likely:
    """What fits a task without being named by it."""

    passages: tuple[Passage, ...]
    """Those by rank first, then what plain words may mean."""
    cut: tuple[Cut, ...]
    notes: tuple[str, ...]


def _likely_parts(corpus: Corpus, read: TaskRead, *, room: int, taken: Taken, prose: int) -> _Likely:
    """Definitions that plain words may mean, whole where half of the room holds them, and passages by rank; the head of
    such a definition where it is neither. `taken` grows by all of it; `prose` bytes of documentation are shown already.
    """
    style = _CLEAR if read.clarity == "clear" else _LOOKING
    style = replace(style, prose=max(0, style.prose - -(-100 * prose // max(room, 1))))
    whole, left = whole_lines(corpus, read.plain, room=room * _PLAIN_PERCENT // 100, taken=taken)
    kept = min(room, HEAD_BYTES * len(left))
    packed = pack(read.ranking, room=room - whole.used - kept, taken=taken, style=style)
    heads = named_lines(corpus, left, room=kept, taken=taken, margin=Margin(corpus))
    more = pack(read.ranking, room=kept - heads.used, taken=taken, style=style)
    passages = (*packed.passages, *whole.passages, *heads.passages, *more.passages)
    return _Likely(passages, packed.cut, tuple(heads.notes))


def in_one(reader: Reader, first: Sequence[Passage], then: Sequence[Passage]) -> tuple[Passage, ...]:
    """Passages as one list, those of a file together; its place is that of its first one."""
    order = {path: number for number, path in enumerate(dict.fromkeys(one.excerpt.path for one in (*first, *then)))}
    return tuple(sorted(joined(reader, (*first, *then)), key=lambda one: (order[one.excerpt.path], one.excerpt.start)))


def _lists(ranking: Ranking, room: int, notes: list[str], *, marked: Collection[str]) -> str:
    """The tree's files, with a mark at those of the check, and what the best of them define."""
    paths = [path for path in ranking.corpus.snapshot.files if path.isprintable()]
    listed = _tree(paths, room // _TREE_SHARE, notes, marked=marked)
    return listed + _definitions(ranking, (room - len(listed.encode())) // _DEFINITIONS_SHARE, notes)


def guides_of(corpus: Corpus, read: TaskRead, room: int) -> tuple[Guide, ...]:
    """The guides nearest to the files that the task names, and, in what they leave, the one for the whole tree."""
    snapshot, task = corpus.snapshot, read.ranking.query.text
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


def _tree(paths: Sequence[str], room: int, notes: list[str], *, marked: Collection[str]) -> str:
    """All paths if they fit; else folders with their numbers of files, as deep as fits."""
    rows = (f"{path} (the check)" if path in marked else path for path in paths)
    listed = section(f"Files: {len(paths)}", "\n".join(rows), path="")
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
