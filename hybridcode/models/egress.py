"""Which requests may leave this machine.

Invariant: the answer depends on the model's place, the policy and the request's file list only.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import lru_cache

import msgspec

from hybridcode.domain.errors import ContextOverflow, EgressForbidden
from hybridcode.domain.model import ModelInfo, ModelRequest
from hybridcode.domain.plan import Region
from hybridcode.domain.secrets import PLAIN, Redactor
from hybridcode.models.withhold import Withheld

BYTES_PER_TOKEN = 4
ASK_RULE = "egress.ask"
"""The rule behind a question about a remote request."""


def _no_budget(_: ModelRequest, __: ModelInfo) -> None:
    return None


def _plain() -> Redactor:
    return PLAIN


def _nothing() -> None:
    return None


class Sending(msgspec.Struct, frozen=True):
    """A remote request as a person is shown it before it leaves."""

    host: str
    model: str
    role: str
    prompt_sha256: str
    """The journal's blob with the messages."""
    prompt_bytes: int
    step: str | None
    files: tuple[str, ...]
    redacted: Mapping[str, int]
    withheld: int
    via: str


Consent = Callable[[Sending], Awaitable[None]]
"""Waits for a yes; raises EgressForbidden after a no, SendingHeld when nobody can be asked."""


async def send_freely(_: Sending) -> None:
    """Nobody is asked."""


class SendPolicy(msgspec.Struct, frozen=True):
    """What one sender may send, and how patient it is."""

    max_input_tokens: int | None = None
    """Cap of one request in tokens of four bytes; None = the model's own limit decides."""
    offline: bool = False
    """True forbids every remote call."""
    deny_paths: tuple[str, ...] = ()
    """Globs of files that no remote model may see."""
    redactor: Callable[[], Redactor] | None = _plain
    """What takes secrets out before journal and send, asked anew for each request; None leaves them in."""
    withheld: Callable[[], Withheld | None] = _nothing
    """What takes pieces of denied files out of requests to remote models."""
    consent: Consent = send_freely
    """Asked before each remote request."""
    timeout_s: float = 120.0
    """Seconds without any progress until a try counts as failed."""
    max_retries: int = 2
    """Further tries after a transient failure."""
    check_budget: Callable[[ModelRequest, ModelInfo], None] = _no_budget
    """Called before each try with what would be sent; raises LimitReached when it could break a limit of the run."""


def check(request: ModelRequest, info: ModelInfo, policy: SendPolicy) -> None:
    """Let a request pass, or say why not.

    Raises:
        ContextOverflow: when it is over `max_input_tokens`.
        EgressForbidden: when it is remote and offline, or names a denied file.
    """
    tokens = -(-request.prompt_bytes // BYTES_PER_TOKEN)
    if policy.max_input_tokens is not None and tokens > policy.max_input_tokens:
        raise ContextOverflow(
            f"The {request.role} request for {info.name} has {tokens:,} tokens; max_input_tokens is "
            f"{policy.max_input_tokens:,}.",
            "Lower [context] plan_tokens or step_tokens, or raise [models.frontier] max_input_tokens.",
        )
    if not info.is_remote:
        return
    if policy.offline:
        raise EgressForbidden(
            f"{info.name} at {info.host} is a remote model, and remote calls are forbidden.",
            "Leave out --offline and [egress] mode = 'offline', or configure a local model for this role.",
        )
    denied = denied_files(request.files, policy.deny_paths)
    if denied:
        raise EgressForbidden(
            f"The request for {info.name} would show {', '.join(denied)}, which [egress] deny_paths forbids.",
            "Let the local model do this step, or change deny_paths.",
        )


def denied_files(files: Collection[str], globs: Collection[str]) -> list[str]:
    """Paths among Region strings that some glob matches, sorted."""
    paths = {Region.parse(text).path for text in files}
    return sorted(path for path in paths if any(matches(path, glob) for glob in globs))


def matches(path: str, glob: str) -> bool:
    """True if a relative path with forward slashes matches.

    `*` and `?` stay inside one name, `**` crosses slashes, a glob without a slash matches at any depth, and a matching
    folder covers everything below it.
    """
    return _pattern(glob).fullmatch(path) is not None


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    body = glob.strip().removeprefix("./")
    anchored = "/" in body.rstrip("/")
    parts = [_translated(part) for part in re.split(r"(\*\*/|\*\*|\*|\?)", body.strip("/"))]
    return re.compile(("" if anchored else "(?:.*/)?") + "".join(parts) + "(?:/.*)?", re.DOTALL | re.IGNORECASE)


def _translated(part: str) -> str:
    match part:
        case "**/":
            return "(?:.*/)?"
        case "**":
            return ".*"
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case _:
            return re.escape(part)
