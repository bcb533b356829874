"""How many edit answers the patch room places right, and what it makes of those that must not be placed.

Invariant: a case counts as right only if every byte is; an answer that may be placed in two ways must be refused.

Method: a case is a change of one file of a public repository, written as a model would write it, in one of five forms
and with one slip or two. `apply`: the file must become `after`. `refuse`: it must stay as it is, for the answer is
cut off, ambiguous or made for another version. `noop`: the change is in the file already. `wrong` is any other text
without a refusal, `blanks` one that differs in line ends, trailing blanks or the last line end alone. Times are
processor milliseconds of reading and placing in this process.
"""

import argparse
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.place import place
from hybridcode.patch.read import read_answer

_BYSTANDER = ("other/notes.txt", b"nothing to see here\nsecond line\n")
_HEADING = "format     apply  correct  refused  wrong  blanks  |  keep  correct  wrong  |  median ms   p99 ms"

Outcome = Literal["correct", "refused", "wrong", "blanks"]


class Case(msgspec.Struct, frozen=True):
    """One answer and what must become of the file."""

    id: str
    path: str
    before: str
    after: str
    answer: str
    expect: Literal["apply", "refuse", "noop"]
    fmt: str
    pert: str
    split: str


def outcome_of(case: Case) -> tuple[Outcome, float]:
    """What became of a case, and the milliseconds it took."""
    before = case.before.encode()
    began = time.process_time()
    got = _placed(case, before)
    taken = (time.process_time() - began) * 1000
    if case.expect != "apply":
        return ("correct" if got in (None, before) else "wrong"), taken
    if got is None:
        return "refused", taken
    if got == case.after.encode():
        return "correct", taken
    return ("blanks" if _bare(got) == _bare(case.after.encode()) else "wrong"), taken


def _placed(case: Case, before: bytes) -> bytes | None:
    """The file's bytes afterwards; None if the answer was refused."""
    answer = read_answer(case.answer, finish="stop", target=None)
    if isinstance(answer, Refusal):
        return None
    found = place(answer, {case.path: before, _BYSTANDER[0]: _BYSTANDER[1]})
    changes = [change for change in found if isinstance(change, FileChange)]
    if not changes:
        return None
    return changes[0].after if [change.path for change in changes] == [case.path] else b"another file was changed"


def _bare(data: bytes) -> list[bytes]:
    return [line.rstrip() for line in data.rstrip().split(b"\n")]


def row(name: str, outcomes: Iterable[tuple[Case, Outcome, float]]) -> str:
    """One line of the table."""
    counts: Mapping[bool, Counter[str]] = defaultdict(Counter)
    times: list[float] = []
    for case, outcome, taken in outcomes:
        counts[case.expect == "apply"][outcome] += 1
        times.append(taken)
    times.sort()
    applied, kept = counts[True], counts[False]
    share = 100 * applied["correct"] / max(1, applied.total())
    return (
        f"{name:<9} {applied.total():6}  {share:6.2f}%  {applied['refused']:7}  {applied['wrong']:5}  "
        f"{applied['blanks']:6}  |  {kept.total():4}  {kept['correct']:7}  {kept['wrong']:5}  |  {median(times):9.2f}  "
        f"{times[int(len(times) * 0.99)]:7.1f}"
    )


def main() -> None:
    """Score the cases and print a table; exit 1 if one was placed wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, nargs="+", metavar="CASES", help="JSON lines, one case each")
    parser.add_argument("--split", default="", help="only cases of this split")
    parser.add_argument("--show", action="store_true", help="name the cases that are not right")
    chosen = parser.parse_args()
    scored: list[tuple[Case, Outcome, float]] = []
    for file in chosen.cases:
        for line in file.read_bytes().splitlines():
            case = msgspec.json.decode(line, type=Case)
            if chosen.split in ("", case.split):
                scored.append((case, *outcome_of(case)))
    print(_HEADING)
    for form in sorted({case.fmt for case, _, _ in scored}):
        print(row(form, (one for one in scored if one[0].fmt == form)))
    print(row("all", scored))
    print(f"load {os.getloadavg()[0]:.1f}")
    wrong = [case.id for case, outcome, _ in scored if outcome == "wrong"]
    if chosen.show:
        for case, outcome, _ in scored:
            if outcome != "correct":
                print(outcome, case.id, case.path)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
