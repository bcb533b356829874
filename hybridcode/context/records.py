"""One file as chunks: the immutable unit of the index.

Invariant: a record is a pure function of language and bytes, so that it can be kept under the hash of the bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from hybridcode.context.terms import identifier_counts, terms, terms_of
from hybridcode.repo.grammars import GRAMMARS, language_of
from hybridcode.repo.lines import split_lines
from hybridcode.repo.sections import STRUCTURED, sections, structured_language_of
from hybridcode.repo.symbols import Analysis, Symbol, analyse

_CHUNK_LINES = 80
_PROSE_CHUNK_LINES = 40
_LONG_DEFINITION = 80
"""Definitions inside a function get chunks of their own where the function is longer than this."""
_INLINE_KINDS = frozenset({"constant", "field", "prototype"})
"""Kinds too small for chunks of their own: they stand with the lines around them."""
_COMMENT_STARTS = (b"//", b"/*", b"*", b"--", b"///", b"#", b"@")
_NO_HASH = frozenset({"c", "cpp", "csharp", "php"})
"""Languages in which a line that starts with `#` is no comment."""
_LEAST_BROKEN_LINES = 5
_BROKEN_SHARE = 10
"""A file with more errors than a part of its lines does not parse."""


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Lines `start`..`end` (1-based, inclusive) of a file that belong together."""

    start: int
    end: int
    name: str
    """Dotted name of the definition they belong to; empty between definitions."""
    header: str
    """Signature of the enclosing class or module; empty at the top."""
    size: int
    """Bytes."""


class FileRecord(msgspec.Struct, frozen=True, array_like=True):
    """What the index keeps of one file."""

    chunks: tuple[Chunk, ...]
    symbols: tuple[Symbol, ...]
    """Without those that stand inside functions."""
    references: dict[str, int]
    imports: tuple[str, ...]
    note: str = ""
    """Why the file is chunked by lines although its language is known."""


@dataclass(frozen=True)
class Analysed:
    """A record with the counts that go into the postings."""

    record: FileRecord
    counts: tuple[Mapping[bytes, int], ...]
    """For each chunk, how often each identifier stands in it, as written, in UTF-8."""
    names: tuple[Mapping[str, int], ...]
    """For each chunk, the terms of its name."""


def language_at(path: str) -> str:
    """The language a file is taken apart as: code, a structured format, or `text`."""
    return language_of(path) or structured_language_of(path) or "text"


def analysed(language: str, data: bytes, *, breaks_parser: bool = False) -> Analysed:
    """Take a file apart; bytes that are not UTF-8 are replaced before they are counted.

    With `breaks_parser` it is taken by lines.
    """
    found = _analysis("text" if breaks_parser else language, data)
    lines = split_lines(data)
    is_broken = found.errors * _BROKEN_SHARE > max(len(lines), _LEAST_BROKEN_LINES * _BROKEN_SHARE)
    symbols = () if is_broken else found.symbols
    chunks = tuple(_chunks(lines, symbols, language))
    shown = tuple(symbol for symbol in symbols if not symbol.is_local)
    record = FileRecord(
        chunks=chunks,
        symbols=shown,
        references=dict(found.references),
        imports=found.imports,
        note=_note(language, found.errors if is_broken else 0, breaks_parser=breaks_parser),
    )
    return Analysed(
        record=record,
        counts=tuple(identifier_counts(b"".join(lines[chunk.start - 1 : chunk.end])) for chunk in chunks),
        names=tuple(_name_terms(chunk.name) for chunk in chunks),
    )


def _note(language: str, errors: int, *, breaks_parser: bool) -> str:
    if breaks_parser:
        return f"breaks the parser of {language}: chunked by lines"
    return f"does not parse as {language} ({errors} errors): chunked by lines" if errors else ""


def _analysis(language: str, data: bytes) -> Analysis:
    if language in GRAMMARS:
        return analyse(language, data)
    found = sections(language, data) if language in STRUCTURED else ()
    symbols = tuple(Symbol(part.name, part.kind, part.start, part.end, signature=part.name) for part in found)
    return Analysis(symbols=symbols, references={}, imports=(), errors=0)


def _name_terms(names: str) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for name in names.split("."):
        for term in terms_of(name) if name.isidentifier() else terms(name):
            counts[term] = counts.get(term, 0) + 1
    return counts


def _chunks(lines: Sequence[bytes], symbols: Sequence[Symbol], language: str) -> Iterator[Chunk]:
    """Runs of lines with the same innermost definition, cut where they get long; blank runs are left out."""
    headers = {symbol.name: symbol.signature for symbol in symbols}
    owners = _owners(lines, symbols, language)
    longest = _CHUNK_LINES if symbols else _PROSE_CHUNK_LINES
    first = 0
    while first < len(lines):
        owner, last = owners[first], first + 1
        most = min(first + longest, len(lines))
        while last < most and owners[last] is owner:
            last += 1
        start, end = _trimmed(lines, first, last)
        if start < end:
            yield _chunk(lines, start, end, owner=owner, headers=headers)
        first = last


def _trimmed(lines: Sequence[bytes], start: int, end: int) -> tuple[int, int]:
    """Lines start..end (0-based, end excluded) without blank lines at their edges."""
    while start < end and not lines[start].strip():
        start += 1
    while start < end and not lines[end - 1].strip():
        end -= 1
    return start, end


def _chunk(lines: Sequence[bytes], start: int, end: int, *, owner: Symbol | None, headers: Mapping[str, str]) -> Chunk:
    return Chunk(
        start=start + 1,
        end=end,
        name=owner.name if owner else "",
        header=headers.get(owner.parent, "") if owner else "",
        size=sum(map(len, lines[start:end])),
    )


def _owners(lines: Sequence[bytes], symbols: Sequence[Symbol], language: str) -> list[Symbol | None]:
    """The innermost definition of each line, with the comment above it; inner ones come later and win."""
    owners: list[Symbol | None] = [None] * len(lines)
    long_until = 0
    for symbol in symbols:
        if symbol.kind in _INLINE_KINDS:
            continue
        if symbol.is_local:
            if symbol.end > long_until:
                continue
        elif symbol.end - symbol.start >= _LONG_DEFINITION:
            long_until = symbol.end
        first = symbol.start - 1
        while first > 0 and owners[first - 1] is owners[symbol.start - 1] and _is_comment(lines[first - 1], language):
            first -= 1
        last = min(symbol.end, len(lines))
        owners[first:last] = [symbol] * (last - first)
    return owners


def _is_comment(line: bytes, language: str) -> bool:
    text = line.strip()
    return text.startswith(_COMMENT_STARTS) and not (text.startswith(b"#") and language in _NO_HASH)
