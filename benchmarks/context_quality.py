"""How much of what real commits changed the context room finds by their messages alone.

Invariant: a case is answered from the tree before its commit, with no commit after that in reach; every case counts.

Method: a case is a commit of a public repository with one to six changed source files. Its message, without links and
issue numbers, is the query; the files, functions and lines it changed are what a good window holds. Parts are averaged
over cases. `over` is the share of windows that are larger than their budget, by their text or by their passages with
a path each. The index of a repository goes from case to case: it never changes an answer, and this shows it, because
the figures are the same as from an empty one.
"""

import argparse
import itertools
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from benchmarks.context_cases import Case, checked_out, read_cases
from benchmarks.context_scores import Score, score
from benchmarks.context_worker import lines_of
from hybridcode.context.index import Index
from hybridcode.context.receipt import Kind, answer
from hybridcode.context.task import read_task

_BUDGETS: Mapping[Kind, tuple[int, ...]] = {"finding": (4_000, 8_000, 16_000), "outline": (2_000, 4_000)}
_HEADING = "  budget  cases  recall  functions  lines    mrr  files  tokens  over"


def scores_of(case: Case, root: Path, index: Index, kind: Kind) -> dict[int, tuple[Score, bool]]:
    """By budget, the score of a case and whether its window is too large."""
    corpus = index.corpus(index.take(root))
    found: dict[int, tuple[Score, bool]] = {}
    for budget in _BUDGETS[kind]:
        size = read_task(corpus, case.query).tokens_of(budget) if kind == "outline" else budget
        window = answer(corpus, query=case.query, budget=size, kind=kind)
        one = score(case, lines_of(window), root)
        if kind == "outline":
            one = replace(one, tokens=window.receipt.used)
        found[budget] = one, max(one.tokens, window.receipt.used) > size
    return found


def run(
    cases: Sequence[Case], clones: Path, work: Path, kind: Kind
) -> list[tuple[Case, dict[int, tuple[Score, bool]]]]:
    """Answer and score all cases, one repository after the other."""
    results: list[tuple[Case, dict[int, tuple[Score, bool]]]] = []
    for _, group in itertools.groupby(cases, key=lambda case: case.repo):
        index = Index.in_memory()
        for case in group:
            root = checked_out(clones, work, case)
            results.append((case, scores_of(case, root, index, kind)))
        index.close()
    return results


def table(results: Sequence[dict[int, tuple[Score, bool]]]) -> str:
    """Means over cases, a line for each budget."""
    return "\n".join([_HEADING, *(_row(budget, [result[budget] for result in results]) for budget in results[0])])


def _row(budget: int, results: Sequence[tuple[Score, bool]]) -> str:
    scores = [one for one, _ in results]
    functions = fmean(one.functions for one in scores if one.functions is not None)
    lines = fmean(one.lines for one in scores if one.lines is not None)
    return (
        f"{budget:8d}  {len(scores):5d}  {fmean(one.recall for one in scores):6.3f}  {functions:9.3f}  {lines:5.3f}  "
        f"{fmean(one.mrr for one in scores):5.3f}  {fmean(one.files for one in scores):5.1f}  "
        f"{fmean(one.tokens for one in scores):6.0f}  {fmean(is_over for _, is_over in results):4.0%}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, required=True, help="JSON lines, one case each")
    parser.add_argument("--clones", type=Path, required=True, help="folder of the repositories, with their history")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkouts")
    parser.add_argument("--split", default="", help="only the cases of this split")
    parser.add_argument("--limit", type=int, default=0, help="so many cases, spread over the repositories")
    parser.add_argument("--by-repository", action="store_true", help="a table for each repository as well")
    parser.add_argument("--outline", action="store_true", help="the planner's window instead, sized as for a task")
    chosen = parser.parse_args()
    kind: Kind = "outline" if chosen.outline else "finding"
    began = time.process_time()
    results = run(read_cases(chosen.cases, split=chosen.split, limit=chosen.limit), chosen.clones, chosen.work, kind)
    if not results:
        raise SystemExit("no such cases")
    if chosen.by_repository:
        for repo, group in itertools.groupby(results, key=lambda result: result[0].repo):
            print(f"{repo}\n{table([scores for _, scores in group])}")
    print(table([scores for _, scores in results]))
    print(f"{time.process_time() - began:.0f} s of processor time, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
