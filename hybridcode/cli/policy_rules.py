"""`hybridcode policy explain` and `hybridcode policy test`: the rules, for the people who write them.

Invariant: pure, as `policy check` is.
"""

from pathlib import Path

import click
import msgspec

from hybridcode.cli import console
from hybridcode.cli.here import settings_of, workspace_options
from hybridcode.cli.policy import action_of, action_options
from hybridcode.cli.policy_table import Tested, explanation_lines, tested_lines
from hybridcode.config.paths import user_config_dir
from hybridcode.config.rules import POLICY_FILE, WrittenRule
from hybridcode.domain.exits import ExitCode
from hybridcode.gate.explaining import explain as explained
from hybridcode.gate.policy import Policy
from hybridcode.gate.rules import Rule, examples_of


@click.command()
@action_options
@workspace_options
def explain(line: str | None, path: str | None, cwd: Path | None, as_json: bool) -> None:
    """Print every check that spoke about a command or a write, and what would come of it."""
    action = action_of(line, path)
    workspace, loaded = settings_of(cwd)
    told = explained(Policy.load(loaded.settings, workspace, rules=loaded.rules), action)
    policy_file = user_config_dir() / POLICY_FILE
    if as_json:
        console.json_data({**msgspec.structs.asdict(told), "policy_file": str(policy_file)})
        return
    for shown in explanation_lines(told, line if line is not None else path or "", policy_file):
        console.data(shown)


@click.command()
@workspace_options
def test(cwd: Path | None, as_json: bool) -> None:
    """Check the examples of all rules; ends with 2 if one does not hold."""
    _, loaded = settings_of(cwd)
    tested = [row for written in (*loaded.rules, *loaded.ignored_rules) for row in _tested(written)]
    failed = sum(not row.holds for row in tested)
    if as_json:
        console.json_data({"examples": tested, "failed": failed})
    else:
        for shown in tested_lines(tested):
            console.data(shown)
        console.say(f"{len(tested)} example{'' if len(tested) == 1 else 's'}, {failed} failed")
    if failed:
        console.leave(ExitCode.USAGE)


def _tested(written: WrittenRule) -> list[Tested]:
    rules = tuple(Rule.parse(text, written.verdict, place=written.source) for text in written.match)
    return [
        Tested(
            rule=", ".join(written.match),
            verdict=written.verdict,
            source=written.source,
            example=example.text,
            expected="matches" if example.is_meant else "misses",
            holds=example.holds,
        )
        for example in examples_of(written, rules)
    ]
