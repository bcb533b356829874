"""A session as one document for people: tasks, plans, windows, changes as diffs, approvals, checks, what left, costs.

Invariant: everything in it is a fold of the journal; it needs nothing beside itself and asks no other machine; what
hides in a text is spelled out, and no text of a model or a file is ever markup.
"""

from pathlib import Path

from hybridcode.domain.errors import ConfigError
from hybridcode.gate.render import escape
from hybridcode.models.ledger import Estimate, Ledger, all_frontier
from hybridcode.session.report_blocks import Blob, Block, blocks_of
from hybridcode.session.report_pages import as_html, as_markdown
from hybridcode.session.state import SessionState

SUFFIXES = (".md", ".html")
"""What a report may be written as."""


def report(state: SessionState, blob: Blob, *, suffix: str, estimate: Estimate | None = None) -> str:
    """The whole document, as HTML for `.html` and as Markdown else.

    `estimate` is what one named model would have cost; without it the frontier's own mean price tells.
    """
    ledger = Ledger.of(state.envelopes)
    found = estimate or all_frontier(ledger, None)
    blocks = [_shown(block) for block in blocks_of(state, blob, ledger, found)]
    return as_html(blocks) if suffix == ".html" else as_markdown(blocks)


def write_report(path: Path, text: str) -> None:
    """Write a new file.

    Raises:
        ConfigError: something is there already, the name has another ending, or it cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path.name} ends neither in .md nor in .html.", "Name the file report.md or report.html.")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already; nothing was written.", "Choose another name.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}.", "Choose another place.") from error


def _shown(block: Block) -> Block:
    rows = tuple(tuple(_visible(cell) for cell in row) for row in block.rows)
    return Block(block.kind, _visible(block.text), rows)


def _visible(text: str) -> str:
    return "\n".join(escape(line).text for line in text.split("\n"))
