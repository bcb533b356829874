"""Finds the places in a piece of Python that write files, start processes or open sockets."""

import ast
from collections.abc import Iterator

_OS_EFFECTS = {
    "chmod", "chown", "chroot", "fchmod", "fchown", "fork", "forkpty", "ftruncate", "kill", "killpg", "lchmod",
    "lchown", "link", "makedirs", "mkdir", "mkfifo", "mknod", "openpty", "popen", "posix_openpt", "putenv",
    "pwrite", "remove", "removedirs", "removexattr", "rename", "renames", "replace", "rmdir", "sendfile",
    "setxattr", "symlink", "system", "truncate", "unlink", "unsetenv", "utime", "writev"
}  # fmt: skip
_OS_FAMILIES = ("exec", "spawn", "posix_spawn")
_PATH_EFFECTS = {
    "chmod", "hardlink_to", "lchmod", "mkdir", "rename", "rmdir", "symlink_to", "touch", "unlink",
    "write_bytes", "write_text"
}  # fmt: skip
_MODULES = {"ctypes", "fileinput", "mmap", "multiprocessing", "pty", "socket", "subprocess"}
_HALF_HARMLESS = {"shutil", "tempfile"}
_HARMLESS = {"shutil.which", "shutil.get_terminal_size", "shutil.disk_usage", "tempfile.gettempdir"}


def effects_in(source: str) -> set[str]:
    """Names of the effects found in `source`, as `os.rename`, `open(w)`, `.write_text`, `import subprocess`."""
    tree = ast.parse(source)
    aliases = dict(_aliases(tree))
    found = set(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found |= set(_called(node, aliases))
    return found


def _aliases(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            module = name.partition(".")[0]
            if module in _MODULES:
                yield f"import {module}"
            elif "." in name and module in _HALF_HARMLESS and name not in _HARMLESS:
                yield name


def _called(call: ast.Call, aliases: dict[str, str]) -> Iterator[str]:
    name = _dotted(call.func, aliases)
    module, _, last = name.rpartition(".")
    in_os = module == "os" and (last in _OS_EFFECTS or last.startswith(_OS_FAMILIES))
    in_half_harmless = module in _HALF_HARMLESS and name not in _HARMLESS
    if in_os or in_half_harmless or last.startswith("create_subprocess_"):
        yield name
    elif name == "os.open" and not _reads_only(call):
        yield "os.open"
    elif name in {"open", "io.open", "os.fdopen"} and _may_write(call, position=1):
        yield f"{name}(w)"
    elif isinstance(call.func, ast.Attribute):
        yield from _method(call, call.func.attr, name)


def _method(call: ast.Call, attribute: str, name: str) -> Iterator[str]:
    if attribute in _PATH_EFFECTS:
        yield f".{attribute}"
    elif attribute == "replace" and len(call.args) == 1 and not call.keywords:
        yield ".replace(target)"
    elif attribute == "open" and name != "os.open" and _may_write(call, position=0):
        yield ".open(w)"


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return aliases.get(name, name)
        case ast.Attribute(value=value, attr=attribute):
            return f"{_dotted(value, aliases)}.{attribute}"
        case _:
            return "?"


def _may_write(call: ast.Call, *, position: int) -> bool:
    """True if a mode is given that writes, or one that cannot be known; `Thing.open(values)` has no mode."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    placed = call.args[position : position + 1]
    if position == 0:
        placed = [mode for mode in placed if isinstance(mode, ast.Constant) or "mode" in ast.unparse(mode)]
    return any(
        not (isinstance(mode, ast.Constant) and not set("wax+") & set(str(mode.value))) for mode in named + placed
    )


def _reads_only(call: ast.Call) -> bool:
    path, *rest = [ast.unparse(argument) for argument in call.args]
    writes = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE")
    return path == "os.devnull" or not any(word in text for word in writes for text in rest)
