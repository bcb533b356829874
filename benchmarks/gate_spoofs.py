"""What `hybridcode policy inspect` flags: texts that hide or pretend something, and ordinary ones of many languages.

Invariant: every case goes through the command as it is shipped; nothing in a case is ever run.
"""

import argparse
import json
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "gate_cases" / "spoofs.jsonl"


def cases(path: Path = CASES) -> list[dict[str, str]]:
    """The cases: kind, tag, text, and `flag` or `plain` as `expect`."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def answers(asked: list[dict[str, str]]) -> list[dict[str, Any]]:
    """What the command says of each, in one process."""
    lines = "".join(json.dumps({"kind": each["kind"], "text": each["text"]}) + "\n" for each in asked)
    command = [sys.executable, "-m", "hybridcode", "policy", "inspect", "--json"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def is_hidden(character: str) -> bool:
    """True for what a terminal acts on or does not draw."""
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def fault(case: dict[str, str], answer: dict[str, Any]) -> str:
    """What is wrong with an answer; empty if nothing is."""
    if case["expect"] == "plain":
        return "falsely flagged" if answer["flags"] else ""
    if not answer["flags"]:
        return "not flagged"
    return "hidden characters left" if any(map(is_hidden, answer["rendered"])) else ""


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, default=CASES)
    parser.add_argument("--show", action="store_true", help="name each case that is wrong")
    chosen = parser.parse_args()
    asked = cases(chosen.cases)
    faults = [(case, fault(case, answer)) for case, answer in zip(asked, answers(asked), strict=True)]
    report: dict[str, object] = {"cases": Counter(case["expect"] for case in asked)}
    report["wrong"] = Counter(why for _, why in faults if why)
    if chosen.show:
        report["which"] = [f"{case['kind']} {case['tag']}: {why}" for case, why in faults if why]
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
