"""The one place that prints and that decides what the process ends with.

Invariant: data goes to stdout, everything for people to stderr; no text reaches a terminal but through `escape`; a
closed pipe ends quietly.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click
import msgspec

from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.exits import ExitCode
from hybridcode.gate.render import escape, is_plain


def data(text: str) -> None:
    """Print data: UTF-8, whatever the terminal's encoding; made visible where a terminal would act on it."""
    _print((shown(text) if sys.stdout.isatty() else text).encode("utf-8", "backslashreplace"))


def json_data(value: Any) -> None:
    """Print one JSON document: indented on a terminal, on one line for a program."""
    raw = msgspec.json.encode(value)
    _print(_json_shown(msgspec.json.format(raw, indent=2)) if sys.stdout.isatty() else raw)


def json_line(raw: bytes) -> None:
    """Print one line of a JSON stream, as it is stored; on a terminal the same values, spelled in ASCII."""
    _print(_json_shown(raw) if sys.stdout.isatty() else raw)


def _json_shown(raw: bytes) -> bytes:
    """The same JSON document, with `\\u` for what a terminal would act on or not draw."""
    text = raw.decode()
    return text.encode() if is_plain(text) else re.sub(r"[^\x00-\x7e]", _spelled, text).encode()


def _spelled(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


class _NobodyReads(OSError):
    """The pipe is closed. It bears no error number: click would make EPIPE a failure."""


def _print(raw: bytes) -> None:
    try:
        click.echo(raw)
    except BrokenPipeError as error:
        _write_nowhere(sys.stdout.fileno())
        raise _NobodyReads from error


def _tell(text: str, *, nl: bool = True) -> None:
    """Print to stderr; a reader that went away ends nothing."""
    try:
        click.echo(text, err=True, nl=nl)
    except BrokenPipeError:
        _write_nowhere(sys.stderr.fileno())


def _write_nowhere(descriptor: int) -> None:
    """What is still in the buffer goes nowhere, instead of failing again when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def say(text: str = "", *, bold: bool = False, dim: bool = False, colour: str | None = None) -> None:
    """Tell a person something. Styles are dropped where the terminal has none, colours where NO_COLOR is set."""
    if os.environ.get("TERM") == "dumb":
        bold, dim, colour = False, False, None
    if os.environ.get("NO_COLOR"):
        colour = None
    _tell(click.style(shown(text), bold=bold or None, dim=dim or None, fg=colour))


def is_live() -> bool:
    """True when what people read is a terminal, on which a line can be drawn over."""
    return sys.stderr.isatty()


def redraw(text: str) -> None:
    """Draw over the present line of the terminal; `say` goes on below it."""
    columns = shutil.get_terminal_size().columns
    _tell(f"\r\x1b[K{shown(text)[: columns - 1]}", nl=False)


def shown(text: str) -> str:
    """Text from a file, a model or a command, safe to print: hidden and control characters become visible."""
    return escape(text).text


def complain(error: HybridcodeError) -> None:
    """Print an error and what to do about it."""
    say(f"hybridcode: {shown(error.message)}", colour="red")
    if error.hint:
        say(f"  {shown(error.hint)}")


def _complain_of_usage(error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        say(f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n")
    say(f"Error: {error.format_message()}")


def leave(code: ExitCode) -> NoReturn:
    """End the process."""
    sys.exit(int(code))


def guarded(command: Callable[[], None]) -> NoReturn:
    """Run a command line and end the process with the right code, whatever happens."""
    try:
        command()
    except HybridcodeError as error:
        complain(error)
        leave(error.exit_code)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        _complain_of_usage(error)
        leave(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        leave(ExitCode.INTERRUPTED)
    except (BrokenPipeError, _NobodyReads):
        leave(ExitCode.DONE)
    leave(ExitCode.DONE)
