"""A worker for programs that measure context: a JSON request a line in, the answer's passages a line out.

Invariant: what a request is answered with is the program's own answer, made in this process; nothing is added or cut.

A request has `dir`, `query` and `budget` (tokens of four bytes); `cache` is the folder that stands for the user's cache
(none: the index is kept in memory), `fresh` opens the index anew, `raw` asks for receipt and text as well.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from hybridcode.context.corpus import Corpus
from hybridcode.context.index import Index
from hybridcode.context.receipt import Answer, answer
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.errors import HybridcodeError
from hybridcode.repo.grammars import language_of


class Request(msgspec.Struct, frozen=True):
    """One line of standard input."""

    dir: str
    query: str
    budget: int
    cache: str | None = None
    fresh: bool = False
    raw: bool = False


class Lines(msgspec.Struct, frozen=True):
    """Lines `start`..`end` (1-based, inclusive) of a file."""

    path: str
    start: int
    end: int
    text: str


class Tree(msgspec.Struct, frozen=True):
    """What of a tree was ranked. Sizes in bytes."""

    files: int
    bytes: int
    ranked: int
    """Files."""
    ranked_bytes: int
    code_bytes: int
    """Of `ranked_bytes`, in files of the languages whose definitions are known."""


class Reply(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of standard output."""

    files: list[Lines] = []
    """In order of rank."""
    sha256: str = ""
    """Of the window's text."""
    used: int = 0
    """Tokens of the window's text."""
    tree: Tree | None = None
    raw: str | None = None
    """The receipt as canonical JSON, and the text."""
    error: str = ""
    seconds: float = 0.0
    cpu_s: float = 0.0
    """Processor seconds of this process and its children since it began."""
    rss_mb: float = 0.0
    """The most memory this process has held so far, in MiB."""


class Worker:
    """Answers requests; the index of the latest folder and cache stays open."""

    def __init__(self) -> None:
        self._index: Index | None = None
        self._about: tuple[str, str | None] | None = None

    def reply(self, request: Request) -> Reply:
        """The answer to one request, and what it cost."""
        start = time.perf_counter()
        try:
            found, tree = self._answer(request)
        except HybridcodeError as error:
            return _with_costs(Reply(error=error.advice), start)
        return _with_costs(_reply(found, tree, is_raw=request.raw), start)

    def close(self) -> None:
        """Close the index."""
        if self._index is not None:
            self._index.close()

    def _answer(self, request: Request) -> tuple[Answer, Tree]:
        root = Path(request.dir)
        index = self._opened(root, request.cache, is_fresh=request.fresh)
        corpus = index.corpus(index.take(root))
        return answer(corpus, query=request.query, budget=request.budget), _tree(corpus)

    def _opened(self, root: Path, cache: str | None, *, is_fresh: bool) -> Index:
        about = (str(root), cache)
        if self._index is None or is_fresh or self._about != about:
            self.close()
            if cache is not None:
                os.environ["XDG_CACHE_HOME"] = cache
            self._index = Index.in_memory() if cache is None else Index.open(root)
            self._about = about
        return self._index


def lines_of(found: Answer) -> list[Lines]:
    """The passages of an answer, in order of rank."""
    return [
        Lines(passage.excerpt.path, passage.excerpt.start, passage.excerpt.end, passage.lines)
        for passage in found.passages
    ]


def _reply(found: Answer, tree: Tree, *, is_raw: bool) -> Reply:
    return Reply(
        files=lines_of(found),
        sha256=found.receipt.sha256,
        used=found.receipt.used,
        tree=tree,
        raw=f"{canonical_json(found.receipt).decode()}\n{found.text}" if is_raw else None,
    )


def _with_costs(reply: Reply, start: float) -> Reply:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return msgspec.structs.replace(
        reply,
        seconds=time.perf_counter() - start,
        cpu_s=own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
        rss_mb=own.ru_maxrss / 1024,
    )


def _tree(corpus: Corpus) -> Tree:
    sizes = {path: entry.size for path, entry in corpus.snapshot.files.items()}
    return Tree(
        files=len(sizes),
        bytes=sum(sizes.values()),
        ranked=len(corpus.paths),
        ranked_bytes=sum(sizes[path] for path in corpus.paths),
        code_bytes=sum(sizes[path] for path in corpus.paths if language_of(path) is not None),
    )


def main() -> None:
    """Answer requests until standard input ends."""
    worker = Worker()
    try:
        for line in sys.stdin.buffer:
            reply: Any = msgspec.to_builtins(worker.reply(msgspec.json.decode(line, type=Request)))
            print(json.dumps(reply), flush=True)
    finally:
        worker.close()


if __name__ == "__main__":
    main()
