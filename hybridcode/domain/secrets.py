"""Secrets of known formats in text: found, and replaced.

Invariant: text without such a format is returned unchanged, and redacting twice changes nothing more.
"""

import re

_KINDS: tuple[tuple[str, str], ...] = (
    ("private-key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|\Z)"),
    ("jwt", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    ("aws-key-id", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("aws-secret", r"(?i:aws_secret_access_key|aws_session_token)[\"']?\s*[:=]\s*[\"']?(?P<a>[A-Za-z0-9/+=]{40,})"),
    ("github-token", r"\b(?:gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_\w{40,})"),
    ("gitlab-token", r"\bglpat-[\w-]{20,}"),
    ("slack-token", r"\bxox[abeoprs]-[\w-]{10,}"),
    ("google-key", r"\bAIza[\w-]{35}"),
    ("stripe-key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{20,}"),
    ("api-key", r"\bsk-(?:[a-z]+[\w]*-)*[\w-]{20,}"),
    ("groq-key", r"\bgsk_[A-Za-z0-9]{40,}"),
    ("huggingface-token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("npm-token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("pypi-token", r"\bpypi-[\w-]{50,}"),
    ("url-password", r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"']+:(?P<b>[^\s/@\"'\[]+)@"),
)
_PATTERN = re.compile("|".join(f"(?P<k{number}>{pattern})" for number, (_, pattern) in enumerate(_KINDS)))
MARK = re.compile(r"\[redacted:[a-z-]+\]")
"""What stands in place of a secret; an answer that holds it must not be written over the real one."""


def redact(text: str) -> tuple[str, int]:
    """The text with each secret replaced by `[redacted:<kind>]`, and how many there were."""
    return _PATTERN.subn(_replacement, text)


def kinds_of_secrets(text: str) -> frozenset[str]:
    """The kinds of secrets that stand in a text, as `github-token`."""
    return frozenset(_kind(found) for found in _PATTERN.finditer(text))


def _kind(found: re.Match[str]) -> str:
    return next(name for number, (name, _) in enumerate(_KINDS) if found[f"k{number}"] is not None)


def _replacement(found: re.Match[str]) -> str:
    mark = f"[redacted:{_kind(found)}]"
    secret = found["a"] or found["b"]
    if secret is None:
        return mark
    start = found.start("a" if found["a"] else "b") - found.start()
    return found[0][:start] + mark + found[0][start + len(secret) :]
