"""`hybridcode policy inspect`: what a pane would show and flag, a JSON line for each JSON line.

Invariant: every line of input has one line of answer, at once; no input ends the command.
"""

import json
import sys
from typing import Any

import click
import msgspec

from hybridcode.cli import console
from hybridcode.domain.errors import ConfigError
from hybridcode.gate.inspecting import Inspection
from hybridcode.gate.inspecting import inspect as inspected


class _Unreadable(msgspec.Struct, frozen=True):
    error: str


@click.command()
@click.option("--json", "as_json", is_flag=True, required=True, help="The only format there is.")
def inspect(as_json: bool) -> None:
    """Read {"kind", "text"} lines; answer each with {"flags", "rendered"}.

    Kinds are command, diff, path and title; anything else is text, as a model or a program writes it.
    """
    for line in sys.stdin.buffer:
        if line.strip():
            console.json_line(msgspec.json.encode(_answer(line)))


def _answer(line: bytes) -> Inspection | _Unreadable:
    try:
        return inspected(*_read(line))
    except ConfigError as error:
        return _Unreadable(error.advice)


def _read(line: bytes) -> tuple[str, str]:
    try:
        asked: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError("The line is not JSON.", 'Write {"kind": "command", "text": "ls"}.') from error
    match asked:
        case {"kind": str(kind), "text": str(text)}:
            return kind, text
        case _:
            raise ConfigError("kind and text are wanted, both as strings.", 'As {"kind": "command", "text": "ls"}.')
