"""Scores the verdicts of policy on paths of files to write; exits with 1 if one of them is wrong.

Invariant: nothing is written but the small workspaces that the cases describe, in a temporary folder; the verdicts are
those of the mode that accepts edits, where an ordinary file is allowed and whatever is not has to show.
"""

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.config.settings import ApprovalSettings, Settings
from hybridcode.domain.action import ChangeSet, FileEdit, Ruling
from hybridcode.gate.policy import Policy

CASES = Path(__file__).parent / "gate_cases" / "paths.jsonl"


class Case(msgspec.Struct, frozen=True):
    """A path and where it leads. `{WS}`, `{OUT}` and `{HOME}` stand for real folders."""

    id: str
    target: str
    expected: Literal["inside", "outside", "protected"]
    tag: str
    setup: tuple[str, ...] = ()
    """`mkdir P`, `file P`, `symlink P -> TARGET`, `hardlink P = TARGET`, `config [SECTION] LINE` of git."""
    note: str = ""


@dataclass(frozen=True)
class World:
    """The folders of one case."""

    root: Path

    @classmethod
    def of(cls, root: Path) -> "World":
        """A workspace with a few files, a home and a place outside."""
        for name in ("WS/src", "WS/docs", "WS/empty", "HOME/.ssh", "OUT/sub"):
            (root / name).mkdir(parents=True)
        for name in ("WS/README.md", "WS/a.txt", "WS/src/app.py", "OUT/secret.txt", "HOME/.bashrc"):
            (root / name).write_text("x\n")
        return cls(root)

    def filled(self, text: str) -> str:
        """`text` with the names of the folders."""
        for name in ("WS", "OUT", "HOME"):
            text = text.replace(f"{{{name}}}", str(self.root / name))
        return text

    def prepare(self, line: str) -> None:
        """One line of a case's setup."""
        kind, _, rest = line.partition(" ")
        name, _, target = self.filled(rest).partition(" -> " if kind == "symlink" else " = ")
        path = self.root / "WS" / name
        match kind:
            case "mkdir":
                path.mkdir(parents=True)
            case "file":
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("x\n")
            case "symlink":
                path.symlink_to(target)
            case "hardlink":
                path.hardlink_to(target)
            case _:
                section, _, setting = rest.partition(" ")
                (self.root / "WS" / ".git").mkdir(exist_ok=True)
                (self.root / "WS" / ".git" / "config").write_text(f"{section}\n\t{setting}\n")


def read_cases(path: Path = CASES) -> list[Case]:
    """The cases of a file of JSON lines; lone surrogates stand for bytes that are no UTF-8."""
    return [msgspec.convert(json.loads(line), Case) for line in path.read_text("utf-8").splitlines()]


def judge(case: Case, root: Path) -> Ruling:
    """What policy says of the path, in a fresh workspace."""
    world = World.of(root)
    for line in case.setup:
        world.prepare(line)
    settings = Settings(approval=ApprovalSettings(mode="acceptEdits"))
    policy = Policy.load(settings, root / "WS", home=root / "HOME")
    return policy.judge(ChangeSet((FileEdit(world.filled(case.target), None, "0" * 64),)))


def is_right(case: Case, ruling: Ruling) -> bool:
    """Ordinary files are allowed, others asked of a person or denied, what is outside denied."""
    match case.expected:
        case "inside":
            return ruling.verdict == "allow"
        case "outside":
            return ruling.verdict == "deny"
        case "protected":
            return ruling.verdict == "deny" or (ruling.verdict == "ask" and ruling.person_only)


def main() -> int:
    """Judge all cases and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path, nargs="?", default=CASES)
    options = parser.parse_args()
    counted: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    seconds = 0.0
    cases = read_cases(options.cases)
    for case in cases:
        with tempfile.TemporaryDirectory() as name:
            started = time.perf_counter()
            ruling = judge(case, Path(os.path.realpath(name)))
            seconds += time.perf_counter() - started
        counted[case.expected, ruling.verdict] += 1
        if not is_right(case, ruling):
            wrong.append(f"{case.id} {case.tag} {case.target[:70]!a}: {ruling.verdict}, {ruling.reason[:80]!a}")
    print("| paths | allow | ask | deny |\n| --- | --- | --- | --- |")
    for expected in ("inside", "outside", "protected"):
        print(
            f"| {expected} | "
            + " | ".join(str(counted[expected, verdict]) for verdict in ("allow", "ask", "deny"))
            + " |"
        )
    print(f"\n{len(cases)} cases, {len(wrong)} wrong, {seconds / len(cases) * 1000:.1f} ms each with its workspace")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
