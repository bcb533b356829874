"""Personalised PageRank on the graph of definitions and references.

Invariant: integers and `fsum` only where order could matter; the walk starts at the seeds and looks only at files it
reaches, so its cost follows the neighbourhood and not the tree.
Page, Brin, Motwani and Winograd, "The PageRank citation ranking" (1998), with restarts at the seeds.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from hybridcode.context.corpus import Corpus
from hybridcode.context.scores import MILLION
from hybridcode.context.segments import defined_names

_MOST_DEFINED = 3
"""A name that more files define links nothing."""
_BACKWARD = 0.5
"""Weight of the way from a definition to its users, beside the way from a user to the definition."""
_RESTART = 0.4
_ROUNDS = 6
_MOST_EXPANDED = 80
"""Files whose links are looked at."""
_REPEATED = 2.0
"""A name used often counts at most this much of a name used once."""


@dataclass
class Links:
    """Links between the files of a corpus, looked up when they are needed."""

    corpus: Corpus
    _names: dict[str, tuple[list[int], list[tuple[int, int]]]] = field(
        default_factory=dict[str, tuple[list[int], list[tuple[int, int]]]]
    )
    _out: dict[int, dict[int, float]] = field(default_factory=dict[int, dict[int, float]])

    def out_of(self, file: int) -> Mapping[int, float]:
        """Files linked with `file`, by weight, sorted."""
        if (known := self._out.get(file)) is None:
            known = self._out[file] = self._look(file)
        return known

    def _look(self, file: int) -> dict[int, float]:
        record = self.corpus.record(file)
        parts: dict[int, list[float]] = {}
        for name, count in record.references.items():
            definers, users = self._known(name)
            if definers and file not in definers:
                weight = self._weight(definers, users, count)
                for other in definers:
                    parts.setdefault(other, []).append(weight)
        for name in defined_names(record):
            definers, users = self._known(name)
            if definers:
                for other, count in users:
                    if other not in definers:
                        weight = _BACKWARD * self._weight(definers, users, count)
                        parts.setdefault(other, []).append(weight)
        return {other: math.fsum(parts[other]) for other in sorted(parts) if other != file}

    def _known(self, name: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Definers (none if there are too many) and users of a name."""
        if (known := self._names.get(name)) is None:
            definers = self.corpus.definers(name)
            is_link = 0 < len(definers) <= _MOST_DEFINED
            known = self._names[name] = (definers, self.corpus.users(name)) if is_link else ([], [])
        return known

    def _weight(self, definers: list[int], users: list[tuple[int, int]], count: int) -> float:
        rare = math.log(1 + len(self.corpus.paths) / len(users))
        return rare * min(_REPEATED, 1 + math.log(count)) / len(definers)


def page_rank(links: Links, seeds: Mapping[int, float]) -> dict[int, float]:
    """Share of the walk that each file gets, for seeds with weights (any scale)."""
    total = math.fsum(seeds.values())
    if total <= 0:
        return {}
    start = {file: weight / total for file, weight in sorted(seeds.items())}
    share = dict(start)
    expanded: set[int] = set()
    for _ in range(_ROUNDS):
        parts: dict[int, list[float]] = {file: [_RESTART * weight] for file, weight in start.items()}
        for file in sorted(share, key=lambda file: (-round(share[file] * MILLION * 1000), file)):
            if file not in expanded:
                if len(expanded) >= _MOST_EXPANDED:
                    continue
                expanded.add(file)
            linked = links.out_of(file)
            weight = math.fsum(linked.values())
            for other, part in linked.items():
                parts.setdefault(other, []).append((1 - _RESTART) * share[file] * part / weight)
        share = {file: math.fsum(parts[file]) for file in sorted(parts)}
    return share
