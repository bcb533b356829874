"""Files that a sentence names beyond doubt.

Invariant: a function of tree and sentence; what could mean two files means none.
"""

from hybridcode.context import signals
from hybridcode.context.corpus import Corpus
from hybridcode.context.query import Query, read_query

_MOST_DEFINERS = 8
"""Files looked at to tell whether a name has one home only."""


def named_files(corpus: Corpus, sentence: str) -> tuple[str, ...]:
    """Paths in order that `sentence` writes out, finds in a traceback, or names by a definition that only one has."""
    query = read_query(sentence)
    numbers = {*signals.mentioned(corpus, query), *signals.framed(corpus, query), *_sole_definers(corpus, query)}
    return tuple(corpus.paths[number] for number in sorted(numbers))


def _sole_definers(corpus: Corpus, query: Query) -> set[int]:
    """Files outside tests and prose that alone define a name of the sentence."""
    found: set[int] = set()
    for link in corpus.links(query.names, _MOST_DEFINERS + 1).values():
        homes = [file for file in link.definers if not _is_beside(corpus.paths[file], corpus)]
        if len(homes) == 1:
            found.update(homes)
    return found


def _is_beside(path: str, corpus: Corpus) -> bool:
    """A test, prose, or the types of a module that stands beside them."""
    return signals.is_aside(path) or (path.endswith(".pyi") and path.removesuffix("i") in corpus.number)
