"""From chat messages to a prompt in which only the template's own text can be special.

Invariant: nothing a message contains becomes a control token, whatever it spells; a file that contains `<|im_end|>`
does not end the turn.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn

import jinja2
import jinja2.exceptions
import jinja2.sandbox

from hybridcode.domain.model import Message
from hybridcode.models.problems import Trouble

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


class _Refused(Exception):
    """The template itself called raise_exception."""


def render(template: str, messages: Sequence[Message], *, bos: str = "", eos: str = "") -> list[Part]:
    """The prompt in parts, ready for the assistant's answer.

    The template is run with a private-use stand-in for each content, so that it never sees the contents. One that
    refuses a system message gets it as the first part of the user's.

    Raises:
        Trouble: when the template cannot be run or leaves a message out.
    """
    contents = [message.content for message in messages]
    try:
        text = _run(template, _stand_ins(messages), bos=bos, eos=eos)
    except _Refused as refusal:
        if not messages or messages[0].role != "system" or len(messages) < 2:
            raise _unusable(str(refusal)) from refusal
        return render(template, _without_system(messages), bos=bos, eos=eos)
    parts = _split(text, contents)
    shown = sorted(int(number) for number in _SENTINEL.findall(text))
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


def _stand_ins(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": f"{_OPEN}{n}{_CLOSE}"} for n, message in enumerate(messages)]


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


def _run(template: str, messages: list[dict[str, str]], *, bos: str, eos: str) -> str:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    names: dict[str, Any] = {
        "messages": messages,
        "add_generation_prompt": True,
        "bos_token": bos,
        "eos_token": eos,
        "enable_thinking": False,
        "raise_exception": _refuse,
        "strftime_now": _fixed_date,
    }
    try:
        return environment.from_string(template).render(names)
    except (jinja2.exceptions.TemplateError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise _unusable(f"{type(error).__name__}: {error}") from error


def _refuse(message: str) -> NoReturn:
    raise _Refused(message)


def _fixed_date(form: str) -> str:
    """A constant day: a prompt that changes at midnight could not be replayed."""
    return datetime(2025, 1, 1, tzinfo=UTC).strftime(form)


def _unusable(reason: str) -> Trouble:
    return Trouble(
        "invalid",
        f"The chat template in the GGUF cannot be used: {reason}",
        "Use another conversion of the model, or run it with llama-server and set [models.local] base_url.",
    )
