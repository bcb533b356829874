"""Personalised PageRank on the graph of definitions and references.

Invariant: integers and `fsum` only where order could matter; the walk starts at the seeds and looks only at files it
reaches, so its cost follows the neighbourhood and not the tree.
Page, Brin, Motwani and Winograd, "The PageRank citation ranking" (1998), with restarts at the seeds.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from hybridcode.context.corpus import Corpus, Link
from hybridcode.context.segments import defined_names

_MOST_DEFINED = 3
"""A name that more files define links nothing."""
_BACKWARD = 0.5
"""Weight of the way from a definition to its users, beside the way from a user to the definition."""
_RESTART = 0.4
_ROUNDS = 6
_MOST_EXPANDED = 80
"""Files whose links are looked at."""
_FINE = 1_000_000_000
"""Shares are ordered by whole billionths."""
_REPEATED = (1.0, 1.0, 1 + math.log(2))
"""What a name counts that is used so often, beside one used once."""
_REPEATED_OFTEN = 2.0
"""The same for names that are used more often."""


@dataclass
class Links:
    """Links between the files of a corpus, looked up when they are needed."""

    corpus: Corpus
    _known: dict[str, Link | None] = field(default_factory=dict[str, "Link | None"])
    """None for a name that too many files define, or none."""
    _out: dict[int, dict[int, float]] = field(default_factory=dict[int, dict[int, float]])

    def __post_init__(self) -> None:
        self._rare = _Rarity(len(self.corpus.paths))

    def look(self, files: Collection[int]) -> None:
        """Look up the links of several files at once."""
        records = self.corpus.records([file for file in files if file not in self._out])
        defined = {file: defined_names(record) for file, record in records.items()}
        names = {name for record in records.values() for name in record.references}
        new = sorted(names.union(*defined.values()).difference(self._known))
        self._known |= dict.fromkeys(new)
        self._known |= self.corpus.links(new, _MOST_DEFINED)
        for file, record in records.items():
            self._out[file] = _shares(self._links_of(file, record.references, defined[file]))

    def out_of(self, file: int) -> Mapping[int, float]:
        """Files linked with one that was looked up, by their part of all its links, sorted."""
        return self._out[file]

    def _links_of(self, file: int, used: Mapping[str, int], defined: Collection[str]) -> dict[int, float]:
        parts = defaultdict[int, list[float]](list)
        for name, count in used.items():
            link = self._known[name]
            if link is not None and file not in link.definers:
                weight = self._weight(link, count)
                for other in link.definers:
                    parts[other].append(weight)
        for name in defined:
            link = self._known[name]
            if link is not None:
                for other, count in link.users:
                    if other not in link.definers:
                        parts[other].append(_BACKWARD * self._weight(link, count))
        return {other: math.fsum(parts[other]) for other in sorted(parts) if other != file}

    def _weight(self, link: Link, count: int) -> float:
        repeated = _REPEATED[count] if count < len(_REPEATED) else _REPEATED_OFTEN
        return self._rare[len(link.users)] * repeated / len(link.definers)


def page_rank(links: Links, seeds: Mapping[int, float]) -> dict[int, float]:
    """Share of the walk that each file gets, for seeds with weights (any scale)."""
    total = math.fsum(seeds.values())
    if total <= 0:
        return {}
    start = {file: weight / total for file, weight in sorted(seeds.items())}
    share = dict(start)
    expanded: set[int] = set()
    for _ in range(_ROUNDS):
        if len(expanded) < _MOST_EXPANDED:
            order = sorted(share, key=lambda file: (-round(share[file] * _FINE), file))
            new = [file for file in order if file not in expanded][: _MOST_EXPANDED - len(expanded)]
            links.look(new)
            expanded.update(new)
        parts: dict[int, list[float]] = {file: [_RESTART * weight] for file, weight in start.items()}
        for file in sorted(expanded):
            passed_on = (1 - _RESTART) * share[file]
            for other, part in links.out_of(file).items():
                if other in parts:
                    parts[other].append(passed_on * part)
                else:
                    parts[other] = [passed_on * part]
        share = {file: math.fsum(values) for file, values in parts.items()}
    return share


class _Rarity(dict[int, float]):
    """How much a name links by the number of files that use it."""

    def __init__(self, files: int) -> None:
        super().__init__()
        self._files = files

    def __missing__(self, users: int) -> float:
        found = self[users] = math.log(1 + self._files / users)
        return found


def _shares(weights: Mapping[int, float]) -> dict[int, float]:
    """Each weight as a part of their sum."""
    total = math.fsum(weights.values())
    return {file: weight / total for file, weight in weights.items()}
