"""Rules and explanations as lines.

Invariant: pure; the verdict stands first, and nothing of an explanation is left out.
"""

from collections.abc import Iterable, Iterator

from hybridcode.agent.commands import shell_command
from hybridcode.domain.action import Action, ChangeSet, FileEdit, Verdict
from hybridcode.gate.explaining import Explanation, Spoken

SIGNS: dict[Verdict, str] = {"allow": "✓ allow", "ask": "? ask  ", "deny": "✗ deny "}
"""A verdict as a sign and a word of one width."""


def action_of(text: str) -> Action | None:
    """What a person asks about: a command line, or a file behind an `@`; None for nothing."""
    asked = text.strip()
    if asked.startswith("@"):
        path = asked[1:].strip()
        return ChangeSet((FileEdit(path, before_sha256=None, after_sha256="0" * 64),)) if path else None
    return shell_command(asked, timeout_s=1.0, purpose="step", env_names=()) if asked else None


def explained_lines(asked: str, told: Explanation, policy_file: str) -> Iterator[str]:
    """An explanation in full."""
    ruling = told.ruling
    yield f"{SIGNS[ruling.verdict]}  {asked.strip()}"
    yield f"because {ruling.reason}"
    yield f"rule {ruling.rule}, {ruling.source}"
    if ruling.flags:
        yield f"! {', '.join(ruling.flags)}"
    for part in told.parts:
        yield ""
        yield f"part  {part.verdict}  {part.command}"
        yield from _spoken(part.findings)
    if told.together:
        yield ""
        yield "together"
        yield from _spoken(told.together)
    if told.rules:
        yield ""
        yield "rules about it"
        yield from _spoken(told.rules)
    if told.lifted_by:
        yield ""
        yield f"lifted by  {told.lifted_by}"
    if told.lifted_by.startswith(("Bash(", "Edit(")):
        yield f'as [[rule]] with verdict = "allow" in {policy_file}'
    yield ""
    yield "what happens in each mode"
    yield from (f"  {name:<12} {outcome}" for name, outcome in told.outcomes.items())


def _spoken(found: Iterable[Spoken]) -> Iterator[str]:
    for each in found:
        yield f"  {each.verdict:<5}  {each.reason or each.rule}{f'  ({each.rule})' if each.reason else ''}"
