"""Secrets in text: found, and replaced by marks that name their kind.

Invariant: text without a secret is returned unchanged, and redacting twice changes nothing more.
"""

import base64
import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from hybridcode.domain.secret_formats import Span, known_formats
from hybridcode.domain.secret_guess import SHORTEST, assigned, is_made_of_words, is_placeholder, is_random

MARK = re.compile(r"\[(?:redacted|withheld):[a-z-]+\]")
"""What stands in place of what is not shown; an answer that holds it must not be written over the real thing."""
_TELLING = re.compile(r"key|token|secret|passw|pwd|credential|auth|private|dsn|webhook|conn", re.IGNORECASE)
_USER_KIND = "pattern"
_VALUE_KIND = "env-value"


@dataclass(frozen=True)
class Redacted:
    """A text without its secrets, and what was taken out."""

    text: str
    kinds: Mapping[str, int] = field(default_factory=dict[str, int])
    """Kind of secret -> how many were replaced."""
    spans: tuple[Span, ...] = ()
    """Where they stood in the text before, in order."""

    @property
    def count(self) -> int:
        """How many were replaced."""
        return len(self.spans)

    def moved(self, offset: int) -> int:
        """Where a place of the text before is now; inside a secret: where its mark ends."""
        shift = 0
        for span in self.spans:
            if span.start >= offset:
                break
            mark = len(mark_of(span.kind))
            if span.end > offset:
                return span.start + shift + mark
            shift += mark - (span.end - span.start)
        return offset + shift


class Redactor:
    """Takes secrets out of texts: known formats, values under telling names, known values, and patterns of the user."""

    def __init__(
        self,
        *,
        values: Iterable[str] = (),
        patterns: Iterable[re.Pattern[str]] = (),
        allowed: Iterable[re.Pattern[str]] = (),
    ) -> None:
        self.values = frozenset(values)
        self._forms = tuple(sorted({form for value in self.values for form in _forms_of(value)}, key=len, reverse=True))
        self._patterns, self._allowed = tuple(patterns), tuple(allowed)

    def redact(self, text: str) -> Redacted:
        """The text with each secret replaced by `[redacted:<kind>]`."""
        spans = self.find(text)
        if not spans:
            return Redacted(text)
        parts, at = list[str](), 0
        for span in spans:
            parts += [text[at : span.start], mark_of(span.kind)]
            at = span.end
        return Redacted("".join((*parts, text[at:])), Counter(span.kind for span in spans), tuple(spans))

    def clean(self, text: str) -> str:
        """The text without its secrets."""
        return self.redact(text).text

    def find(self, text: str) -> list[Span]:
        """Where secrets stand: in order, apart from each other, never inside a mark."""
        found = sorted((span for span in self._candidates(text) if span.end > span.start), key=_by_place)
        kept: list[Span] = []
        for span in found:
            if self._is_allowed(text[span.start : span.end]):
                continue
            if kept and span.start < kept[-1].end:
                kept[-1] = Span(kept[-1].start, max(kept[-1].end, span.end), kept[-1].kind)
            else:
                kept.append(span)
        return kept

    def _candidates(self, text: str) -> Iterator[Span]:
        lowered = _lowered(text)
        yield from known_formats(text, lowered)
        for start, end in assigned(text, lowered):
            yield Span(start, end, "assigned-value")
        for form in self._forms:
            yield from _occurrences(text, form)
        marks = [found.span() for found in MARK.finditer(text)] if self._patterns else []
        for pattern in self._patterns:
            for found in pattern.finditer(text):
                if not any(start < found.end() and found.start() < end for start, end in marks):
                    yield Span(*found.span(), _USER_KIND)

    def _is_allowed(self, secret: str) -> bool:
        return any(pattern.fullmatch(secret) for pattern in self._allowed)


def mark_of(kind: str) -> str:
    """What stands in place of a secret."""
    return f"[redacted:{kind}]"


def redact(text: str) -> tuple[str, int]:
    """The text with each secret that can be known without its repository replaced, and how many there were."""
    found = PLAIN.redact(text)
    return found.text, found.count


def kinds_of_secrets(text: str) -> frozenset[str]:
    """The kinds of secrets that stand in a text, as `github-token`."""
    return frozenset(span.kind for span in PLAIN.find(text))


def worth_hiding(name: str, value: str) -> bool:
    """True if a variable's value must be hidden wherever it shows up: long, and no word that stands everywhere."""
    if len(value) < SHORTEST or is_placeholder(value) or value.isdigit():
        return False
    if _TELLING.search(name):
        return not is_made_of_words(value) or not value.replace("-", "").replace("_", "").isalpha()
    return is_random(value) and not re.search(r"^[~.]{0,2}/|://|\s", value)


def _by_place(span: Span) -> tuple[int, int]:
    return span.start, -span.end


def _lowered(text: str) -> str:
    """The text in lower case, letter for letter."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if c.isascii() else c for c in text)


def _occurrences(text: str, form: str) -> Iterator[Span]:
    at = text.find(form)
    while at >= 0:
        yield Span(at, at + len(form), _VALUE_KIND)
        at = text.find(form, at + len(form))


def _forms_of(value: str) -> Iterator[str]:
    """A value as it may be written: as it is, in JSON, HTML, shell words, URLs, hex, base64 in a longer text."""
    data = value.encode("utf-8", "surrogateescape")
    in_json = json.dumps(value)[1:-1]
    yield from (value, in_json, json.dumps(in_json)[1:-1], in_json.translate(_OF_WEB_JSON), in_json.replace("/", "\\/"))
    yield from (html.escape(value), html.escape(value, quote=False), html.escape(value).replace("&#x27;", "&#39;"))
    yield from (value.replace("'", r"'\''"), value.replace("'", "'\"'\"'"), value.replace("'", r"\'"))
    yield _NOT_PLAIN.sub(r"\\\g<0>", value)
    for safe in ("", "/"):
        in_url = quote(value, safe=safe, errors="surrogateescape")
        yield from (in_url, _PERCENT.sub(lambda found: found[0].lower(), in_url))
    yield quote_plus(value, errors="surrogateescape")
    yield from (data.hex(), data.hex().upper())
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + data).decode()
        first = -(-shift * 8 // 6)
        last = len(encoded) - (0 if (shift + len(data)) % 3 == 0 else 2 if (shift + len(data)) % 3 == 2 else 3)
        if last - first >= SHORTEST:
            yield encoded[first:last]
            yield encoded[first:last].translate(_URL_SAFE)


_OF_WEB_JSON = {ord(sign): f"\\u{ord(sign):04x}" for sign in "&<>"}
"""What some writers of JSON escape besides, so that it can stand in a page."""
_NOT_PLAIN = re.compile(r"[^\w@%+=:,./-]", re.ASCII)
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_URL_SAFE = str.maketrans("+/", "-_")
PLAIN = Redactor()
"""Knows formats and telling names, and no values of any repository."""
