"""The profile for macOS' sandbox-exec, as text.

Invariant: every path is a quoted string of the profile's language, with nothing in it that could end the string.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from hybridcode.config.paths import cache_dir
from hybridcode.gate import sandbox_git
from hybridcode.gate.sandbox_places import GUARDED_NAMES, guarded, hidden_at_home, hooks_folder
from hybridcode.gate.sandbox_request import Request

_ALWAYS = """(version 1)
(deny default)
(allow process-exec process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow file-ioctl (literal "/dev/null") (literal "/dev/tty"))
(allow ipc-posix-sem)
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo") (global-name "com.apple.system.logger"))
(allow file-read*)
(allow file-write* (literal "/dev/null") (literal "/dev/zero") (literal "/dev/dtracehelper"))"""
_NETWORK = """(allow network*)
(deny network-outbound (remote unix-socket))
(allow mach-lookup (global-name "com.apple.SystemConfiguration.configd") (global-name "com.apple.trustd.agent"))
(allow network-outbound (literal "/private/var/run/mDNSResponder"))"""


def profile(request: Request) -> str:
    """The rules for one run; of several that match, the last one counts."""
    lines = [_ALWAYS, *([_NETWORK] if request.network else [])]
    lines += [_rule("allow", "file-write*", path) for path in _written(request)]
    lines += [_rule("deny", "file-write*", path) for path in _read_only(request)]
    lines += [_rule("deny", "file-read* file-write*", path) for path in _hidden(request)]
    lines += [_rule("allow", "file-read* file-write*", path) for path in [request.caches] if path is not None]
    return "\n".join(lines) + "\n"


def quoted(path: Path) -> str:
    """A path as a string of the profile's language."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def _rule(verb: str, what: str, path: Path) -> str:
    return f"({verb} {what} (subpath {quoted(Path(os.path.realpath(path)))}))"


def _written(request: Request) -> Iterator[Path]:
    if request.source is not None:
        yield request.source
    elif not request.is_reader:
        yield request.workspace


def _read_only(request: Request) -> Iterator[Path]:
    """Names count whether they exist or not."""
    if request.source is not None or request.is_reader:
        return
    if request.writes_git:
        yield request.workspace / ".hybridcode"
        yield request.workspace / ".git" / "hooks"
        yield request.workspace / ".git" / "config"
        yield sandbox_git.moves_configuration(request.workspace / ".git")
        yield from sandbox_git.read_only_parts(request.workspace / ".git")
        return
    yield from (request.workspace / name for name in GUARDED_NAMES)
    yield from guarded(request.workspace)[0]
    hooks = hooks_folder(request.workspace, Path.home())
    if hooks is not None:
        yield hooks


def _hidden(request: Request) -> Iterator[Path]:
    for path in (*hidden_at_home(Path.home()), cache_dir()):
        if not request.workspace.is_relative_to(path):
            yield path
