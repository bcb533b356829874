"""A small change of a file of ours as text: the lines that go and come, with their signs.

Invariant: every changed line is there; where unchanged ones are left out, the number of the next line is said.
"""

import difflib

from hybridcode.config.rewriting import Rewrite
from hybridcode.domain.secrets import redact
from hybridcode.tui.paint import Part, clip_left


def diff_parts(rewrite: Rewrite, name: str, cells: int) -> list[Part]:
    """File by its name, then its lines."""
    before, after = (_lines(data) for data in (rewrite.before or b"", rewrite.after))
    new = " (new)" if rewrite.before is None else ""
    parts: list[Part] = [(f"{clip_left(name, cells - len(new))}{new}\n", "bold")]
    for line in list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]:
        if line.startswith("@@"):
            first = int(line.split("+")[1].split(",")[0].split(" ")[0])
            parts += [(f"  line {first}\n", "$quiet")] if rewrite.before is not None else []
        else:
            style = {"+": "$diff-add", "-": "$diff-delete"}.get(line[:1], "$quiet")
            parts.append((f"{line[:1]} {line[1:]}\n", style))
    return parts


def _lines(data: bytes) -> list[str]:
    return redact(data.decode("utf-8", "replace"))[0].splitlines()
