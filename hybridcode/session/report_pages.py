"""Blocks of a report as Markdown and as one HTML page.

Invariant: a page names no other resource and holds no script; a text of a block ends up as text, whatever it says.
"""

import html
import re
from collections.abc import Sequence

from hybridcode.session.report_blocks import Block

_MARKUP = re.compile(r"([\\`*<>&|\[\]~@]|!(?=\[)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_LEADING = re.compile(r"([#+\-=])|(\d+)([.)])(?:\s|\Z)")
_ADDRESS = re.compile(r"(?i)\b(https?|ftp|mailto)(:)|\b(www)(\.)")
_TAGS = {"title": "h1", "section": "h2", "part": "h3", "text": "pre class=prose", "code": "pre"}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-bottom: 1px solid #c8c8d0; margin-top: 2.5rem; } h3 { margin-bottom: .3rem; overflow-wrap: anywhere; }
pre { font: 13px/1.45 ui-monospace, monospace; padding: .6rem .8rem; overflow-x: auto; background: #f4f4f5; }
pre.prose { font: inherit; background: none; padding: 0; white-space: pre-wrap; }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .2rem .7rem .2rem 0; border-bottom: 1px solid #dcdce2; }
td { white-space: pre-line; } div, summary { overflow-wrap: anywhere; } nav a { margin-right: 1rem; }
.add { background: #dcf5e1; } .del { background: #fbe0e0; } .at { color: #5d5d68; }
@media (prefers-color-scheme: dark) {
  body { background: #17171b; color: #e4e4e8; } pre { background: #222228; } a { color: #9ecbff; }
  .add { background: #173a22; } .del { background: #4a1d1f; } .at { color: #a5a5b0; }
}
@media print { details { display: block; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def as_markdown(blocks: Sequence[Block]) -> str:
    """The document as Markdown that shows every text as it is."""
    lines: list[str] = []
    was_item = False
    for block in blocks:
        if lines and not (was_item and block.kind == "item"):
            lines.append("")
        was_item = block.kind == "item"
        lines += _markdown_of(block)
    return "\n".join(lines) + "\n"


def _markdown_of(block: Block) -> list[str]:
    text = block.text
    match block.kind:
        case "title" | "section" | "part":
            return [f"{'#' * (1 + ('title', 'section', 'part').index(block.kind))} {plain(text)}"]
        case "item":
            return [f"- {plain(text)}"]
        case "text" | "code" | "diff":
            fence = "`" * max(3, _longest_run(text) + 1)
            return [fence + ("diff" if block.kind == "diff" else "text"), text, fence]
        case "table":
            return _markdown_table(block.rows)
        case "folded":
            return [plain(text), "", *_markdown_table(block.rows)]


def _markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(" <br> ".join(map(plain, cell.split("\n"))) for cell in row) + " |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]


def plain(text: str) -> str:
    """A text on one line that Markdown shows as it is: no markup, no tag, no link."""
    escaped = _MARKUP.sub(r"\\\1", " ".join(text.split()))
    escaped = _ADDRESS.sub(lambda found: f"{found[1] or found[3]}\\{found[2] or found[4]}", escaped)
    if (leading := _LEADING.match(escaped)) is None:
        return escaped
    at = leading.start(1) if leading[1] else leading.start(3)
    return f"{escaped[:at]}\\{escaped[at:]}"


def _longest_run(text: str) -> int:
    """Length of the longest run of backticks."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def as_html(blocks: Sequence[Block]) -> str:
    """The document as one page without script and without any other resource."""
    head = [
        "<!doctype html>",
        "<html lang=en>",
        "<meta charset=utf-8>",
        f'<meta http-equiv=Content-Security-Policy content="{_POLICY}">',
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>{html.escape(blocks[0].text)}</title>",
        f"<style>{_STYLE}</style>",
    ]
    body: list[str] = []
    sections = [block.text for block in blocks if block.kind == "section"]
    number = 0
    for block in blocks:
        if block.kind == "section":
            number += 1
            body.append(f"<h2 id=s{number}>{html.escape(block.text)}</h2>")
            continue
        body.append(_html_of(block))
        if block.kind == "title" and sections:
            links = (f"<a href=#s{place}>{html.escape(name)}</a>" for place, name in enumerate(sections, 1))
            body.append(f"<nav>{' '.join(links)}</nav>")
    return "\n".join([*head, *body]) + "\n"


def _html_of(block: Block) -> str:
    text = html.escape(block.text)
    match block.kind:
        case "item":
            return f"<div>· {text}</div>"
        case "diff":
            return f"<pre>{''.join(map(_diff_line, text.splitlines()))}</pre>"
        case "table":
            return _html_table(block.rows)
        case "folded":
            return f"<details><summary>{text}</summary>{_html_table(block.rows)}</details>"
        case _:
            tag = _TAGS[block.kind]
            return f"<{tag}>{text}</{tag.partition(' ')[0]}>"


def _html_table(rows: Sequence[Sequence[str]]) -> str:
    heads = "".join(f"<th>{html.escape(cell)}</th>" for cell in rows[0])
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows[1:])
    return f"<table><tr>{heads}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _diff_line(line: str) -> str:
    kind = {"+": "add", "-": "del", "@": "at"}.get(line[:1], "")
    return f"<span class={kind}>{line}</span>\n" if kind else f"{line}\n"
