"""Where a URL leads: what is recorded, and whether that is this machine.

Invariant: only an address that is certainly loopback counts as this machine.
"""

import ipaddress
from urllib.parse import urlsplit

from hybridcode.domain.errors import ConfigError

_PORTS = {"http": 80, "https": 443}


def host_of(url: str, *, setting: str) -> str:
    """`host:port` of an http(s) URL.

    Raises:
        ConfigError: naming the setting when it is no such URL, or carries a user name or password.
    """
    hint = "Write it as http://127.0.0.1:8080/v1."
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError as error:
        raise ConfigError(f"{setting} is not a URL: {error}", hint) from error
    if not parts.hostname or port is None:
        raise ConfigError(f"{setting} = {url!r} is not an http or https URL.", hint)
    if parts.username or parts.password:
        raise ConfigError(f"{setting} holds a user name or password.", "Put the key into a variable: api_key_env.")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{name}:{port}"


def is_loopback(host: str) -> bool:
    """True if `host:port` is this machine for certain."""
    name = host.rpartition(":")[0].strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
