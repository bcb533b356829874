"""`hybridcode context`: the bytes a planner would see of a repository for a task.

Invariant: same tree, query and budget give the same bytes.
"""

from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of
from hybridcode.context.outline import outline
from hybridcode.repo.snapshot import take


@click.command()
@click.option("--repo", type=click.Path(path_type=Path, exists=True, file_okay=False), help="The repository.")
@click.option("--query", required=True, metavar="TEXT", help="The task.")
@click.option("--budget", type=int, default=4_000, show_default=True, help="Tokens of four bytes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--hash", "only_hash", is_flag=True, help="Only the SHA-256 of the text.")
@click.option("--explain", is_flag=True, help="Say why each excerpt was chosen.")
def context(repo: Path | None, query: str, budget: int, as_json: bool, only_hash: bool, explain: bool) -> None:
    """Print the context window for a task."""
    workspace, loaded = settings_of(repo)
    snapshot = take(workspace, max_file_bytes=loaded.settings.context.max_file_bytes)
    window = outline(snapshot, task=query, budget=budget)
    if only_hash:
        console.data(window.digest)
    elif as_json:
        console.json_data(window)
    elif explain:
        for excerpt in window.excerpts:
            place = f"{excerpt.path}#L{excerpt.start}-{excerpt.end}"
            console.data(f"{excerpt.score / 1e6:9.3f}  {console.shown(place)}  {console.shown(excerpt.reason)}")
        console.say(f"{window.used} of {window.budget} tokens, sha256 {window.digest}", dim=True)
    else:
        console.data(window.text)
