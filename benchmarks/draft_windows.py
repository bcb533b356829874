"""How large a draft's window is beside the region it is about, over the definitions of a tree.

    .venv/bin/python -m benchmarks.draft_windows [ROOT] [--count 120] [--budget 4000] [--reads]

Method: of all named functions and classes of up to 120 lines in files that are not tests, those with the smallest
hashes of their names; each is the one place of a step that says to change it. With `--reads` the step is the first of a
plan's two, each of which names another of the places as one to read. Tokens are of four bytes. `share` is the part of
all windows that is there for a reason: region, imports, definitions, callers, tests, guidance, or by rank.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from hybridcode.context.assemble import assemble
from hybridcode.context.index import Index
from hybridcode.context.render import tokens
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.window import ContextWindow
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import outline

_MOST_LINES = 120
_KINDS = ("function", "method", "class")


def places(snapshot: Snapshot, count: int) -> list[str]:
    """Definitions, as regions, chosen by hash."""
    found: list[str] = []
    for path, entry in snapshot.files.items():
        if entry.kind == "text" and "test" not in path:
            found += [
                f"{path}#{symbol.name}"
                for symbol in outline(path, snapshot.read(path))
                if symbol.kind in _KINDS and symbol.end - symbol.start < _MOST_LINES
            ]
    return sorted(set(found), key=lambda name: sha256_hex(name.encode()))[:count]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, nargs="?", default=Path())
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--budget", type=int, default=4_000)
    parser.add_argument("--reads", action="store_true")
    chosen = parser.parse_args()
    index = Index.in_memory()
    corpus = index.corpus(index.take(chosen.root))
    snapshot = corpus.snapshot
    used: list[int] = []
    regions: list[int] = []
    shares: Counter[str] = Counter()
    named = places(snapshot, chosen.count)
    for number, name in enumerate(named):
        plan = _plan(named, number) if chosen.reads else Plan((_step("1", name),))
        try:
            window = assemble(
                plan.steps[0], corpus, region=Region.parse(name), budget=chosen.budget, format="region", plan=plan
            )
        except HybridcodeError:
            continue
        used.append(window.used)
        shares.update(_shares(window, snapshot))
        regions.append(_shares(window, snapshot)["target"])
    index.close()
    ratio = median(one / max(1, region) for one, region in zip(used, regions, strict=True))
    together = f"{sum(used):,} tok together, median {median(used):,.0f}, of it the region {median(regions):,.0f}"
    print(f"{len(used)} windows: {together}")
    large = sum(one > 1_000 for one in used)
    print(f"a window is {ratio:.1f} times its region (median); {large} are larger than 1,000 tok")
    print("share: " + ", ".join(f"{reason} {size / sum(used):.0%}" for reason, size in shares.most_common()))


def _step(number: str, name: str, *reads: str) -> Step:
    return Step(number, f"Change {name.partition('#')[2]}.", touches=(name,), reads=reads)


def _plan(named: Sequence[str], number: int) -> Plan:
    """Two places that are changed, and two that are read."""
    first, second, third, fourth = (named[(number + ahead) % len(named)] for ahead in range(4))
    return Plan((_step("1", first, third), _step("2", second, fourth)))


def _shares(window: ContextWindow, snapshot: Snapshot) -> Counter[str]:
    """Tokens of a window by the reason they are there for."""
    found: Counter[str] = Counter()
    for excerpt in window.excerpts:
        lines = split_lines(snapshot.read(excerpt.path))[excerpt.start - 1 : excerpt.end]
        found[excerpt.reason] += tokens(b"".join(lines).decode("utf-8", "replace"))
    return found


if __name__ == "__main__":
    main()
