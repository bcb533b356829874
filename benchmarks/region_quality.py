"""Changes of real commits as rewrites of the definition they lie in: placed right, refused, or wrong.

    .venv/bin/python -m benchmarks.region_quality CASES

Invariant: a case counts as right only if every byte is, but for blanks at the ends of lines.

Method: CASES are those of patch_quality. Each change that lies within one definition is answered as a model asked for
that region would: the new lines in a fence, plain, moved to the left, or with lines repeated that stand above or below
the region. The goal says nothing, so that a commit that takes a definition away must be refused (`named`: not with a
goal that names what goes).
"""

import argparse
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.patch_quality import Case
from hybridcode.context.extents import end_with_uses
from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Target
from hybridcode.patch.left_out import missed
from hybridcode.patch.place import place
from hybridcode.patch.read import read_answer
from hybridcode.repo.symbols import outline

_REPEATED = 3
_HEADING = "answer             cases  right  refused  wrong  |  takes away  refused  placed where named"


def region_of(case: Case) -> tuple[int, int, str] | None:
    """First and last line of the smallest definition that holds the change, and its new text."""
    old, new = case.before.splitlines(keepends=True), case.after.splitlines(keepends=True)
    data = case.before.encode()
    for symbol in sorted(outline(case.path, data), key=lambda symbol: symbol.end - symbol.start):
        end = end_with_uses(case.path, data, symbol)
        behind = len(old) - end
        if old[: symbol.start - 1] == new[: symbol.start - 1] and old[end:] == new[len(new) - behind :]:
            text = "".join(new[symbol.start - 1 : len(new) - behind])
            return (symbol.start, end, text) if text.strip() else None
    return None


def answers(case: Case, start: int, end: int, text: str) -> Iterator[tuple[str, str]]:
    """The ways in which the region is answered."""
    lines = case.before.splitlines(keepends=True)
    yield "plain", text
    yield "moved to the left", textwrap.dedent(text)
    for count in range(1, _REPEATED + 1):
        if below := "".join(lines[end : end + count]).strip("\n"):
            yield f"{count} lines below", f"{text}{'' if text.endswith(chr(10)) else chr(10)}{below}\n"
        if above := "".join(lines[max(0, start - 1 - count) : start - 1]).strip("\n"):
            yield f"{count} lines above", f"{above}\n{text}"


def outcome(case: Case, target: Target, text: str, goal: str) -> str:
    """What becomes of one answer."""
    answer = read_answer(f"````\n{text}````\n", finish="stop", target=target)
    if isinstance(answer, Refusal):
        return "refused"
    found = place(answer, {case.path: case.before.encode()}, goal=goal)[0]
    if not isinstance(found, FileChange):
        return "refused"
    got, wanted = (found.after or b"").decode("utf-8", "surrogateescape"), case.after
    return "right" if [*map(str.rstrip, got.split("\n"))] == [*map(str.rstrip, wanted.split("\n"))] else "wrong"


def main() -> None:
    """Score and print; exit 1 if an answer was placed wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, nargs="+", metavar="CASES")
    parser.add_argument("--show", action="store_true", help="name the cases that are not right")
    chosen = parser.parse_args()
    seen: set[tuple[str, str, str]] = set()
    counts: dict[str, Counter[str]] = {}
    for line in (line for file in chosen.cases for line in file.read_bytes().splitlines()):
        case = msgspec.json.decode(line, type=Case)
        key = case.path, case.before, case.after
        is_new = case.expect == "apply" and case.before.endswith("\n") and key not in seen
        region = region_of(case) if is_new else None
        seen.add(key)
        if region is None:
            continue
        start, end, new = region
        gone = missed(case.path, case.before.encode(), case.after.encode()).left_out
        target = Target(case.path, "region", start, end)
        for name, text in answers(case, start, end, new):
            found = outcome(case, target, text, "")
            counts.setdefault(name, Counter())[f"gone {found}" if gone else found] += 1
            if gone and outcome(case, target, text, f"Remove {', '.join(gone)}.") == "right":
                counts[name]["named"] += 1
            if chosen.show and found != "right":
                print(found, name, case.path, start, end, case.id, gone)
    print(_HEADING)
    for name, count in counts.items():
        whole = count["right"] + count["refused"] + count["wrong"]
        away = count["gone right"] + count["gone refused"] + count["gone wrong"]
        print(
            f"{name:<17}  {whole:5}  {count['right']:5}  {count['refused']:7}  {count['wrong']:5}  |  {away:10}  "
            f"{count['gone refused']:7}  {count['named']:18}"
        )
    raise SystemExit(any(count["wrong"] + count["gone wrong"] for count in counts.values()))


if __name__ == "__main__":
    main()
