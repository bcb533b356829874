"""The receipt of a window: everything that it depends on, and what was left out, so that anyone can make it again.

Invariant: no clock, no host, no absolute path; equal inputs give equal receipts, and a receipt that verifies proves
that the bytes are the same.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from hybridcode.context.corpus import Corpus
from hybridcode.context.finding import Found, find_passages
from hybridcode.context.outline import check_room, notes_on, outline
from hybridcode.context.passages import Passage
from hybridcode.context.rank import WEIGHTS, Ranking, rank
from hybridcode.context.render import BYTES_PER_TOKEN, hidden_characters, tokens
from hybridcode.domain.canonical import digest_of, sha256_hex
from hybridcode.domain.errors import ContextError
from hybridcode.domain.window import Cut, Excerpt
from hybridcode.repo.entry import Skipped
from hybridcode.repo.history import History
from hybridcode.version import __version__

Kind = Literal["finding", "outline"]
_DIGEST_CHARS = 64


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a window came from. Sizes are in tokens of four bytes."""

    receipt: Literal[1] = 1
    """Version of this form."""
    sha256: str
    """Of the window's text."""
    kind: Kind
    query: str
    budget: int
    used: int
    tail: int
    """Tokens of `used` that only name further files."""
    tree: str
    """Digest of paths, file types, executable bits and contents."""
    head: str | None
    """Commit; None outside git."""
    history: str
    """Which commits were looked at, or why none were."""
    version: str
    """Of the program."""
    grammars: dict[str, str]
    """Language -> version of its grammar."""
    weights: dict[str, int]
    """Hundredths of log-odds for each signal."""
    files: int
    """Ranked files of the tree."""
    excerpts: tuple[Excerpt, ...]
    """In order of rank, with what spoke for each file."""
    cut: tuple[Cut, ...]
    """What would have come next, and why it was left out."""
    unmatched: tuple[str, ...]
    """Words of the query of which nothing stands in the tree."""
    left_out: tuple[Skipped, ...]
    """Files of the tree that are not ranked, and why."""
    notes: tuple[str, ...]
    clarity: str = ""
    """Of an outline: how clear the query is, and why; it decides how much of the tree a planner is shown."""


@dataclass(frozen=True)
class Answer:
    """A window with its passages and its receipt."""

    text: str
    passages: tuple[Passage, ...]
    receipt: Receipt


def answer(corpus: Corpus, *, query: str, budget: int, kind: Kind = "finding") -> Answer:
    """The window for a query, and its receipt; `budget` in tokens of four bytes.

    Raises: ContextError if the tree has no files, the query no words, or the budget is too small for anything.
    """
    if not query.strip():
        raise ContextError("the query is empty", "Say in a sentence what is to be done.")
    check_room(corpus, budget)
    if not corpus.paths:
        raise ContextError(
            f"{corpus.snapshot.root} holds no files that can be shown", f"Left out: {corpus.left_out[0]}, for instance."
        )
    if kind == "outline":
        outlined = outline(corpus, task=query, budget=budget)
        found = Found(outlined.passages, "", outlined.cut)
        window = outlined.window
        read = outlined.task
        receipt = _receipt(read.ranking, found, window.text, window.excerpts, budget, kind, window.notes)
        receipt = msgspec.structs.replace(receipt, clarity=f"{read.clarity}: {read.why}")
        return Answer(window.text, found.passages, receipt)
    ranking = rank(corpus, query)
    found = find_passages(ranking, room=budget * BYTES_PER_TOKEN)
    hidden = [note for passage in found.passages for note in hidden_characters(passage.excerpt.path, passage.text)]
    excerpts = tuple(passage.excerpt for passage in found.passages)
    odd = corpus.oddities(excerpt.path for excerpt in excerpts)
    notes = tuple(dict.fromkeys((*notes_on(corpus), *odd, *hidden)))
    receipt = _receipt(ranking, found, found.text, excerpts, budget, kind, notes)
    return Answer(found.text, found.passages, receipt)


def _receipt(
    ranking: Ranking,
    found: Found,
    text: str,
    excerpts: tuple[Excerpt, ...],
    budget: int,
    kind: Kind,
    notes: tuple[str, ...],
) -> Receipt:
    corpus = ranking.corpus
    return Receipt(
        sha256=sha256_hex(text.encode()),
        kind=kind,
        query=ranking.query.text,
        budget=budget,
        used=tokens(text),
        tail=tokens(found.tail),
        tree=corpus.snapshot.digest,
        head=corpus.snapshot.git.head,
        history=describe(corpus.history),
        version=__version__,
        grammars=dict(corpus.grammars),
        weights=dict(WEIGHTS),
        files=len(corpus.paths),
        excerpts=excerpts,
        cut=found.cut,
        unmatched=ranking.unmatched,
        left_out=corpus.left_out,
        notes=notes,
    )


def describe(history: History) -> str:
    """`1500 commits up to 59449b6` or `absent: not a git repository`."""
    if history.reason:
        return f"absent: {history.reason}"
    return f"{len(history.commits)} commits up to {(history.head or '')[:12]}"


def differences(old: Receipt, new: Receipt) -> list[str]:
    """What differs between two receipts, the likely causes first; empty if the windows are the same bytes."""
    if old.sha256 == new.sha256:
        return []
    found: list[str] = []
    for name in ("tree", "head", "history", "version", "grammars", "weights"):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            found.append(f"{name}: {_short(was)} then, {_short(now)} now")
    shown, now_shown = ({(e.path, e.start, e.end) for e in receipt.excerpts} for receipt in (old, new))
    found.extend(f"no longer shown: {path}#L{start}-{end}" for path, start, end in sorted(shown - now_shown))
    found.extend(f"shown now: {path}#L{start}-{end}" for path, start, end in sorted(now_shown - shown))
    return found or ["the same excerpts with other text"]


def _short(value: object) -> str:
    if isinstance(value, str):
        return value[:12] if len(value) == _DIGEST_CHARS else value
    return "none" if value is None else digest_of(value)[:12]
