"""Judges every case of ours between two marks, with an ear on what Python does meanwhile; run as a program.

Invariant: says on standard output what happened besides reading; nothing if the judge is pure.
"""

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.gate_commands import OWN_CASES, example_policy, judge_all, read_cases

BEGIN, END = "/the-judge-begins", "/the-judge-ends"
_QUIET = (
    "open",
    "os.listdir",
    "os.scandir",
    "object.",
    "code.",
    "compile",
    "import",
    "marshal.",
    "sys._getframe",
    "pathlib.",
)


def main() -> None:
    """Judge, and print every event that is no reading."""
    heard: list[str] = []
    is_listening = False

    def hear(event: str, details: tuple[object, ...]) -> None:
        if not is_listening:
            return
        flags = details[2] if event == "open" and len(details) == 3 else 0
        writes = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if writes or not event.startswith(_QUIET):
            heard.append(f"{event} {details!r}"[:200])

    with tempfile.TemporaryDirectory() as folder:
        policy, cases = example_policy(Path(folder)), list(read_cases(OWN_CASES))
        judge_all(cases[:20], policy, repeats=0)  # modules that are imported when they are first needed
        sys.addaudithook(hear)
        os.path.lexists(BEGIN)
        is_listening = True
        judge_all(cases, policy, repeats=0)
        is_listening = False
        os.path.lexists(END)
    print("\n".join(dict.fromkeys(heard)), end="")


if __name__ == "__main__":
    main()
