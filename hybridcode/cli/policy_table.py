"""Explanations and examples of rules as lines for people.

Invariant: pure; every foreign string is made visible here.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from hybridcode.gate.explaining import Explanation, Spoken
from hybridcode.gate.render import visible


class Tested(msgspec.Struct, frozen=True):
    """One example of one rule and its outcome."""

    rule: str
    verdict: str
    source: str
    example: str
    expected: str
    """`matches` or `misses`."""
    holds: bool


def explanation_lines(told: Explanation, subject: str, policy_file: Path) -> Iterator[str]:
    """An explanation, the verdict first."""
    ruling = told.ruling
    yield f"{ruling.verdict}  {visible(subject)}"
    yield f"  because {visible(ruling.reason)}"
    yield f"  rule {visible(ruling.rule)}, {visible(ruling.source)}"
    if ruling.flags:
        yield f"  flags {' '.join(ruling.flags)}"
    for part in told.parts:
        yield f"part  {part.verdict:<5}  {visible(part.command)}"
        yield from _spoken(part.findings)
    if told.together:
        yield "together"
        yield from _spoken(told.together)
    for rule in told.rules:
        yield f"rule  {rule.verdict:<5}  {visible(rule.rule)}{f': {visible(rule.reason)}' if rule.reason else ''}"
    if told.lifted_by:
        yield f"lifted by  {visible(told.lifted_by)}"
    if told.lifted_by.startswith(("Bash(", "Edit(")):
        yield f'  as [[rule]] with verdict = "allow" in {visible(str(policy_file))}'
    yield "what happens"
    for name, outcome in told.outcomes.items():
        yield f"  {name:<12} {outcome}"


def _spoken(found: Sequence[Spoken]) -> Iterator[str]:
    for each in found:
        yield f"        {each.verdict:<5}  {visible(each.reason)}  ({each.rule})"


def tested_lines(tested: Sequence[Tested]) -> Iterator[str]:
    """One line for each example."""
    for each in tested:
        outcome = "ok    " if each.holds else "FAILED"
        yield f"{outcome}  {each.verdict:<5}  {visible(each.rule)}  {each.expected}  {visible(each.example)}"
        if not each.holds:
            yield f"        {visible(each.source)}"
