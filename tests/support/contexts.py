"""Short ways to ask a tree for its context."""

from pathlib import Path

import msgspec

from hybridcode.context.corpus import Corpus
from hybridcode.context.index import Index
from hybridcode.context.receipt import Answer, Kind, answer
from tests.support.repos import write_tree


def corpus_of(root: Path, files: dict[str, str]) -> Corpus:
    """The corpus of these files, written below `root`, by an index of its own."""
    root.mkdir(parents=True, exist_ok=True)
    return corpus_at(write_tree(root, files))


def corpus_at(root: Path) -> Corpus:
    """The corpus of a tree as it is, by an index of its own."""
    index = Index.in_memory()
    return index.corpus(index.take(root))


def ask(index: Index, root: Path, query: str, *, budget: int = 600, kind: Kind = "finding") -> Answer:
    """What an index says of a tree as it is."""
    return answer(index.corpus(index.take(root)), query=query, budget=budget, kind=kind)


def answer_bytes(index: Index, root: Path, query: str, *, budget: int = 600) -> bytes:
    """Receipt and text of what an index says, as bytes that can be compared."""
    found = ask(index, root, query, budget=budget)
    return msgspec.json.encode((found.receipt, found.text))


def fresh_bytes(root: Path, query: str, *, budget: int = 600) -> bytes:
    """What an index that has seen nothing before says, as bytes that can be compared."""
    index = Index.in_memory()
    try:
        return answer_bytes(index, root, query, budget=budget)
    finally:
        index.close()


def definers(corpus: Corpus, name: str, *, most: int = 99) -> list[str]:
    """Paths of the files that define a name."""
    link = corpus.links([name], most).get(name)
    return [corpus.paths[file] for file in link.definers] if link else []


def users(corpus: Corpus, name: str) -> dict[str, int]:
    """Paths of the files that use a defined name, and how often."""
    link = corpus.links([name], 99).get(name)
    return {corpus.paths[file]: count for file, count in link.users} if link else {}
