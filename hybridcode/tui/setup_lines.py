"""Lines that a person writes at the first start, judged while they are typed.

Invariant: a file is judged by its header, an address by its form: nothing is loaded, run or asked.
"""

from collections.abc import Callable

from hybridcode.config.paths import expanded
from hybridcode.domain.errors import HybridcodeError
from hybridcode.models.addresses import host_of, is_loopback
from hybridcode.models.gguf import inspect
from hybridcode.tui.amounts import size
from hybridcode.tui.choices import read_choice

LINES = {
    "frontier": ("Which frontier model?", "a litellm name, as azure/my-deployment", "models.frontier.model"),
    "path": ("Which GGUF file?", "its header is read, nothing of it is run", "models.local.path"),
    "server": ("Which server?", "an address that ends in /v1; it is not asked yet", "models.local.base_url"),
    "check": ("Which command proves a change?", "as you would type it in a shell", "verify.test_cmd"),
}
"""By what is asked: title, what to write, the setting."""


def _setting(name: str, text: str) -> tuple[bool, str]:
    if not text.strip():
        return False, "nothing is written yet"
    try:
        read_choice(name, text)
    except HybridcodeError as error:
        return False, error.advice
    return True, ""


def _gguf(text: str) -> tuple[bool, str]:
    if not text.strip():
        return False, "nothing is written yet"
    try:
        path = expanded(text.strip())
        if path.suffix != ".gguf" and not path.is_file():
            return False, f"{text.strip()} is no file yet"
        info = inspect(path)
    except HybridcodeError as error:
        return False, error.advice
    return True, f"{info.architecture}, {size(info.file_bytes)}"


def _server(text: str) -> tuple[bool, str]:
    is_usable, said = _setting("models.local.base_url", text)
    if not is_usable:
        return False, said
    host = host_of(text.strip(), setting="base_url")
    ends = "" if text.strip().rstrip("/").endswith("/v1") else "; it usually ends in /v1"
    return True, f"{host}, {'this machine' if is_loopback(host) else 'not this machine: counts as remote'}{ends}"


def judge(what: str) -> Callable[[str], tuple[bool, str]]:
    """What says of a line whether it can be taken, and what it is."""
    special = {"path": _gguf, "server": _server}
    _, _, name = LINES[what]
    return special.get(what, lambda text: _setting(name, text))
