"""What a task says of a tree: how it ranks the files, what it names, and how much of them a planner has to see.

Invariant: a pure function of tree and task; the same task is as clear for everybody who asks.
"""

import math
from dataclasses import dataclass
from typing import Literal

from hybridcode.context.corpus import Corpus
from hybridcode.context.named import Exact, exact_definitions, files_written, named_files
from hybridcode.context.plain import definitions_at_top, plain_names
from hybridcode.context.query import Query
from hybridcode.context.rank import Ranking, rank
from hybridcode.context.scores import MILLION
from hybridcode.repo.classify import reads_as_prose

Clarity = Literal["clear", "plain", "open"]
"""It names definitions that are found, not all of them documentation's; it says where to look; it does neither."""

_MOST_FILES = 3
"""A task that names definitions of more files is not clear: what holds them together is to be seen."""
_LEAST_SHARE = 60
"""Percent of the likelihood that the best file needs where a task names nothing."""
_LIKELY = 20
"""Files that are compared."""
_MOST_EXACT = 12
"""Definitions that one task names."""
_MOST_PLAIN = 4
"""Definitions that its plain words may mean."""


@dataclass(frozen=True)
class TaskRead:
    """A task beside a tree."""

    ranking: Ranking
    written: tuple[str, ...]
    """Paths of files that it writes out, or names as modules beyond doubt; sorted."""
    exact: tuple[Exact, ...]
    """Definitions that it names."""
    plain: tuple[Exact, ...]
    """Definitions that its plain words may mean: they are shown, and make no task clear."""
    clarity: Clarity
    why: str
    """Of the clarity, in words."""

    def tokens_of(self, tokens: int) -> int:
        """How large its window is to be, where `tokens` are meant for one that says where to look."""
        match self.clarity:
            case "clear":
                return tokens // 2
            case "plain":
                return tokens
            case "open":
                return tokens * 2


def read_task(corpus: Corpus, task: str) -> TaskRead:
    """Rank a tree for a task and find what it names."""
    ranking = rank(corpus, task)
    files, sure, plain = _in_plain_words(corpus, ranking.query)
    written = tuple(corpus.paths[file] for file in sorted({*files_written(corpus, ranking.query), *files}))
    exact = tuple(dict.fromkeys((*exact_definitions(corpus, ranking.query), *sure)))[:_MOST_EXACT]
    clarity, why = _clarity(ranking, written, exact, named_files(corpus, task))
    return TaskRead(ranking, written, exact, tuple(one for one in plain if one not in exact), clarity, why)


def _in_plain_words(corpus: Corpus, query: Query) -> tuple[list[int], list[Exact], list[Exact]]:
    """Files that plain words name as modules; definitions that they name beyond doubt; those that they may mean."""
    files: list[int] = []
    sure: list[Exact] = []
    maybe: list[Exact] = []
    for name in plain_names(corpus, query):
        if not name.symbols and name.is_sure:
            files.append(name.file)
        held = name.symbols or definitions_at_top(corpus, name.file)
        found = [Exact(name.file, corpus.paths[name.file], symbol) for symbol in held]
        (sure if name.is_sure and name.symbols else maybe).extend(found)
    return files, sure, maybe[:_MOST_PLAIN]


def _clarity(
    ranking: Ranking, written: tuple[str, ...], exact: tuple[Exact, ...], named: tuple[str, ...]
) -> tuple[Clarity, str]:
    homes = {one.path for one in exact}
    is_code = any(not reads_as_prose(path) for path in homes)
    if is_code and len(homes) <= _MOST_FILES and homes <= set(named):
        return "clear", f"it names {', '.join(f'{one.path}#{one.symbol.name}' for one in exact)}"
    if exact:
        return "plain", f"it names {len(exact)} definitions in {len(homes)} files"
    if written:
        return "plain", f"it names {', '.join(written)}"
    share = _best_share(ranking)
    if share >= _LEAST_SHARE:
        return "plain", f"it names nothing of the tree, and {ranking.files[0].path} stands out ({share} %)"
    return "open", f"it names nothing of the tree, and no file stands out (the best has {share} %)"


def _best_share(ranking: Ranking) -> int:
    """Percent of the likelihood of the first files that the best one has."""
    if not ranking.files:
        return 0
    best = ranking.files[0].score
    whole = math.fsum(math.exp((file.score - best) / MILLION) for file in ranking.files[:_LIKELY])
    return int(100 / whole)
