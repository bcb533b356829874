"""Which changes of a file are proven to be mechanical: nothing but trivia differs, or one name does throughout.

Invariant: a change is called mechanical only if the syntax trees of the file with and without it are the same in shape
and in the bytes of every leaf, but for exactly what its kind names; a file that does not parse has none.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tree_sitter import Node

from hybridcode.domain.action import FileChange
from hybridcode.patch.hunks import Hunk, choose, split
from hybridcode.repo.grammars import language_of, parse

Kind = Literal["whitespace", "comments", "imports", "rename"]

KINDS: dict[Kind, str] = {
    "whitespace": "only blanks and line breaks differ, the syntax tree is the same",
    "comments": "only comments differ, none of which a tool reads",
    "imports": "the same import statements in another order",
    "rename": "one name is replaced by one new name everywhere in the file, and nothing else",
}
"""What each kind proves."""

LANGUAGES = frozenset({"python", "javascript", "typescript", "tsx", "go", "rust", "java", "c", "cpp", "c_sharp"})
"""Languages whose trees hold everything that means something."""
_MOST_HUNKS = 60
"""Hunks of a file that are tried one by one."""
_MOST_BYTES = 400_000
_WHOLE = ("string", "char", "regex", "template", "text", "heredoc", "rune", "preproc", "attribute", "decorator")
"""Parts of node types whose bytes count as they stand, blanks included."""
_READ_BY_TOOLS = re.compile(
    rb"noqa|nosec|type:|pragma|coding|eslint|tslint|jshint|@|prettier|go:|\+build|nolint|pylint|mypy|pyright|ruff|isort"
    rb"|fmt:|yapf|istanbul|c8 |webpack|sourceMapping|#!|SAFETY|fall ?through|clang-|region|cgo|line ",
    re.IGNORECASE,
)
"""Comments that some tool obeys."""
_IDENTIFIER = "identifier"


class _Leaf(NamedTuple):
    depth: int
    kind: str
    text: bytes


def mechanical(change: FileChange) -> dict[int, Kind]:
    """The hunks of `patch.hunks.split` that are mechanical, by index."""
    before, after, language = change.before, change.after, language_of(change.path)
    if before is None or after is None or language not in LANGUAGES or max(len(before), len(after)) > _MOST_BYTES:
        return {}
    old, new = _leaves(language, before), _leaves(language, after)
    if old is None or new is None:
        return {}
    hunks = split(before, after)
    if (whole := _trivial(old, new)) is not None:
        return dict.fromkeys(range(len(hunks)), whole)
    if _is_rename(old, new):
        return dict.fromkeys(range(len(hunks)), "rename")
    found: dict[int, Kind] = {}
    for hunk in hunks[:_MOST_HUNKS]:
        alone = _leaves(language, choose(before, after, accepted={hunk.index}))
        if alone is not None and (kind := _trivial(old, alone)) is not None:
            found[hunk.index] = kind
    moved = [hunk for hunk in hunks if hunk.index not in found and _is_of_imports(language, hunk)]
    if moved and _is_reordered(moved):
        together = _leaves(language, choose(before, after, accepted={hunk.index for hunk in moved}))
        if together is not None and Counter(old) == Counter(together):
            found |= dict.fromkeys((hunk.index for hunk in moved), "imports")
    return found


def _leaves(language: str, data: bytes) -> list[_Leaf] | None:
    """The leaves of a file in order, with their depth; None if it does not parse."""
    tree = parse(language, data)
    if tree is None or tree.root_node.has_error or (language == "go" and b'import "C"' in data):
        return None
    return list(_walk(tree.root_node, data))


def _walk(root: Node, data: bytes) -> Iterator[_Leaf]:
    """Leaves, and every byte between them that is not blank; branches too, so that the shape counts."""
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        is_whole = any(part in node.type for part in _WHOLE) or "comment" in node.type
        if node.child_count == 0 or is_whole:
            yield _Leaf(depth, node.type, data[node.start_byte : node.end_byte])
            continue
        yield _Leaf(depth, node.type, b"")
        at, between = node.start_byte, list[bytes]()
        for child in node.children:
            between.append(data[at : child.start_byte].strip())
            at = child.end_byte
        between.append(data[at : node.end_byte].strip())
        if loose := b"\0".join(filter(None, between)):
            yield _Leaf(depth, "between", loose)
        waiting.extend((child, depth + 1) for child in reversed(node.children))


def _is_comment(leaf: _Leaf) -> bool:
    return "comment" in leaf.kind


def _trivial(old: Sequence[_Leaf], new: Sequence[_Leaf]) -> Kind | None:
    """Whether two files differ in blanks alone, or in comments that nobody but a reader reads."""
    if old == new:
        return "whitespace"
    if [leaf for leaf in old if not _is_comment(leaf)] != [leaf for leaf in new if not _is_comment(leaf)]:
        return None
    texts = Counter(leaf.text for leaf in old if _is_comment(leaf))
    texts.subtract(leaf.text for leaf in new if _is_comment(leaf))
    differing = [text for text, count in texts.items() if count]
    return None if any(map(_READ_BY_TOOLS.search, differing)) or not differing else "comments"


def _is_rename(old: Sequence[_Leaf], new: Sequence[_Leaf]) -> bool:
    """One identifier became another that the file did not have, wherever it stood; all else is equal."""
    if len(old) != len(new):
        return False
    names: set[tuple[bytes, bytes]] = set()
    for before, after in zip(old, new, strict=True):
        if before == after:
            continue
        if (before.depth, before.kind) != (after.depth, after.kind) or _IDENTIFIER not in before.kind:
            return False
        names.add((before.text, after.text))
    if len(names) != 1:
        return False
    ((former, latter),) = names
    return all(leaf.text != latter for leaf in old) and not any(former in _words(leaf.text) for leaf in new)


def _words(text: bytes) -> set[bytes]:
    return set(re.findall(rb"\w+", text))


def _is_of_imports(language: str, hunk: Hunk) -> bool:
    """Each of its lines is one whole import statement, or blank."""
    return all(not line.strip() or _is_import(language, line) for line in (*hunk.old_lines, *hunk.new_lines))


def _is_reordered(hunks: Sequence[Hunk]) -> bool:
    """Together they take away and put in the same lines."""
    old = Counter(line for hunk in hunks for line in hunk.old_lines if line.strip())
    return old == Counter(line for hunk in hunks for line in hunk.new_lines if line.strip()) and bool(old)


def _is_import(language: str, line: bytes) -> bool:
    tree = parse(language, line)
    if tree is None or tree.root_node.has_error or line[:1].isspace():
        return False
    return all(node.type.startswith("import") and node.type != "import" for node in tree.root_node.children)
