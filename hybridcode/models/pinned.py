"""Keeps a child process to the hosts that the user's settings name: the component that checks is the one that connects.

Invariant: after `pin` no name but the pinned ones is resolved and no address but theirs is connected to, whatever a
library, a redirect or a variable asks for.
"""

import ipaddress
import socket
import sys
from collections.abc import Collection
from typing import Any

from hybridcode.models.problems import Trouble


def pin(hosts: Collection[str]) -> None:
    """Allow connections to these names or addresses only, for the rest of this process."""
    allowed = {_plain(host) for host in hosts}
    addresses = {host for host in allowed if _is_address(host)}
    resolve = socket.getaddrinfo

    def resolve_pinned(host: Any, *rest: Any, **more: Any) -> Any:
        found = resolve(host, *rest, **more)
        addresses.update(_plain(str(entry[4][0])) for entry in found)
        return found

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo" and _plain(arguments[0]) not in allowed | addresses:
            raise Trouble("invalid", _refusal(arguments[0]), "Name the host in [models.frontier] api_base.")
        if event == "socket.connect" and isinstance(arguments[1], tuple) and _plain(arguments[1][0]) not in addresses:
            raise Trouble("invalid", _refusal(arguments[1][0]), "Name the host in [models.frontier] api_base.")

    socket.getaddrinfo = resolve_pinned
    sys.addaudithook(watch)


def _plain(host: Any) -> str:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    return text.strip("[]").rstrip(".").lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refusal(host: Any) -> str:
    return f"A connection to {_plain(host)!r} was refused: the settings name another host."
