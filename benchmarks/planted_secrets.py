"""Made-up secrets of many kinds, from a seed, and the lines that people leave them in.

Invariant: equal seeds give equal secrets; none of them opens anything.
"""

import base64
import string
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

_WORD = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits
_B64 = _WORD + "+/"


@dataclass(frozen=True)
class Planted:
    """One made-up secret."""

    kind: str
    text: str
    """As it stands in a file; a name around it where it is known by that alone."""
    needles: tuple[str, ...]
    """None of these may be found anywhere."""

    @property
    def is_one_line(self) -> bool:
        """It can stand in a message or a command's output as it is."""
        return "\n" not in self.text

    @property
    def fits_a_file_name(self) -> bool:
        """It can be a part of a file's name."""
        return len(self.text) < 120 and not set(self.text) - set(_WORD + "-_.~") and self.text == self.needles[0]


def _some(random: Random, letters: str, count: int) -> str:
    return "".join(random.choice(letters) for _ in range(count))


def _mixed(random: Random, count: int, letters: str = _WORD) -> str:
    """Letters and digits of both cases, as every generator of keys gives."""
    while True:
        text = _some(random, letters, count)
        if any(c.isdigit() for c in text) and any(c.islower() for c in text) and any(c.isupper() for c in text):
            return text


Make = Callable[[Random], str]
_WITH_A_FORMAT: dict[str, Make] = {
    "aws-key-id": lambda r: "AKIA" + _some(r, _UPPER, 16),
    "aws-session-key-id": lambda r: "ASIA" + _some(r, _UPPER, 16),
    "github-classic": lambda r: "ghp_" + _mixed(r, 36),
    "github-server": lambda r: "ghs_" + _mixed(r, 36),
    "github-fine-grained": lambda r: "github_pat_" + _mixed(r, 22) + "_" + _mixed(r, 59),
    "gitlab": lambda r: "glpat-" + _mixed(r, 20),
    "gitlab-runner": lambda r: "glrt-" + _mixed(r, 20),
    "bitbucket": lambda r: "ATBB" + _mixed(r, 32),
    "atlassian": lambda r: "ATATT3xFfGF0" + _mixed(r, 180),
    "slack-bot": lambda r: f"xoxb-{_some(r, string.digits, 12)}-{_some(r, string.digits, 13)}-{_mixed(r, 24)}",
    "slack-app": lambda r: f"xapp-1-A{_some(r, _UPPER, 10)}-{_some(r, string.digits, 13)}-{_some(r, _HEX, 64)}",
    "discord": lambda r: "MT" + _mixed(r, 24) + "." + _mixed(r, 6) + "." + _mixed(r, 38),
    "telegram": lambda r: _some(r, "123456789", 10) + ":AA" + _mixed(r, 33),
    "stripe": lambda r: "sk_live_" + _mixed(r, 24),
    "stripe-restricted": lambda r: "rk_live_" + _mixed(r, 24),
    "stripe-webhook": lambda r: "whsec_" + _mixed(r, 32),
    "twilio": lambda r: "SK" + _some(r, _HEX, 32),
    "sendgrid": lambda r: "SG." + _mixed(r, 22) + "." + _mixed(r, 43),
    "mailgun": lambda r: "key-" + _some(r, _HEX, 32),
    "mailgun-new": lambda r: f"{_some(r, _HEX, 32)}-{_some(r, _HEX, 8)}-{_some(r, _HEX, 8)}",
    "mailchimp": lambda r: _some(r, _HEX, 32) + "-us" + r.choice(("5", "17", "21")),
    "openai": lambda r: "sk-" + _mixed(r, 48),
    "openai-project": lambda r: "sk-proj-" + _mixed(r, 120, _WORD + "-_"),
    "anthropic": lambda r: "sk-ant-api03-" + _mixed(r, 93, _WORD + "-_") + "AA",
    "google-api": lambda r: "AIza" + _mixed(r, 35, _WORD + "-_"),
    "google-oauth": lambda r: "ya29." + _mixed(r, 60, _WORD + "-_"),
    "google-client": lambda r: "GOCSPX-" + _mixed(r, 28),
    "huggingface": lambda r: "hf_" + _mixed(r, 34),
    "npm": lambda r: "npm_" + _mixed(r, 36),
    "pypi": lambda r: "pypi-AgEIcHlwaS5vcmc" + _mixed(r, 150, _WORD + "-_"),
    "rubygems": lambda r: "rubygems_" + _some(r, _HEX, 48),
    "docker": lambda r: "dckr_pat_" + _mixed(r, 27, _WORD + "-_"),
    "databricks": lambda r: "dapi" + _some(r, _HEX, 32),
    "digitalocean": lambda r: "dop_v1_" + _some(r, _HEX, 64),
    "shopify": lambda r: "shpat_" + _some(r, _HEX, 32),
    "square": lambda r: "sq0csp-" + _mixed(r, 43, _WORD + "-_"),
    "terraform": lambda r: _mixed(r, 14) + ".atlasv1." + _mixed(r, 67),
    "vault": lambda r: "hvs." + _mixed(r, 90),
    "age": lambda r: "AGE-SECRET-KEY-1" + _some(r, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "groq": lambda r: "gsk_" + _mixed(r, 52),
    "grafana": lambda r: "glsa_" + _mixed(r, 32) + "_" + _some(r, _HEX, 8),
    "linear": lambda r: "lin_api_" + _mixed(r, 40),
    "jwt": lambda r: ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJzdWIi" + _mixed(r, 40), _mixed(r, 43, _WORD + "-_"))),
    "azure-client": lambda r: _mixed(r, 3) + "8Q~" + _mixed(r, 34),
}
"""Known wherever they stand."""
_IN_PLACE: dict[str, tuple[str, Make]] = {
    "aws-secret": ("aws_secret_access_key = {}", lambda r: _mixed(r, 40, _B64)),
    "azure-storage": ("AccountName=x;AccountKey={};EndpointSuffix=e", lambda r: _mixed(r, 86, _B64) + "=="),
    "slack-webhook": (
        "https://hooks.slack.com/services/{}",
        lambda r: f"T{_some(r, _UPPER, 8)}/B{_some(r, _UPPER, 10)}/{_mixed(r, 24)}",
    ),
    "discord-webhook": (
        "https://discord.com/api/webhooks/{}",
        lambda r: _some(r, "123456789", 18) + "/" + _mixed(r, 68),
    ),
    "postgres": ("postgres://app:{}@db.internal:5432/shop", lambda r: _mixed(r, 14)),
    "mongodb": ("mongodb+srv://admin:{}@cluster0.example.net/app", lambda r: _mixed(r, 16)),
    "redis": ("redis://:{}@cache:6379/0", lambda r: _mixed(r, 20)),
    "amqp": ("amqp://guest:{}@mq:5672/", lambda r: _mixed(r, 12)),
    "bearer": ("Authorization: Bearer {}", lambda r: _mixed(r, 40)),
    "basic": ("Authorization: Basic {}", lambda r: base64.b64encode(f"user:{_mixed(r, 18)}".encode()).decode()),
    "cookie": ("Cookie: session={}; theme=dark", lambda r: _mixed(r, 40)),
    "password": ('password = "{}"', lambda r: _mixed(r, 8) + r.choice("!$%#") + _mixed(r, 5)),
    "db-password": ("DB_PASSWORD={}", lambda r: _mixed(r, 16)),
    "api-key-yaml": ("api_key: {}", lambda r: _mixed(r, 32)),
    "client-secret-json": ('"client_secret": "{}",', lambda r: _mixed(r, 40)),
    "hex-secret": ('SECRET_KEY = "{}"', lambda r: _some(r, _HEX, 64)),
    "token-flag": ("deploy --token {} --force", lambda r: _mixed(r, 36)),
    "token-query": ("https://api.example.com/v1/items?access_token={}&page=2", lambda r: _mixed(r, 32)),
    "bcrypt": ("alice:{}", lambda r: "$2y$10$" + _mixed(r, 53, _WORD + "./")),
    "apr1": ("bob:{}", lambda r: "$apr1$" + _mixed(r, 8) + "$" + _mixed(r, 22, _WORD + "./")),
    "npmrc": ("//registry.example.com/:_authToken={}", lambda r: _mixed(r, 36)),
    "docker-auth": ('"auth": "{}"', lambda r: base64.b64encode(f"u:{_mixed(r, 24)}".encode()).decode()),
    "netrc": ("machine api.example.com login me password {}", lambda r: _mixed(r, 20)),
    "x-api-key": ("curl -H 'X-Api-Key: {}' https://api.example.com", lambda r: _mixed(r, 32)),
}
"""Known by what stands beside them."""


def _key_lines(random: Random, count: int = 6) -> list[str]:
    return [_mixed(random, 64, _B64) for _ in range(count)]


def _pem(random: Random, name: str) -> tuple[str, list[str]]:
    lines = _key_lines(random)
    return "\n".join((f"-----BEGIN {name}PRIVATE KEY-----", *lines, f"-----END {name}PRIVATE KEY-----")), lines


def _private_key(kind: str, random: Random) -> Planted:
    match kind:
        case "pem-truncated":
            text, lines = _pem(random, "OPENSSH ")
            return Planted(kind, text.rpartition("\n-----END")[0], tuple(lines))
        case "pem-in-json":
            text, lines = _pem(random, "")
            return Planted(kind, '{"private_key": "' + text.replace("\n", "\\n") + '\\n"}', tuple(lines))
        case "pem-in-base64":
            encoded = base64.b64encode(_pem(random, "RSA ")[0].encode()).decode()
            return Planted(kind, f"client-key-data: {encoded}", (encoded[60:200],))
        case "pem-in-a-diff":
            text, lines = _pem(random, "EC ")
            return Planted(kind, "\n".join(f"+{line}" for line in text.split("\n")), tuple(lines))
        case "pgp":
            lines = _key_lines(random)
            text = "\n".join(lines)
            return Planted(
                kind,
                f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{text}\n-----END PGP PRIVATE KEY BLOCK-----",
                tuple(lines),
            )
        case _:
            text, lines = _pem(random, "RSA ")
            return Planted(kind, text, tuple(lines))


_KEYS = ("pem", "pem-truncated", "pem-in-json", "pem-in-base64", "pem-in-a-diff", "pgp")
KINDS: tuple[str, ...] = (*_WITH_A_FORMAT, *_IN_PLACE, *_KEYS)


def plant(kind: str, random: Random) -> Planted:
    """A secret of a kind."""
    if make := _WITH_A_FORMAT.get(kind):
        secret = make(random)
        return Planted(kind, secret, (secret,))
    if kind in _IN_PLACE:
        line, make = _IN_PLACE[kind]
        secret = make(random)
        return Planted(kind, line.format(secret), (secret,))
    return _private_key(kind, random)


def value_of_a_variable(random: Random) -> str:
    """What stands in a `.env` file: known by standing there alone."""
    return _mixed(random, random.randint(12, 40), _WORD + "!@%^*_+=-")
