"""`hybridcode models inspect`: what a GGUF file is and what it takes, without loading it.

Invariant: reads headers only.
"""

from itertools import groupby
from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.config.paths import expanded
from hybridcode.models.gguf_summary import Memory, Summary, summarise
from hybridcode.models.shelf import Shelf
from hybridcode.session.amounts import count, size


@click.command()
@click.argument("model", metavar="PATH|NAME")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def inspect(model: str, as_json: bool) -> None:
    """Show architecture, quantisation, template and memory of a model, without loading it."""
    summary = summarise(_file_of(model))
    if as_json:
        console.json_data(summary)
        return
    for line in _lines(summary):
        console.data(console.shown(line))
    if summary.files > 1:
        console.say(
            f"A split model: all {summary.files} files are counted. It is not supported as [models.local] path; "
            "join them with llama.cpp's `llama-gguf-split --merge`.",
            colour="yellow",
        )


def _file_of(model: str) -> Path:
    """The path that is meant: a file if it looks like one or there is one, else a name on the shelf."""
    path = expanded(model)
    if "/" in model or model.endswith(".gguf") or path.is_file():
        return path.absolute()
    return Path(Shelf().require(model).path)


def _lines(summary: Summary) -> list[str]:
    experts = f", {summary.experts_used} of {summary.experts} experts" if summary.experts else ""
    types = ", ".join(f"{name} {share:.1%}" for name, share in summary.tensor_types.items())
    layers, attention = _known(summary.layers), _known(summary.attention_layers)
    return [
        f"name:           {summary.name}",
        f"file:           {summary.path}",
        f"size:           {size(summary.bytes)}" + (f" in {summary.files} files" if summary.files > 1 else ""),
        f"architecture:   {summary.architecture or 'unknown'}{experts}",
        f"parameters:     {count(summary.parameters)}",
        f"quantisation:   {summary.quantisation} ({types})",
        f"trained for:    {_known(summary.context_length)} tokens",
        f"layers:         {layers}, {attention} of them with attention",
        f"next tokens:    {summary.nextn_layers or 'no'} extra layer{'' if summary.nextn_layers == 1 else 's'} (MTP)",
        f"vocabulary:     {_known(summary.vocabulary)} tokens",
        f"chat template:  {summary.chat_template}",
        f"licence:        {summary.licence or 'not said'}",
        "memory (weights + KV cache + recurrent state + about what computing takes):",
        *(_memory_line(n_ctx, list(rows)) for n_ctx, rows in groupby(summary.memory, key=lambda row: row.n_ctx)),
    ]


def _memory_line(n_ctx: int, rows: list[Memory]) -> str:
    return f"  {n_ctx:>9,} tokens:  " + "   ".join(f"KV {row.kv_type} {size(row.total)}" for row in rows)


def _known(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"
