"""`hybridcode context`: what of a repository belongs to a task, with the receipt of how it was found.

Invariant: same tree, commit, query and budget give the same bytes.
"""

import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import IO

import click
import msgspec

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of
from hybridcode.context.index import Index, Progress
from hybridcode.context.receipt import Answer, Receipt, answer, differences
from hybridcode.context.task import read_task
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.exits import ExitCode

_BAR = 12
_SILENT_S = 1.0
_SIGNALS_SHOWN = 4
_DEFAULT_BUDGET = 8_000


@click.command()
@click.option("--repo", type=click.Path(path_type=Path, exists=True, file_okay=False), help="The repository.")
@click.option("--query", metavar="TEXT", help="The task; `-` reads it from standard input.")
@click.option(
    "--budget",
    type=int,
    help=f"Tokens of four bytes.  [default: {_DEFAULT_BUDGET}; with --outline what a planner is given]",
)
@click.option("--outline", "is_outline", is_flag=True, help="What a planner sees: guidance, files, names, excerpts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document: files, text, receipt.")
@click.option("--hash", "only_hash", is_flag=True, help="Only the SHA-256 of the text.")
@click.option("--explain", is_flag=True, help="A table of why each file was chosen, and what was left out.")
@click.option("--verify", metavar="RECEIPT", type=click.File("rb"), help="Make a receipt's window again and compare.")
def context(
    repo: Path | None,
    query: str | None,
    budget: int | None,
    is_outline: bool,
    as_json: bool,
    only_hash: bool,
    explain: bool,
    verify: IO[bytes] | None,
) -> None:
    """Print the context window for a task."""
    if verify is not None:
        if query is not None or budget is not None:
            raise ConfigError("--verify takes query and budget from the receipt.", "Leave --query and --budget out.")
        return _verify(repo, _read_receipt(verify.read()), as_json=as_json)
    if query is None:
        raise ConfigError("There is no query.", "Add --query TEXT, or --verify RECEIPT.")
    text = _as_text(sys.stdin.buffer.read() if query == "-" else os.fsencode(query))
    found = _answer(repo, text, budget, is_outline=is_outline)
    if not found.passages:
        console.say(f"hybridcode: nothing here fits the query{_missing(found)}")
    if only_hash:
        console.data(found.receipt.sha256)
    elif as_json:
        console.json_data(_document(found))
    elif explain:
        _explain(found)
    else:
        console.data(found.text.removesuffix("\n"))
    return None


def _as_text(data: bytes) -> str:
    """The query, whatever encoding the terminal has; bytes that are not UTF-8 are replaced."""
    return data.decode("utf-8", "replace")


def _answer(repo: Path | None, query: str, budget: int | None, *, is_outline: bool) -> Answer:
    """The window; without a budget, an outline is as large as a planner's."""
    workspace, loaded = settings_of(repo)
    index = Index.open(workspace)
    try:
        snapshot = index.take(workspace, max_file_bytes=loaded.settings.context.max_file_bytes)
        corpus = index.corpus(snapshot, progress=_progress())
        if index.reason:
            console.say(f"hybridcode: {console.shown(index.reason)}; going on without", dim=True)
        if budget is None:
            tokens = loaded.settings.context.plan_tokens
            budget = read_task(corpus, query).tokens_of(tokens) if is_outline else _DEFAULT_BUDGET
        return answer(corpus, query=query, budget=budget, kind="outline" if is_outline else "finding")
    finally:
        index.close()


def _missing(found: Answer) -> str:
    words = ", ".join(map(console.shown, found.receipt.unmatched))
    return f"; nowhere in the tree: {words}" if words else ""


def _progress() -> Progress:
    """Says how far indexing is, every second from the first on."""
    said = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _SILENT_S:
            said = time.monotonic()
            console.say(f"indexing: {done / 1e6:.1f} of {total / 1e6:.1f} MB", dim=True)

    return show


def _document(found: Answer) -> dict[str, object]:
    files = [
        {
            "path": passage.excerpt.path,
            "start": passage.excerpt.start,
            "end": passage.excerpt.end,
            "text": passage.lines,
            "reason": passage.excerpt.reason,
            "score": passage.excerpt.score,
        }
        for passage in found.passages
    ]
    return {"files": files, "text": found.text, "receipt": found.receipt}


def _read_receipt(data: bytes) -> Receipt:
    """A receipt, alone or inside the document that `--json` prints."""
    try:
        document = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        inner = document.get("receipt", b"")
        return msgspec.json.decode(inner if bytes(inner).startswith(b"{") else data, type=Receipt)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"This is not a receipt: {error}", "Take it from `hybridcode context --json`.") from error


def _verify(repo: Path | None, old: Receipt, *, as_json: bool) -> None:
    new = _answer(repo, old.query, old.budget, is_outline=old.kind == "outline").receipt
    found = differences(old, new)
    if as_json:
        console.json_data({"is_same": not found, "sha256": new.sha256, "differences": found})
    elif found:
        for line in found:
            console.data(console.shown(line))
    else:
        console.data(f"the same: {new.sha256}")
    if found:
        console.leave(ExitCode.INTEGRITY)


def _explain(found: Answer) -> None:
    """A table for people: files by rank, a bar for each, its lines, and what spoke for it."""
    receipt = found.receipt
    if receipt.clarity:
        console.data(f"the query is {console.shown(receipt.clarity)}")
    best = max((excerpt.score for excerpt in receipt.excerpts), default=1) or 1
    by_file: dict[str, list[str]] = {}
    worth: Counter[str] = Counter()
    signals: dict[str, dict[str, int]] = {}
    for excerpt in receipt.excerpts:
        by_file.setdefault(excerpt.path, []).append(f"{excerpt.start}-{excerpt.end}")
        worth[excerpt.path] = max(worth[excerpt.path], excerpt.score)
        signals[excerpt.path] = excerpt.signals
    for path, lines in by_file.items():
        bar = "█" * max(1, round(_BAR * worth[path] / best))
        console.data(f"{bar:<{_BAR}}  {console.shown(path)}  lines {', '.join(lines)}")
        console.data(f"{'':<{_BAR}}    {_why(signals[path], receipt.weights)}")
    for cut in receipt.cut:
        console.data(f"{'cut':<{_BAR}}  {console.shown(cut.path)}  lines {cut.start}-{cut.end}: {cut.reason}")
    if receipt.unmatched:
        console.data(f"nowhere in the tree: {', '.join(map(console.shown, receipt.unmatched))}")
    for reason, count in Counter(item.reason for item in receipt.left_out).most_common():
        console.data(f"left out, {console.shown(reason)}: {count}")
    console.data(f"history: {receipt.history}")
    console.say(
        f"{receipt.used} of {receipt.budget} tokens ({receipt.tail} of them names), sha256 {receipt.sha256}", dim=True
    )


def _why(signals: dict[str, int], weights: dict[str, int]) -> str:
    """The signals that moved the file most, as parts of the best file's."""
    moved = sorted(signals, key=lambda name: (-abs(signals[name] * weights.get(name, 0)), name))[:_SIGNALS_SHOWN]
    return ", ".join(f"{'-' if weights.get(name, 0) < 0 else ''}{name} {signals[name] / 1e6:.2f}" for name in moved)
