"""What a commit says: by the model whose role it is, or made of the task and its steps.

Invariant: one subject line of at most 72 characters, then perhaps a body, then perhaps the trailer; what a model
answers is taken only in that form.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from hybridcode.agent.distil import cut_line
from hybridcode.agent.run import Run
from hybridcode.domain.errors import EgressForbidden, ModelError
from hybridcode.domain.events import NoticeGiven
from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.secrets import MARK
from hybridcode.models.egress import denied_files
from hybridcode.models.prompts import load

SUBJECT_CHARS = 72
DIFF_CHARS = 6_000
"""A longer diff is shown from its start, with the number of characters left out."""
BODY_LINES = 8
TASK_CHARS = 2_000
"""Of a task that does not fit the subject line, in the body."""
_TRAILER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*: \S.*\Z")
_SECTION = re.compile(r"[A-Z][A-Za-z-]+-(?:by|to|id|on): ", re.IGNORECASE)


@dataclass(frozen=True)
class About:
    """What a commit is about."""

    text: str
    """The task, or the goal of the step."""
    goals: tuple[str, ...]
    """What was done, step by step."""
    diff: str
    paths: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    """Of the latest commits."""


async def message_for(run: Run, about: About) -> tuple[str, str]:
    """The message without its trailer, and who wrote it (empty: nobody, it is made of the task)."""
    role = run.settings.roles.commit_message
    info = run.senders.info(role)
    if info is None or info.profile == "tiny":
        return plain_message(run.clean(about.text), tuple(map(run.clean, about.goals))), ""
    if info.is_remote and denied_files(about.paths, run.settings.egress.deny_paths):
        run.journal.append(
            NoticeGiven("info", "the commit's message is made of the task: the model may not see it all")
        )
        return plain_message(run.clean(about.text), tuple(map(run.clean, about.goals))), ""
    try:
        answer = await _ask(run, about)
    except (ModelError, EgressForbidden) as error:
        run.journal.append(NoticeGiven("info", f"the commit's message is made of the task: {error.message}"))
        answer = ""
    if message := read_message(answer):
        return message, f"{role} {info.name}"
    return plain_message(run.clean(about.text), tuple(map(run.clean, about.goals))), ""


async def _ask(run: Run, about: About) -> str:
    cut = len(about.diff) - DIFF_CHARS
    diff = about.diff if cut <= 0 else f"{about.diff[:DIFF_CHARS]}\n[{cut} more characters of diff]"
    parts = [f"# Task\n{about.text[:TASK_CHARS]}", "# Steps\n" + "\n".join(about.goals)[:TASK_CHARS]]
    parts += ["# Latest subjects\n" + "\n".join(about.subjects)] if about.subjects else []
    request = ModelRequest(
        call_id=run.next_call_id(),
        role="commit_message",
        messages=(Message("system", load("commit_message")), Message("user", "\n\n".join([*parts, f"# Diff\n{diff}"]))),
        max_output_tokens=200,
        files=about.paths,
    )
    reply = await run.senders.pick(run.settings.roles.commit_message).ask(
        request, on_chunk=run.show(None, request.call_id)
    )
    return reply.text


def read_message(answer: str) -> str:
    """A model's answer as a message; empty if it has not the form of one."""
    lines = [line.rstrip() for line in answer.strip().splitlines()]
    if not lines or MARK.search(answer) or any(map(_is_odd, lines)):
        return ""
    subject, body = lines[0], lines[1:]
    if len(subject) > SUBJECT_CHARS or len(subject) < 3 or _SECTION.match(subject):
        return ""
    while body and not body[0]:
        body = body[1:]
    if len(body) > BODY_LINES or (body and lines[1]) or any(len(line) > SUBJECT_CHARS for line in body):
        return ""
    return "\n".join([subject.rstrip("."), *(["", *body] if body else [])])


def _is_odd(line: str) -> bool:
    """Something else than a plain line of a message."""
    hides = any(unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs") for sign in line)
    return hides or line.startswith(("```", "#", "<", '"')) or bool(_SECTION.match(line))


def plain_message(text: str, goals: Sequence[str]) -> str:
    """A message made of the task and its steps, always the same for the same ones."""
    line = " ".join(_visible(text).split())
    subject = _cut(line) or "Change files"
    body: list[str] = []
    if subject != line:
        body += _wrapped(cut_line(line, TASK_CHARS))
    if len(goals) > 1:
        body += [*([""] if body else []), *(each for goal in goals for each in _wrapped(_visible(goal), "- "))]
    return "\n".join([subject, *(["", *body] if body else [])])


def with_trailer(message: str, trailer: str) -> str:
    """The message with its last line, if there is one."""
    return f"{message}\n\n{trailer}\n" if trailer else f"{message}\n"


def is_trailer(text: str) -> bool:
    """True for what git takes as one trailer line."""
    return bool(_TRAILER.match(text)) and not _is_odd_sign(text)


def _is_odd_sign(text: str) -> bool:
    return any(unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs") for sign in text)


def _visible(text: str) -> str:
    return "".join(sign if unicodedata.category(sign) not in ("Cc", "Cf", "Co", "Cs") else " " for sign in text)


def _cut(line: str) -> str:
    """The first words that fit a subject line, marked where there are more."""
    if len(line) <= SUBJECT_CHARS:
        return line
    return line[: SUBJECT_CHARS - 3].rpartition(" ")[0].rstrip(",;:") + " ..."


def _wrapped(text: str, bullet: str = "") -> list[str]:
    lines: list[str] = []
    line = bullet
    for word in text.split():
        if len(line) + len(word) > SUBJECT_CHARS and line.strip():
            lines.append(line.rstrip())
            line = " " * len(bullet)
        line += f"{word} "
    return [*lines, line.rstrip()]
