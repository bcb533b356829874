"""`hybridcode replay`: a recorded session told again, or made again and compared with what was recorded.

Invariant: no model is asked and nothing is written; what is told comes from the journal alone.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.cli.transcript import transcript
from hybridcode.cli.workspace import journal_of, workspace_options
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.exits import ExitCode
from hybridcode.journal.chain import readable
from hybridcode.journal.store import Journal, SessionJournal
from hybridcode.session.checked import Checked
from hybridcode.session.replaying import Totals, replayed


@click.command()
@click.argument("session", metavar="[SESSION]", required=False)
@click.option(
    "--verify",
    "is_verifying",
    is_flag=True,
    help="Rebuild every window, request, draft and change and compare the digests: exit code 9 where one differs.",
)
@click.option("--strict", is_flag=True, help="With --verify: what cannot be rebuilt counts as different.")
@click.option(
    "--journal",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A journal of another place, as one copied from another machine.",
)
@workspace_options
def replay(
    session: str | None, is_verifying: bool, strict: bool, file: Path | None, cwd: Path | None, as_json: bool
) -> None:
    """Tell a recorded session again, or prove it with --verify.

    Without SESSION the newest one is meant. No model is asked, and nothing is written.
    """
    with _journal(file, cwd) as journal:
        name = session or next((row.id for row in journal.sessions()), "")
        log = journal.session(name).require()
        if is_verifying:
            _verify(log, (cwd or Path.cwd()).resolve(), strict=strict, as_json=as_json)
        else:
            _tell(log, as_json=as_json)


@contextmanager
def _journal(file: Path | None, cwd: Path | None) -> Generator[Journal]:
    if file is None:
        with journal_of(cwd) as journal:
            yield journal
        return
    with Journal.open(file) as journal:
        yield journal


def _tell(log: SessionJournal, *, as_json: bool) -> None:
    envelopes, problems = readable(log.journal.rows, log.id)
    for envelope in envelopes:
        if as_json:
            console.json_line(canonical_json(envelope))
            continue
        for line in transcript(envelope, log.get_blob):
            console.data(console.shown(line))
    if problems:
        raise ConfigError(problems[0], f"{len(problems)} events cannot be told; --verify names what is wrong.")


def _verify(log: SessionJournal, workspace: Path, *, strict: bool, as_json: bool) -> None:
    totals, lines = Totals(), list[Checked]()
    for line in replayed(log, workspace):
        totals.add(line)
        if as_json:
            lines.append(line)
        else:
            console.data(console.shown(str(line)))
    is_same = not totals.differs and not (strict and totals.not_rebuilt)
    if as_json:
        console.json_data({"session": log.id, "ok": is_same, "counts": totals, "lines": lines})
    else:
        text = f"{totals.ok} ok, {totals.differs} differ, {totals.not_rebuilt} cannot be rebuilt"
        console.say(f"session {log.id}: {text}", colour="green" if is_same else "red")
    if not is_same:
        console.leave(ExitCode.INTEGRITY)
