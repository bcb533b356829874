"""Secrets without a known format: values under telling names, judged by how random they are.

Invariant: what a name alone says is never enough; words, placeholders, calls, paths and references are no secrets.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator

SHORTEST = 8
"""Characters of the shortest value that counts as a secret."""
_NAMES = ("passw", "passphrase", "pwd", "secret", "token", "credential", "connection", "basic", "key")
"""What every telling name holds; the rest of the name is looked at where one of them stands."""
_WHOLE = {
    "passw": re.compile(r"passw(?:or)?d"),
    "connection": re.compile(r"connection[-_]?string"),
    "basic": re.compile(r"basic[-_]?auth"),
}
_BEFORE_KEY = re.compile(
    r"(?:api|access|account|auth|encryption|signing|private|master|shared|license|deploy|service|session|storage|client)"
    r"[-_ ]?\Z"
)
_TAIL = re.compile(
    r"""(?P<rest>[A-Za-z0-9_.-]{0,30})\\?["'\]]{0,3}
    (?:\s{0,2}:\s{0,2}[\w\[\]|. ]{1,30}?(?=\s{0,2}=))?     # a type between name and value
    (?P<sep>\s{0,8}(?::=|=>|[:=])\s{0,8}|\s{0,2},\s{0,2}(?=\\?["'])|>|[ =])
    (?:[brfu]{0,2}(?P<quote>\\?["'`])(?P<quoted>[^"'`\s\[\\]{8,400})(?P=quote)|(?P<bare>[^\s"'`,;<>(){}\[\]&|\\]{8,400}))""",
    re.VERBOSE,
)
_NOT_THE_VALUE = re.compile(
    r"(?:^|[-_.])(?:url|uri|file|path|dir|name|type|len|length|size|count|env|var|re|regex|pattern|prefix|suffix|header|field|"
    r"endpoint|id|ids|class|kind|format|key_name|expiry|expires|ttl|hint|label|list|set|map|start|end|pos|index)s?$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"(?i)^(?:[x*.#_\-0]+|(?:your|my|the|some|new|old|test|fake|dummy|example|sample|placeholder|default|insert|enter|change|"
    r"todo|fixme|none|null|true|false|undefined|redacted|hidden|secret|passw(?:or)?d|pass|passwd|pwd|pw|token|key|user|"
    r"admin|root|guest|foo|bar|baz|abc|123|1234|12345|123456|1234567|12345678|123456789)[-_ ]?)+$"
    r"|example|placeholder|changeme|change[-_]me|redacted|withheld|dummy|your[-_]|[-_]here|<|\$\{|\{\{|%\(|%s|xxxx|\*\*\*\*|\.\.\."
)
_CODE = re.compile(
    r"^(?:\$\w+|[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)+|[~./]?/.*|[a-z]+://.*|@.*|&.*|-{1,2}[A-Za-z][\w-]*)$"
)
_IDENTIFIER = re.compile(r"[A-Za-z_.-]+")
"""What a bare value must not be: a variable, an attribute, a word."""
_NUMBER = re.compile(r"[-+]?[\d._]+(?:[eE][-+]?\d+)?")
_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_CONSONANTS = re.compile(r"[^aeiouy]{5,}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BITS = 26.0
"""Shannon entropy of a whole value from which on it can be a secret."""
_BITS_OF_A_PASSWORD = 20.0
"""The same for a quoted value that is called a password."""


def assigned(text: str, lowered: str) -> Iterator[tuple[int, int]]:
    """Places of values that stand under names such as `password`, `api_key` or `token` and are no words."""
    for start, end in _names(lowered):
        found = _TAIL.match(text, end)
        if found is None or _NOT_THE_VALUE.search(found["rest"]):
            continue
        quoted = found["quoted"] is not None
        group = "quoted" if quoted else "bare"
        if found["sep"] == " " and not _is_flag(text, start):
            continue
        if found["sep"] == ">" and "<" not in text[max(0, start - 20) : start]:
            continue
        value = found[group].rstrip(".:")
        if not quoted and _IDENTIFIER.fullmatch(value):
            continue
        if is_secret_value(value, of_password=quoted and lowered.startswith("p", start)):
            yield found.start(group), found.start(group) + len(value)


def _names(lowered: str) -> Iterator[tuple[int, int]]:
    for name in _NAMES:
        at = lowered.find(name)
        while at >= 0:
            end = at + len(name)
            if name == "key":
                if _BEFORE_KEY.search(lowered[max(0, at - 12) : at]):
                    yield at, end
            elif (whole := _WHOLE.get(name)) is None:
                yield at, end
            elif found := whole.match(lowered, at):
                yield at, found.end()
            at = lowered.find(name, end)


def _is_flag(text: str, at: int) -> bool:
    """True if the word around `at` is a long option, as in `--db-password VALUE`."""
    word = text[max(0, at - 30) : at]
    return re.search(r"(?:^|\s)--[\w-]{0,28}\Z", word) is not None


def is_secret_value(value: str, *, of_password: bool = False) -> bool:
    """True if a value under a telling name is a secret; a quoted password may be weaker than a token."""
    if len(value) < SHORTEST or is_placeholder(value) or _CODE.match(value) or _NUMBER.fullmatch(value):
        return False
    if _UUID.fullmatch(value):
        return True
    if of_password and _has_both(value) and entropy(value) >= _BITS_OF_A_PASSWORD:
        return not is_made_of_words(value) or not value.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return is_random(value)


def is_random(value: str) -> bool:
    """True if a value has the entropy of something drawn by chance, and is no word, path or placeholder."""
    if not any(character.isalpha() for character in value) or entropy(value) < _BITS:
        return False
    return not is_placeholder(value) and not is_made_of_words(value)


def is_placeholder(value: str) -> bool:
    """True for what stands where a secret would: `changeme`, `<token>`, `${TOKEN}`, `xxxx`."""
    if len(set(value)) < 4:
        return True
    rest = _PLACEHOLDER.sub("", value)
    return rest != value and (entropy(rest) < _BITS or is_made_of_words(rest))


def entropy(value: str) -> float:
    """Shannon entropy of all characters of a value, in bits."""
    size = len(value)
    return -sum(count * math.log2(count / size) for count in Counter(value).values())


def is_made_of_words(value: str) -> bool:
    """True if most of a value is pieces that can be spoken, as names, sentences and versions are."""
    pieces: list[str] = _PIECES.findall(value)
    total = sum(map(len, pieces))
    if not total:
        return True
    if _HEX.fullmatch(value) and any(character.isdigit() for character in value):
        return False
    spoken = sum(len(piece) for piece in pieces if _is_word(piece))
    return spoken / total >= 0.85


def _is_word(piece: str) -> bool:
    lowered = piece.lower()
    vowels = sum(character in "aeiouy" for character in lowered)
    return len(piece) >= 3 and 5 * vowels >= len(piece) - 1 and _CONSONANTS.search(lowered) is None


def _has_both(value: str) -> bool:
    return any(character.isdigit() for character in value) and any(character.isalpha() for character in value)
