import html
import json
import re
import shlex
import time
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest

from benchmarks.planted_secrets import KINDS, plant
from hybridcode.config.patterns import bounded
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.secret_guess import is_secret_value
from hybridcode.domain.secrets import PLAIN, Redactor
from hybridcode.models.withhold import MARK, Withheld

AROUND = (
    "{}",
    'x = "{}"',
    "ValueError: bad {} in line 3",
    "https://example.com/?q={}&r=1",
    "-old {}\n+new {}",
    '{{"a": "{}"}}',
    "# {} #",
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_of_each_kind_is_found_wherever_it_stands(kind: str) -> None:
    random = Random(kind)
    for around in AROUND * 3:
        secret = plant(kind, random)
        text = around.replace("{}", secret.text) if secret.is_one_line else f"before\n{secret.text}\nafter the key\n"
        clean = PLAIN.clean(text)
        assert not [needle for needle in secret.needles if needle in clean]
        assert PLAIN.clean(clean) == clean
        assert secret.is_one_line or clean.endswith("\nafter the key\n")


@pytest.mark.parametrize(
    "text",
    [
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        'request_id = "123e4567-e89b-42d3-a456-426614174000"',
        "    --hash=sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        '"integrity": "sha512-Xr8hWvLKzCqBzFFfdlxCDoKZw1vDf1lqdSTZhQ/S3kYIgkG+ylJeQkCMEbyLIEbP6g=="',
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
        "password = get_password(user)",
        'password: str = Field(default="changeme")',
        "token = self.next_token()",
        'TOKEN_URL = "https://example.com/oauth/v2/token"',
        'os.environ["API_KEY"]',
        "api_key = os.getenv('OPENAI_API_KEY')",
        'secret_name = "prod-db-credentials-v2"',
        "curl -H 'Authorization: Bearer $TOKEN' https://example.com",
        "postgres://user:${PASSWORD}@db/x and https://user:password@example.com",
        '"input_cost_per_token": 2.625e-07,',
        'prompt_tokens=response["usage"]["prompt_tokens"]',
        "<password>your-password-here</password>",
        "curl -u user:password https://example.com; mysql -u root -p shop; mysql -pPASSWORD",
        "docker login -u me --password-stdin; mkdir -p build/output; from re_sult import fw_update",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjkxFNOtwGcWB2gCgPhk me@host",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
        "var a=b.token,c=d.password;function e(f){return f.apiKey===a}",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert PLAIN.clean(text) == text


def test_the_end_of_a_key_whose_beginning_was_cut_off_goes_too() -> None:
    body = "\n".join("MIIEowIBAAKCAQEA7bq5Xw9" + "Qa8Z" * 10 for _ in range(3))
    text = f"{body}\n-----END RSA PRIVATE KEY-----\nrest\n"
    assert PLAIN.clean(text) == "[redacted:private-key]\nrest\n"


def test_known_values_are_found_in_every_usual_encoding() -> None:
    value = 'p"ss/W0rd+%9x'
    redactor = Redactor(values=[value])
    for text in (value, json.dumps(value), json.dumps(json.dumps(value)), "p%22ss%2FW0rd%2B%259x"):
        assert value not in redactor.clean(text)
        assert "[redacted:env-value]" in redactor.clean(f"a {text} b")


def test_known_values_are_found_however_a_program_escapes_them() -> None:
    value = """p&ss/w<rd"Zq8x2Lm$x'y"""
    redactor = Redactor(values=[value])
    written = (
        json.dumps(value).replace("&", "\\u0026").replace("<", "\\u003c"),
        json.dumps(value).replace("/", "\\/"),
        html.escape(value),
        shlex.quote(value),
        "".join(sign if sign.isalnum() or sign == "/" else f"\\{sign}" for sign in value),
        quote(value),
        quote(value, safe="").lower().replace("zq8x2lm", "Zq8x2Lm"),
        value.encode().hex(),
        value.encode().hex().upper(),
        repr(value),
    )
    for form in written:
        assert "2Lm" not in redactor.clean(f"before {form} after"), form
        assert "324c6d" not in redactor.clean(f"before {form} after").lower(), form


@pytest.mark.parametrize(
    "text",
    [
        "curl -s -u admin:y9ojfljoQoaF1Llq https://example.com",
        "mysqldump -u root -pCzJr4i0B3JrTAwR4 shop",
        "sshpass -p 'lBYOvfZ8UzDzV8' ssh a@b",
        "docker login -u me -p 1aE6PwZPf1Qh6yYTWmE4 registry.example.com",
        "_auth=VjVFYk9BcFpPWHpjeWNEZVo2ZHE=",
        "CCIPAT_9UoK4tYnzNLeK6kjcbhgN7_5b400141212b62c376631129f34369aad80b891b",
        "squ_af90d0d3bf16295d06910bf3f5fb85967f532f3a",
        "re_iH1wOLaQ_an8ePsqMgLj2olXCwYjn5zYI",
        "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",
    ],
)
def test_passwords_on_command_lines_and_keys_of_smaller_services_are_found(text: str) -> None:
    clean = PLAIN.clean(text)
    assert "[redacted:" in clean
    assert PLAIN.clean(clean) == clean


def test_names_alone_and_words_alone_are_not_enough() -> None:
    assert not is_secret_value("correct-horse")
    assert not is_secret_value("application/json")
    assert is_secret_value("kX92-qqLm-77Ab")


def test_a_window_takes_a_fraction_of_a_second() -> None:
    text = "".join(file.read_text() for file in sorted(Path("hybridcode").rglob("*.py")))[:128_000]
    began = time.process_time()
    PLAIN.find(text)
    assert time.process_time() - began < 0.2


@pytest.mark.parametrize("text", ["(a+)+b", "(a|aa)*b", r"(\w+\s?)*x", "(", "a*", r"(a)\1", "x" * 501, "a+b+c+d+e+"])
def test_patterns_that_cannot_be_trusted_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        bounded(text, source="here")


@pytest.mark.parametrize(
    ("text", "hit"), [(r"ACME-\d{4,}", "ACME-123456"), (r"\bid_[a-z0-9]+", "id_9x"), ("(a|b)c+", "bcc")]
)
def test_ordinary_patterns_work(text: str, hit: str) -> None:
    assert re.fullmatch(bounded(text, source="here"), hit)


def test_quotations_are_withheld_and_what_may_be_shown_is_not() -> None:
    secret, shared = "the diagnosis of patient 4711 is a secret", "from collections.abc import Mapping"
    withheld = Withheld([f"  {secret}\n{shared}\n"], is_shown=lambda piece: piece in shared)
    text = f"E  assert '{secret[3:]}' == 1\n{shared}\n"
    assert withheld.take_out(text) == (f"E  assert '{MARK}' == 1\n{shared}\n", 1)
    assert withheld.take_out("the diagnosis of a patient") == ("the diagnosis of a patient", 0)
    assert withheld.take_out("=" * 60) == ("=" * 60, 0)
