"""One request for a file over HTTP: where it may lead, what it may carry, and what its answer means.

Invariant: every hop is https, or http on loopback; a token goes to its own host only and to no other after a redirect.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import msgspec

from hybridcode.domain.errors import ConfigError, ModelError, ModelUnauthorised, ModelUnavailable
from hybridcode.models.addresses import is_loopback
from hybridcode.models.problems import RetryLater, seconds_to_wait
from hybridcode.version import __version__

TOKEN_HOST = "huggingface.co"
"""The one host that gets the token."""
TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
MAX_REDIRECTS = 10
CONNECT_S, READ_S = 10.0, 60.0
"""Seconds to reach a host, and seconds without a byte, until a try counts as cut off."""

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_OWN_MACHINE = ("all://127.0.0.1", "all://localhost", "all://[::1]")


class Source(msgspec.Struct, frozen=True):
    """A file somewhere."""

    url: str
    token: str = ""
    """Sent as a bearer token; empty: none."""
    token_host: str = TOKEN_HOST
    """The host that may see it."""


class Answer:
    """A response whose body is still to come."""

    def __init__(self, response: httpx.Response, announced: str) -> None:
        self._response = response
        self.status = response.status_code
        self.host = response.url.host
        self.announced = announced
        """SHA-256 that the first host names for the file; empty if none."""
        self.etag = response.headers.get("etag", "")
        span = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
        self.start = int(span[1]) if span and span[1] else None
        """First byte of a partial answer."""
        self.total = int(span[3]) if span and span[3] != "*" else _length_of_whole(response)
        """Bytes of the whole file, if known."""

    def blocks(self) -> Iterator[bytes]:
        """The body as it comes.

        Raises:
            RetryLater: the connection was cut.
        """
        with _cuts(self.host):
            yield from self._response.iter_raw()


def host_to_show(url: str) -> str:
    """The host of a URL that may be fetched.

    Raises:
        ConfigError: when it is neither https nor http on loopback, or carries a user name or password.
    """
    try:
        parts = urlsplit(str(httpx.URL(url)))
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigError("That is not a URL.", "A model comes from an https URL.") from error
    if parts.username or parts.password:
        raise ConfigError("The URL holds a user name or password.", "Put a token into the variable HF_TOKEN.")
    if not parts.hostname or not _is_permitted(parts.scheme, parts.hostname):
        raise ConfigError(
            f"{url.partition('?')[0]} cannot be fetched.", "A model comes from an https URL (http only on loopback)."
        )
    return parts.hostname


def token_of(environ: Mapping[str, str]) -> str:
    """The token in the environment, or nothing.

    Raises:
        ConfigError: when it cannot be sent; the message does not show it.
    """
    name = next((name for name in TOKEN_VARIABLES if environ.get(name, "").strip()), "")
    token = environ[name].strip() if name else ""
    if any(not 33 <= ord(letter) <= 126 for letter in token):
        raise ConfigError(f"{name} holds characters that no token has.", f"Set {name} anew, or unset it.")
    return token


def next_hop(url: str, location: str) -> str:
    """Where a redirect of `url` leads.

    Raises:
        ModelUnavailable: to a place where nothing is fetched from, or from https to http.
    """
    origin = httpx.URL(url)
    try:
        target = origin.join(location)
    except httpx.InvalidURL as error:
        raise ModelUnavailable(f"{origin.host} redirects to no URL.", "Try another URL of the file.") from error
    if not _is_permitted(target.scheme, target.host) or (origin.scheme == "https" and target.scheme != "https"):
        raise ModelUnavailable(
            f"{origin.host} redirects to {target.scheme}://{target.host}, which is not https.", "It is not followed."
        )
    return str(target)


def make_client() -> httpx.Client:
    """A client that heeds the environment's proxies, except for this machine itself.

    Raises:
        ConfigError: when a proxy variable holds what cannot be used.
    """
    try:
        return httpx.Client(
            follow_redirects=False,
            mounts=dict.fromkeys(_OWN_MACHINE),
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            headers={"User-Agent": f"hybridcode/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"},
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise ConfigError(
            "The proxy in the environment cannot be used.", "HTTPS_PROXY and ALL_PROXY take an http or https URL."
        ) from error


@contextmanager
def asked(client: httpx.Client, source: Source, *, at: int = 0, etag: str = "") -> Generator[Answer]:
    """Ask for a file from byte `at`, if it still is the one called `etag`; follows redirects.

    Raises:
        RetryLater: cut off, or the server is busy.
        ModelUnauthorised, ModelUnavailable: refused, or not there.
    """
    headers = {"Range": f"bytes={at}-"} if at else {}
    if at and etag and not etag.startswith("W/"):
        headers["If-Range"] = etag
    url, announced = httpx.URL(source.url), ""
    for _ in range(MAX_REDIRECTS + 1):
        with _cuts(url.host):
            request = client.build_request("GET", url, headers=headers | _authorisation(url, source))
            response = client.send(request, stream=True)
        try:
            if not response.has_redirect_location:
                _check(response, source)
                yield Answer(response, announced)
                return
            announced = announced or _announced(response)
            url = httpx.URL(next_hop(str(url), response.headers["location"]))
        finally:
            response.close()
    raise ModelUnavailable(f"{httpx.URL(source.url).host} redirects without end.", "Try another URL of the file.")


@contextmanager
def _cuts(host: str) -> Generator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise RetryLater(f"The connection to {host} failed ({type(error).__name__}: {error}).") from error


def _authorisation(url: httpx.URL, source: Source) -> dict[str, str]:
    is_its_host = url.host == source.token_host == httpx.URL(source.url).host
    return {"Authorization": f"Bearer {source.token}"} if source.token and is_its_host else {}


def _is_permitted(scheme: str, host: str) -> bool:
    return scheme == "https" or (scheme == "http" and is_loopback(f"{host}:80"))


def _check(response: httpx.Response, source: Source) -> None:
    status, host = response.status_code, response.url.host
    if status in (200, 206, 416):
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ModelUnavailable(f"{host} sends the file compressed.", "Try another URL of the file.")
        return
    raise _refusal(status, host, source, response.headers.get("retry-after"))


def _refusal(status: int, host: str, source: Source, retry_after: str | None) -> ModelError:
    if status in (401, 403):
        hint = "The token may not read it: " if source.token else "Set HF_TOKEN to a token that may read it; "
        return ModelUnauthorised(
            f"{host} refuses this file ({status}).", f"{hint}some models want their licence accepted on their page."
        )
    if status in (404, 410):
        return ModelUnavailable(f"{host} has no such file ({status}).", "Look for its name on the model's page.")
    if status in (408, 425, 429) or status >= 500:
        return RetryLater(f"{host} answered {status}.", retry_after_s=seconds_to_wait(retry_after))
    return ModelUnavailable(f"{host} answered {status}.", "Try another URL of the file.")


def _length_of_whole(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if response.status_code == 200 and length.isdecimal() else None


def _announced(response: httpx.Response) -> str:
    named = response.headers.get("x-linked-etag", "").strip('"').lower()
    return named if _DIGEST.fullmatch(named) else ""
