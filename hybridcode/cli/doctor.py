"""`hybridcode doctor`: what works here, what does not, and the fix.

Invariant: each finding is shown as soon as it is there; the exit code says whether all is well.
"""

from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of, workspace_options
from hybridcode.domain.exits import ExitCode
from hybridcode.session.doctor import Finding, findings


@click.command()
@workspace_options
def doctor(cwd: Path | None, as_json: bool) -> None:
    """Check engine, models, memory, keys, sandbox, terminal, state folder, git."""
    workspace, loaded = settings_of(cwd)
    found: list[Finding] = []
    for finding in findings(workspace, loaded.settings):
        found.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        console.json_data(found)
    if not all(finding.ok for finding in found):
        console.leave(ExitCode.USAGE)


def _show(finding: Finding) -> None:
    mark = "ok  " if finding.ok else "no  "
    console.data(f"{mark} {finding.what}: {console.shown(finding.detail)}")
    if finding.fix and not finding.ok:
        console.data(f"     {console.shown(finding.fix)}")
