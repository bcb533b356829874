"""Which proxy the user's environment puts between us and a host.

Invariant: only variables of the user's own environment are read; a host on this machine is never reached through one.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from hybridcode.models.addresses import is_loopback

PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")


def proxy_of(host: str, environ: Mapping[str, str], *, scheme: str = "https") -> str:
    """`host:port` of the proxy for `host:port`; empty if there is none."""
    name = host.rpartition(":")[0] or host
    if is_loopback(host) or _is_excepted(name, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return ""
    variable = f"{scheme}_proxy"
    url = environ.get(variable) or environ.get(variable.upper()) or ""
    return urlsplit(url if "://" in url else f"//{url}").netloc.rpartition("@")[2] if url else ""


def _is_excepted(name: str, exceptions: str) -> bool:
    entries = [entry.strip().lower().lstrip(".") for entry in exceptions.split(",")]
    return any(entry == "*" or name == entry or name.endswith(f".{entry}") for entry in entries if entry)
