"""Every window of the polyglot repository, printed as JSON: run by test_context_determinism.py in processes of its own.

Invariant: the output depends on nothing but the tree and the code under test; the index is the one in the cache folder.

    python tests/golden/polyglot_windows.py FOLDER                # all windows, with their receipts
    python tests/golden/polyglot_windows.py --digests > tests/golden/context_digests.json
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hybridcode.context.assemble import assemble
from hybridcode.context.corpus import Corpus
from hybridcode.context.index import Index
from hybridcode.context.lookup import look_up
from hybridcode.context.receipt import Kind, answer
from hybridcode.domain.plan import Plan, Step
from tests.support import polyglot


class Question(NamedTuple):
    """What is asked of the repository."""

    query: str
    budget: int
    kind: Kind = "finding"

    @property
    def options(self) -> list[str]:
        """As the program's options."""
        plain = ["--query", self.query, "--budget", str(self.budget)]
        return [*plain, "--outline"] if self.kind == "outline" else plain


QUESTIONS = {
    "words": Question("settle the ledger when its limit is beyond the basket", 3_000),
    "trace": Question(
        "Restore the refund\n\nTraceback (most recent call last):\n"
        '  File "/srv/app/shop/refund.py", line 15, in restore\nValueError: `the refund is beyond its limit`\n'
        "    at collectVoucher (/srv/web/voucher.js:11:3)\n",
        1_200,
    ),
    "outline": Question("document how a ParcelServer and a courier are dispatched", 2_500, "outline"),
    "small": Question("größe of the ledger in 'ticks/fences.md'", 64),
}
PLAN = Plan(
    steps=(
        Step(
            id="s1", goal="Refuse a ledger of no rows.", touches=("shop/ledger.py#Ledger",), reads=("shop/basket.py",)
        ),
        Step(
            id="s2", goal="Show the ledger's rows.", touches=("web/ledger.js#LedgerView", "web/ledger.js#LEDGER_PAGE")
        ),
        Step(id="s3", goal="Write server/ledger/empty.go.", kind="create", touches=("server/ledger/empty.go",)),
    )
)
STEP_BUDGET = 1_800


def windows(corpus: Corpus, *, order: Sequence[str] = ("s1", "s2", "s3")) -> dict[str, str]:
    """Texts of all windows, and the receipts of those that have one."""
    found: dict[str, str] = {}
    for name, question in QUESTIONS.items():
        given = answer(corpus, query=question.query, budget=question.budget, kind=question.kind)
        found[name] = given.text
        found[f"{name}, receipt"] = msgspec.json.encode(given.receipt).decode()
    for step in sorted(PLAN.steps, key=lambda step: order.index(step.id)):
        for region in step.regions:
            made = assemble(
                step,
                corpus,
                region=region,
                budget=STEP_BUDGET,
                format="whole" if step.kind == "create" else "region",
                plan=PLAN,
            )
            found[f"{step.id} {region}"] = msgspec.json.encode(made).decode()
    found["look up"] = look_up(corpus, read=("shop/voucher.py", "shop/no.py"), search=("limit",), budget=700)
    return {name: found[name] for name in sorted(found)}


def digests(corpus: Corpus) -> dict[str, str]:
    """What `hybridcode context --hash` prints for each question."""
    return {
        name: answer(corpus, query=question.query, budget=question.budget, kind=question.kind).receipt.sha256
        for name, question in QUESTIONS.items()
    }


def _print(value: dict[str, str]) -> None:
    sys.stdout.buffer.write(json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n")


def _main(folder: str) -> None:
    if folder != "--digests":
        index = Index.open(Path(folder))
        _print(windows(index.corpus(index.take(Path(folder)))))
        index.close()
        return
    with tempfile.TemporaryDirectory() as made:
        root = polyglot.write(Path(made) / "shop")
        index = Index.in_memory()
        _print(digests(index.corpus(index.take(root))))


if __name__ == "__main__":
    _main(sys.argv[1])
