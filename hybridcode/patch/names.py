"""Names of a file: those that a change leaves undefined and, in Python, imports that it leaves unused.

Invariant: a pure function of path and bytes; only what the change made so is told. A file that does not parse, or that
makes names in ways that only running it tells, says nothing, and so does one in a language that is not known here.
"""

import ast
import builtins
import contextlib
import functools
import re
import symtable
import threading
import warnings
from collections.abc import Collection, Generator, Iterator
from typing import TypeGuard

from hybridcode.patch.script_names import LANGUAGES, unbound
from hybridcode.repo.grammars import language_of

_SUFFIXES = (".py", ".pyi")
_MOST_BYTES = 300_000
"""Of a larger file nothing is said: symbol tables of many definitions take long."""
_KEPT = 64
"""Answers that are remembered: the same bytes are asked about again and again."""
_BUILT_IN = frozenset(dir(builtins)) | {"_", "WindowsError", "reveal_type", "PythonFinalizationError"}
_MAKES_NAMES = frozenset({"exec", "globals", "vars", "locals"})
"""Functions that can define names."""
_LATE = re.compile(r"\bannotations\b")
_NO_MATTER = "generator_stop"
"""What may be imported from the future and changes nothing."""
_ONE_AT_A_TIME = threading.Lock()
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
"""What Python says of a text that it cannot take apart."""


def is_python(path: str) -> bool:
    """The file is written in Python."""
    return path.endswith(_SUFFIXES)


def undefined(path: str, before: bytes | None, after: bytes | None) -> tuple[str, ...]:
    """Names that `after` uses and nothing in it defines, in order; none that `before` has so too."""
    if after is None:
        return ()
    new, old = _unbound_in(path, after), _unbound_in(path, before or b"")
    if new is not None and not before:
        old = ()
    return tuple(name for name in new if name not in old) if new is not None and old is not None else ()


def unused(path: str, before: bytes | None, after: bytes | None) -> tuple[str, ...]:
    """Names that `after` still imports and no longer uses, in order, though `before` did. Packages hand names on."""
    if not after or not before or not is_python(path) or path.rpartition("/")[2] == "__init__.py":
        return ()
    new, old = parsed(after), parsed(before)
    if new is None or old is None:
        return ()
    imported, used = set(_imported(old)) & _used(old), _used(new)
    meant = {number for number, line in enumerate((_text(after) or "").split("\n"), 1) if "noqa" in line}
    return tuple(name for name in dict.fromkeys(_imported(new, meant)) if name in imported and name not in used)


def uses_as_module(data: bytes, name: str) -> bool:
    """Every use of a name in a file is that of a module: `name.something`."""
    tree = parsed(data)
    if tree is None:
        return False
    bases = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    return bool(names) and all(id(node) in bases for node in names)


def _unbound_in(path: str, data: bytes) -> tuple[str, ...] | None:
    """Names that are used and not defined, in order; None where that cannot be told."""
    if is_python(path):
        return _unbound(data)
    language = language_of(path) or ""
    return unbound(language, data) if language in LANGUAGES else None


@functools.lru_cache(maxsize=_KEPT)
def parsed(data: bytes) -> ast.Module | None:
    """A file's tree; None where there is none to be had."""
    text = _text(data)
    if text is None:
        return None
    with _quiet():
        try:
            return ast.parse(text)
        except _UNREADABLE:
            return None


@functools.lru_cache(maxsize=_KEPT)
def is_badly_indented(data: bytes) -> bool:
    """A file of Python lacks a body or has a line too far in or out, which its grammar does not mind; the version of
    Python that this runs on does not matter there."""
    text = _text(data)
    if text is None:
        return False
    with _quiet():
        try:
            ast.parse(text)
        except IndentationError:
            return True
        except _UNREADABLE:
            return False
    return False


@functools.lru_cache(maxsize=_KEPT)
def _unbound(data: bytes) -> tuple[str, ...] | None:
    """Names that are used and not defined, in order; None where that cannot be told."""
    tree, text = parsed(data), _text(data)
    if tree is None or text is None or _makes_names(tree):
        return None
    with _quiet():
        try:
            top = symtable.symtable(_read_at_once(text, tree), "<file>", "exec")
        except _UNREADABLE:
            return None
    bound = _bound(top)
    free = {
        symbol.get_name()
        for table in _tables(top)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and symbol.is_global() and symbol.get_name() not in bound
    }
    missing = {name for name in free if name not in _BUILT_IN and not (name.startswith("__") and name.endswith("__"))}
    names = (node for node in ast.walk(tree) if _is_read(node) and node.id in missing)
    ordered = sorted(names, key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in ordered))


@functools.lru_cache(maxsize=_KEPT)
def bound_on_top(data: bytes) -> frozenset[str] | None:
    """Names that a Python file has once it is imported; None where that cannot be told, or it makes them on demand."""
    tree, text = parsed(data), _text(data)
    if tree is None or text is None or _makes_names(tree):
        return None
    with _quiet():
        try:
            found = frozenset(_bound(symtable.symtable(text, "<file>", "exec")))
        except _UNREADABLE:
            return None
    return None if "__getattr__" in found else found


def _bound(top: symtable.SymbolTable) -> set[str]:
    """Names of a module: its own, and those that a function of it declares global and sets."""
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_local()}
    inner = (symbol for table in _tables(top) for symbol in table.get_symbols())
    return own | {symbol.get_name() for symbol in inner if symbol.is_declared_global() and _binds(symbol)}


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Inside, Python does not warn on stderr of what it reads. What it is told to ignore holds for all threads, so one
    of them is inside at a time."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _text(data: bytes) -> str | None:
    if len(data) > _MOST_BYTES:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _read_at_once(text: str, tree: ast.Module) -> str:
    """The text with annotations that are read where they stand: symbol tables leave out those that are read late."""
    lines = text.split("\n")
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for number in range(node.lineno - 1, min(node.end_lineno or node.lineno, len(lines))):
                lines[number] = _LATE.sub(_NO_MATTER, lines[number])
    return "\n".join(lines)


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _binds(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()


def _makes_names(tree: ast.Module) -> bool:
    """Names may come from elsewhere: a star import, code that is run, or a name whose absence is caught."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                return True
            case ast.Call(func=ast.Name(id=name)) if name in _MAKES_NAMES:
                return True
            case ast.ExceptHandler(type=ast.expr() as caught) if _names_it(caught):
                return True
            case _:
                pass
    return False


def _names_it(caught: ast.expr) -> bool:
    """A handler is for names that are not there, perhaps among others."""
    inside = list(ast.walk(caught))
    names = {one.id for one in inside if isinstance(one, ast.Name)} | {
        one.attr for one in inside if isinstance(one, ast.Attribute)
    }
    return "NameError" in names


def _imported(tree: ast.Module, meant: Collection[int] = ()) -> Iterator[str]:
    """Names that a module's top imports, those under a condition too; not those that are handed on by `x as x`, nor in
    statements that begin on lines in `meant` (1-based)."""
    open_nodes: list[ast.AST] = [tree]
    while open_nodes:
        node = open_nodes.pop(0)
        match node:
            case ast.ImportFrom(module="__future__"):
                pass
            case ast.stmt(lineno=line) if line in meant:
                pass
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (one.asname or one.name.partition(".")[0] for one in names if one.asname != one.name)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
                pass
            case ast.stmt() | ast.Module() | ast.ExceptHandler():
                open_nodes += ast.iter_child_nodes(node)
            case _:
                pass


def _is_read(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)


def _used(tree: ast.Module) -> set[str]:
    """Names that are read anywhere, in quoted annotations and lists of names too."""
    found = {node.id for node in ast.walk(tree) if _is_read(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                with _quiet():
                    inner = ast.parse(node.value.strip(), mode="eval")
            except _UNREADABLE:
                continue
            found |= {one.id for one in ast.walk(inner) if isinstance(one, ast.Name)}
    return found
