"""From chat messages to a prompt in which only the template's own text can be special.

Invariant: nothing a message contains becomes a control token, whatever it spells; a file that contains `<|im_end|>`
does not end the turn. A template is a program of whoever made the file: it runs in a process of its own, within limits.
"""

import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from hybridcode.domain.model import Message
from hybridcode.models.problems import Trouble

RENDERING_S = 20.0
"""Seconds of the clock that rendering may take; its own limit, of CPU time, is usually reached long before."""
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""For a model without a template of its own that knows ChatML's tokens."""

_OPEN, _CLOSE = "\ue000", "\ue001"
_SENTINEL = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


class Part(NamedTuple):
    """Some of a prompt."""

    text: str
    is_content: bool
    """True if it comes from a message: then none of it is special."""


class _Outcome(msgspec.Struct, frozen=True):
    """What template_host says."""

    kind: Literal["text", "refused", "unusable"]
    value: str


def render(template: str, messages: Sequence[Message], *, bos: str = "", eos: str = "") -> list[Part]:
    """The prompt in parts, ready for the assistant's answer.

    The template is run with a private-use stand-in for each content, so that it never sees the contents: what it makes
    depends on the roles only, and is kept. One that refuses a system message gets it as the first part of the user's.

    Raises:
        Trouble: when the template cannot be run, does not end, or leaves a message out.
    """
    outcome = _run(template, tuple(message.role for message in messages), bos, eos)
    if outcome.kind == "refused" and len(messages) > 1 and messages[0].role == "system":
        return render(template, _without_system(messages), bos=bos, eos=eos)
    if outcome.kind != "text":
        raise _unusable(outcome.value)
    parts = _split(outcome.value, [message.content for message in messages])
    shown = sorted(int(number) for number in _SENTINEL.findall(outcome.value))
    if shown != list(range(len(messages))):
        raise _unusable(f"it shows the messages {shown} of {len(messages)}")
    return parts


def token_runs(parts: Sequence[Part], specials: Mapping[str, int]) -> list[str | int]:
    """The prompt as runs of ordinary text and control tokens; control tokens come from template text only.

    Text next to each other is one run, so that it is tokenised as llama.cpp tokenises the whole prompt.
    """
    runs: list[str | int] = []
    pattern = _any_of(specials)
    for text, is_content in parts:
        pieces = [text] if is_content or pattern is None else pattern.split(text)
        for piece in pieces:
            if not is_content and piece in specials:
                runs.append(specials[piece])
            elif piece and runs and isinstance(runs[-1], str):
                runs[-1] += piece
            elif piece:
                runs.append(piece)
    return runs


def _any_of(specials: Mapping[str, int]) -> re.Pattern[str] | None:
    longest_first = sorted((text for text in specials if text), key=lambda text: (-len(text), text))
    return re.compile(f"({'|'.join(map(re.escape, longest_first))})") if longest_first else None


@lru_cache(maxsize=64)
def _run(template: str, roles: tuple[str, ...], bos: str, eos: str) -> _Outcome:
    messages = [{"role": role, "content": f"{_OPEN}{n}{_CLOSE}"} for n, role in enumerate(roles)]
    job = msgspec.json.encode({"template": template, "messages": messages, "bos": bos, "eos": eos})
    command = [sys.executable, "-P", "-X", "utf8", "-m", "hybridcode.models.template_host"]
    try:
        done = subprocess.run(command, input=job, capture_output=True, timeout=RENDERING_S, check=False)
    except subprocess.TimeoutExpired:
        return _Outcome("unusable", f"it did not end within {RENDERING_S:g} s")
    except OSError as error:
        raise Trouble(
            "crashed", f"The chat template cannot be run: {error}", "Raise the limit of processes."
        ) from error
    if done.returncode:
        return _Outcome("unusable", _how_it_failed(done.returncode, done.stderr))
    return msgspec.json.decode(done.stdout, type=_Outcome)


def _how_it_failed(code: int, words: bytes) -> str:
    if code == -getattr(signal, "SIGXCPU", 0) and code:
        return "it does not end"
    last = words.decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
    how = f"its process exited with code {code}" if code > 0 else f"its process was ended by signal {-code}"
    return f"{how}: {last}" if last else how


def _without_system(messages: Sequence[Message]) -> list[Message]:
    system, first, *rest = messages
    return [Message(first.role, f"{system.content}\n\n{first.content}"), *rest]


def _split(text: str, contents: Sequence[str]) -> list[Part]:
    parts: list[Part] = []
    for index, piece in enumerate(_SENTINEL.split(text)):
        is_content = index % 2 == 1
        if is_content and int(piece) >= len(contents):
            raise _unusable("it makes up messages")
        parts.append(Part(contents[int(piece)] if is_content else piece, is_content))
    return [part for part in parts if part.text]


def _unusable(reason: str) -> Trouble:
    return Trouble(
        "invalid",
        f"The chat template in the GGUF cannot be used: {reason}",
        "Use another conversion of the model, or run it with llama-server and set [models.local] base_url.",
    )
