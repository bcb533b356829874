"""The throw-away process that runs a GGUF's own chat template: a program of whoever made the file.

Invariant: it gets CPU_S seconds and MEMORY_BYTES, has no file but its standard streams, and writes at most MAX_TEXT
characters; whatever the template does is an Outcome, or the end of this process.
"""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NoReturn, TypedDict

import jinja2
import jinja2.exceptions
import jinja2.sandbox

if sys.platform != "win32":
    import resource

CPU_S = 2
"""Seconds of CPU time; a usual template takes a hundredth of one."""
MEMORY_BYTES = 512 * 1024 * 1024
"""Address space; Python and Jinja take a tenth of it."""
MAX_TEXT = 1_000_000
"""Characters that a template may write, the contents of the messages not counted."""
_MAX_REASON = 300
_ERRORS = (
    jinja2.exceptions.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a template's own mistakes raise; anything else ends the process with its name on stderr."""


class Job(TypedDict):
    """What is to be rendered."""

    template: str
    messages: Sequence[dict[str, str]]
    bos: str
    eos: str


class Outcome(TypedDict):
    """`text`: the prompt; `refused`: the template itself raised; `unusable`: it cannot be run."""

    kind: Literal["text", "refused", "unusable"]
    value: str


class _Refused(Exception):
    """The template itself called raise_exception."""


def rendered(job: Job) -> Outcome:
    """Run a template; it may not end, or take all memory there is."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    names: dict[str, Any] = {
        "messages": job["messages"],
        "add_generation_prompt": True,
        "bos_token": job["bos"],
        "eos_token": job["eos"],
        "enable_thinking": False,
        "raise_exception": _refuse,
        "strftime_now": _fixed_date,
    }
    try:
        parts, size = list[str](), 0
        for part in environment.from_string(job["template"]).generate(names):
            size += len(part)
            if size > MAX_TEXT:
                return Outcome(kind="unusable", value=f"it writes more than {MAX_TEXT:,} characters")
            parts.append(part)
        return Outcome(kind="text", value="".join(parts))
    except _Refused as refusal:
        return Outcome(kind="refused", value=str(refusal)[:_MAX_REASON])
    except MemoryError:
        return Outcome(kind="unusable", value=f"it needs more than {MEMORY_BYTES // 2**20} MiB of memory")
    except _ERRORS as error:
        return Outcome(kind="unusable", value=f"{type(error).__name__}: {error}"[:_MAX_REASON])


def _refuse(message: object) -> NoReturn:
    raise _Refused(str(message))


def _fixed_date(form: str) -> str:
    """A constant day: a prompt that changes at midnight could not be replayed."""
    return datetime(2025, 1, 1, tzinfo=UTC).strftime(form)


def _limit_itself() -> None:
    """Where the system has such limits; elsewhere the caller's clock is what ends it."""
    if sys.platform == "win32":
        return
    for kind, limit in ((resource.RLIMIT_CPU, CPU_S), (resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (OSError, ValueError):  # macOS does not limit the address space
            continue


def _serve() -> None:
    _limit_itself()
    outcome = rendered(json.loads(sys.stdin.buffer.read()))
    text = outcome["value"].encode("utf-8", "replace").decode()
    sys.stdout.buffer.write(json.dumps(Outcome(kind=outcome["kind"], value=text)).encode("ascii"))


if __name__ == "__main__":
    _serve()
